#!/usr/bin/env python3
"""HTTP/2 abuses (RFC 9113, 10.5) by an organisation with a good certificate and a good token, against the real binary.

    http2_abuse.py SLUIS DIR [CASE ...]     serves a copy of the settings of the demo's folder DIR

Each abuse must end as its line says, while another organisation's calls are answered in time and memory stays bounded.
"""
import argparse, socket, time
from pathlib import Path

import h2.events
from h2.settings import SettingCodes
from hostile import (AUDIT, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RELEASE, RST_STREAM, SETTINGS,
                     WINDOW_UPDATE, Hostile, Neighbour, Served, frame, memory, message)
from sluis_client import Gateway, Profile
from sluis.v1 import audit_pb2, common_pb2, release_pb2

IDLE_S = 2          # `limits.idle_seconds` of the gateway under test
ANSWER_MAX_S = 2.5  # slowest answer to a neighbour that is borne; an answer takes a slot of 0.1 s on an idle machine
GROWTH_MAX_MIB = 96 # memory that all abuses together may cost
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def flood(caller, frames, seconds=15):
    hostile = Hostile(caller)
    return hostile.ended(seconds, frames), "the connection is cut"


@case
def rapid_reset(caller):
    hostile = Hostile(caller)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        streams = [hostile.h2.get_next_available_stream_id() + 2 * n for n in range(50)]
        batch = b""
        for stream in streams:
            hostile.h2.send_headers(stream, hostile.headers())
            batch += hostile.h2.data_to_send() + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
            hostile.forget(stream)
        try:
            hostile.send(batch)
            hostile.socket.settimeout(0.001)
            if not hostile.socket.recv(65536):
                return True, "the connection is cut"
        except TimeoutError:
            continue
        except OSError:
            return True, "the connection is cut"
    return False, "the connection is cut"


@case
def continuation_flood(caller):
    hostile = Hostile(caller)
    hostile.send(frame(HEADERS, END_STREAM, 1, b"\x82"))
    return hostile.ended(15, frame(CONTINUATION, 0, 1, b"\x0f\x01\x01" * 100) * 20), "the connection is cut"


@case
def empty_continuation_flood(caller):
    hostile = Hostile(caller)
    hostile.send(frame(HEADERS, END_STREAM, 1, b"\x82"))
    return hostile.ended(15, frame(CONTINUATION, 0, 1) * 500), "the connection is cut"


@case
def ping_flood(caller):
    return flood(caller, frame(PING, 0, 0, b"hostile!") * 500)


@case
def settings_flood(caller):
    return flood(caller, frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff") * 500)


@case
def priority_flood(caller):
    return flood(caller, frame(PRIORITY, 0, 1, b"\0\0\0\0\x10") * 500)


@case
def window_update_flood(caller):
    hostile = Hostile(caller)
    hostile.call(AUDIT)
    # Valid ones: on the connection, each by one byte.
    return hostile.ended(15, frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01") * 500), "the connection is cut"


@case
def empty_data_flood(caller):
    hostile = Hostile(caller)
    stream = hostile.call(AUDIT)
    return hostile.ended(15, frame(DATA, 0, stream) * 500), "the connection is cut"


@case
def unknown_frame_flood(caller):
    return flood(caller, frame(0x5A, 0, 0, b"x" * 8) * 500)


@case
def zero_window(caller):
    """Asks much, and never gives room for an answer."""
    hostile = Hostile(caller, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
    for _ in range(100):
        hostile.call("/sluis.v1.LogService/ReadCheckpoint", message())
    return hostile.ended(IDLE_S * 5 / 4 + 8), "the connection is cut"


@case
def zero_window_audit(caller):
    hostile = Hostile(caller, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
    hostile.call(AUDIT, message(opening()), end=False)
    return hostile.ended(IDLE_S * 5 / 4 + 8), "the connection is cut"


@case
def reader_that_does_not_read(caller):
    """Windows wide open, and not one byte taken from the socket: the answers fill all buffers."""
    wide = {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1}
    hostile = Hostile(caller, settings=wide, receive_buffer=4096)
    hostile.h2.increment_flow_control_window(2**30)
    # A hundred questions in one call, to each of which the answer is four hundred times as long.
    symbol = b"sluis.v1.Field"
    questions = message(b"\x22" + bytes([len(symbol)]) + symbol) * 100
    for _ in range(30):
        hostile.call(REFLECTION, questions)
    time.sleep(IDLE_S * 2)
    # Only now is anything read: what was under way, and then the end.
    return hostile.ended(10), "the connection is cut"


@case
def half_closed(caller):
    """128 streams whose message never comes: each is ended in the time of a call, and the connection lives on."""
    hostile = Hostile(caller)
    streams = {hostile.call(RELEASE) for _ in range(100)}
    ended = set()
    for event in hostile.events(20):
        if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            ended.add(event.stream_id)
        if ended == streams:
            break
    return ended == streams, "every stream is ended"


@case
def slow_body(caller):
    hostile = Hostile(caller)
    stream = hostile.call(RELEASE, message(b"x" * 1000)[:6], end=False)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        hostile.h2.send_data(stream, b"x")
        hostile.flush()
        for event in hostile.events(0.5):
            if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                return True, "the stream is ended"
    return False, "the stream is ended"


@case
def idle_audit(caller):
    hostile = Hostile(caller)
    stream = hostile.call(AUDIT, message(opening()), end=False)
    for event in hostile.events(IDLE_S + 8):
        if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)) and event.stream_id == stream:
            return True, "the stream is ended"
    return False, "the stream is ended"


@case
def oversize_headers(caller):
    """More headers than are accepted, in a list of their own and by one entry of the table again and again (HPACK bomb)."""
    hostile = Hostile(caller)
    hostile.call(RELEASE, message(), more=[(f"x-{n}", "v" * 1000) for n in range(100)])
    refused = any(isinstance(e, (h2.events.StreamReset, h2.events.ConnectionTerminated)) or
                  isinstance(e, h2.events.ResponseReceived) and dict(e.headers).get(b":status") == b"431"
                  for e in hostile.events(5))
    bomb = Hostile(caller)
    stored = b"\x40\x04bomb" + b"\x7f" + b"\x80\x1e" + b"v" * 3967  # literal with indexing: 127 + 3840 bytes
    bomb.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x87\x84" + stored + b"\xbe" * 8000))
    exploded = any(isinstance(e, (h2.events.StreamReset, h2.events.ConnectionTerminated)) or
                   isinstance(e, h2.events.ResponseReceived) and dict(e.headers).get(b":status") == b"431"
                   for e in bomb.events(5)) or bomb.ended(1)
    return refused and exploded, "both are refused"


@case
def giant_message(caller):
    """Four gigabytes are announced, and as many bytes sent as are taken."""
    hostile = Hostile(caller)
    stream = hostile.call(RELEASE, b"\0\xff\xff\xff\xff", end=False)
    for event in hostile.events(10):
        if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)) and event.stream_id == stream:
            return True, "the stream is ended at once"
    return False, "the stream is ended at once"


