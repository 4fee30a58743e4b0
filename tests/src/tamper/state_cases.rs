//! The cases on what decisions rely on: guards of policy, organisations and subjects, and halts.

use super::case::Op::{Delete, Duplicate, Flip, Insert, PutBack, Swap, Truncate};
use super::case::{Case, log};
use super::stage::Dialect::{Postgres, Sqlite};

const STATE: &str = "state";
const HALT: &str = "log_halt";

pub const CASES: &[Case] = &[
    log(STATE, Flip("sealed"), "other bytes", "UPDATE state SET sealed = {turn sealed} WHERE kind = 3").by("append scrubber"),
    log(STATE, Flip("version"), "higher", "UPDATE state SET version = version + 1 WHERE kind = 3").by("append scrubber"),
    log(STATE, Flip("leaf_index"), "another", "UPDATE state SET leaf_index = leaf_index + 1 WHERE kind = 3").by("append scrubber"),
    log(STATE, Flip("log_id"), "another", "UPDATE state SET log_id = 2 WHERE kind = 3").only(Postgres).nobody(
        "the row still is the newest, by the position of its entry and the number of changes; the position names the shard too",
    ),
    log(
        STATE,
        PutBack,
        "a subject, as if set in an earlier shard",
        "DELETE FROM state WHERE leaf_index = 6; INSERT INTO state SELECT * FROM before_state WHERE kind = 3;
         UPDATE state SET log_id = 2 WHERE leaf_index = 3",
    )
    .only(Postgres)
    .by("append scrubber"),
    log(STATE, Flip("key"), "another", "UPDATE state SET key = {zero 16} WHERE kind = 3 AND leaf_index = 6").by("append scrubber"),
    log(STATE, Flip("kind"), "another", "UPDATE state SET kind = 3, key = {zero 16} WHERE kind = 1").by("append scrubber"),
    log(
        STATE,
        Flip("kind"),
        "beyond every kind",
        "PRAGMA ignore_check_constraints = ON; UPDATE state SET kind = 300 WHERE leaf_index = 7",
    )
    .postgres(
        "ALTER TABLE state DROP CONSTRAINT IF EXISTS state_kind_check; UPDATE state SET kind = 300 WHERE leaf_index = 7",
    )
    .by("scrubber"),
    log(
        STATE,
        Insert,
        "of a kind below all",
        "PRAGMA ignore_check_constraints = ON;
         INSERT INTO state (kind, key, version, leaf_index, sealed) VALUES (-1, {zero 16}, 1, 20, {zero 40})",
    )
    .postgres(
        "ALTER TABLE state DROP CONSTRAINT IF EXISTS state_kind_check;
         INSERT INTO state (kind, key, version, log_id, leaf_index, sealed) VALUES (-1, {zero 16}, 1, 1, 20, {zero 40})",
    )
    .by("scrubber"),
    log(STATE, Delete, "a subject", "DELETE FROM state WHERE kind = 3").by("append scrubber"),
    log(STATE, Delete, "an organisation", "DELETE FROM state WHERE kind = 2").by("append scrubber"),
    log(STATE, Delete, "the policy", "DELETE FROM state WHERE kind = 1").by("append scrubber"),
    log(
        STATE,
        Insert,
        "of a subject of whom nothing is set",
        "INSERT INTO state (kind, key, version, leaf_index, sealed) VALUES (3, {zero 16}, 1, 20, {zero 40})",
    )
    .postgres("INSERT INTO state (kind, key, version, log_id, leaf_index, sealed) VALUES (3, {zero 16}, 1, 1, 20, {zero 40})")
    .by("scrubber"),
    log(
        STATE,
        Duplicate,
        "for another subject",
        "INSERT INTO state (kind, key, version, leaf_index, sealed)
         SELECT kind, {zero 16}, version, leaf_index, sealed FROM state WHERE leaf_index = 7",
    )
    .postgres(
        "INSERT INTO state (kind, key, version, log_id, leaf_index, sealed)
         SELECT kind, {zero 16}, version, log_id, leaf_index, sealed FROM state WHERE leaf_index = 7",
    )
    .by("scrubber"),
    log(
        STATE,
        Swap,
        "two subjects",
        "UPDATE state SET key = {zero 16} WHERE leaf_index = 6;
         UPDATE state SET key = (SELECT key FROM before_state WHERE kind = 3) WHERE leaf_index = 7",
    )
    .by("append scrubber"),
    log(STATE, Truncate, "every row", "").by("append scrubber"),
    log(STATE, PutBack, "everything after four entries", "").by("append scrubber"),
    log(STATE, PutBack, "a subject", "DELETE FROM state WHERE leaf_index = 6; INSERT INTO state SELECT * FROM before_state WHERE kind = 3")
        .by("append scrubber"),
    log(
        STATE,
        PutBack,
        "an organisation",
        "DELETE FROM state WHERE kind = 2; INSERT INTO state SELECT * FROM before_state WHERE kind = 2",
    )
    .by("append scrubber"),
    log(STATE, PutBack, "the policy", "DELETE FROM state WHERE kind = 1; INSERT INTO state SELECT * FROM before_state WHERE kind = 1")
        .by("append scrubber"),
    log(HALT, Flip("t"), "another", "UPDATE log_halt SET t = 6").halted().by("append flag halts"),
    log(HALT, Flip("replica"), "another", "UPDATE log_halt SET replica = 2").only(Sqlite).halted().by("append flag halts"),
    // One other replica alone stops nobody inside the lock; that nobody of us wrote it does.
    log(HALT, Flip("replica"), "another", "UPDATE log_halt SET replica = 2").only(Postgres).halted().by("flag halts"),
    log(HALT, Flip("found"), "another", "UPDATE log_halt SET found = 'nothing'").halted().by("append flag halts"),
    log(HALT, Flip("lifted"), "by an entry", "UPDATE log_halt SET lifted = '2026-1:9'").halted().by("flag halts"),
    log(HALT, Flip("sealed"), "other bytes", "UPDATE log_halt SET sealed = {turn sealed}").halted().by("append flag halts"),
    log(HALT, Delete, "the row", "DELETE FROM log_halt").halted().by("flag"),
    log(HALT, Truncate, "every row", "").halted().by("flag"),
    log(HALT, PutBack, "as it was when there was none", "").halted().by("flag"),
    log(HALT, Insert, "that nobody of us wrote", "INSERT INTO log_halt VALUES (2, 9, 'x', '2026-1:9', {zero 16})").by("halts"),
    log(
        HALT,
        Duplicate,
        "of another replica",
        "INSERT INTO log_halt SELECT 2, t, found, lifted, sealed FROM log_halt",
    )
    .halted()
    .by("append flag halts"),
    log(
        HALT,
        Swap,
        "what two found",
        "INSERT INTO log_halt SELECT 2, 6, found || '!', lifted, sealed FROM log_halt; UPDATE log_halt SET t = 7 WHERE t = 5;
         UPDATE log_halt SET t = 5 WHERE t = 6; UPDATE log_halt SET t = 6 WHERE t = 7",
    )
    .halted()
    .by("append flag halts"),
];
