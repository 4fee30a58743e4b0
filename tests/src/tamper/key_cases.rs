//! The cases on the key database.

use super::case::Op::{Delete, Duplicate, Flip, Insert, PutBack, Swap, Truncate};
use super::case::{Case, keys};
use super::stage::Dialect::{Postgres, Sqlite};

const ALIAS: &str = "subject_alias";
const SUBJECT: &str = "subject";
const KEY: &str = "subject_key";
const BUCKET: &str = "bucket_key";
const TXN: &str = "transaction_key";
const WRAPPING: &str = "wrapping";
const ENDED: &str = "wrapping_ended";
const SEAL: &str = "seal_check";
const SCHEMA: &str = "sluis_schema";

/// The first child's alias, and key, by what the log's copy of the beginning knows.
const NO_TAG: &str = "no number has such a tag, and without the lookup key nobody can make the tag of one";
const HANDLE: &str =
    "nothing reads it: it only holds that keys and aliases name somebody; the alias and the key say whom";
const DAY: &str = "a new one is made; a repeated call of that day is then told CONFLICT, and nothing leaves";
const GONE: &str = "nothing is wrapped under it, and the marker beside the secrets says too that it was destroyed: it is only told no more";

pub const CASES: &[Case] = &[
    keys(ALIAS, Flip("tag"), "another", "UPDATE subject_alias SET tag = {turn tag}").by("scrubber"),
    keys(
        ALIAS,
        Flip("subject_ref"),
        "another child",
        "UPDATE subject_alias SET subject_ref = (SELECT subject_ref FROM before_subject)",
    )
    .by("provision read scrubber"),
    keys(ALIAS, Flip("sealed"), "other bytes", "UPDATE subject_alias SET sealed = {turn sealed}").by("provision read scrubber"),
    keys(ALIAS, Delete, "of a child", "DELETE FROM subject_alias WHERE subject_ref IN (SELECT subject_ref FROM before_subject)")
        .by("scrubber"),
    keys(ALIAS, Insert, "a tag", "INSERT INTO subject_alias SELECT {zero 32}, subject_ref, {zero 16} FROM before_subject").nobody(NO_TAG),
    keys(ALIAS, Duplicate, "under another tag", "INSERT INTO subject_alias SELECT {turn tag}, subject_ref, sealed FROM subject_alias")
        .nobody(NO_TAG),
    keys(
        ALIAS,
        Swap,
        "two children",
        "UPDATE subject_alias SET subject_ref = CASE WHEN subject_ref = (SELECT subject_ref FROM before_subject)
         THEN (SELECT subject_ref FROM subject WHERE subject_ref NOT IN (SELECT subject_ref FROM before_subject))
         ELSE (SELECT subject_ref FROM before_subject) END",
    )
    .by("provision read scrubber"),
    keys(ALIAS, Truncate, "every row", "").by("scrubber"),
    keys(ALIAS, PutBack, "before the second child", "").by("scrubber"),
    keys(SUBJECT, Flip("subject_ref"), "another", "UPDATE subject SET subject_ref = {turn subject_ref}").nobody(HANDLE),
    keys(SUBJECT, Delete, "a row", "DELETE FROM subject WHERE subject_ref IN (SELECT subject_ref FROM before_subject)").nobody(HANDLE),
    keys(SUBJECT, Insert, "a row", "INSERT INTO subject VALUES ({zero 16})").nobody(HANDLE),
    keys(SUBJECT, Duplicate, "under other bytes", "INSERT INTO subject SELECT {turn subject_ref} FROM subject").nobody(HANDLE),
    keys(SUBJECT, Truncate, "every row", "").nobody(HANDLE),
    keys(SUBJECT, PutBack, "before the second child", "").nobody(HANDLE),
    keys(KEY, Flip("key_id"), "another", "UPDATE subject_key SET key_id = {turn key_id}").by("read scrubber"),
    keys(KEY, Flip("subject_ref"), "of nobody", "UPDATE subject_key SET subject_ref = {turn subject_ref}").by("scrubber"),
    keys(KEY, Flip("year"), "another", "UPDATE subject_key SET year = year + 1").by("scrubber"),
    keys(KEY, Flip("wrapped"), "other bytes", "UPDATE subject_key SET wrapped = {turn wrapped}").by("read scrubber"),
    keys(
        KEY,
        Flip("kek_generation"),
        "another",
        "UPDATE subject_key SET kek_generation = 3",
    )
    .by("read scrubber"),
    keys(KEY, Delete, "of a child", "DELETE FROM subject_key WHERE subject_ref IN (SELECT subject_ref FROM before_subject)").by("scrubber"),
    keys(
        KEY,
        Insert,
        "for another year",
        "INSERT INTO subject_key (key_id, subject_ref, year, wrapped, kek_generation) SELECT {zero 16}, subject_ref, 2030, {zero 48}, 1
         FROM before_subject",
    )
    .nobody("it does not open: in that year nothing is asked or recorded of the child before an operator looks"),
    keys(
        KEY,
        Duplicate,
        "for another year",
        "INSERT INTO subject_key (key_id, subject_ref, year, wrapped, kek_generation)
         SELECT {turn key_id}, subject_ref, 2030, wrapped, kek_generation FROM subject_key",
    )
    .nobody("it does not open: in that year nothing is asked or recorded of the child before an operator looks"),
    keys(
        KEY,
        Swap,
        "of two children",
        "UPDATE subject_key SET year = 2030;
         UPDATE subject_key SET year = 2026, subject_ref = CASE WHEN subject_ref = (SELECT subject_ref FROM before_subject)
         THEN (SELECT subject_ref FROM subject WHERE subject_ref NOT IN (SELECT subject_ref FROM before_subject))
         ELSE (SELECT subject_ref FROM before_subject) END",
    )
    .by("read scrubber"),
    keys(KEY, Truncate, "every row", "").by("scrubber"),
    keys(KEY, PutBack, "before the second child", "").by("scrubber"),
    keys(BUCKET, Flip("day"), "another", "UPDATE bucket_key SET day = '2020-01-01' WHERE day = '2026-11-21'").by("scrubber"),
    keys(BUCKET, Flip("key_id"), "another", "UPDATE bucket_key SET key_id = {turn key_id} WHERE day = '2026-11-21'").by("read scrubber"),
    keys(BUCKET, Flip("wrapped"), "other bytes", "UPDATE bucket_key SET wrapped = {turn wrapped} WHERE day = '2026-11-21'")
        .by("read scrubber"),
    keys(
        BUCKET,
        Flip("kek_generation"),
        "another",
        "UPDATE bucket_key SET kek_generation = 3 WHERE day = '2026-11-21'",
    )
    .by("read scrubber"),
    keys(BUCKET, Delete, "of today", "DELETE FROM bucket_key WHERE day = '2026-11-21'").by("scrubber"),
    keys(BUCKET, Insert, "of tomorrow", "INSERT INTO bucket_key VALUES ('2026-11-22', {zero 16}, {zero 48}, 1)")
        .nobody("it does not open: from then on nothing of nobody is recorded, and the answers say that the keys fail"),
    keys(
        BUCKET,
        Duplicate,
        "of tomorrow",
        "INSERT INTO bucket_key SELECT '2026-11-22', {zero 16}, wrapped, kek_generation FROM bucket_key WHERE day = '2026-11-21'",
    )
    .nobody("it does not open: from then on nothing of nobody is recorded, and the answers say that the keys fail"),
    keys(
        BUCKET,
        Swap,
        "two days",
        "UPDATE bucket_key SET day = '2020-01-01' WHERE day = '2026-11-21'; UPDATE bucket_key SET day = '2026-11-21' WHERE day = '2026-11-20';
         UPDATE bucket_key SET day = '2026-11-20' WHERE day = '2020-01-01'",
    )
    .by("read scrubber"),
    keys(BUCKET, Truncate, "every row", "").by("scrubber"),
    keys(BUCKET, PutBack, "as it was the day before", "")
        .nobody("only the key of a day on which nothing was recorded went; a new one is made when it is asked for"),
    keys(TXN, Flip("day"), "another", "UPDATE transaction_key SET day = '2020-01-01' WHERE day = '2026-11-21'").nobody(DAY),
    keys(TXN, Flip("wrapped"), "other bytes", "UPDATE transaction_key SET wrapped = {turn wrapped} WHERE day = '2026-11-21'").by("read"),
    keys(
        TXN,
        Flip("kek_generation"),
        "another",
        "UPDATE transaction_key SET kek_generation = 3 WHERE day = '2026-11-21'",
    )
    .by("read"),
    keys(TXN, Delete, "of today", "DELETE FROM transaction_key WHERE day = '2026-11-21'").nobody(DAY),
    keys(TXN, Insert, "of tomorrow", "INSERT INTO transaction_key VALUES ('2026-11-22', {zero 48}, 1)")
        .nobody("it does not open: from then on questions are answered with an error that says so, and nothing leaves"),
    keys(
        TXN,
        Duplicate,
        "of tomorrow",
        "INSERT INTO transaction_key SELECT '2026-11-22', wrapped, kek_generation FROM transaction_key WHERE day = '2026-11-21'",
    )
    .nobody("it does not open: from then on questions are answered with an error that says so, and nothing leaves"),
    keys(
        TXN,
        Swap,
        "two days",
        "UPDATE transaction_key SET day = '2020-01-01' WHERE day = '2026-11-21';
         UPDATE transaction_key SET day = '2026-11-21' WHERE day = '2026-11-20';
         UPDATE transaction_key SET day = '2026-11-20' WHERE day = '2020-01-01'",
    )
    .by("read"),
    keys(TXN, Truncate, "every row", "").nobody(DAY),
    keys(TXN, PutBack, "as it was the day before", "").nobody(DAY),
    keys(WRAPPING, Flip("generation"), "higher", "UPDATE wrapping SET generation = 9").by("keys"),
    keys(WRAPPING, Flip("made_at"), "later", "UPDATE wrapping SET made_at = made_at + 1").by("keys"),
    keys(WRAPPING, Flip("proof"), "other bytes", "UPDATE wrapping SET proof = {turn proof}").by("keys"),
    keys(WRAPPING, Insert, "a higher one", "INSERT INTO wrapping VALUES (9, 1, {zero 16})").by("keys"),
    keys(WRAPPING, Duplicate, "as the next", "INSERT INTO wrapping SELECT generation + 1, made_at, proof FROM wrapping").by("keys"),
    keys(WRAPPING, Delete, "the row", "DELETE FROM wrapping").by("keys"),
    keys(WRAPPING, Truncate, "every row", "").by("keys"),
    keys(WRAPPING, PutBack, "as it was", "").nobody("there was the same generation then"),
    keys(ENDED, Flip("generation"), "another", "UPDATE wrapping_ended SET generation = 9").by("keys"),
    keys(ENDED, Flip("made_at"), "later", "UPDATE wrapping_ended SET made_at = made_at + 1").by("keys"),
    keys(ENDED, Flip("ended_at"), "earlier", "UPDATE wrapping_ended SET ended_at = ended_at - 1").by("keys"),
    keys(ENDED, Flip("destroyed_at"), "not yet", "UPDATE wrapping_ended SET destroyed_at = NULL").by("keys"),
    keys(ENDED, Flip("sealed"), "other bytes", "UPDATE wrapping_ended SET sealed = {turn sealed}").by("keys"),
    keys(ENDED, Insert, "that never was", "INSERT INTO wrapping_ended VALUES (9, 1, 2, NULL, {zero 16})").by("keys"),
    keys(
        ENDED,
        Duplicate,
        "as another",
        "INSERT INTO wrapping_ended SELECT generation + 8, made_at, ended_at, destroyed_at, sealed FROM wrapping_ended",
    )
    .by("keys"),
    keys(ENDED, Delete, "the row", "DELETE FROM wrapping_ended").nobody(GONE),
    keys(ENDED, Truncate, "every row", "").nobody(GONE),
    keys(ENDED, PutBack, "as it was", "").nobody("the same generation had ended then"),
    keys(SEAL, Flip("sealed"), "other bytes", "UPDATE seal_check SET sealed = {turn sealed}").only(Sqlite).by("keys"),
    keys(SEAL, Flip("one"), "another", "PRAGMA ignore_check_constraints = ON; UPDATE seal_check SET one = 2").only(Sqlite).by("keys"),
    keys(SEAL, Delete, "the row", "DELETE FROM seal_check").only(Sqlite).by("keys"),
    keys(SEAL, Truncate, "every row", "").only(Sqlite).by("keys"),
    keys(SEAL, PutBack, "as it was", "").only(Sqlite).nobody("it is written once"),
    keys(SCHEMA, Flip("sealed"), "other bytes", "UPDATE sluis_schema SET sealed = {turn sealed}").only(Postgres).by("keys"),
    keys(SCHEMA, Flip("kind"), "another", "UPDATE sluis_schema SET kind = 'x'").only(Postgres).by("keys"),
    keys(SCHEMA, Flip("version"), "another", "UPDATE sluis_schema SET version = 2").only(Postgres).by("keys"),
    keys(
        SCHEMA,
        Flip("one"),
        "another",
        "ALTER TABLE sluis_schema DROP CONSTRAINT IF EXISTS sluis_schema_one_check; UPDATE sluis_schema SET one = 2",
    )
    .only(Postgres)
    .by("keys"),
    keys(SCHEMA, Delete, "the row", "DELETE FROM sluis_schema").only(Postgres).by("keys"),
    keys(SCHEMA, Truncate, "every row", "").only(Postgres).by("keys"),
    keys(SCHEMA, PutBack, "as it was", "").only(Postgres).nobody("it is written once"),
];
