#!/usr/bin/env python3
"""Signs an access token as an FSC Manager does, with PyJWT: nothing of it is Sluis.

    fsc_token.py KEY CERTIFICATE ALGORITHM < claims.json

Prints the token. The header names the certificate by x5t#S256 (RFC 7515, 4.1.8), which is computed here.
"""
import base64, json, sys
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256


def main(key, certificate, algorithm):
    digest = x509.load_pem_x509_certificate(Path(certificate).read_bytes()).fingerprint(SHA256())
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    print(jwt.encode(json.load(sys.stdin), Path(key).read_bytes(), algorithm, headers={"x5t#S256": thumbprint}))


if __name__ == "__main__":
    main(*sys.argv[1:])
