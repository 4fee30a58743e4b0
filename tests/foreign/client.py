#!/usr/bin/env python3
"""A foreign client: everything a partner needs, over gRPC from Python, without a line of Sluis.

    client.py SLUIS DIR        serves the demo's folder DIR with the binary SLUIS and calls every service

Needs grpcio, grpcio-tools, -status, -health-checking and -reflection (tests/requirements.txt). Status 0: all held.
"""
import argparse, datetime, sqlite3, subprocess, sys, tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from log_formats import open_checkpoint, read_vkey, verify_consistency, verify_inclusion
from wire import ROOT, Caller, Served, Stubs, transaction

WORKER, PARENT = "foreign-worker", "foreign-parent"


def need(condition, what):
    if not condition:
        raise SystemExit(f"FAILED: {what}")


def said(what):
    print(f"ok   {what}")


def client_of(folder, born_after, born_before):
    holder = sqlite3.connect(f"file:{folder / 'holder.db'}?mode=ro", uri=True)
    row = holder.execute(
        "SELECT client_number FROM client c WHERE active_case = 1 AND residence_secret = 0 AND birth_date > ?"
        " AND birth_date < ? AND NOT EXISTS (SELECT 1 FROM objection o WHERE o.client_number = c.client_number)"
        " ORDER BY client_number DESC LIMIT 1", (str(born_after), str(born_before))).fetchone()
    holder.close()
    return row[0]


