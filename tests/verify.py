#!/usr/bin/env python3
"""Sluis, verified without Sluis: the commands of the second implementation of the log formats (`log_formats.py`).

    verify.py log DIR [--vkey V]                             an export: every entry, tile and kept checkpoint, of every shard
    verify.py receipt FILE --vkey V [--body B --salt HEX]    a receipt, and that it covers exactly these bytes
    verify.py consistency OLD NEW [DIR] [--vkey V]           that NEW extends OLD: exports, checkpoints or receipts;
                                                             the hashes come from NEW, or from the export DIR
    verify.py policy DIR [--vkey V]                          an export, and that every answer names the policy in force
    verify.py vectors                                        golden vectors from fixed inputs, as JSON

V and HEX may also name a file that holds the value. Without --vkey the key is taken from the export: that shows that the export
agrees with itself, not who signed it. Python 3.11 with `cryptography` suffices.
Exit status: 0 verified, 1 it does not hold, 2 it could not be read.
"""
import argparse, json, re, struct, sys
from pathlib import Path

from log_formats import (Frontier, Invalid, body_commitment, consistency_path, decode_leaf, key_table, leaf_hash, need,
                         node_hash, open_checkpoint, open_receipt, read_vkey, root_of, split, verify_consistency)
import log_vectors


# -- exports: tlog-tiles

def tile_path(folder, level, number, width=256):
    digits = f"{number:0{-(-len(str(number)) // 3) * 3}d}"
    groups = [digits[at:at + 3] for at in range(0, len(digits), 3)]
    path = folder / "tile" / str(level) / "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return path if width == 256 else path.with_name(path.name + ".p") / str(width)


def entries(folder, size):
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        data, at = tile_path(folder, "entries", number, width).read_bytes(), 0
        for _ in range(width):
            need(at + 2 <= len(data), f"entry bundle {number}: ends early")
            end = at + 2 + struct.unpack_from(">H", data, at)[0]
            need(end <= len(data), f"entry bundle {number}: ends early")
            yield data[at + 2:end]
            at = end
        need(at == len(data), f"entry bundle {number}: more bytes than entries")


class Tiles:
    """Recomputes every hash tile while leaf hashes pass, and compares it with the file."""

    def __init__(self, folder):
        self.folder, self.levels, self.count = folder, [], 0

    def push(self, value, level=0):
        if level == len(self.levels):
            self.levels.append((0, []))
        number, row = self.levels[level]
        row.append(value)
        if len(row) == 256:
            self.compare(level, number, row)
            self.levels[level] = (number + 1, [])
            self.push(root_of(row), level + 1)

    def compare(self, level, number, row):
        stored = tile_path(self.folder, level, number, len(row)).read_bytes()
        need(stored == b"".join(row), f"hash tile {level}/{number}: differs from the entries")
        self.count += 1

    def finish(self):
        for level, (number, row) in enumerate(self.levels):
            if row:
                self.compare(level, number, row)
        return self.count


def kept_checkpoints(folder, vkey):
    path = folder / "checkpoints"
    notes = re.split(r"(?m)^---\n?", path.read_text("utf-8")) if path.exists() else []
    return [open_checkpoint(note, vkey)[1:] for note in notes if note.strip()]


def boundary(leaf):
    """What an EPOCH leaf says: (closes, (shard, size, root) that it continues or None, whether after a break)."""
    if leaf["k"] != "EPOCH":
        return False, None, False
    after = [reason[len("after:"):] for reason in leaf["rs"] if reason.startswith("after:")]
    continued = (after[0], leaf["n"], leaf["pv"]) if after and "n" in leaf and "pv" in leaf else None
    return leaf["rs"][0] == "CLOSE", continued, "BREAK" in leaf["rs"]


def announced(leaf):
    """What an ERASE leaf says of shards that were removed at the end of their term: [(shard, size, root)], oldest first."""
    parts = [reason.split(":")[1:] for reason in leaf["rs"] if reason.startswith("pruned:")] if leaf["k"] == "ERASE" else []
    need(all(len(part) == 3 for part in parts), f"entry {leaf['i']}: does not say which shard was removed")
    return [(name, int(size), root) for name, size, root in parts]


