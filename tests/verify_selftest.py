#!/usr/bin/env python3
"""The verifier, tested: it accepts a log that is whole, and every single change is found."""
import base64, shutil, struct, tempfile, unittest
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import log_formats as log
import log_vectors
import verify

SIZE, ORIGIN = 1000, log_vectors.ORIGIN
SECRET = Ed25519PrivateKey.from_private_bytes(log_vectors.SEED)
PUBLIC = SECRET.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
VKEY = log.verifier_key(ORIGIN, PUBLIC)


def leaf(index, time=None):
    return log.canonical({"v": "sluis-leaf/1", "k": "EPOCH", "i": index, "t": time or 1000 + index // 3,
                          "rid": f"{index:032x}", "rs": ["TEST"]}).encode()


def note(texts, size):
    root = base64.b64encode(log.root_of([log.leaf_hash(text) for text in texts[:size]])).decode()
    return log.sign_note(f"{ORIGIN}\n{size}\n{root}\n", ORIGIN, SECRET)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def export(folder, texts, kept=(0, 1, 256, 700)):
    level, row = 0, [log.leaf_hash(text) for text in texts]
    while row:
        for number in range(-(-len(row) // 256)):
            part = row[number * 256:number * 256 + 256]
            write(verify.tile_path(folder, level, number, len(part)), b"".join(part))
        row = [log.root_of(row[at:at + 256]) for at in range(0, len(row) - 255, 256)]
        level += 1
    for number in range(-(-len(texts) // 256)):
        part = texts[number * 256:number * 256 + 256]
        bundle = b"".join(struct.pack(">H", len(text)) + text for text in part)
        write(verify.tile_path(folder, "entries", number, len(part)), bundle)
    write(folder / "vkey", f"{VKEY}\n".encode())
    write(folder / "checkpoint", note(texts, len(texts)).encode())
    write(folder / "checkpoints", "---\n".join(note(texts, size) for size in kept).encode())


class Whole(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.texts = [leaf(n) for n in range(SIZE)]
        export(self.folder, self.texts)

    def refused(self, words):
        with self.assertRaisesRegex(log.Invalid, words):
            verify.verify_log(self.folder, lambda line: None)

    def test_a_whole_log_verifies(self):
        self.assertIn("1000 entries, 5 hash tiles, 5 checkpoints", verify.verify_log(self.folder, lambda line: None)[0])

    def test_one_byte_anywhere_is_found(self):
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        for path in files:
            kept = path.read_bytes()
            for at in {0, len(kept) // 2, len(kept) - 2}:
                path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1:])
                with self.assertRaises((log.Invalid, UnicodeDecodeError), msg=f"{path} byte {at}"):
                    verify.verify_log(self.folder, lambda line: None)
            path.write_bytes(kept)

    def test_a_log_signed_over_bad_entries_is_refused(self):
        for texts, words in [(self.texts[:5] + [leaf(6)], "says that it is 6"),
                             (self.texts[:5] + [leaf(5, 10)], "older than the entry before"),
                             (self.texts[:5] + [leaf(5).replace(b",", b", ")], "canonical")]:
            shutil.rmtree(self.folder)
            export(self.folder, texts, kept=(1,))
            self.refused(words)

    def test_a_history_that_was_rewritten_is_refused(self):
        other = [leaf(n, 2000) for n in range(SIZE)]
        (self.folder / "checkpoints").write_text(note(other, 700), "utf-8")
        self.refused("size 700 does not belong")

    def test_only_the_trusted_key_counts_where_one_is_given(self):
        other = (ORIGIN, Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        year = (ORIGIN.rpartition("/")[0] + "/1999-1", PUBLIC)
        foreign = ("sluis-log.else.example/1/2026-1", PUBLIC)
        for key, holds in [((ORIGIN, PUBLIC), True), (year, True), (other, False), (foreign, False)]:
            for check in [lambda: verify.verify_shards(self.folder, lambda line: None, key),
                          lambda: verify.verify_policy(self.folder, lambda line: None, key),
                          lambda: verify.verify_extension(note(self.texts, 1), note(self.texts, 9), self.folder, key)]:
                if holds:
                    check()
                else:
                    with self.assertRaisesRegex(log.Invalid, "another key than the trusted one"):
                        check()

    def test_extensions_verify_and_forks_do_not(self):
        other = [leaf(n, 2000) for n in range(SIZE)]
        for old in (0, 1, 2, 255, 256, 257, 512, 700, 999, 1000):
            for new in (700, 768, 1000):
                if old <= new:
                    verify.verify_extension(note(self.texts, old), note(self.texts, new), self.folder)
                    with self.assertRaises(log.Invalid):
                        verify.verify_extension(note(self.texts, old), note(other, new), self.folder)
        with self.assertRaisesRegex(log.Invalid, "shrunk"):
            verify.verify_extension(note(self.texts, 700), note(self.texts, 699), self.folder)


class Pieces(unittest.TestCase):
    def test_every_path_of_small_trees(self):
        hashes = [log.leaf_hash(bytes([n])) for n in range(40)]
        for size in range(1, 41):
            root = log.root_of(hashes[:size])
            for index in range(size):
                path = log.inclusion_path(index, hashes[:size])
                self.assertTrue(log.verify_inclusion(hashes[index], index, size, path, root))
                self.assertFalse(log.verify_inclusion(hashes[index], index + 1, size, path, root))
                self.assertFalse(log.verify_inclusion(hashes[index], index, size, path + [root], root))

    def test_frontier_and_recursion_agree(self):
        tree, hashes = log.Frontier(), []
        for n in range(70):
            self.assertEqual(tree.root(), log.root_of(hashes))
            hashes.append(log.leaf_hash(bytes([n])))
            tree.push(hashes[-1])

    def test_leaves_have_one_spelling(self):
        log.decode_leaf(leaf(3))
        for bad in [b'{}', b'[]', b'{"v":1.5}', b'{"v":null}', b'{"v":true}', b'{"v":-1}', b'{"v":9007199254740992}',
                    b'{"v":{"a":1}}', b'{"v":[["a"]]}', b'{"v":[1]}', b'{"v":"\\u0041"}', b'{"v":"\xc3\xa9"}', b'{"v":"a\\"b"}',
                    b'{"v":1,"v":1}', leaf(3) + b" ", leaf(3).replace(b"EPOCH", b"EPOCHS"), leaf(3).replace(b"/1", b"/2"),
                    leaf(3).replace(b'"k"', b'"zz":"' + b"a" * 4096 + b'","k"')]:
            with self.assertRaises(log.Invalid, msg=bad[:60]):
                log.decode_leaf(bad)

    def test_a_receipt_covers_its_body_and_no_other(self):
        receipt = log_vectors.vectors()["note"]["receipt"]
        with tempfile.TemporaryDirectory() as folder:
            file, body = Path(folder) / "receipt", Path(folder) / "body"
            file.write_text(receipt, "utf-8")
            body.write_bytes(log_vectors.BODY)
            verify.verify_receipt(file, VKEY, body, log_vectors.BODY_SALT.hex())
            body.write_bytes(log_vectors.BODY + b" ")
            with self.assertRaisesRegex(log.Invalid, "other bytes"):
                verify.verify_receipt(file, VKEY, body, log_vectors.BODY_SALT.hex())
        for old, new in [("index 0", "index 1"), ("extra eyJi", "extra eyJj"), ("v1\n", "v2\n"), ("\n1\n", "\n2\n")]:
            with self.assertRaises(log.Invalid):
                log.open_receipt(receipt.replace(old, new), log.read_vkey(VKEY))

    def test_another_key_is_refused(self):
        other = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        with self.assertRaisesRegex(log.Invalid, "not signed"):
            log.open_checkpoint(note([], 0), log.read_vkey(log.verifier_key(ORIGIN, other)))
        with self.assertRaises(log.Invalid):
            log.read_vkey(VKEY.replace("+ASFS", "+ASFT"))

    def test_a_payload_opens_in_its_own_place_only(self):
        _, key = log.derive(log_vectors.YEAR_KEY)
        rid = bytes.fromhex(log_vectors.RID)
        sealed = log.seal_payload(key, ORIGIN, rid, 0, log_vectors.NONCE, b"plain")
        self.assertEqual(log.open_payload(key, ORIGIN, rid, 0, sealed), b"plain")
        for origin, item in [(ORIGIN + "x", 0), (ORIGIN, 1)]:
            with self.assertRaises(InvalidTag):
                log.open_payload(key, origin, rid, item, sealed)


if __name__ == "__main__":
    unittest.main()
