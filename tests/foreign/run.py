#!/usr/bin/env python3
"""Serves a demo's folder with the real binary and lets foreign clients go through one table of cases.

    run.py SLUIS DIR [python] [node] [buf]      DIR is a folder that `sluis demo` made; without a name, all three

A client is a program `CLIENT CASES DIR` that prints `ok   CASE` or `FAIL CASE: why` for every case that is its own, and
may print `! stop` or `! start`, upon which that is done to the gateway and the word is written to its standard input.
Status 0: every case of every client held.
"""
import argparse, datetime, json, os, re, sqlite3, subprocess, sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = {
    "python": [sys.executable, HERE / "python_client.py"],
    "node": ["node", HERE / "node_client.js"],
    "buf": [sys.executable, HERE / "buf_client.py"],
}
# Calls: few, so that a client can fill the house; enough for every other case. Seconds: a connection ends many times
# while a client goes through its cases.
LISTEN = {"calls_max": 16, "connection_age_s": 3}


class Served:
    """`sluis serve` on the folder, until the end of a `with` block."""

    def __init__(self, sluis, folder):
        settings = (folder / "gateway.toml").read_text("utf-8")
        for name, value in LISTEN.items():
            settings, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", settings)
            if count != 1:
                raise SystemExit(f"gateway.toml says `{name}` {count} times")
        config = folder / "foreign.toml"
        config.write_text(settings, "utf-8")
        self.command = [sluis, "serve", "--config", str(config)]
        self.log = folder / "foreign.log"

    def __enter__(self):
        self.start()
        return self

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        for line in self.process.stdout:
            if line.startswith("ready"):
                return
        raise SystemExit(f"the gateway ended with status {self.process.wait()}, see {self.log}")

    def stop(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the gateway ended by itself, with status {self.process.returncode}, see {self.log}")
        self.process.terminate()
        status = self.process.wait(timeout=60)
        if status != 0:
            raise SystemExit(f"the gateway ended with status {status}, see {self.log}")

    def __exit__(self, *_):
        self.stop()


# -- what stands in the table between braces

def client_of(folder, oldest, youngest):
    """A client between two ages, without a secret residence and without objections: client number and BSN."""
    today = datetime.date.today()
    born = lambda years: str(today - datetime.timedelta(days=int(years * 365.25)))
    holder = sqlite3.connect(f"file:{folder / 'holder.db'}?mode=ro", uri=True)
    row = holder.execute(
        "SELECT client_number, bsn FROM client c WHERE active_case = 1 AND residence_secret = 0 AND birth_date > ?"
        " AND birth_date < ? AND NOT EXISTS (SELECT 1 FROM objection o WHERE o.client_number = c.client_number)"
        " ORDER BY client_number DESC LIMIT 1", (born(oldest), born(youngest))).fetchone()
    holder.close()
    return row


def declaration(folder):
    """The messages of an audit of the demo's declaration (JW323)."""
    tree = ElementTree.parse(folder / "declaration.xml").getroot()
    text = lambda node, name: next((e.text for e in node.iter() if e.tag.endswith("}" + name)), None)
    messages = [{"opening": {"declaration_number": text(tree, "DeclaratieNummer"),
                             "provider_agb": text(tree, "Afzender"), "actor": "foreign"}}]
    for client in (e for e in tree.iter() if e.tag.endswith("}Client")):
        for line in (e for e in client.iter() if e.tag.endswith("}Prestatie")):
            tariff = text(line, "ProductTarief")
            messages.append({"line": {
                "reference": text(line, "ReferentieNummer"), "bsn": text(client, "Bsn"),
                "allocation_number": int(text(line, "ToewijzingNummer")),
                "product_category": text(line, "ProductCategorie"), "product_code": text(line, "ProductCode"),
                "begin": text(line, "Begindatum"), "end": text(line, "Einddatum"), "unit": text(line, "Eenheid"),
                "volume": int(text(line, "GeleverdVolume")), "amount": int(text(line, "Bedrag")),
                "credit": text(line, "DebetCredit") == "C", **({"tariff": int(tariff)} if tariff else {})}})
    return messages


def filled_in(folder):
    """The table with everything between braces filled in; `{transaction:…}` is known to the clients only."""
    (client, bsn), (youth, _) = client_of(folder, 80, 0), client_of(folder, 15.5, 12.5)
    values = {"{client}": client, "{bsn}": bsn, "{youth}": youth, "{long}": "x" * 70_000, "{declaration}": declaration(folder)}
    for profile in (folder / "profiles").glob("*.toml"):
        values[f"{{oin:{profile.stem}}}"] = re.search(r'(?m)^oin = "(.*)"', profile.read_text("utf-8"))[1]
    table = (HERE / "cases.json").read_text("utf-8")
    for name, value in values.items():
        table = table.replace(json.dumps(name), json.dumps(value))
    left = re.findall(r'"\{(?!transaction:)[^"]*"', table)
    if left:
        raise SystemExit(f"cases.json names what run.py does not know: {left}")
    return table


# -- running

def went_through(name, cases, folder, served):
    """Lets one client go through its cases; how many held, and how many were due."""
    due = [c["name"] for c in json.loads(cases.read_text("utf-8"))["cases"] if name in c.get("clients", CLIENTS)]
    # `buf` comes with the Python environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SLUIS": str(served.command[0]), "PYTHONDONTWRITEBYTECODE": "1"}
    client = subprocess.Popen([*CLIENTS[name], cases, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    held = set()
    for line in client.stdout:
        if line.startswith("! "):
            word = line[2:].strip()
            {"stop": served.stop, "start": served.start}[word]()
            client.stdin.write(f"{word}\n")
            client.stdin.flush()
            continue
        print(f"{name:6} {line}", end="", flush=True)
        if line.startswith("ok   "):
            held.add(line[5:].strip())
    status = client.wait(timeout=60)
    missing = [case for case in due if case not in held]
    print(f"{name}: {len(held)} of {len(due)} cases held" + (f", not: {missing}" if missing else "") + (f", status {status}" if status else ""))
    return status == 0 and not missing


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sluis", help="the binary")
    parser.add_argument("dir", type=Path, help="a folder that `sluis demo` made")
    parser.add_argument("client", nargs="*", help="python, node, buf")
    args = parser.parse_args()
    folder = args.dir.resolve()
    cases = folder / "foreign-cases.json"
    cases.write_text(filled_in(folder), "utf-8")
    served = Served(args.sluis, folder)
    served.log.unlink(missing_ok=True)
    with served:
        outcomes = [went_through(name, cases, folder, served) for name in args.client or CLIENTS]
    # Node sends an address as the name of the server, of which the TLS library complains: not in the operator's log.
    strange = [line for line in served.log.read_text("utf-8").splitlines() if "rustls" in line]
    for line in strange:
        print(f"FAIL the gateway's log has a line by a stranger: {line}")
    return 0 if all(outcomes) and not strange else 1


if __name__ == "__main__":
    sys.exit(main())