def verify_gone(said, continued, key, log, place_of):
    """The shards up to the one that is continued were removed: the newest entry about that, and their last notes, say so."""
    names = [name for name, _, _ in said]
    need(continued[0] in names, f"shard {continued[0]} is missing, and no entry says that it was removed")
    gone = said[:names.index(continued[0]) + 1]
    need(gone[-1] == continued, f"shard {continued[0]} is not what the entry of its removal says")
    for name, size, root in gone:
        place = place_of(name)
        need(place, f"the last checkpoint of shard {name}, which was removed, is missing")
        vkey = read_vkey((place / "vkey").read_text("utf-8"))
        signed = open_checkpoint((place / "checkpoint").read_text("utf-8"), vkey)
        need(vkey[1] == key, f"shard {name}: signed with another key, or of another log")
        same = signed == (f"{log}/{name}", size, bytes.fromhex(root))
        need(same, f"shard {name} is not what the entry of its removal says")
    return gone


def key_of(folder, trusted=None):
    """The key of the shard in a folder: the trusted one under the name of that shard, or that of the folder itself."""
    name, public = read_vkey((folder / "vkey").read_text("utf-8"))
    if trusted:
        same = trusted[1] == public and trusted[0].rpartition("/")[0] == name.rpartition("/")[0]
        need(same, "the export is signed with another key than the trusted one, or is of another log")
    return name, public


def verify_shards(folder, say, trusted=None):
    """The shard in a folder, and every one before it: each must be exactly what the next one says it continues.
    Gives a line for each, and (place, name, size) of each, oldest first."""
    lines, shards, seen, later, said = [], [], set(), None, []
    place = folder

    def place_of(name):
        places = [folder / "before" / name] + ([folder.parent / name] if folder.parent.name == "before" else [])
        return next((each for each in places if each.is_dir()), None)

    while True:
        line, vkey, shard = verify_log(place, say, trusted)
        (log, _, name), origin_of = shard["origin"].rpartition("/"), f"shard {shard['origin'].rpartition('/')[2]}"
        if later:
            need(later["vkey"] == vkey[1] and later["log"] == log, f"{origin_of}: signed with another key, or of another log")
            need(later["continues"] == (name, shard["size"], shard["root"]), f"{origin_of}: not what {later['name']} continues")
            need(shard["closed"] or later["broken"], f"{origin_of}: does not end with the entry that closes it")
            need(shard["last"] <= later["first"], f"{origin_of}: ends after {later['name']} begins")
            order = [tuple(map(int, each.split("-"))) for each in (name, later["name"])]
            need(order[0] < order[1], f"{origin_of}: not before {later['name']}")
        need(name not in seen, f"{origin_of}: continued twice")
        seen.add(name)
        lines.insert(0, line)
        shards.insert(0, (place, name, shard["size"]))
        later = {**shard, "vkey": vkey[1], "log": log, "name": name}
        if shard["continues"] is None:
            break
        wanted = shard["continues"][0]
        place = place_of(wanted)
        need(place, f"shard {wanted}, which {name} continues, is missing")
        said = said or shard["announced"]
        if not (place / "tile").is_dir():
            gone = verify_gone(said, shard["continues"], vkey[1], log, place_of)
            seen |= {each[0] for each in gone}
            said = "removed at the end of its term: {}, {} entries, root {}"
            lines = [said.format(*each) for each in gone] + lines
            break
    kept = {each.name for each in (folder / "before").iterdir()} if (folder / "before").is_dir() else set()
    need(kept <= seen, f"shards that no other one continues: {sorted(kept - seen)}")
    return lines, shards


