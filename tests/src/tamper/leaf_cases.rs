//! The cases on leaves and on what is computed from them. Index 3 to 10 are what [`super::ground`] writes there, from 11 on
//! refusals.

use super::case::Op::{Delete, Duplicate, Flip, Insert, PutBack, Swap, Truncate};
use super::case::{Case, log};
use super::stage::Dialect::{Postgres, Sqlite};

const LEAF: &str = "log_leaf";
const SUBTREE: &str = "log_subtree";
const HEAD: &str = "log_head";

pub const CASES: &[Case] = &[
    log(LEAF, Delete, "a row in the middle", "DELETE FROM log_leaf WHERE {i} = 20").by("scrubber verifier"),
    log(LEAF, Delete, "the tail", "DELETE FROM log_leaf WHERE {i} > 510").by("open scrubber verifier"),
    log(
        LEAF,
        Insert,
        "a row beyond the end",
        "INSERT INTO log_leaf SELECT row + 1, leaf, hash, kind, t, {zero 16}, oin, NULL, NULL, key_id, ct FROM log_leaf WHERE {i} = 519",
    )
    .postgres(
        "INSERT INTO log_leaf SELECT log_id, idx + 1, leaf, hash, kind, t, {zero 16}, replica, oin, NULL, NULL, key_id, ct
         FROM log_leaf WHERE idx = 519",
    )
    .by("append open scrubber verifier"),
    log(
        LEAF,
        Duplicate,
        "an entry once more at the end",
        "INSERT INTO log_leaf SELECT row + 500, leaf, hash, kind, t, {zero 16}, oin, NULL, NULL, key_id, ct FROM log_leaf WHERE {i} = 20",
    )
    .postgres(
        "INSERT INTO log_leaf SELECT log_id, 520, leaf, hash, kind, t, {zero 16}, replica, oin, NULL, NULL, key_id, ct
         FROM log_leaf WHERE idx = 20",
    )
    .by("append open scrubber verifier"),
    log(
        LEAF,
        Swap,
        "two rows",
        "UPDATE log_leaf SET {row 999} WHERE {i} = 20; UPDATE log_leaf SET {row 20} WHERE {i} = 21;
         UPDATE log_leaf SET {row 21} WHERE {i} = 999",
    )
    .by("scrubber verifier"),
    log(LEAF, Truncate, "every entry", "").by("open scrubber verifier"),
    log(LEAF, PutBack, "the first four entries only", "").by("open scrubber verifier"),
    log(LEAF, Flip("row"), "into another log", "UPDATE log_leaf SET row = row + (1 << 40) WHERE {i} = 20")
        .only(Sqlite)
        .by("scrubber verifier"),
    log(
        LEAF,
        Flip("log_id"),
        "into another log",
        "CREATE TABLE IF NOT EXISTS log_leaf_2 PARTITION OF log_leaf FOR VALUES IN (2);
         UPDATE log_leaf SET log_id = 2 WHERE idx = 20",
    )
    .only(Postgres)
    .by("scrubber verifier"),
    log(LEAF, Flip("idx"), "to another place", "UPDATE log_leaf SET idx = 999 WHERE idx = 20")
        .only(Postgres)
        .by("append open scrubber verifier"),
    log(LEAF, Flip("leaf"), "another kind", "UPDATE log_leaf SET leaf = replace(leaf, '\"DENY\"', '\"EXPLAIN\"') WHERE {i} = 20")
        .by("scrubber verifier"),
    log(LEAF, Flip("leaf"), "no leaf", "UPDATE log_leaf SET leaf = leaf || ' ' WHERE {i} = 20").by("scrubber verifier"),
    log(LEAF, Flip("leaf"), "absent", "UPDATE log_leaf SET leaf = NULL WHERE {i} = 20").by("scrubber verifier"),
    log(LEAF, Flip("leaf"), "bytes that are no text", "UPDATE log_leaf SET leaf = CAST(x'ff' AS TEXT) WHERE {i} = 20")
        .only(Sqlite)
        .by("scrubber verifier"),
    log(LEAF, Flip("oin"), "bytes that are no text", "UPDATE log_leaf SET oin = CAST(x'ff' AS TEXT) WHERE {i} = 20")
        .only(Sqlite)
        .by("scrubber"),
    log(LEAF, Flip("hash"), "under a sub-tree", "UPDATE log_leaf SET hash = {zero 32} WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("hash"), "at the edge", "UPDATE log_leaf SET hash = {zero 32} WHERE {i} = 515").by("open scrubber"),
    log(LEAF, Flip("kind"), "a refusal as an explanation", "UPDATE log_leaf SET kind = 4 WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("t"), "later", "UPDATE log_leaf SET t = t + 1 WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("rid"), "another", "UPDATE log_leaf SET rid = {zero 16} WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("oin"), "another", "UPDATE log_leaf SET oin = '00000099000000009999' WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("oin"), "of a manual disclosure", "UPDATE log_leaf SET oin = '00000099000000009999' WHERE {i} = 9")
        .by("scrubber"),
    log(LEAF, Flip("oin"), "absent", "UPDATE log_leaf SET oin = NULL WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("replica"), "another", "UPDATE log_leaf SET replica = 2 WHERE idx = 20").only(Postgres).nobody(
        "no leaf says who wrote it; of an entry in flight at a crash the log then says that it left, which is the graver reading",
    ),
    log(LEAF, Flip("txn"), "another", "UPDATE log_leaf SET txn = {zero 16} WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("digest"), "absent", "UPDATE log_leaf SET digest = NULL WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("digest"), "another", "UPDATE log_leaf SET digest = {zero 32} WHERE {i} = 20").nobody(
        "the request is not kept and the key of the day is destroyed; a repeated call is then told CONFLICT, and nothing leaves",
    ),
    log(LEAF, Flip("txn digest"), "absent", "UPDATE log_leaf SET txn = NULL, digest = NULL WHERE {i} = 20")
        .nobody("after 96 hours it must be so; within them a repeated call is decided anew and recorded anew"),
    log(LEAF, Flip("key_id"), "another", "UPDATE log_leaf SET key_id = {zero 16} WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("ct"), "other bytes", "UPDATE log_leaf SET ct = {turn ct} WHERE {i} = 20").by("scrubber"),
    log(LEAF, Flip("ct"), "absent", "UPDATE log_leaf SET ct = NULL WHERE {i} = 20").by("scrubber"),
    log(
        LEAF,
        Flip("key_id ct"),
        "of another entry",
        "UPDATE log_leaf SET (key_id, ct) = (SELECT key_id, ct FROM log_leaf WHERE {i} = 21) WHERE {i} = 20",
    )
    .by("scrubber"),
    log(
        LEAF,
        Flip("key_id ct"),
        "absent, no key was erased",
        "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE {i} = 20",
    )
    .by("scrubber"),
    log(
        LEAF,
        Flip("key_id ct"),
        "absent, some key was erased",
        "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE {i} = 20",
    )
    .erased()
    .nobody(
        "no leaf says whose payloads went with a key, or erased entries could be told to be of one child; the leaf keeps its
         commitment, so that a copy elsewhere can be proven",
    ),
    log(SUBTREE, Flip("hash"), "another", "UPDATE log_subtree SET hash = {zero 32} WHERE number = 0").by("open scrubber"),
    log(SUBTREE, Delete, "a row", "DELETE FROM log_subtree WHERE number = 0").by("open scrubber"),
    log(SUBTREE, Flip("number"), "another", "UPDATE log_subtree SET number = 7 WHERE number = 0").by("open scrubber"),
    log(SUBTREE, Flip("level"), "another", "UPDATE log_subtree SET level = 2 WHERE number = 0").by("open scrubber"),
    log(SUBTREE, Flip("log_id"), "another", "UPDATE log_subtree SET log_id = 2 WHERE number = 0").by("open scrubber"),
    log(
        SUBTREE,
        Swap,
        "two rows",
        "UPDATE log_subtree SET number = 9 WHERE number = 0; UPDATE log_subtree SET number = 0 WHERE number = 1;
         UPDATE log_subtree SET number = 1 WHERE number = 9",
    )
    .by("open scrubber"),
    log(SUBTREE, Insert, "beyond the end", "INSERT INTO log_subtree VALUES (1, 1, 99, {zero 32})")
        .nobody("nothing reads it before the log is that long; then the append is refused, since a row is never replaced"),
    log(SUBTREE, Duplicate, "beyond the end", "INSERT INTO log_subtree SELECT log_id, level, 99, hash FROM log_subtree WHERE number = 0")
        .nobody("nothing reads it before the log is that long; then the append is refused, since a row is never replaced"),
    log(SUBTREE, Truncate, "every row", "").by("open scrubber"),
    log(SUBTREE, PutBack, "as it was when there was none", "").by("open scrubber"),
    log(HEAD, Flip("size"), "smaller", "UPDATE log_head SET size = size - 1").by("append open scrubber verifier"),
    log(HEAD, Flip("frontier"), "zeros", "UPDATE log_head SET frontier = {zero 64}").by("append open scrubber"),
    log(HEAD, Flip("last_t"), "earlier", "UPDATE log_head SET last_t = last_t - 1").only(Sqlite).by("append scrubber"),
    // The next entry sets it right; were its own time earlier, the scrubber would find that time goes back.
    log(HEAD, Flip("last_t"), "earlier", "UPDATE log_head SET last_t = last_t - 1").only(Postgres).by("scrubber"),
    log(HEAD, Flip("log_id"), "of another log", "UPDATE log_head SET log_id = 2").by("append open scrubber verifier"),
    log(HEAD, Delete, "the newest", "DELETE FROM log_head").by("append open scrubber verifier"),
    log(HEAD, Insert, "a larger one", "INSERT INTO log_head SELECT log_id, size + 1, frontier, last_t FROM log_head")
        .by("append open scrubber verifier"),
    log(HEAD, Duplicate, "under a smaller size", "INSERT INTO log_head SELECT log_id, size - 1, frontier, last_t FROM log_head")
        .nobody("the largest counts, and what is smaller is pruned: rows that it supersedes stand there in service too"),
    log(HEAD, Swap, "with an older one", "UPDATE log_head SET (size, frontier) = (SELECT size, frontier FROM before_log_head ORDER BY size DESC LIMIT 1)")
        .by("append open scrubber"),
    log(HEAD, Truncate, "every row", "").by("append open scrubber verifier"),
    log(HEAD, PutBack, "the head of four entries", "").by("append open scrubber"),
    log(
        HEAD,
        Delete,
        "and the entries behind an older one that fits",
        "DELETE FROM log_head; DELETE FROM log_leaf WHERE {i} > 255;
         INSERT INTO log_head SELECT 1, 256, hash, (SELECT max(t) FROM log_leaf) FROM log_subtree WHERE number = 0",
    )
    .by("anchor append scrubber verifier"),
];