class Journey:
    def __init__(self, stubs, folder):
        self.stubs, self.folder, self.common = stubs, folder, stubs.common
        caller = lambda slug: Caller(folder / f"profiles/{slug}.toml")
        self.partner, self.system, self.portal = map(caller, ("family-supporters", "dossiersysteem", "ouderportaal"))
        self.municipality = caller("den-haag")
        today = datetime.date.today()
        years = lambda count: today - datetime.timedelta(days=int(count * 365.25))
        self.client, self.youth = client_of(folder, years(80), years(0)), client_of(folder, years(15.5), years(12.5))

    def checkpoint(self):
        log = self.stubs.log_grpc.LogServiceStub(self.partner.channel)
        answer = log.ReadCheckpoint(self.stubs.log.ReadCheckpointRequest(), metadata=self.partner.metadata())
        return answer.verifier_key, *open_checkpoint(answer.note, read_vkey(answer.verifier_key))[1:]

    def release(self, caller, client, purpose, actor, transaction_id=None, **more):
        service = self.stubs.release_grpc.ReleaseServiceStub(caller.channel)
        request = self.stubs.release.ReleaseRequest(
            subject=self.common.Subject(client_number=client), purpose=purpose, actor=actor, **more)
        return service.Release(request, metadata=caller.metadata(transaction_id))

    def record(self, client, **standing):
        service = self.stubs.standing_grpc.StandingServiceStub(self.system.channel)
        message = self.stubs.standing.RecordStandingRequest(
            subject=self.common.Subject(client_number=client), standing=self.stubs.standing.Standing(**standing))
        return service.RecordStanding(message, metadata=self.system.metadata()).receipt

    def verify(self, receipt, vkey, body=None, salt=None):
        with tempfile.TemporaryDirectory() as folder:
            proof, kept = Path(folder) / "proof", Path(folder) / "body"
            proof.write_text(receipt.proof, "utf-8")
            words = [sys.executable, ROOT / "tests/verify.py", "receipt", proof, "--vkey", vkey]
            if body is not None:
                kept.write_bytes(body)
                words += ["--body", kept, "--salt", salt.hex()]
            return subprocess.run(words, capture_output=True).returncode

    def outcomes(self, vkey):
        partner = self.partner.settings["oin"]
        caseload = self.stubs.standing.Caseload(partner_oin=partner, worker=WORKER)
        need(self.verify(self.record(self.client, caseload=caseload), vkey) == 0, "receipt of a change of standing")
        asked = transaction()
        reply = self.release(self.partner, self.client, self.common.PURPOSE_TREATMENT, WORKER, asked)
        need(reply.WhichOneof("outcome") == "released", "a worker on the caseload is released to")
        released = reply.released
        extract = self.common.Extract.FromString(released.body)
        need(extract.rule == "partner-treatment" and len(extract.values) > 5, "the extract reads")
        need(self.verify(released.receipt, vkey, released.body, released.salt) == 0, "its receipt covers the body")
        need(self.verify(released.receipt, vkey, released.body + b"\0", released.salt) == 1, "and no other body")
        said(f"released {len(extract.values)} fields, entry {released.receipt.index}, verified")

        reply = self.release(self.partner, self.client, self.common.PURPOSE_TREATMENT, "somebody-else")
        need(reply.WhichOneof("outcome") == "refused", "a worker who is not involved is refused")
        need(self.verify(reply.refused.receipt, vkey) == 0, "receipt of a refusal")
        said(f"refused, entry {reply.refused.receipt.index}, verified")

        self.record(self.youth, authority=self.stubs.standing.Authority(
            person=PARENT, portal_oin=self.portal.settings["oin"],
            state=self.stubs.standing.AUTHORITY_STATE_VERIFIED))
        reply = self.release(self.portal, self.youth, self.common.PURPOSE_PARENT_INFORMATION, PARENT)
        need(reply.WhichOneof("outcome") == "escalated", "a parent of a youth of 12 to 15 is put before a professional")
        need(self.verify(reply.escalated.receipt, vkey) == 0, "receipt of an escalation")
        said(f"escalated, entry {reply.escalated.receipt.index}, verified")
        return asked, released.receipt.index

    def errors(self):
        def reason(call):
            try:
                call()
            except grpc.RpcError as error:
                details = rpc_status.from_call(error).details
                info = error_details_pb2.ErrorInfo()
                need(any(detail.Unpack(info) for detail in details), f"no ErrorInfo in {error}")
                return error.code().name, info.reason, info.domain
            raise SystemExit("FAILED: an error was due")

        treatment = self.common.PURPOSE_TREATMENT
        unknown = lambda: self.release(self.partner, self.client, 999, WORKER)
        need(reason(unknown) == ("INVALID_ARGUMENT", "PURPOSE_UNKNOWN", "sluis.v1"), "unknown purpose")
        masked = lambda: self.release(self.partner, self.client, treatment, WORKER,
                                      fields=[self.common.FIELD_SESSION_NOTES])
        need(reason(masked)[:2] == ("INVALID_ARGUMENT", "FIELD_NOT_PERMITTED"), "a mask with a forbidden field")
        self.partner.token, own = self.municipality.token, self.partner.token
        stolen = lambda: self.release(self.partner, self.client, treatment, WORKER)
        found = reason(stolen)
        self.partner.token = own
        need(found[0] == "UNAUTHENTICATED" and found[1] in ("TOKEN_SUBJECT", "TOKEN_BINDING"), f"stolen token: {found}")
        said(f"errors carry google.rpc.ErrorInfo: {found[1]}, FIELD_NOT_PERMITTED, PURPOSE_UNKNOWN")

    def audit(self, vkey):
        tree = ElementTree.parse(self.folder / "declaration.xml").getroot()
        text = lambda node, name: next((e.text for e in node.iter() if e.tag.endswith("}" + name)), None)
        number = lambda value: None if value is None else int(value)
        audit = self.stubs.audit

        def messages():
            yield audit.AuditInvoiceRequest(opening=audit.AuditOpening(
                declaration_number=text(tree, "DeclaratieNummer"), provider_agb=text(tree, "Afzender"), actor="foreign"))
            for client in (e for e in tree.iter() if e.tag.endswith("}Client")):
                for line in (e for e in client.iter() if e.tag.endswith("}Prestatie")):
                    yield audit.AuditInvoiceRequest(line=audit.ClaimLine(
                        reference=text(line, "ReferentieNummer"), bsn=text(client, "Bsn"),
                        allocation_number=int(text(line, "ToewijzingNummer")),
                        product_category=text(line, "ProductCategorie"), product_code=text(line, "ProductCode"),
                        begin=text(line, "Begindatum"), end=text(line, "Einddatum"), unit=text(line, "Eenheid"),
                        volume=int(text(line, "GeleverdVolume")), tariff=number(text(line, "ProductTarief")),
                        amount=int(text(line, "Bedrag")), credit=text(line, "DebetCredit") == "C"))

        stub = self.stubs.audit_grpc.InvoiceAuditServiceStub(self.municipality.channel)
        pages, closed = [], None
        for reply in stub.AuditInvoice(messages(), metadata=self.municipality.metadata()):
            kind = reply.WhichOneof("message")
            need(self.verify(getattr(reply, kind).receipt, vkey) == 0, f"receipt of {kind}")
            pages += reply.page.findings if kind == "page" else []
            closed = reply.closed if kind == "closed" else closed
        need(closed is not None and closed.lines == len(pages) == 48, f"48 findings, {len(pages)} came")
        need(closed.agrees == 40 == sum(f.finding == audit.FINDING_AGREES for f in pages), "40 lines agree")
        said(f"audit of {closed.lines} lines: {closed.agrees} agree, {closed.differs} differ, "
             f"{closed.not_confirmed} not confirmed")

    def log(self, before, asked, index):
        vkey, old, old_root = before
        _, size, root = self.checkpoint()
        log, stub = self.stubs.log, self.stubs.log_grpc.LogServiceStub(self.partner.channel)
        meta = self.partner.metadata
        grown = stub.ProveConsistency(log.ProveConsistencyRequest(**{"from": old, "to": size}), metadata=meta())
        need(old < size and verify_consistency(old, size, list(grown.hashes), old_root, root), "the log only grows")
        proof = stub.ProveInclusion(log.ProveInclusionRequest(index=index, size=size), metadata=meta())
        need(verify_inclusion(proof.leaf_hash, index, size, list(proof.hashes), root), "the entry is under the new head")
        receipt = stub.ReadReceipt(log.ReadReceiptRequest(transaction_id=asked), metadata=meta()).receipt
        need(receipt.index == index and self.verify(receipt, vkey) == 0, "the receipt is read again")
        said(f"log grew from {old} to {size}, consistent; entry {index} is in it; receipt read again")

    def discovery(self):
        health = health_pb2_grpc.HealthStub(self.partner.channel).Check(health_pb2.HealthCheckRequest())
        need(health.status == health_pb2.HealthCheckResponse.SERVING, "health says SERVING")
        services = ProtoReflectionDescriptorDatabase(self.partner.channel).get_services()
        wanted = {f"sluis.v1.{name}Service" for name in ("Release", "Standing", "InvoiceAudit", "Log")}
        need(wanted <= set(services), f"reflection lists {services}")
        said(f"health SERVING; reflection lists {len(services)} services")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sluis", help="the binary")
    parser.add_argument("dir", type=Path, help="a folder that `sluis demo` made")
    args = parser.parse_args()
    stubs = Stubs()
    with Served(args.sluis, args.dir):
        journey = Journey(stubs, args.dir)
        before = journey.checkpoint()
        asked, index = journey.outcomes(before[0])
        journey.errors()
        journey.audit(before[0])
        journey.log(before, asked, index)
        journey.discovery()
    print("a foreign client: everything held")


if __name__ == "__main__":
    main()
