//! The cases on the other tables of the log database.

use super::case::Op::{Delete, Duplicate, Flip, Insert, PutBack, Swap, Truncate};
use super::case::{Case, log};
use super::stage::Dialect::{Postgres, Sqlite};

const SHARD: &str = "log_shard";
const CHECKPOINT: &str = "log_checkpoint";
const SEGMENT: &str = "subject_segment";
const PAGE: &str = "page_blob";
const ERASED: &str = "erased_key";
const MARK: &str = "replica_mark";
const REPLICA: &str = "replica";
const SEAL: &str = "seal_check";
const SCHEMA: &str = "sluis_schema";

const NOTE: &str = "any note can be missing, the newest is in the anchor, and the same tree can be signed again";
const LIFE: &str = "it tells when the shard was opened, for people; the entry that opened it says so too";
const LOW: &str = "what was in flight at a crash is then not called UNKNOWN, or too much is: the log says that it left, the graver reading";
const TOMB: &str =
    "the key that it stands for is gone; it comes back only when a copy of the key database is put back as well";

pub const CASES: &[Case] = &[
    log(SHARD, Flip("log_id"), "another", "UPDATE log_shard SET log_id = 2").by("append open scrubber verifier"),
    log(SHARD, Flip("origin"), "another", "UPDATE log_shard SET origin = origin || 'x'").by("append open scrubber verifier"),
    // Only one process has a file, and it does not ask itself whether it closed the shard. An export has no such column: the
    // entries say which shard ended.
    log(SHARD, Flip("state"), "closed", "UPDATE log_shard SET state = 2").only(Sqlite).by("open scrubber"),
    log(SHARD, Flip("state"), "closed", "UPDATE log_shard SET state = 2").only(Postgres).by("append open scrubber"),
    log(SHARD, Flip("prev_log prev_note"), "some", "UPDATE log_shard SET prev_log = 7, prev_note = 'x'")
        .nobody("the first shard continues none; of a later one these two must be what its first entry names"),
    log(SHARD, Flip("opened_at"), "another", "UPDATE log_shard SET opened_at = 0").nobody(LIFE),
    log(SHARD, Flip("closed_at"), "some", "UPDATE log_shard SET closed_at = 0").nobody(LIFE),
    log(SHARD, Flip("pruned_by"), "some", "UPDATE log_shard SET pruned_by = 7").by("anchor scrubber"),
    log(SHARD, Delete, "the row", "DELETE FROM log_shard").by("append open scrubber verifier"),
    log(SHARD, Insert, "a newer one", "INSERT INTO log_shard (log_id, origin, state, opened_at) VALUES (2, 'x', 1, 0)")
        .by("open scrubber verifier"),
    log(
        SHARD,
        Duplicate,
        "under another number",
        "INSERT INTO log_shard (log_id, origin, state, opened_at) SELECT 2, origin || '-2', 1, opened_at FROM log_shard",
    )
    .by("open scrubber verifier"),
    log(SHARD, Truncate, "every row", "").by("append open scrubber verifier"),
    log(SHARD, PutBack, "as it was", "").nobody("it has not changed since: while a shard is open its row stays as it was made"),
    log(CHECKPOINT, Flip("note"), "another size", "UPDATE log_checkpoint SET note = replace(note, '258', '259') WHERE size = 258")
        .by("scrubber verifier"),
    log(CHECKPOINT, Flip("note"), "no note", "UPDATE log_checkpoint SET note = 'x' WHERE size = 258").by("scrubber verifier"),
    log(CHECKPOINT, Flip("note"), "bytes that are no text", "UPDATE log_checkpoint SET note = CAST(x'ff' AS TEXT) WHERE size = 258")
        .only(Sqlite)
        .by("scrubber verifier"),
    log(CHECKPOINT, Flip("size"), "another", "UPDATE log_checkpoint SET size = 257 WHERE size = 258").by("scrubber"),
    log(CHECKPOINT, Flip("t"), "another", "UPDATE log_checkpoint SET t = 0 WHERE size = 258")
        .nobody("it only tells which notes of a minute go; no note says when it was signed"),
    log(CHECKPOINT, Flip("log_id"), "another", "UPDATE log_checkpoint SET log_id = 2 WHERE size = 258").nobody(NOTE),
    log(CHECKPOINT, Delete, "a row", "DELETE FROM log_checkpoint WHERE size = 258").nobody(NOTE),
    log(CHECKPOINT, Insert, "no note", "INSERT INTO log_checkpoint VALUES (1, 100, 'x', 0)").by("scrubber verifier"),
    log(CHECKPOINT, Duplicate, "at another size", "INSERT INTO log_checkpoint SELECT log_id, 61, note, t FROM log_checkpoint WHERE size = 60")
        .by("scrubber"),
    log(
        CHECKPOINT,
        Swap,
        "two notes",
        "UPDATE log_checkpoint SET size = 1 WHERE size = 60; UPDATE log_checkpoint SET size = 60 WHERE size = 258;
         UPDATE log_checkpoint SET size = 258 WHERE size = 1",
    )
    .by("scrubber"),
    log(CHECKPOINT, Truncate, "every row", "").nobody(NOTE),
    log(CHECKPOINT, PutBack, "as it was when there was none", "").nobody(NOTE),
    log(SEGMENT, Flip("sealed"), "other bytes", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first = 3").by("scrubber"),
    log(SEGMENT, Flip("first"), "another", "UPDATE subject_segment SET first = 2 WHERE first = 3").by("scrubber"),
    log(SEGMENT, Flip("last"), "another", "UPDATE subject_segment SET last = last + 1 WHERE first = 3").by("scrubber"),
    log(SEGMENT, Flip("level"), "another", "UPDATE subject_segment SET level = 1 WHERE first = 3").by("scrubber"),
    log(
        SEGMENT,
        Flip("level"),
        "beyond every level",
        "PRAGMA ignore_check_constraints = ON; UPDATE subject_segment SET level = 300 WHERE first = 3",
    )
    .postgres(
        "ALTER TABLE subject_segment DROP CONSTRAINT IF EXISTS subject_segment_level_check;
         UPDATE subject_segment SET level = 300 WHERE first = 3",
    )
    .by("scrubber"),
    log(SEGMENT, Flip("log_id"), "another", "UPDATE subject_segment SET log_id = 2 WHERE first = 3").by("scrubber"),
    log(SEGMENT, Delete, "of a change of standing", "DELETE FROM subject_segment WHERE first = 3").by("scrubber"),
    log(SEGMENT, Delete, "of questions", "DELETE FROM subject_segment WHERE first >= 60").by("scrubber"),
    log(SEGMENT, Insert, "beyond the end", "INSERT INTO subject_segment VALUES (1, 0, 900, 900, {zero 30})").by("scrubber"),
    log(
        SEGMENT,
        Duplicate,
        "over other entries",
        "INSERT INTO subject_segment SELECT log_id, level, 900, 900, sealed FROM subject_segment WHERE first = 3",
    )
    .by("scrubber"),
    log(
        SEGMENT,
        Swap,
        "two rows",
        "UPDATE subject_segment SET first = 0, last = 7 WHERE first = 3; UPDATE subject_segment SET first = 3, last = 3 WHERE first = 7;
         UPDATE subject_segment SET first = 7 WHERE first = 0",
    )
    .by("scrubber"),
    log(SEGMENT, Truncate, "every row", "").by("scrubber"),
    log(SEGMENT, PutBack, "as it was after four entries", "").by("scrubber"),
    log(PAGE, Flip("blob"), "other bytes", "UPDATE page_blob SET blob = {turn blob} WHERE {i} = 8").by("scrubber"),
    log(PAGE, Flip("row"), "at another entry", "UPDATE page_blob SET {row 30} WHERE {i} = 8").only(Sqlite).by("scrubber"),
    log(PAGE, Flip("idx"), "at another entry", "UPDATE page_blob SET {row 30} WHERE {i} = 8").only(Postgres).by("scrubber"),
    log(PAGE, Flip("log_id"), "another", "UPDATE page_blob SET log_id = 2 WHERE {i} = 8").only(Postgres).by("scrubber"),
    log(PAGE, Delete, "a row", "DELETE FROM page_blob WHERE {i} = 8").by("scrubber"),
    log(PAGE, Insert, "at an entry without items", "INSERT INTO page_blob SELECT row + 12, {zero 9} FROM page_blob WHERE {i} = 8")
        .postgres("INSERT INTO page_blob VALUES (1, 20, {zero 9})")
        .nobody("nothing reads items of an entry that has none"),
    log(PAGE, Duplicate, "at an entry without items", "INSERT INTO page_blob SELECT row + 12, blob FROM page_blob WHERE {i} = 8")
        .postgres("INSERT INTO page_blob SELECT log_id, 20, blob FROM page_blob WHERE {i} = 8")
        .nobody("nothing reads items of an entry that has none"),
    log(
        PAGE,
        Swap,
        "two rows",
        "UPDATE page_blob SET {row 30} WHERE {i} = 8; UPDATE page_blob SET {row 8} WHERE {i} = 10;
         UPDATE page_blob SET {row 10} WHERE {i} = 30",
    )
    .by("scrubber"),
    log(PAGE, Truncate, "every row", "").by("scrubber"),
    log(PAGE, PutBack, "as it was when there was none", "").by("scrubber"),
    log(ERASED, Insert, "of no key", "INSERT INTO erased_key VALUES ({zero 16}, {zero 16})").by("scrubber tombs"),
    log(
        ERASED,
        Insert,
        "of a child's key",
        "INSERT INTO erased_key SELECT DISTINCT key_id, {zero 16} FROM log_leaf WHERE {i} = 20",
    )
    .by("scrubber tombs"),
    log(ERASED, Flip("key_id"), "another", "UPDATE erased_key SET key_id = {turn key_id}").erased().by("scrubber tombs"),
    log(ERASED, Flip("sealed"), "other bytes", "UPDATE erased_key SET sealed = {turn sealed}").erased().by("scrubber tombs"),
    log(ERASED, Duplicate, "of another key", "INSERT INTO erased_key SELECT {zero 16}, sealed FROM erased_key LIMIT 1")
        .erased()
        .by("scrubber tombs"),
    log(
        ERASED,
        Swap,
        "the seals of two",
        "UPDATE erased_key SET sealed = (SELECT o.sealed FROM erased_key o WHERE o.key_id <> erased_key.key_id)",
    )
    .erased()
    .by("scrubber tombs"),
    log(ERASED, Delete, "the rows", "DELETE FROM erased_key").erased().nobody(TOMB),
    log(ERASED, Truncate, "every row", "").erased().nobody(TOMB),
    log(ERASED, PutBack, "as it was when there was none", "").erased().nobody(TOMB),
    log(MARK, Flip("low"), "higher", "UPDATE replica_mark SET low = 500").only(Postgres).nobody(LOW),
    log(MARK, Flip("replica"), "another", "UPDATE replica_mark SET replica = 2").only(Postgres).nobody(LOW),
    log(MARK, Delete, "a row", "DELETE FROM replica_mark").only(Postgres).nobody(LOW),
    log(MARK, Insert, "a higher one", "INSERT INTO replica_mark VALUES (1, 510)").only(Postgres).nobody(LOW),
    log(MARK, Duplicate, "of another replica", "INSERT INTO replica_mark SELECT 2, low FROM replica_mark").only(Postgres).nobody(LOW),
    log(MARK, Truncate, "every row", "").only(Postgres).nobody(LOW),
    log(MARK, PutBack, "as it was", "").only(Postgres).nobody(LOW),
    log(REPLICA, Flip("low"), "higher", "UPDATE replica SET low = 500").only(Sqlite).nobody(LOW),
    log(REPLICA, Flip("replica_id"), "another", "UPDATE replica SET replica_id = 2").only(Sqlite).nobody(LOW),
    log(REPLICA, Delete, "the row", "DELETE FROM replica").only(Sqlite).nobody(LOW),
    log(REPLICA, Insert, "of another", "INSERT INTO replica VALUES (2, 500)").only(Sqlite).nobody("a file has one replica; nothing reads another"),
    log(REPLICA, Duplicate, "of another", "INSERT INTO replica SELECT 2, low FROM replica")
        .only(Sqlite)
        .nobody("a file has one replica; nothing reads another"),
    log(REPLICA, Truncate, "every row", "").only(Sqlite).nobody(LOW),
    log(REPLICA, PutBack, "as it was", "").only(Sqlite).nobody(LOW),
    log(SEAL, Flip("sealed"), "other bytes", "UPDATE seal_check SET sealed = {turn sealed}").only(Sqlite).by("open"),
    log(SEAL, Flip("one"), "another", "PRAGMA ignore_check_constraints = ON; UPDATE seal_check SET one = 2").only(Sqlite).by("open"),
    log(SEAL, Delete, "the row", "DELETE FROM seal_check").only(Sqlite).by("open"),
    log(SEAL, Truncate, "every row", "").only(Sqlite).by("open"),
    log(SEAL, PutBack, "as it was", "").only(Sqlite).nobody("it is written once"),
    log(SCHEMA, Flip("sealed"), "other bytes", "UPDATE sluis_schema SET sealed = {turn sealed}").only(Postgres).by("open verifier"),
    log(SCHEMA, Flip("kind"), "another", "UPDATE sluis_schema SET kind = 'x'").only(Postgres).by("open verifier"),
    log(SCHEMA, Flip("version"), "another", "UPDATE sluis_schema SET version = 2").only(Postgres).by("open verifier"),
    log(
        SCHEMA,
        Flip("one"),
        "another",
        "ALTER TABLE sluis_schema DROP CONSTRAINT IF EXISTS sluis_schema_one_check; UPDATE sluis_schema SET one = 2",
    )
    .only(Postgres)
    .by("open verifier"),
    log(SCHEMA, Delete, "the row", "DELETE FROM sluis_schema").only(Postgres).by("open verifier"),
    log(SCHEMA, Truncate, "every row", "").only(Postgres).by("open verifier"),
    log(SCHEMA, PutBack, "as it was", "").only(Postgres).nobody("it is written once"),
];
