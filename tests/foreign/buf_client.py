#!/usr/bin/env python3
"""The table of cases through `curl` and `buf curl`: what a partner tries at a prompt before writing a line of code.

    buf_client.py CASES DIR           run by run.py, which serves DIR; `buf` and `curl` are in the path

Every call goes through the proto files (`--schema proto`), those with `reflect` through reflection alone.
"""
import base64, json, shlex, subprocess, sys, tempfile, tomllib
from pathlib import Path

import stubs
from google.protobuf import json_format
from google.rpc import error_details_pb2
from sluis.v1 import audit_pb2, log_pb2, release_pb2, standing_pb2
from table import Answer, Table, Unmet, need

FILES = {"ReleaseService": release_pb2, "StandingService": standing_pb2, "InvoiceAuditService": audit_pb2, "LogService": log_pb2}
SERVICES = {f"sluis.v1.{name}" for name in FILES}

# guide: curl-token
TOKEN = """
curl --silent --fail-with-body --tlsv1.3 --cacert $CA --cert $CERT --key $KEY \\
  --data grant_type=client_credentials --data scope=$SCOPE --data client_id=$OIN $TOKEN_ENDPOINT
"""
# guide: end

# guide: buf-call
CALL = """
buf curl --protocol grpc --schema proto --cacert $CA --cert $CERT --key $KEY \\
  --header "authorization: Bearer $TOKEN" --header "fsc-transaction-id: $ID" \\
  --data @request.json https://$ENDPOINT/sluis.v1.$CALL
"""
# guide: end

# guide: buf-list
LIST = """
buf curl --protocol grpc --cacert $CA --cert $CERT --key $KEY --list-services https://$ENDPOINT
"""
# guide: end


def words(command, values):
    """The words of a command as a shell would see them, with the values filled in."""
    filled = command.replace("\\\n", " ")
    for name in sorted(values, key=len, reverse=True):
        filled = filled.replace("$" + name, str(values[name]))
    return shlex.split(filled)


def run(command, values, *more, cwd=None):
    return subprocess.run([*words(command, values), *more], capture_output=True, text=True, cwd=cwd, timeout=60)


class Client:
    name = "buf"

    def __init__(self, folder):
        self.folder, self.tokens, self.requests = folder, {}, tempfile.TemporaryDirectory()

    def values(self, slug):
        profile = self.folder / f"profiles/{slug}.toml"
        settings = tomllib.loads(profile.read_text("utf-8"))
        values = {name.upper(): value for name, value in settings.items()}
        values.update({name.upper(): (profile.parent / settings[name]).resolve() for name in ("ca", "cert", "key")})
        return values

    def token(self, slug):
        if slug not in self.tokens:
            ended = run(TOKEN, self.values(slug))
            need(ended.returncode == 0, f"no token: {ended.stdout}{ended.stderr}")
            self.tokens[slug] = json.loads(ended.stdout)["access_token"]
        return self.tokens[slug]

    def call(self, case, transaction):
        service, method = case["call"].split("/")
        rpc = FILES[service].DESCRIPTOR.services_by_name[service].methods_by_name[method]
        file = Path(self.requests.name) / "request.json"
        file.write_text("\n".join(json.dumps(m) for m in case.get("messages", [case.get("request")])))
        values = {**self.values(case["as"]), "CALL": case["call"], "ID": transaction, "TOKEN": self.sent(case)}
        schema = "" if case.get("reflect") else f"--schema {shlex.quote(str(stubs.ROOT / 'proto'))}"
        command = CALL.replace("--schema proto", schema)
        if case.get("token") == "none":
            command = command.replace('--header "authorization: Bearer $TOKEN" ', "")
        ended = run(command, values, cwd=self.requests.name)
        if ended.returncode == 0:
            make = getattr(FILES[service], rpc.output_type.name)
            return Answer("OK", [json_format.ParseDict(message, make()) for message in documents(ended.stdout)])
        return read_error(ended.stderr)

    def sent(self, case):
        kind = case.get("token", "own")
        token = self.token(kind[3:] if kind.startswith("of:") else case["as"])
        if kind == "tampered":
            head, claims, signature = token.split(".")
            token = ".".join((head, claims, ("B" if signature[0] == "A" else "A") + signature[1:]))
        return "abc" if kind == "garbage" else token

    # -- conduct

    def health(self, _table):
        values = {**self.values("family-supporters"), "CALL": "grpc.health.v1.Health/Check"}
        command = LIST.replace("--list-services", "--data {}").replace("$ENDPOINT", "$ENDPOINT/$CALL")
        ended = run(command, values)
        need(ended.returncode == 0 and json.loads(ended.stdout)["status"] == "SERVING", ended.stdout + ended.stderr)

    def reflection(self, _table):
        ended = run(LIST, self.values("family-supporters"))
        need(SERVICES <= set(ended.stdout.split()), ended.stdout + ended.stderr)

    def altered_body(self, table):
        table.altered_body()


def documents(text):
    """The JSON documents that stand one after another."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        yield document


def read_error(text):
    """What `buf curl` prints of an error: code, message, and details as the bytes of their type."""
    try:
        error = json.loads(text)
    except json.JSONDecodeError:
        raise Unmet(f"buf says: {text}") from None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in error.get("details", []):
        value = base64.b64decode(detail["value"] + "=" * (-len(detail["value"]) % 4))
        for message in (info, bad):
            if detail["type"] == message.DESCRIPTOR.full_name:
                message.ParseFromString(value)
    violation = bad.field_violations[0].field if bad.field_violations else ""
    return Answer(error["code"].upper(), [], info.reason, violation, error.get("message", ""))


def main():
    cases, folder = sys.argv[1:]
    client = Client(Path(folder))
    table = Table(cases, client)
    checkpoint = {"as": "family-supporters", "call": "LogService/ReadCheckpoint", "request": {}}
    table.vkey = client.call(checkpoint, table.transaction(None)).messages[0].verifier_key
    table.run()


if __name__ == "__main__":
    main()
