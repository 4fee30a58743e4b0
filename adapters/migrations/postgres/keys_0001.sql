-- The key database on PostgreSQL, version 1. Its backups are kept for 30 days at most: a key that survives there is not
-- erased; the same holds for archived WAL. Nothing here names a person: tags need the lookup key, and keys are wrapped.

-- Which of the two databases this is; `sealed` tells a wrong master key before anything is written with it.
CREATE TABLE sluis_schema (
  one     smallint PRIMARY KEY CHECK (one = 1),
  kind    text NOT NULL,
  version integer NOT NULL,
  sealed  bytea NOT NULL
);

-- Each generation has a secret in a file outside this database. A row goes when nothing is wrapped under it any more: the
-- references below keep it until then, and let no row name it afterwards. `proof` opens under the key of the generation only.
CREATE TABLE wrapping (
  generation integer PRIMARY KEY CHECK (generation > 0),   -- the newest is used for new keys
  made_at    bigint NOT NULL,                             -- milliseconds since 1970, as all times here
  proof      bytea NOT NULL
);

-- Sealed for all its columns. Backups from before `destroyed_at` open nothing that they hold under this generation.
CREATE TABLE wrapping_ended (
  generation   integer PRIMARY KEY CHECK (generation > 0),
  made_at      bigint NOT NULL,
  ended_at     bigint NOT NULL,
  destroyed_at bigint,                                    -- NULL while the secret is being destroyed
  sealed       bytea NOT NULL
);

-- Subjects and what they are found by are written under one advisory lock: no replica sees half of another's page.
CREATE TABLE subject (
  subject_ref bytea PRIMARY KEY CHECK (octet_length(subject_ref) = 16)
);

-- Many identifiers, one subject (A15). Sealed for both columns: who can write here cannot lead a number to another child.
CREATE TABLE subject_alias (
  tag         bytea PRIMARY KEY CHECK (octet_length(tag) = 32),   -- HMAC(K_lookup, kind and value)
  subject_ref bytea NOT NULL REFERENCES subject,
  sealed      bytea NOT NULL
);
CREATE INDEX subject_alias_subject ON subject_alias (subject_ref);

-- `wrapped` opens for its key id, subject and year only.
CREATE TABLE subject_key (
  key_id         bytea PRIMARY KEY CHECK (octet_length(key_id) = 16),
  subject_ref    bytea NOT NULL REFERENCES subject,
  year           smallint NOT NULL,
  wrapped        bytea NOT NULL,
  kek_generation integer NOT NULL REFERENCES wrapping,
  UNIQUE (subject_ref, year)
);
CREATE INDEX subject_key_generation ON subject_key (kek_generation, key_id);

-- The key of one day for subjects nobody knows (A11). `wrapped` opens for its key id and day only.
CREATE TABLE bucket_key (
  day            date PRIMARY KEY,
  key_id         bytea NOT NULL UNIQUE CHECK (octet_length(key_id) = 16),
  wrapped        bytea NOT NULL,
  kek_generation integer NOT NULL REFERENCES wrapping
);
CREATE INDEX bucket_key_generation ON bucket_key (kek_generation, day);

-- The key of one day for digests of transactions; destroyed after 96 hours (A13).
CREATE TABLE transaction_key (
  day            date PRIMARY KEY,
  wrapped        bytea NOT NULL,
  kek_generation integer NOT NULL REFERENCES wrapping
);
CREATE INDEX transaction_key_generation ON transaction_key (kek_generation, day);