def verify_log(folder, say, trusted=None):
    vkey = key_of(folder, trusted)
    origin, size, root = open_checkpoint((folder / "checkpoint").read_text("utf-8"), vkey)
    wanted = {}
    for kept_size, kept_root in [*kept_checkpoints(folder, vkey), (size, root)]:
        need(kept_size <= size, f"a kept checkpoint of size {kept_size} is larger than the newest ({size})")
        need(wanted.setdefault(kept_size, kept_root) == kept_root, f"two signed checkpoints of size {kept_size} differ")
    foreign = "the signed checkpoint of size {} does not belong to these entries"
    tree, tiles, table, last = Frontier(), Tiles(folder), key_table(), 0
    shard = {"origin": origin, "size": size, "root": root.hex(), "first": 0, "closed": False, "continues": None,
             "broken": False, "announced": []}
    for index, text in enumerate(entries(folder, size)):
        need(index not in wanted or tree.root() == wanted[index], foreign.format(index))
        leaf = decode_leaf(text, f"entry {index}", table)
        need(leaf["i"] == index, f"entry {index}: says that it is {leaf['i']}")
        need(leaf["t"] >= last, f"entry {index}: is older than the entry before it")
        need(not shard["closed"], f"entry {index}: stands after the entry that ends its shard")
        shard["closed"], continued, broken = boundary(leaf)
        need(index == 0 or continued is None, f"entry {index}: begins a shard that has begun")
        if index == 0:
            shard |= {"first": leaf["t"], "continues": continued, "broken": broken}
        shard["announced"] = announced(leaf) or shard["announced"]
        last, value = leaf["t"], leaf_hash(text)
        tree.push(value)
        tiles.push(value)
        if (index + 1) % 5000 == 0:
            say(f"{index + 1} of {size} entries")
    need(tree.root() == root, foreign.format(size))
    line = f"verified: {origin}, {size} entries, {tiles.finish()} hash tiles, {len(wanted)} checkpoints"
    return line, vkey, {**shard, "last": last}


def verify_policy(folder, say, trusted=None):
    """Every answer names the policy, and the catalogue, of the newest POLICY entry before it; numbers never go back."""
    lines, shards = verify_shards(folder, say, trusted)
    say("\n".join(lines))
    spans, continued, unknown = [], False, 0
    for place, name, size in shards:
        for index, text in enumerate(entries(place, size)):
            leaf, at = json.loads(text), f"{name}:{index}" if len(shards) > 1 else f"{index}"
            continued = continued or leaf["k"] == "EPOCH" and "pv" in leaf
            if leaf["k"] == "POLICY":
                need(not spans or spans[-1]["n"] <= leaf["n"], f"entry {at}: puts an older policy in force")
                spans.append({**leaf, "at": at, "answers": 0})
            elif "rt" in leaf and "po" in leaf and leaf["k"] != "MANUAL":
                if continued and not spans:
                    unknown += 1
                    continue
                need(spans, f"entry {at}: names a policy before any was in force")
                need(leaf["po"] == spans[-1]["po"], f"entry {at}: names another policy than that of entry {spans[-1]['at']}")
                need(leaf.get("ca") in (None, spans[-1]["ca"]), f"entry {at}: names another field catalogue")
                spans[-1]["answers"] += 1
    lines = [f"from entry {span['at']}: policy number {span['n']}, {span['po']}, {span['answers']} answers" for span in spans]
    return "\n".join([*lines, f"verified: each answer names the policy in force, {unknown} unknown"])


