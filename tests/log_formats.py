"""The log formats of Sluis, written from the documents alone: commitments, leaves, tree, notes, receipts.

It shares no code with the gateway. What it accepts is what docs/design.md ("Commitments"), RFC 6962, RFC 9162 and
the C2SP pages signed-note, tlog-checkpoint and tlog-proof say. `verify.py` holds the commands.
"""
import base64, hashlib, hmac, json, re, struct
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Invalid(Exception):
    """What was read does not hold; the message says what and where."""


def need(condition, message):
    if not condition:
        raise Invalid(message)


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(ikm, salt, info):
    """RFC 5869 with SHA-256, one block of 32 bytes."""
    return mac(mac(salt or bytes(32), ikm), info + b"\x01")


def unbase64(text, what):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Invalid(f"{what} is not base64") from None
    need(base64.b64encode(raw).decode() == text, f"{what} is not canonical base64")
    return raw


# -- commitments: docs/design.md

def derive(year_key):
    return hkdf(year_key, b"", b"sluis-k-tag/1"), hkdf(year_key, b"", b"sluis-k-pay/1")


def place(origin, rid, item):
    """What binds a value to one item of one entry of one log: origin 00 rid16 00 item_be32."""
    return origin.encode() + b"\0" + rid + b"\0" + struct.pack(">I", item)


def subject_tag(k_tag, origin, rid, item):
    return mac(k_tag, b"sluis-stag/1\0" + place(origin, rid, item))[:16].hex()


def payload_commitment(payload):
    return sha256(b"sluis-pc/1\0" + payload).hex()


def body_commitment(salt, body):
    return sha256(b"sluis-bc/1\0" + salt + body).hex()


def request_digest(day_key, request):
    return mac(day_key, b"sluis-request/1\0" + request)


def payload_cipher(k_pay, origin, rid, item):
    info = b"sluis-payload/1\0" + rid + b"\0" + struct.pack(">I", item)
    return AESGCMSIV(hkdf(k_pay, origin.encode(), info)), place(origin, rid, item)


def seal_payload(k_pay, origin, rid, item, nonce, plain):
    cipher, aad = payload_cipher(k_pay, origin, rid, item)
    return nonce + cipher.encrypt(nonce, plain, aad)


def open_payload(k_pay, origin, rid, item, sealed):
    cipher, aad = payload_cipher(k_pay, origin, rid, item)
    return cipher.decrypt(sealed[:12], sealed[12:], aad)


def item_salt(page_salt, item):
    return mac(page_salt, b"sluis-item-salt/1\0" + struct.pack(">I", item))


def body_root(page_salt, bodies):
    """`bc` of a page: RFC 6962 over the bytes item salt, item body; the leaf prefix 00 stands in front of the salt."""
    return root_of([leaf_hash(item_salt(page_salt, n) + body) for n, body in enumerate(bodies)]).hex()


def sub_root(texts):
    return root_of([leaf_hash(text) for text in texts]).hex()


# -- leaves: RFC 8785, restricted

KINDS = """RELEASE DENY ESCALATE EXPLAIN BATCH_OPEN PAGE BATCH_REPIN BATCH_SUSPEND BATCH_CLOSE REDELIVERY OUTCOME
RECEIPT CONSENT RESTRICTION OBJECTION AUTHORITY STANDING POLICY RECIPIENT ERASE ADMIN MANUAL EPOCH AUDIT_OPEN
AUDIT_CLOSE OBLIGATION_DONE IDENTITY SOURCE_GAP""".split()
SHAPES = {"v": "sluis-leaf/1", "k": "|".join(KINDS), "rid": "[0-9a-f]{32}", "st": "[0-9a-f]{32}", "fs": "[0-9a-f]{16}",
          "pc": "[0-9a-f]{64}", "bc": "[0-9a-f]{64}", "sr": "[0-9a-f]{64}", "po": "[0-9a-f]{64}", "x5": "[A-Za-z0-9_-]{43}"}
ASCII = re.compile(r'[ !#-\[\]-~]*')
KEY_TABLE = Path(__file__).with_name("golden") / "leaf-keys.txt"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def key_table():
    """`KIND: required keys | optional keys` per line; None where the file is absent (the shapes still hold then)."""
    common = {"v", "k", "i", "t", "rid"}
    if not KEY_TABLE.exists():
        return None
    lines = [line.split("#")[0] for line in KEY_TABLE.read_text().splitlines()]
    rows = [line.split(":") for line in lines if line.strip()]
    table = {kind.strip(): [set(part.split()) for part in keys.split("|")] for kind, keys in rows}
    return {kind: (required | common, optional) for kind, (required, optional) in table.items()}


def restricted(text, prefix):
    """One flat object of ASCII texts, whole numbers and lists of texts, in its only possible spelling."""
    def pairs(items):
        need(len({key for key, _ in items}) == len(items), f"{prefix}: a key stands twice")
        return dict(items)

    def refuse(token):
        raise Invalid(f"{prefix}: `{token}` is not a whole number")

    need(len(text) <= 4096, f"{prefix}: longer than 4096 bytes")
    try:
        value = json.loads(text.decode("ascii"), object_pairs_hook=pairs, parse_float=refuse, parse_constant=refuse)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Invalid(f"{prefix}: not ASCII JSON") from None
    need(isinstance(value, dict), f"{prefix}: not an object")
    for key, entry in value.items():
        for part in [key, *(entry if isinstance(entry, list) else [entry])]:
            number = type(part) is int and part is entry and 0 <= part < 2**53
            need(number or (isinstance(part, str) and ASCII.fullmatch(part)), f"{prefix}: value of `{key}` is not allowed")
    need(canonical(value).encode() == text, f"{prefix}: not in canonical form")
    return value


