"""How a stranger reaches Sluis: stubs made from `proto/`, a token over mutual TLS, a channel, and one served folder.

Python's standard library and grpcio; nothing of Sluis but its proto files.
"""
import importlib, json, os, ssl, subprocess, sys, tempfile, time, tomllib, urllib.parse
from http.client import HTTPSConnection
from pathlib import Path

import grpc
from grpc_tools import protoc
import grpc_tools

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("release", "standing", "audit", "log")


class Stubs:
    """The messages and clients of every service, generated into a temporary folder."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        files = [f"sluis/v1/{name}.proto" for name in ("common", *SERVICES)]
        include = Path(grpc_tools.__file__).parent / "_proto"
        words = ["protoc", f"-I{ROOT / 'proto'}", f"-I{include}",
                 f"--python_out={self.folder.name}", f"--grpc_python_out={self.folder.name}", *files]
        if protoc.main(words) != 0:
            raise SystemExit("protoc refuses the proto files")
        sys.path.insert(0, self.folder.name)
        self.common = importlib.import_module("sluis.v1.common_pb2")
        for name in SERVICES:
            setattr(self, name, importlib.import_module(f"sluis.v1.{name}_pb2"))
            setattr(self, name + "_grpc", importlib.import_module(f"sluis.v1.{name}_pb2_grpc"))


def transaction():
    """A UUIDv7 as `fsc-transaction-id` wants it."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Caller:
    """One organisation: its certificate, a token that is bound to it, and a channel."""

    def __init__(self, profile):
        self.settings = tomllib.loads(profile.read_text("utf-8"))
        self.files = {name: (profile.parent / self.settings[name]).resolve() for name in ("ca", "cert", "key")}
        self.channel = grpc.secure_channel(self.settings["endpoint"], grpc.ssl_channel_credentials(
            self.files["ca"].read_bytes(), self.files["key"].read_bytes(), self.files["cert"].read_bytes()))
        self.token = self.fetch_token()

    def fetch_token(self):
        """Client credentials over mutual TLS (RFC 6749, RFC 8705)."""
        context = ssl.create_default_context(cafile=self.files["ca"])
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.files["cert"], self.files["key"])
        url = urllib.parse.urlsplit(self.settings["token_endpoint"])
        form = {"grant_type": "client_credentials", "scope": self.settings["scope"], "client_id": self.settings["oin"]}
        connection = HTTPSConnection(url.hostname, url.port, context=context, timeout=30)
        connection.request("POST", url.path, urllib.parse.urlencode(form),
                           {"content-type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"no token: {answer.status} {body}")
        return json.loads(body)["access_token"]

    def metadata(self, transaction_id=None, token=None):
        return (("authorization", f"Bearer {token or self.token}"),
                ("fsc-transaction-id", transaction_id or transaction()))


class Served:
    """`sluis serve` on a folder, until the end of a `with` block."""

    def __init__(self, sluis, folder, config="gateway.toml"):
        self.command = [sluis, "serve", "--config", str(folder / config)]

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