@case
def silent_after_tcp(caller):
    host, port = caller.profile.endpoint.rsplit(":", 1)
    raw = socket.create_connection((host, int(port)), 5)
    raw.settimeout(12)
    return raw.recv(1) == b"", "the connection is cut"


@case
def silent_after_tls(caller):
    return Hostile(caller, greet=False).ended(12), "the connection is cut"


@case
def slow_preface(caller):
    hostile = Hostile(caller, greet=False)
    until = time.monotonic() + 12
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
        if hostile.ended(0.6, None):
            return True, "the connection is cut"
        try:
            hostile.send(bytes([byte]))
        except OSError:
            return True, "the connection is cut"
        if time.monotonic() > until:
            break
    return False, "the connection is cut"


@case
def slow_header_block(caller):
    """A header block that never ends: the ping of the server is not answered in its midst."""
    hostile = Hostile(caller)
    hostile.send(frame(HEADERS, 0, 1, b"\x82"))
    return hostile.ended(50), "the connection is cut"


@case
def slow_token_request(caller):
    head = Hostile(caller, "token_endpoint", "http/1.1", greet=False)
    head.send(b"POST /token HTTP/1.1\r\nhost: x\r\n")
    body = Hostile(caller, "token_endpoint", "http/1.1", greet=False)
    body.send(b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\ngrant")
    return head.ended(12) and body.ended(12), "both connections are cut"


@case
def many_connections(caller):
    kept = [Hostile(caller) for _ in range(100)]
    time.sleep(1)
    open_now = sum(not hostile.ended(0.02) for hostile in kept)
    for hostile in kept:
        hostile.close()
    return 40 <= open_now <= 64, f"64 of a hundred are kept, {open_now} were"


@case
def call_flood(caller):
    """Calls without a good token, as many as go through: most are over the limit and not looked at."""
    hostile, refused = Hostile(caller), 0
    until = time.monotonic() + 5
    while time.monotonic() < until:
        while hostile.h2.open_outbound_streams < 100:
            hostile.call("/sluis.v1.LogService/ReadCheckpoint", message(), token="none")
        for event in hostile.events(0.02):
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                refused += dict(event.headers).get(b"grpc-status") == b"8"
    return refused > 20, f"over the limit is refused: {refused} were"


def opening():
    return audit_pb2.AuditInvoiceRequest(opening=audit_pb2.AuditOpening(
        declaration_number="D1", provider_agb="12345678", actor="hostile")).SerializeToString()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sluis"), parser.add_argument("dir", type=Path), parser.add_argument("case", nargs="*")
    args = parser.parse_args()
    gateway = lambda slug: Gateway(Profile.read(args.dir / f"profiles/{slug}.toml"))
    wrong = []
    # Limits that a test reaches.
    with Served(args.sluis, args.dir, calls_per_second=200, calls_burst=400, idle_seconds=IDLE_S) as served:
        honest = gateway("family-supporters")
        question = release_pb2.ReleaseRequest(subject=common_pb2.Subject(client_number="none"), actor="honest",
                                              purpose=common_pb2.PURPOSE_TREATMENT)

        def ask():
            honest.checkpoint()
            honest.release(question, attempts=1)

        ask()
        before = memory(served.process.pid)
        for name in args.case or CASES:
            neighbour = Neighbour(ask)
            neighbour.start()
            begun = time.monotonic()
            # The municipality may audit, so each abuse is by an organisation that is admitted to what it abuses.
            held, due = CASES[name](gateway("den-haag"))
            time.sleep(0.3)
            neighbour.end()
            grown = memory(served.process.pid) - before
            good = held and not neighbour.failed and neighbour.slowest < ANSWER_MAX_S and grown < GROWTH_MAX_MIB
            print(f"{'ok  ' if good else 'FAIL'} {name}: {due}{'' if held else ': NOT SO'}, {time.monotonic() - begun:.1f} s; "
                  f"neighbour {neighbour.answered} answers, slowest {neighbour.slowest:.2f} s, {len(neighbour.failed)} failed"
                  f"{neighbour.failed[:1] or ''}; memory {grown:+.0f} MiB", flush=True)
            wrong += [] if good else [name]
    if wrong:
        raise SystemExit(f"FAILED: {', '.join(wrong)}")
    print(f"{len(args.case or CASES)} abuses: everything held")


if __name__ == "__main__":
    main()