def decode_leaf(text, prefix="leaf", table=None):
    leaf = restricted(text, prefix)
    for key in ("v", "k", "i", "t", "rid"):
        need(key in leaf, f"{prefix}: `{key}` is missing")
    need(type(leaf["i"]) is int and type(leaf["t"]) is int, f"{prefix}: `i` and `t` are numbers")
    for key, shape in SHAPES.items():
        need(key not in leaf or (isinstance(leaf[key], str) and re.fullmatch(shape, leaf[key])),
             f"{prefix}: `{key}` has a form that does not exist")
    if table is not None:
        need(leaf["k"] in table, f"{prefix}: kind is not in the key table")
        required, optional = table[leaf["k"]]
        need(required <= leaf.keys(), f"{prefix}: lacks {sorted(required - leaf.keys())}")
        need(leaf.keys() <= required | optional, f"{prefix}: may not have {sorted(leaf.keys() - required - optional)}")
    return leaf


# -- the tree: RFC 6962 section 2.1, verification as in RFC 9162 section 2.1

def leaf_hash(data):
    return sha256(b"\0" + data)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def split(size):
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    middle = split(len(hashes))
    return node_hash(root_of(hashes[:middle]), root_of(hashes[middle:]))


def inclusion_path(index, hashes):
    if len(hashes) < 2:
        return []
    middle = split(len(hashes))
    if index < middle:
        return inclusion_path(index, hashes[:middle]) + [root_of(hashes[middle:])]
    return inclusion_path(index - middle, hashes[middle:]) + [root_of(hashes[:middle])]


def consistency_path(old, size, hash_of, first=0, whole=True):
    """RFC 6962 section 2.1.2; `hash_of(first, end)` gives the hash of a range."""
    if old == size:
        return [] if whole else [hash_of(first, first + size)]
    middle = split(size)
    if old <= middle:
        return consistency_path(old, middle, hash_of, first, whole) + [hash_of(first + middle, first + size)]
    return consistency_path(old - middle, size - middle, hash_of, first + middle, False) + [hash_of(first, first + middle)]


def verify_inclusion(leaf, index, size, path, root):
    if index >= size:
        return False
    fn, sn, current = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            current = node_hash(sibling, current)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            current = node_hash(current, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and current == root


def verify_consistency(old, new, path, old_root, new_root):
    if old > new:
        return False
    if old == new or old == 0:
        return not path and (old_root == new_root if old == new else old_root == sha256(b""))
    path = ([old_root] if old & (old - 1) == 0 else []) + path
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            newer = node_hash(newer, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and older == old_root and newer == new_root


class Frontier:
    """The right edge of a growing tree: perfect sub-trees, largest first."""

    def __init__(self):
        self.size, self.edge = 0, []

    def push(self, value):
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            value = node_hash(self.edge.pop(), value)
        self.edge.append(value)

    def root(self):
        if not self.edge:
            return sha256(b"")
        value = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            value = node_hash(left, value)
        return value


# -- notes, checkpoints, receipts: C2SP

def key_id(name, public):
    return sha256(name.encode() + b"\n\x01" + public)[:4]


def verifier_key(name, public):
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(bytes([1]) + public).decode()}"


def read_vkey(text):
    parts = text.strip().split("+", 2)
    need(len(parts) == 3 and parts[0], "verifier key: not of the form name+id+key")
    raw = unbase64(parts[2], "verifier key")
    need(len(raw) == 33 and raw[0] == 1, "verifier key: not Ed25519")
    need(key_id(parts[0], raw[1:]).hex() == parts[1], "verifier key: the id does not belong to name and key")
    return parts[0], raw[1:]


def sign_note(text, name, secret):
    public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{text}\n\u2014 {name} {base64.b64encode(key_id(name, public) + secret.sign(text.encode())).decode()}\n"


def open_checkpoint(note, vkey):
    """(origin, size, root) of a note with a valid signature of this key; lines of other keys are left alone."""
    name, public = vkey
    text, found, signatures = note.rpartition("\n\n")
    need(found and signatures.endswith("\n"), "checkpoint: no signature lines")
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "checkpoint: control character")
    text, verified = text + "\n", False
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "checkpoint: malformed signature line")
        raw = unbase64(parts[2], "checkpoint signature")
        if parts[1] == name and raw[:4] == key_id(name, public):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise Invalid("checkpoint: the signature of the log does not verify") from None
            verified = True
    need(verified, "checkpoint: not signed by this log key")
    lines = text.split("\n")
    need(len(lines) == 4 and re.fullmatch("0|[1-9][0-9]*", lines[1]), "checkpoint: not origin, size and root")
    root = unbase64(lines[2], "checkpoint root")
    need(lines[0] == name and len(root) == 32, "checkpoint: origin or root is not of this log")
    return lines[0], int(lines[1]), root


def open_receipt(text, vkey):
    """The leaf of a tlog-proof whose extra data is the leaf, proven under the checkpoint it carries."""
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    need(found and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 3, "receipt: not a tlog-proof@v1 with extra data")
    need(lines[1].startswith("extra "), "receipt: no leaf in it")
    index = re.fullmatch("index (0|[1-9][0-9]*)", lines[2])
    need(index, "receipt: no index")
    _, size, root = open_checkpoint(note, vkey)
    raw, index = unbase64(lines[1][6:], "leaf of the receipt"), int(index[1])
    leaf = decode_leaf(raw, "leaf of the receipt", key_table())
    path = [unbase64(line, "proof line") for line in lines[3:]]
    need(leaf["i"] == index, "receipt: the leaf says another index")
    need(verify_inclusion(leaf_hash(raw), index, size, path, root), "receipt: the leaf is not in the signed tree")
    return leaf, index, size
