"""Golden vectors of the log formats, from fixed inputs. `tests/golden/log-vectors.json` is this output, kept."""
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import base64

import log_formats as log

ORIGIN = "sluis-log.kracht.example/00000099000000001000/2026-1"
YEAR_KEY, DAY_KEY, SEED = bytes([7]) * 32, bytes([6]) * 32, bytes([0x42]) * 32
BODY_SALT, PAGE_SALT, NONCE = bytes([5]) * 32, bytes([8]) * 32, bytes([1]) * 12
RID = "0197a6b2c3d47e5f8a9b0c1d2e3f4a5b"
TXN = "0197a6b2c3d47e5f8a9b0c1d2e3f0001"
BODY, REQUEST = b'{"product_code":"45A12"}', b"a request, byte for byte"
PAYLOAD = log.canonical({"facts": {"age": "12-15", "consent_youth": "given"},
                         "salt": base64.b64encode(bytes([9]) * 32).decode(), "sub": "999990019",
                         "v": "sluis-payload/1"}).encode()
BODIES = [b"first", b"second", b"third"]
# The inputs of the certificate-transparency reference trees, so that the roots can be looked up elsewhere.
TREE = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f")]


def padded(json):
    """Spaces up to a multiple of 1024 bytes: equal lengths say nothing."""
    return json + b" " * (-len(json) % 1024)


def release_leaf(st):
    return log.canonical({
        "v": "sluis-leaf/1", "k": "RELEASE", "i": 0, "t": 1769000000000, "rid": RID, "txn": TXN, "rt": "MUNICIPALITY",
        "rp": "00000099000000002000", "pu": "INVOICE_FORMAL", "ba": "JW-7.4.0/RJW-6a.1", "ru": "municipality-invoice",
        "po": "823412d1eacb67956220e532959f0104603057c88704863ca38e7cd188fda812", "ca": 1, "fs": "0000000000000211",
        "ob": ["PURPOSE_BOUND"], "rs": ["OK"], "st": st, "pc": log.payload_commitment(padded(PAYLOAD)),
        "bc": log.body_commitment(BODY_SALT, BODY), "x5": "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI"}).encode()


def items(k_tag, rid):
    """Three members of a page: one released, one withheld, one released."""
    outcomes = ["RELEASED", "WITHHELD", "RELEASED"]
    texts = []
    for n, outcome in enumerate(outcomes):
        item = {"v": "sluis-item/1", "n": n, "oc": outcome, "st": log.subject_tag(k_tag, ORIGIN, rid, n)}
        if outcome == "RELEASED":
            item["bc"] = log.body_commitment(log.item_salt(PAGE_SALT, n), BODIES[n])
        texts.append(log.canonical(item).encode())
    return texts


def trees():
    hashes = [log.leaf_hash(data) for data in TREE]
    large = [log.leaf_hash(b"leaf %d" % n) for n in range(1000)]

    def hash_of(first, end):
        return log.root_of(large[first:end])

    return {
        "leaves": [data.hex() for data in TREE],
        "roots": [log.root_of(hashes[:size]).hex() for size in range(len(TREE) + 1)],
        "large": {
            "leaves": "the ASCII texts `leaf 0` to `leaf 999`", "root_700": log.root_of(large[:700]).hex(),
            "root_1000": log.root_of(large).hex(),
            "inclusion_300_of_1000": [value.hex() for value in log.inclusion_path(300, large)],
            "consistency_700_to_1000": [value.hex() for value in log.consistency_path(700, 1000, hash_of)]}}


def notes(leaf):
    secret = Ed25519PrivateKey.from_private_bytes(SEED)
    public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    root = log.leaf_hash(leaf)
    note = log.sign_note(f"{ORIGIN}\n1\n{base64.b64encode(root).decode()}\n", ORIGIN, secret)
    receipt = f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(leaf).decode()}\nindex 0\n\n{note}"
    return {"public_key": public.hex(), "vkey": log.verifier_key(ORIGIN, public), "checkpoint": note, "receipt": receipt}


def vectors():
    rid = bytes.fromhex(RID)
    k_tag, k_pay = log.derive(YEAR_KEY)
    st, texts = log.subject_tag(k_tag, ORIGIN, rid, 0), items(k_tag, rid)
    leaf = release_leaf(st)
    return {
        "inputs": {
            "origin": ORIGIN, "rid": RID, "year_key": YEAR_KEY.hex(), "day_key": DAY_KEY.hex(), "seed": SEED.hex(),
            "body_salt": BODY_SALT.hex(), "page_salt": PAGE_SALT.hex(), "nonce": NONCE.hex(), "body": BODY.decode(),
            "request": REQUEST.decode(), "payload": PAYLOAD.decode(), "bodies": [body.decode() for body in BODIES]},
        "commitments": {
            "k_tag": k_tag.hex(), "k_pay": k_pay.hex(), "st_item_0": st,
            "st_item_7": log.subject_tag(k_tag, ORIGIN, rid, 7), "pc": log.payload_commitment(PAYLOAD),
            "bc": log.body_commitment(BODY_SALT, BODY), "request_digest": log.request_digest(DAY_KEY, REQUEST).hex()},
        "payload": {
            "sealed_item_0": log.seal_payload(k_pay, ORIGIN, rid, 0, NONCE, PAYLOAD).hex(),
            "sealed_item_7": log.seal_payload(k_pay, ORIGIN, rid, 7, NONCE, PAYLOAD).hex(),
            "padded_length": len(padded(PAYLOAD)), "padded_pc": log.payload_commitment(padded(PAYLOAD))},
        "page": {
            "item_salts": [log.item_salt(PAGE_SALT, n).hex() for n in range(3)],
            "items": [text.decode() for text in texts], "sub_root": log.sub_root(texts),
            "body_root": log.body_root(PAGE_SALT, BODIES)},
        "leaf": {"text": leaf.decode(), "hash": log.leaf_hash(leaf).hex()},
        "note": notes(leaf),
        "tree": trees()}