def range_hash(folder, size):
    """A hash_of(first, end) that reads nothing but hash tiles of an export of this size."""
    def node(level, number):
        row, within = divmod(number, 256)
        full, width = tile_path(folder, level, row), (size >> 8 * level) % 256
        data = (full if full.exists() else tile_path(folder, level, row, width)).read_bytes()
        need(len(data) >= 32 * (within + 1), f"hash tile {level}/{row}: too short")
        return data[32 * within:32 * within + 32]

    def hash_of(first, end):
        height = (end - first).bit_length() - 1
        if end - first == 1 << height and first % (end - first) == 0 and height % 8 == 0:
            return node(height // 8, first >> height)
        middle = first + split(end - first)
        return node_hash(hash_of(first, middle), hash_of(middle, end))
    return hash_of


def note_of(path, vkey):
    """The checkpoint of an export, of a receipt, or in a file of its own; a receipt must hold by itself."""
    if path.is_dir():
        return (path / "checkpoint").read_text("utf-8")
    text = path.read_text("utf-8")
    if not text.startswith("c2sp.org/tlog-proof@v1\n"):
        return text
    open_receipt(text, vkey)
    return text.partition("\n\n")[2]


def verify_extension(old_note, new_note, folder, trusted=None):
    vkey = key_of(folder, trusted)
    (_, old, old_root), (_, new, new_root) = open_checkpoint(old_note, vkey), open_checkpoint(new_note, vkey)
    _, size, _ = open_checkpoint((folder / "checkpoint").read_text("utf-8"), vkey)
    need(old <= new, f"the older note has {old} entries, the newer {new}: the log has shrunk")
    need(new <= size, f"the export holds {size} entries, the newer note {new}: export again")
    hash_of = range_hash(folder, size)
    need(new == 0 or hash_of(0, new) == new_root, "the newer note does not belong to the hash tiles of this export")
    path = consistency_path(old, new, hash_of) if old else []
    need(verify_consistency(old, new, path, old_root, new_root), f"the tree of {new} entries does not extend the tree of {old}")
    return f"verified: {new} entries extend {old}, {len(path)} hashes"


# -- commands

def say(line):
    print(line, file=sys.stderr, flush=True)


def given(value):
    """A value of the command line, or the content of the file that it names."""
    return Path(value).read_text("utf-8") if Path(value).is_file() else value


def trusted_key(value, folder):
    """The key of --vkey; without it nothing, and the key that is used instead is named with what it does not prove."""
    if value is not None:
        return read_vkey(given(value))
    own = (folder / "vkey").read_text("utf-8").strip()
    say("no --vkey: the key was taken from the export, which shows that the export agrees with itself and not who signed it."
        f" Compare it with the key that you were given:\n  {own}")
    return None


def verify_receipt(path, vkey, body, salt):
    leaf, index, size = open_receipt(path.read_text("utf-8"), read_vkey(given(vkey)))
    if body is not None:
        need("bc" in leaf, "receipt: its leaf covers no body")
        salt = given(salt).strip()
        need(re.fullmatch("[0-9a-fA-F]{64}", salt), "salt: not 64 hex digits")
        need(body_commitment(bytes.fromhex(salt), body.read_bytes()) == leaf["bc"], "receipt: it covers other bytes")
    covered = "" if body is None else ", covers the body"
    return f"verified: {leaf['k']} at index {index} of {size}{covered}"


def arguments():
    parser = argparse.ArgumentParser(description="Verifies what Sluis logged, without Sluis.")
    commands = parser.add_subparsers(dest="command", required=True)
    log = commands.add_parser("log", help="verify an export folder")
    log.add_argument("folder", type=Path)
    receipt = commands.add_parser("receipt", help="verify a receipt")
    receipt.add_argument("file", type=Path)
    receipt.add_argument("--vkey", required=True, help="verifier key, or a file that holds it")
    receipt.add_argument("--body", type=Path, help="the bytes that were received")
    receipt.add_argument("--salt", help="the salt that came with them, 64 hex digits or a file that holds them")
    consistency = commands.add_parser("consistency", help="verify that one signed tree extends another")
    for name in ("old", "new"):
        consistency.add_argument(name, type=Path)
    consistency.add_argument("folder", type=Path, nargs="?", help="an export; NEW itself when absent")
    policy = commands.add_parser("policy", help="verify an export, and that every answer names the policy in force")
    policy.add_argument("folder", type=Path)
    for command in (log, consistency, policy):
        command.add_argument("--vkey", help="verifier key that you trust, or a file that holds it; that of the export when absent")
    commands.add_parser("vectors", help="print golden vectors")
    args = parser.parse_args()
    if args.command == "receipt" and (args.body is None) != (args.salt is None):
        parser.error("give --body and --salt together")
    return args


def main():
    args = arguments()
    try:
        if args.command == "log":
            print("\n".join(verify_shards(args.folder, say, trusted_key(args.vkey, args.folder))[0]))
        elif args.command == "policy":
            print(verify_policy(args.folder, say, trusted_key(args.vkey, args.folder)))
        elif args.command == "receipt":
            print(verify_receipt(args.file, args.vkey, args.body, args.salt))
        elif args.command == "consistency":
            folder = args.folder or args.new
            trusted = trusted_key(args.vkey, folder)
            vkey = key_of(folder, trusted)
            print(verify_extension(note_of(args.old, vkey), note_of(args.new, vkey), folder, trusted))
        else:
            print(json.dumps(log_vectors.vectors(), indent=2, ensure_ascii=True))
    except Invalid as fault:
        say(f"NOT verified: {fault}")
        return 1
    except (OSError, UnicodeDecodeError) as fault:
        say(f"cannot be read: {fault}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
