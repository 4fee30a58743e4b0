#!/usr/bin/env python3
"""The table of cases through the Python example that partners copy (docs/partner/python/sluis_client.py).

    python_client.py CASES DIR        run by run.py, which serves DIR
"""
import contextlib, importlib, io, os, subprocess, sys, tempfile, threading, time
from pathlib import Path

import grpc
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
import stubs
import sluis_client
from log_formats import open_checkpoint, read_vkey, verify_consistency, verify_inclusion
from sluis_client import Fault, Gateway, Profile, new_transaction_id, read_reply
from sluis.v1 import audit_pb2, common_pb2, log_pb2, release_pb2
from table import Answer, Table, need, please

SERVICES = {f"sluis.v1.{name}Service" for name in ("Release", "Standing", "InvoiceAudit", "Log")}
FILES = {"ReleaseService": "release", "StandingService": "standing", "InvoiceAuditService": "audit", "LogService": "log"}


class Client:
    name = "python"

    def __init__(self, folder):
        self.folder, self.gateways = folder, {}
        self.partner = self.gateway("family-supporters")
        self.first = self.partner.checkpoint()

    def gateway(self, slug):
        if slug not in self.gateways:
            self.gateways[slug] = Gateway(Profile.read(self.folder / f"profiles/{slug}.toml"))
        return self.gateways[slug]

    # -- calls

    def call(self, case, transaction):
        gateway = self.gateway(case["as"])
        service, method = case["call"].split("/")
        descriptor = importlib.import_module(f"sluis.v1.{FILES[service]}_pb2").DESCRIPTOR
        rpc = descriptor.services_by_name[service].methods_by_name[method]
        make, path = getattr(importlib.import_module(f"sluis.v1.{FILES[service]}_pb2"), rpc.input_type.name), f"/sluis.v1.{case['call']}"
        read = getattr(importlib.import_module(f"sluis.v1.{FILES[service]}_pb2"), rpc.output_type.name).FromString
        metadata = [("fsc-transaction-id", transaction), *self.authorization(gateway, case.get("token", "own"))]
        shape = gateway.channel.stream_stream if "messages" in case else gateway.channel.unary_unary
        stub = shape(path, request_serializer=make.SerializeToString, response_deserializer=read)
        try:
            if "messages" in case:
                sent = (json_format.ParseDict(message, make()) for message in case["messages"])
                return Answer("OK", list(stub(sent, metadata=metadata, timeout=30)))
            return Answer("OK", [stub(json_format.ParseDict(case["request"], make()), metadata=metadata, timeout=30)])
        except grpc.RpcError as error:
            fault = Fault.of(error)
            return Answer(fault.status, [], fault.reason, fault.field, fault.text)

    def authorization(self, gateway, kind):
        if kind == "none":
            return []
        token = self.gateway(kind[3:]).token() if kind.startswith("of:") else gateway.token()
        if kind == "tampered":
            head, claims, signature = token.split(".")
            token = ".".join((head, claims, ("B" if signature[0] == "A" else "A") + signature[1:]))
        return [("authorization", "Bearer " + ("abc" if kind == "garbage" else token))]

    # -- conduct

    def health(self, _table):
        stub = health_pb2_grpc.HealthStub(self.partner.channel)
        for service in ("", "sluis.v1.ReleaseService"):
            status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status
            need(status == health_pb2.HealthCheckResponse.SERVING, f"`{service}` is {status}")

    def reflection(self, _table):
        services = set(ProtoReflectionDescriptorDatabase(self.partner.channel).get_services())
        need(SERVICES <= services, f"only {services}")

    def altered_body(self, table):
        table.altered_body()

    def log_grows(self, table):
        _, old, old_root = open_checkpoint(self.first.note, read_vkey(self.first.verifier_key))
        now = self.partner.checkpoint()
        _, size, root = open_checkpoint(now.note, read_vkey(table.vkey))
        call = {"metadata": self.partner.metadata(), "timeout": 10}
        grown = self.partner.log.ProveConsistency(log_pb2.ProveConsistencyRequest(**{"from": old, "to": size}), **call)
        need(old < size and verify_consistency(old, size, list(grown.hashes), old_root, root), "the log does not only grow")
        index = table.entries["release"]
        call["metadata"] = self.partner.metadata()
        proof = self.partner.log.ProveInclusion(log_pb2.ProveInclusionRequest(index=index, size=size), **call)
        need(verify_inclusion(proof.leaf_hash, index, size, list(proof.hashes), root), "the entry is not under the new head")

    def refused_question(self):
        return release_pb2.ReleaseRequest(subject=common_pb2.Subject(client_number="NOBODY-0"),
                                          purpose=common_pb2.PURPOSE_TREATMENT, actor="foreign-worker")

    def deadline(self, table):
        """A refusal leaves 100 to 200 ms after it came, so 20 ms do not suffice."""
        transaction = new_transaction_id()
        try:
            self.partner.release(self.refused_question(), transaction, deadline=0.02, attempts=1)
            need(False, "the deadline did not pass")
        except grpc.RpcError as error:
            need(Fault.of(error).status == "DEADLINE_EXCEEDED", f"{error.code()} came")
        outcome, _, receipt = read_reply(self.partner.release(self.refused_question(), transaction))
        again = self.partner.receipt_again(transaction)
        need((outcome, receipt.transaction_id) == ("refused", transaction), f"{outcome} {receipt.transaction_id}")
        need(again.index == receipt.index and table.entry(again)["k"] == "DENY", "it stands twice in the log")

    def idle_audit(self, ended):
        """An audit that was opened, and then nothing more is sent until `ended`."""
        def messages():
            opening = audit_pb2.AuditOpening(declaration_number="1", provider_agb="12345678", actor="foreign")
            yield audit_pb2.AuditInvoiceRequest(opening=opening)
            ended.wait(60)
        gateway = self.gateway("den-haag")
        return gateway.audits.AuditInvoice(messages(), metadata=gateway.metadata(), timeout=60)

    def cancel(self, _table):
        ended = threading.Event()
        audit = self.idle_audit(ended)
        need(next(audit).WhichOneof("message") == "opened", "the audit did not open")
        audit.cancel()
        try:
            next(audit)
            need(False, "the audit goes on")
        except grpc.RpcError as error:
            need(error.code() == grpc.StatusCode.CANCELLED, f"{error.code()} came")
        finally:
            ended.set()
        need(self.gateway("den-haag").checkpoint().note, "the gateway does not answer")

    def full_house(self, _table):
        """Audits that stand open until the gateway takes no more; then there is room again."""
        ended, open_audits, fault = threading.Event(), [], None
        while fault is None and len(open_audits) < 100:
            audit = self.idle_audit(ended)
            try:
                next(audit)
                open_audits.append(audit)
            except grpc.RpcError as error:
                fault = Fault.of(error)
        ended.set()
        for audit in open_audits:
            audit.cancel()
        need(fault is not None, "a hundred audits at once were taken")
        need(fault.status == "RESOURCE_EXHAUSTED" and fault.reason, f"{fault} came")
        need(fault.retry_after is not None and 0 < fault.retry_after <= 60, f"come back after {fault.retry_after}")
        outcome, *_ = read_reply(self.gateway("family-supporters").release(self.refused_question()))
        need(outcome == "refused", f"{outcome} came")

    def connection_age(self, _table):
        """Calls one after another until the channel has connected anew twice; none is repeated, none fails."""
        states, ended = [], time.monotonic() + 30
        self.partner.channel.subscribe(states.append)
        left = lambda: sum(one == grpc.ChannelConnectivity.READY and other != one for one, other in zip(states, states[1:]))
        while left() < 2 and time.monotonic() < ended:
            call = log_pb2.ReadCheckpointRequest()
            self.partner.log.ReadCheckpoint(call, metadata=self.partner.metadata(), timeout=10)
            time.sleep(0.01)
        self.partner.channel.unsubscribe(states.append)
        need(left() >= 2, f"the channel kept its connection: {states}")

    def restart(self, _table):
        """A call that begins while nothing listens, without a token yet, and one over a channel that stood before."""
        newcomer, outcomes = Gateway(self.partner.profile), []
        ask = lambda gateway: outcomes.append(read_reply(gateway.release(self.refused_question(), attempts=30))[0])
        please("stop")
        calls = [threading.Thread(target=ask, args=(gateway,)) for gateway in (newcomer, self.partner)]
        for call in calls:
            call.start()
        please("start")
        for call in calls:
            call.join(60)
        need(outcomes == ["refused", "refused"], f"{outcomes} came")

    # -- what the guide shows besides

    def first_call(self, table):
        profile, said = self.folder / "profiles/family-supporters.toml", io.StringIO()
        released = next(c for c in table.cases if c["name"] == "the worker is released to")["request"]
        with contextlib.redirect_stdout(said):
            outcome, receipt = sluis_client.first_call(profile, released["subject"]["client_number"], released["actor"])
        need(outcome == "released" and "FIELD_NAME " in said.getvalue(), f"{outcome}: {said.getvalue()}")
        need(table.entry(receipt)["k"] == "RELEASE", "its receipt is of no release")

    def keep(self, table):
        released = next(c for c in table.cases if c["name"] == "the worker is released to")["request"]
        reply = self.partner.release(json_format.ParseDict(released, release_pb2.ReleaseRequest()))
        with tempfile.TemporaryDirectory() as folder:
            proof = sluis_client.keep(reply, folder)
            key, salt = Path(folder) / "verifier-key", proof.with_suffix(".salt")
            key.write_text(table.vkey)
            words = ["receipt", proof, "--vkey", key, "--body", proof.with_suffix(".body"), "--salt", salt]
            for program in ([sys.executable, stubs.ROOT / "tests/verify.py"], [os.environ["SLUIS"], "log"]):
                ended = subprocess.run([*program, *words], capture_output=True, text=True)
                need(ended.returncode == 0, f"{program[-1]}: {ended.stdout}{ended.stderr}")
                salt_before = salt.read_text()
                salt.write_text("0" * 64)
                need(subprocess.run([*program, *words], capture_output=True).returncode == 1, "another salt verifies too")
                salt.write_text(salt_before)

    def guide_audit(self, table):
        sent = next(c for c in table.cases if c.get("messages", [{}])[1:])["messages"]
        messages = [json_format.ParseDict(message, audit_pb2.AuditInvoiceRequest()) for message in sent]
        replies = list(self.gateway("den-haag").audit(messages[0].opening, [m.line for m in messages[1:]]))
        kinds = [kind for kind, _ in replies]
        need(kinds[0] == "opened" and kinds[-1] == "closed", f"{kinds}")
        findings = sum(len(message.findings) for kind, message in replies if kind == "page")
        need(findings == replies[-1][1].lines == len(messages) - 1, f"{findings} findings")


def main():
    cases, folder = sys.argv[1:]
    client = Client(Path(folder))
    table = Table(cases, client)
    table.vkey = client.first.verifier_key
    table.run()


if __name__ == "__main__":
    main()
