#!/usr/bin/env python3
"""Scans both listeners with sslyze and asserts what it found: nothing to complain of.

    tls_scan.py SLUIS DIR        serves the demo's folder DIR; needs tests/requirements-scan.txt, in an environment of its own

TLS 1.3 only, good suites and curves, no compression, no renegotiation, no early data, no resumption, no old attack, and a
client certificate required. Works with the standard library and sslyze.
"""
import argparse, re, socket, ssl, subprocess, sys, tempfile, tomllib, json
from pathlib import Path

# What may be agreed on: the three suites of TLS 1.3, and curves of 128 bits and more; sslyze knows no hybrid of ML-KEM yet.
SUITES = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}
CURVES = {"X25519", "secp256r1", "secp384r1"}
OLD = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2")

wrong = []


def need(condition, what):
    print(f"{'ok  ' if condition else 'FAIL'} {what}")
    if not condition:
        wrong.append(what)


def scan(sslyze, address, folder, names):
    """The report of sslyze about one listener, as it writes it."""
    with tempfile.TemporaryDirectory() as out:
        report = Path(out) / "report.json"
        words = [*sslyze, "--cert", names["cert"], "--key", names["key"], "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2",
                 "--tlsv1_3", "--compression", "--early_data", "--elliptic_curves", "--fallback", "--heartbleed", "--openssl_ccs",
                 "--reneg", "--robot", "--resum", "--certinfo", "--certinfo_ca_file", names["ca"], "--quiet",
                 "--mozilla_config", "disable", "--json_out", report, address]
        subprocess.run([str(word) for word in words], timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads(report.read_text("utf-8"))["server_scan_results"][0]


def judge(name, result):
    found = {key: value.get("result") or {} for key, value in (result["scan_result"] or {}).items()}
    errors = {key: value.get("error_reason") for key, value in (result["scan_result"] or {}).items() if value["status"] == "ERROR"}
    need(result["connectivity_status"] == "COMPLETED", f"{name}: sslyze connects")
    accepted = lambda version: {suite["cipher_suite"]["name"] for suite in
                                found.get(f"{version}_cipher_suites", {}).get("accepted_cipher_suites", [])}
    for version in OLD:
        need(f"{version}_cipher_suites" in found and not accepted(version), f"{name}: nothing of {version}")
    need(accepted("tls_1_3") and accepted("tls_1_3") <= SUITES, f"{name}: TLS 1.3 with {sorted(accepted('tls_1_3'))}")
    need(found["tls_compression"].get("supports_compression") is False, f"{name}: no compression")
    need(found["tls_1_3_early_data"].get("supports_early_data") is False, f"{name}: no early data")
    need(not found["session_renegotiation"].get("is_vulnerable_to_client_renegotiation_dos", False), f"{name}: no renegotiation")
    need(not found["heartbleed"].get("is_vulnerable_to_heartbleed", True), f"{name}: no Heartbleed")
    need(not found["openssl_ccs_injection"].get("is_vulnerable_to_ccs_injection", True), f"{name}: no CCS injection")
    need(found["robot"].get("robot_result", "NOT_VULNERABLE_RSA_NOT_SUPPORTED").startswith("NOT_VULNERABLE"), f"{name}: no ROBOT")
    curves = {curve["name"] for curve in found["elliptic_curves"].get("supported_curves") or []}
    need(curves and curves <= CURVES, f"{name}: curves {sorted(curves)}")
    resumption = found["session_resumption"]
    resumed = [resumption.get(f"session_id_{kind}", "") for kind in ("resumption_result",)] + [resumption.get("tls_ticket_resumption_result", "")]
    need("FULLY_SUPPORTED" not in resumed and "PARTIALLY_SUPPORTED" not in resumed, f"{name}: no resumption")
    chains = found["certificate_info"].get("certificate_deployments", [])
    need(chains and all(chain["leaf_certificate_subject_matches_hostname"] if "leaf_certificate_subject_matches_hostname" in chain
                        else True for chain in chains), f"{name}: the certificate names the host")
    paths = [path for chain in chains for path in chain["path_validation_results"] if path["trust_store"]["version"] == "N/A"]
    need(all(path["was_validation_successful"] for path in paths) if paths else True, f"{name}: the chain holds under its authority")
    need(not any(chain["verified_chain_has_sha1_signature"] for chain in chains), f"{name}: no SHA-1")
    need(not errors, f"{name}: every scan came to an end: {errors or 'yes'}")


def certificate_required(name, address, ca, protocol):
    """Without a client certificate nothing is answered (in TLS 1.3 that shows at the first read)."""
    host, port = address.rsplit(":", 1)
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([protocol])
    try:
        with context.wrap_socket(socket.create_connection((host, int(port)), 10), server_hostname=host) as stream:
            stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if protocol == "h2" else b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            answered = stream.recv(1) != b""
    except OSError:
        answered = False
    need(not answered, f"{name}: a client certificate is required")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sluis"), parser.add_argument("dir", type=Path)
    args = parser.parse_args()
    sslyze = [sys.executable, "-m", "sslyze"]
    config = args.dir / "gateway.toml"
    said = tempfile.TemporaryFile("w+")
    gateway = subprocess.Popen([args.sluis, "serve", "--config", str(config)], stdout=subprocess.PIPE, stderr=said, text=True)
    try:
        if not any(line.startswith("ready") for line in gateway.stdout):
            raise SystemExit("the gateway does not start")
        profile_file = args.dir / "profiles/family-supporters.toml"
        profile = tomllib.loads(profile_file.read_text("utf-8"))
        names = {name: (profile_file.parent / profile[name]).resolve() for name in ("ca", "cert", "key")}
        token = re.match(r"https://([^/]+)/", profile["token_endpoint"])[1]
        for name, address, protocol in (("gRPC", profile["endpoint"], "h2"), ("token", token, "http/1.1")):
            judge(name, scan(sslyze, address, args.dir, names))
            certificate_required(name, address, names["ca"], protocol)
    finally:
        gateway.terminate()
        ended = gateway.wait(60)
    need(ended == 0, "the gateway ends well")
    # A scan is a thousand handshakes, most of them refused: they are counted, and hardly one has a line.
    lines = said.seek(0) or said.readlines()
    need(len(lines) < 50, f"strangers do not fill our log: {len(lines)} lines")
    if wrong:
        raise SystemExit(f"FAILED: {len(wrong)} findings")
    print("sslyze finds nothing to complain of")


if __name__ == "__main__":
    main()
