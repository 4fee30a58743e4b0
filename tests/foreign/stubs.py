"""Makes stubs of nothing but our proto files, in a folder of their own, and lets what is imported next find them.

Also in sight from here on: the example client (docs/partner/python) and the independent log formats (tests).
"""
import sys, tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
FOLDER = tempfile.TemporaryDirectory()


def make():
    files = sorted(str(file) for file in (ROOT / "proto/sluis/v1").glob("*.proto"))
    include = Path(grpc_tools.__file__).parent / "_proto"
    words = ["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", f"--python_out={FOLDER.name}", f"--grpc_python_out={FOLDER.name}"]
    if protoc.main(words + files) != 0:
        raise SystemExit("protoc refuses the proto files")


make()
sys.path[:0] = [FOLDER.name, str(ROOT / "tests"), str(ROOT / "docs/partner/python")]
