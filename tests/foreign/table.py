"""The table of cases (cases.json) as the Python and the `buf curl` client go through it: what is asked, what must come back.

A client is an object with a `name`, a method `call(case, transaction)` that gives an `Answer`, and a method for every
`do` of its cases. It prints one line per case: `ok   NAME` or `FAIL NAME: why`.
"""
import json, re, sys
from dataclasses import dataclass, field
from pathlib import Path

import stubs
from log_formats import Invalid, body_commitment, open_receipt, read_vkey
from sluis_client import new_transaction_id
from sluis.v1 import common_pb2

ALL = ("python", "node", "buf")


class Unmet(Exception):
    """A case did not go as it must."""


def need(condition, what):
    if not condition:
        raise Unmet(what)


@dataclass
class Answer:
    """What a call gave: a status; messages where it is OK; else reason and field."""
    status: str
    messages: list = field(default_factory=list)
    reason: str = ""
    field: str = ""
    text: str = ""


class Table:
    def __init__(self, file, client):
        self.cases = [c for c in json.loads(Path(file).read_text("utf-8"))["cases"] if client.name in c.get("clients", ALL)]
        self.client, self.vkey = client, None
        self.transactions, self.entries = {}, {}
        self.released = None

    def run(self):
        for case in self.cases:
            try:
                if "do" in case:
                    getattr(self.client, case["do"])(self)
                else:
                    self.call(case)
                print(f"ok   {case['name']}", flush=True)
            except (Unmet, Invalid) as unmet:
                print(f"FAIL {case['name']}: {unmet}", flush=True)

    def transaction(self, label):
        """The id under a label: `=…` is sent as it is, no label gives a new one."""
        if label is None:
            return new_transaction_id()
        return label[1:] if label.startswith("=") else self.transactions.setdefault(label, new_transaction_id())

    def call(self, case):
        named = lambda found: self.transactions[found[1]]
        case = json.loads(re.sub(r"\{transaction:(\w+)\}", named, json.dumps(case)))
        answer = self.client.call(case, self.transaction(case.get("transaction")))
        wanted = case["expect"]
        got = f"{answer.status} {answer.reason} {answer.field}: {answer.text}"
        need(answer.status == wanted["status"], f"{wanted['status']} was due, {got} came")
        if answer.status == "OK":
            need(answer.messages, "no message came")
            return self.audit(answer.messages, wanted["audit"]) if "audit" in wanted else self.reply(case, answer.messages[0], wanted)
        need(answer.reason == wanted.get("reason", ""), f"reason {wanted.get('reason')} was due, {got} came")
        need(answer.field == wanted.get("field", ""), f"field {wanted.get('field')} was due, {got} came")

    def reply(self, case, reply, wanted):
        outcome = reply.WhichOneof("outcome") if "outcome" in wanted else None
        need(outcome == wanted.get("outcome"), f"{wanted.get('outcome')} was due, {outcome} came")
        message = getattr(reply, outcome) if outcome else reply
        if outcome == "released":
            self.extract(message, wanted)
        leaf = self.entry(message.receipt, message if outcome == "released" else None)
        need(leaf["k"] == wanted["entry"], f"an entry {wanted['entry']} was due, {leaf['k']} came")
        index, label = message.receipt.index, case.get("transaction")
        if "same_entry" in wanted:
            need(index == self.entries[wanted["same_entry"]], "another entry came")
        if "repeats" in wanted:
            need(leaf.get("ref", "").endswith(f":{self.entries[wanted['repeats']]}"), "the entry names no earlier one")
        elif label:
            self.entries[label] = index

    def extract(self, released, wanted):
        extract = common_pb2.Extract.FromString(released.body)
        need(extract.rule == wanted.get("rule", extract.rule), f"rule {extract.rule}")
        need(len(extract.values) >= wanted.get("values_min", 1), f"only {len(extract.values)} values")
        fields = {common_pb2.Field.Name(value.field) for value in extract.values}
        need(fields == set(wanted.get("fields", fields)), f"fields {fields}")
        self.released = released

    def entry(self, receipt, released=None):
        """The entry of a receipt, verified without the gateway; it covers the body that was released."""
        leaf, index, _ = open_receipt(receipt.proof, read_vkey(self.vkey))
        need(index == receipt.index, f"the receipt says {receipt.index}, its proof {index}")
        if released is not None:
            need(body_commitment(released.salt, released.body) == leaf["bc"], "the receipt covers another body")
        return leaf

    def audit(self, messages, wanted):
        kinds = [message.WhichOneof("message") for message in messages]
        need(kinds[0] == "opened" and kinds[-1] == "closed" and set(kinds[1:-1]) == {"page"}, f"messages {kinds}")
        entries = [self.entry(getattr(message, kind).receipt)["k"] for message, kind in zip(messages, kinds)]
        need(entries == ["AUDIT_OPEN", *["PAGE"] * (len(kinds) - 2), "AUDIT_CLOSE"], f"entries {entries}")
        findings, closed = [f for m in messages[1:-1] for f in m.page.findings], messages[-1].closed
        need(closed.lines == len(findings) == wanted["lines"], f"{closed.lines} lines, {len(findings)} findings")
        need(closed.agrees == sum(f.finding == 1 for f in findings) == wanted["agrees"], f"{closed.agrees} agree")
        need(closed.lines == closed.agrees + closed.differs + closed.not_confirmed, "the totals do not add up")

    def altered_body(self):
        released = self.released
        need(released is not None, "nothing was released before")
        leaf = self.entry(released.receipt, released)
        need(body_commitment(released.salt, released.body + b"\0") != leaf["bc"], "another body verifies too")


def please(word):
    """Asks whoever runs us to `stop` or `start` the gateway; returns when that is done."""
    print(f"! {word}", flush=True)
    need(sys.stdin.readline().strip() == word, f"the gateway did not {word}")
