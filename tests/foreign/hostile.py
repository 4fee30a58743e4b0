"""A hostile caller with a good certificate: raw HTTP/2 over mutual TLS, an honest neighbour, and the memory of the gateway."""
import contextlib, re, socket, ssl, struct, subprocess, threading, time

import h2.config, h2.connection, h2.settings, h2.stream
import stubs  # makes the stubs and brings the client into sight
from sluis_client import new_transaction_id

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
RELEASE = "/sluis.v1.ReleaseService/Release"
AUDIT = "/sluis.v1.InvoiceAuditService/AuditInvoice"


def frame(kind, flags=0, stream=0, payload=b""):
    """A frame of HTTP/2 (RFC 9113, 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def message(payload=b""):
    """A message of gRPC: not compressed, its length, itself."""
    return b"\0" + struct.pack(">I", len(payload)) + payload


class Hostile:
    """One connection as the organisation of `caller`, a Gateway; `h2` does what is proper, `send` sends anything."""

    def __init__(self, caller, to="endpoint", alpn="h2", settings=None, receive_buffer=None, greet=True):
        self.caller = caller
        profile = caller.profile
        host, port = (profile.endpoint if to == "endpoint" else profile.token_endpoint.split("/")[2]).rsplit(":", 1)
        context = ssl.create_default_context(cafile=profile.ca)
        context.load_cert_chain(profile.cert, profile.key)
        context.set_alpn_protocols([alpn])
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(20)
        raw.connect((host, int(port)))
        self.authority, self.socket = f"{host}:{port}", context.wrap_socket(raw, server_hostname=host)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False))
        if greet:
            if settings:
                self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings)
            self.h2.initiate_connection()
            self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def send(self, data):
        self.socket.sendall(data)

    def headers(self, path=RELEASE, token=None, more=()):
        return [(":method", "POST"), (":scheme", "https"), (":authority", self.authority), (":path", path),
                ("content-type", "application/grpc"), ("te", "trailers"),
                ("authorization", f"Bearer {token or self.caller.token()}"), ("fsc-transaction-id", new_transaction_id()), *more]

    def call(self, path=RELEASE, body=None, end=True, token=None, more=()):
        """Opens a stream; gives its number."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, self.headers(path, token, more))
        if body is not None:
            self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def forget(self, stream):
        """Takes the stream for closed, so that more can be opened than the other end allows at once."""
        self.h2.streams[stream].state_machine.state = h2.stream.StreamState.CLOSED

    def events(self, seconds):
        """What comes within this time, as events of h2; ends early when the connection does."""
        until = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while (left := until - time.monotonic()) > 0:
                self.socket.settimeout(left)
                data = self.socket.recv(65536)
                if not data:
                    return
                yield from self.h2.receive_data(data)
                self.flush()

    def ended(self, seconds, send=None):
        """Whether the other end closes within this time; meanwhile `send` goes out again and again."""
        until = time.monotonic() + seconds
        self.socket.settimeout(min(seconds, 0.5))
        while time.monotonic() < until:
            try:
                if send:
                    self.socket.settimeout(5)
                    self.socket.sendall(send)
                    self.socket.settimeout(0.001)
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                continue
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except (ConnectionError, ssl.SSLError, OSError):
                return True
        return False

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


class Served:
    """`sluis serve` with changed settings of a demo's folder, until the end of a `with` block."""

    def __init__(self, sluis, folder, **changed):
        text = (folder / "gateway.toml").read_text("utf-8")
        for key, value in changed.items():
            text, count = re.subn(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.M)
            if count != 1:
                raise SystemExit(f"gateway.toml has no `{key}`")
        config = folder / "hostile.toml"
        config.write_text(text, "utf-8")
        self.command = [sluis, "serve", "--config", str(config)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ready"):
                return self
        raise SystemExit(f"the gateway ended with status {self.process.wait()}")

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(timeout=60)
        if status != 0:
            raise SystemExit(f"the gateway ended with status {status}")


class Neighbour(threading.Thread):
    """Another organisation, which goes on asking while it lasts; what failed and how long the slowest answer took."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.ending = ask, threading.Event()
        self.slowest, self.answered, self.failed = 0.0, 0, []

    def run(self):
        while not self.ending.is_set():
            begun = time.monotonic()
            try:
                self.ask()
                self.answered += 1
            except Exception as error:  # whatever it is, the neighbour was hindered
                self.failed.append(str(error)[:200])
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.ending.wait(0.02)

    def end(self):
        self.ending.set()
        self.join()


def memory(process):
    """Resident memory of a process, in MiB."""
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
