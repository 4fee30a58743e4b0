//! The table. Rows of leaves are `1 << 40 | index`; index 3 to 9 are what [`super::ground`] writes there, from 10 on refusals.

/// One way to change the database.
pub struct Case {
    pub table: &'static str,
    /// The column, and what is done.
    pub what: &'static str,
    pub sql: &'static str,
    /// Who notices, in alphabetical order; empty: nobody.
    pub by: &'static str,
    /// Why nobody does, and what that costs; empty where somebody does.
    pub because: &'static str,
}

const fn noticed(table: &'static str, what: &'static str, sql: &'static str, by: &'static str) -> Case {
    Case { table, what, sql, by, because: "" }
}

const fn nobody(table: &'static str, what: &'static str, sql: &'static str, because: &'static str) -> Case {
    Case { table, what, sql, by: "", because }
}

const LEAF: &str = "log_leaf";
const STATE: &str = "state";

pub const CASES: &[Case] = &[
    noticed(LEAF, "row deleted in the middle", "DELETE FROM log_leaf WHERE row & 0xffff = 20", "scrubber verifier"),
    noticed(LEAF, "tail cut off", "DELETE FROM log_leaf WHERE row & 0xffff > 290", "open scrubber verifier"),
    noticed(
        LEAF,
        "row inserted at the end",
        "INSERT INTO log_leaf SELECT row + 1, leaf, hash, kind, t, zeroblob(16), oin, NULL, NULL, key_id, ct FROM log_leaf
         WHERE row & 0xffff = 299",
        "append open scrubber verifier",
    ),
    noticed(
        LEAF,
        "two rows swapped",
        "UPDATE log_leaf SET row = -1 WHERE row & 0xffff = 20; UPDATE log_leaf SET row = row - 1 WHERE row & 0xffff = 21;
         UPDATE log_leaf SET row = (1 << 40) + 21 WHERE row = -1",
        "scrubber verifier",
    ),
    noticed(
        LEAF,
        "leaf of another kind",
        "UPDATE log_leaf SET leaf = replace(leaf, '\"DENY\"', '\"EXPLAIN\"') WHERE row & 0xffff = 20",
        "scrubber verifier",
    ),
    noticed(LEAF, "leaf no leaf", "UPDATE log_leaf SET leaf = leaf || ' ' WHERE row & 0xffff = 20", "scrubber verifier"),
    noticed(LEAF, "leaf absent", "UPDATE log_leaf SET leaf = NULL WHERE row & 0xffff = 20", "scrubber verifier"),
    noticed(LEAF, "hash, under a sub-tree", "UPDATE log_leaf SET hash = zeroblob(32) WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "hash, at the edge", "UPDATE log_leaf SET hash = zeroblob(32) WHERE row & 0xffff = 280", "open scrubber"),
    noticed(LEAF, "kind", "UPDATE log_leaf SET kind = 4 WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "t", "UPDATE log_leaf SET t = t + 1 WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "rid", "UPDATE log_leaf SET rid = zeroblob(16) WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "oin", "UPDATE log_leaf SET oin = '00000099000000009999' WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "oin of a manual disclosure", "UPDATE log_leaf SET oin = '00000099000000009999' WHERE row & 0xffff = 9", "scrubber"),
    noticed(LEAF, "oin gone", "UPDATE log_leaf SET oin = NULL WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "txn", "UPDATE log_leaf SET txn = zeroblob(16) WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "digest gone", "UPDATE log_leaf SET digest = NULL WHERE row & 0xffff = 20", "scrubber"),
    nobody(
        LEAF,
        "digest",
        "UPDATE log_leaf SET digest = zeroblob(32) WHERE row & 0xffff = 20",
        "the request is not kept and the key of the day is destroyed; a repeated call is then told CONFLICT, and nothing leaves",
    ),
    nobody(
        LEAF,
        "txn and digest gone",
        "UPDATE log_leaf SET txn = NULL, digest = NULL WHERE row & 0xffff = 20",
        "after 96 hours it must be so; within them a repeated call is decided anew and recorded anew",
    ),
    noticed(LEAF, "key_id", "UPDATE log_leaf SET key_id = zeroblob(16) WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "ct", "UPDATE log_leaf SET ct = CAST(x'00' || substr(ct, 2) AS BLOB) WHERE row & 0xffff = 20", "scrubber"),
    noticed(LEAF, "ct gone, key_id not", "UPDATE log_leaf SET ct = NULL WHERE row & 0xffff = 20", "scrubber"),
    noticed(
        LEAF,
        "payload of another entry",
        "UPDATE log_leaf SET (key_id, ct) = (SELECT key_id, ct FROM log_leaf WHERE row & 0xffff = 21) WHERE row & 0xffff = 20",
        "scrubber",
    ),
    noticed(
        LEAF,
        "payload gone, no key was erased",
        "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE row & 0xffff = 20",
        "scrubber",
    ),
    nobody(
        LEAF,
        "payload gone, some key was erased",
        "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE row & 0xffff = 20; INSERT INTO erased_key VALUES (zeroblob(16))",
        "no leaf says whose payloads went with a key; the leaf keeps its commitment, so that a copy elsewhere can be proven",
    ),
    noticed("log_subtree", "hash", "UPDATE log_subtree SET hash = zeroblob(32)", "open scrubber"),
    noticed("log_subtree", "row deleted", "DELETE FROM log_subtree", "open scrubber"),
    noticed("log_subtree", "number", "UPDATE log_subtree SET number = number + 1", "open scrubber"),
    noticed("log_subtree", "level", "UPDATE log_subtree SET level = level + 1", "open scrubber"),
    nobody(
        "log_subtree",
        "row inserted beyond the end",
        "INSERT INTO log_subtree VALUES (1, 1, 99, zeroblob(32))",
        "nothing reads it before the log is that long; then the append is refused, since a row is never replaced",
    ),
    noticed("log_head", "size", "UPDATE log_head SET size = size - 1", "append open scrubber"),
    noticed("log_head", "frontier", "UPDATE log_head SET frontier = zeroblob(length(frontier))", "append open scrubber"),
    noticed("log_head", "last_t", "UPDATE log_head SET last_t = last_t - 1", "append scrubber"),
    noticed("log_head", "row deleted", "DELETE FROM log_head", "append open scrubber"),
    noticed(
        "log_head",
        "log cut off behind a head that fits",
        "DELETE FROM log_head; DELETE FROM log_leaf WHERE row & 0xffff > 255;
         INSERT INTO log_head SELECT 1, 256, hash, (SELECT max(t) FROM log_leaf) FROM log_subtree",
        "anchor append scrubber verifier",
    ),
    noticed("log_checkpoint", "note", "UPDATE log_checkpoint SET note = replace(note, '258', '259') WHERE size = 258", "scrubber verifier"),
    noticed("log_checkpoint", "note no note", "UPDATE log_checkpoint SET note = 'x' WHERE size = 258", "scrubber verifier"),
    noticed("log_checkpoint", "size", "UPDATE log_checkpoint SET size = 257 WHERE size = 258", "scrubber"),
    nobody(
        "log_checkpoint",
        "row deleted",
        "DELETE FROM log_checkpoint WHERE size = 258",
        "any note can be missing, the newest is in the anchor, and the same tree can be signed again",
    ),
    nobody(
        "log_checkpoint",
        "t",
        "UPDATE log_checkpoint SET t = 0 WHERE size = 258",
        "it only tells which notes of a minute go; no note says when it was signed",
    ),
    noticed(STATE, "sealed", "UPDATE state SET sealed = CAST(x'00' || substr(sealed, 2) AS BLOB) WHERE kind = 3", "append scrubber"),
    noticed(STATE, "version", "UPDATE state SET version = version + 1 WHERE kind = 3", "append scrubber"),
    noticed(STATE, "leaf_index", "UPDATE state SET leaf_index = leaf_index + 1 WHERE kind = 3", "append scrubber"),
    noticed(STATE, "key", "UPDATE state SET key = zeroblob(16) WHERE kind = 3 AND leaf_index = 6", "append scrubber"),
    noticed(STATE, "kind", "UPDATE state SET kind = 3, key = zeroblob(16) WHERE kind = 1", "append scrubber"),
    noticed(STATE, "subject deleted", "DELETE FROM state WHERE kind = 3", "append scrubber"),
    noticed(STATE, "organisation deleted", "DELETE FROM state WHERE kind = 2", "append scrubber"),
    noticed(STATE, "policy deleted", "DELETE FROM state WHERE kind = 1", "append scrubber"),
    noticed(
        STATE,
        "subjects swapped",
        "UPDATE state SET key = zeroblob(16) WHERE leaf_index = 6;
         UPDATE state SET key = (SELECT key FROM before WHERE kind = 3) WHERE leaf_index = 7",
        "append scrubber",
    ),
    noticed(
        STATE,
        "subject put back",
        "DELETE FROM state WHERE leaf_index = 6; INSERT INTO state SELECT * FROM before WHERE kind = 3",
        "append scrubber",
    ),
    noticed(
        STATE,
        "organisation put back",
        "DELETE FROM state WHERE kind = 2; INSERT INTO state SELECT * FROM before WHERE kind = 2",
        "append scrubber",
    ),
    noticed(
        STATE,
        "policy put back",
        "DELETE FROM state WHERE kind = 1; INSERT INTO state SELECT * FROM before WHERE kind = 1",
        "append scrubber",
    ),
    noticed("subject_segment", "sealed", "UPDATE subject_segment SET sealed = CAST(x'00' || substr(sealed, 2) AS BLOB) WHERE first = 3", "scrubber"),
    noticed("subject_segment", "last", "UPDATE subject_segment SET last = last + 1 WHERE first = 3", "scrubber"),
    noticed("subject_segment", "row of a change of standing deleted", "DELETE FROM subject_segment WHERE first = 3", "scrubber"),
    nobody(
        "subject_segment",
        "row of questions deleted",
        "DELETE FROM subject_segment WHERE first >= 60",
        "only changes of standing are looked for under their subject; a search then misses questions about the child",
    ),
    nobody(
        "erased_key",
        "row inserted",
        "INSERT INTO erased_key VALUES (x'000102030405060708090a0b0c0d0e0f')",
        "no leaf names erased keys yet; the next start destroys a key with this id, so whoever can write here can erase",
    ),
    noticed("page_blob", "blob", "UPDATE page_blob SET blob = CAST(x'01' || substr(blob, 2) AS BLOB)", "scrubber"),
    noticed("page_blob", "row deleted", "DELETE FROM page_blob", "scrubber"),
    nobody(
        "page_blob",
        "row inserted at an entry without items",
        "INSERT INTO page_blob SELECT row + 12, blob FROM page_blob",
        "nothing reads items of an entry that has none",
    ),
];
