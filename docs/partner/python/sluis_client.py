"""A client of Sluis in Python: token, questions, errors, retries, audits, receipts. Copy it and make it yours.

Needs Python 3.11, grpcio and grpcio-status, and the stubs that grpcio-tools makes of our proto files:

    python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. proto/sluis/v1/*.proto
"""
import json
import os
import random
import ssl
import threading
import time
import tomllib
import urllib.parse
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from sluis.v1 import audit_pb2, audit_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc, release_pb2, release_pb2_grpc


# guide: profile
@dataclass(frozen=True)
class Profile:
    """Where the gateway is and who we are. `ca`, `cert` and `key` are PEM files."""
    endpoint: str
    token_endpoint: str
    scope: str
    ca: Path
    cert: Path
    key: Path
    oin: str

    @classmethod
    def read(cls, file):
        settings = tomllib.loads(Path(file).read_text("utf-8"))
        for name in ("ca", "cert", "key"):
            settings[name] = Path(file).parent / settings[name]
        return cls(**settings)
# guide: end


class NoToken(Exception):
    """No token: the status of the endpoint, 503 where it could not be reached, and what it said."""

    def __init__(self, status, text):
        super().__init__(f"no token: status {status}: {text}")
        self.may_repeat = status in (408, 429, 503)


# guide: token
def fetch_token(profile):
    """Client credentials over mutual TLS (RFC 6749, 4.4; RFC 8705): the token and the seconds that it lives."""
    context = ssl.create_default_context(cafile=profile.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(profile.cert, profile.key)
    url = urllib.parse.urlsplit(profile.token_endpoint)
    form = {"grant_type": "client_credentials", "scope": profile.scope, "client_id": profile.oin}
    connection = HTTPSConnection(url.hostname, url.port, context=context, timeout=10)
    try:
        connection.request("POST", url.path, urllib.parse.urlencode(form),
                           {"content-type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        raise NoToken(503, error) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise NoToken(answer.status, body.decode(errors="replace"))
    reply = json.loads(body)
    return reply["access_token"], reply["expires_in"]
# guide: end


# guide: transaction
def new_transaction_id():
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, the rest random."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
# guide: end


# guide: errors
@dataclass(frozen=True)
class Fault:
    """What an error says: the gRPC status, our reason, the field that is wrong, when to try again."""
    status: str
    reason: str
    field: str
    retry_after: float | None
    incident: str
    text: str

    @classmethod
    def of(cls, error):
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, request = error_details_pb2.RetryInfo(), error_details_pb2.RequestInfo()
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            for message in (info, bad, retry, request):
                detail.Unpack(message)  # does nothing where the type is another
        return cls(
            status=error.code().name,
            reason=info.reason if info.domain == "sluis.v1" else "",
            field=bad.field_violations[0].field if bad.field_violations else "",
            retry_after=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
            incident=request.request_id,
            text=error.details())

    @property
    def token_is_stale(self):
        """A new token, and then the same call again, may go better."""
        return self.reason in ("TOKEN_EXPIRED", "TOKEN_UNKNOWN_KEY", "TOKEN_BINDING", "TOKEN_GRANT")

    @property
    def may_repeat(self):
        """The same call again, under the same transaction id, may go better."""
        return self.status in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED")
# guide: end


class Gateway:
    """One organisation's connection: a channel that reconnects by itself, and a token that is kept fresh."""

    # guide: connect
    def __init__(self, profile):
        self.profile = profile
        credentials = grpc.ssl_channel_credentials(
            profile.ca.read_bytes(), profile.key.read_bytes(), profile.cert.read_bytes())
        # The gateway closes connections of a certain age; the channel then connects again by itself.
        options = [("grpc.keepalive_time_ms", 60_000), ("grpc.max_reconnect_backoff_ms", 5_000)]
        self.channel = grpc.secure_channel(profile.endpoint, credentials, options)
        self.releases = release_pb2_grpc.ReleaseServiceStub(self.channel)
        self.audits = audit_pb2_grpc.InvoiceAuditServiceStub(self.channel)
        self.log = log_pb2_grpc.LogServiceStub(self.channel)
        self._token, self._renew_at, self._lock = None, 0.0, threading.Lock()

    def token(self):
        """The token, fetched again after 80 % of its life, so that none ends under way."""
        with self._lock:
            if time.monotonic() >= self._renew_at:
                asked = time.monotonic()
                self._token, lifetime = fetch_token(self.profile)
                self._renew_at = asked + 0.8 * lifetime
            return self._token

    def forget_token(self):
        """The next call fetches one."""
        self._renew_at = 0.0

    def metadata(self, transaction_id=None):
        return (("authorization", f"Bearer {self.token()}"),
                ("fsc-transaction-id", transaction_id or new_transaction_id()))
    # guide: end

    # guide: ask
    def release(self, request, transaction_id=None, deadline=10.0, attempts=5):
        """Asks. Whatever goes wrong under way, the question is logged and answered once per transaction id."""
        transaction_id = transaction_id or new_transaction_id()
        for attempt in range(1, attempts + 1):
            retry_after = 0.0
            try:
                return self.releases.Release(request, metadata=self.metadata(transaction_id), timeout=deadline)
            except NoToken as error:
                if attempt == attempts or not error.may_repeat:
                    raise
            except grpc.RpcError as error:
                fault = Fault.of(error)
                if attempt == attempts or not (fault.may_repeat or fault.token_is_stale):
                    raise
                if fault.token_is_stale:
                    self.forget_token()
                retry_after = fault.retry_after or 0.0
            backoff = random.uniform(0.5, 1.0) * min(0.2 * 2 ** attempt, 5.0)
            time.sleep(max(retry_after, backoff))
    # guide: end

    # guide: audit
    def audit(self, opening, lines, deadline=600.0):
        """Streams claim lines and yields `opened`, pages of findings, `closed`. Lines are sent while pages come in."""
        def messages():
            yield audit_pb2.AuditInvoiceRequest(opening=opening)
            for line in lines:
                yield audit_pb2.AuditInvoiceRequest(line=line)

        for reply in self.audits.AuditInvoice(messages(), metadata=self.metadata(), timeout=deadline):
            kind = reply.WhichOneof("message")
            yield kind, getattr(reply, kind)
    # guide: end

    def checkpoint(self):
        """The newest signed checkpoint, with the key that the gateway names."""
        return self.log.ReadCheckpoint(log_pb2.ReadCheckpointRequest(), metadata=self.metadata(), timeout=10.0)

    def receipt_again(self, transaction_id):
        """The receipt of an earlier call of ours, when it was lost."""
        request = log_pb2.ReadReceiptRequest(transaction_id=transaction_id)
        return self.log.ReadReceipt(request, metadata=self.metadata(), timeout=10.0).receipt


# guide: reply
def read_reply(reply):
    """A reply as (outcome, extract, receipt). Only a release has an extract; every outcome has a receipt."""
    outcome = reply.WhichOneof("outcome")
    if outcome is None:  # from a later version
        return "refused", None, None
    message = getattr(reply, outcome)
    extract = common_pb2.Extract.FromString(message.body) if outcome == "released" else None
    return outcome, extract, message.receipt
# guide: end


# guide: keep
def keep(reply, folder):
    """Keeps what proves the release: the receipt and, for a release, the exact bytes and their salt."""
    outcome = reply.WhichOneof("outcome")
    message = getattr(reply, outcome)
    name = Path(folder) / str(message.receipt.index)
    name.with_suffix(".proof").write_text(message.receipt.proof, "utf-8")
    if outcome == "released":
        name.with_suffix(".body").write_bytes(message.body)
        name.with_suffix(".salt").write_text(message.salt.hex())
    return name.with_suffix(".proof")
# guide: end


# guide: first-call
def first_call(profile_file, client_number, worker):
    """One question from beginning to end."""
    gateway = Gateway(Profile.read(profile_file))
    request = release_pb2.ReleaseRequest(
        subject=common_pb2.Subject(client_number=client_number),
        purpose=common_pb2.PURPOSE_TREATMENT,
        actor=worker)
    outcome, extract, receipt = read_reply(gateway.release(request))
    if extract is not None:
        names = {number: name for name, number in common_pb2.Field.items()}
        for value in extract.values:
            if value.field in names:  # others come from a later version
                print(names[value.field], value.value)
    return outcome, receipt
# guide: end
