-- The key database, version 1. Its backups are kept for 30 days at most: a key that survives there is not erased.
-- Nothing here names a person: tags need the lookup key, and keys are wrapped.

CREATE TABLE seal_check (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  sealed BLOB NOT NULL
) STRICT;

-- Each generation has a secret in a file outside this database. A row goes when nothing is wrapped under it any more: the
-- references below keep it until then, and let no row name it afterwards. `proof` opens under the key of the generation only.
CREATE TABLE wrapping (
  generation INTEGER PRIMARY KEY CHECK (generation > 0),   -- the newest is used for new keys
  made_at    INTEGER NOT NULL,                             -- milliseconds since 1970, as all times here
  proof      BLOB NOT NULL
) STRICT;

-- Sealed for all its columns. Backups from before `destroyed_at` open nothing that they hold under this generation.
CREATE TABLE wrapping_ended (
  generation   INTEGER PRIMARY KEY CHECK (generation > 0),
  made_at      INTEGER NOT NULL,
  ended_at     INTEGER NOT NULL,
  destroyed_at INTEGER,                                    -- NULL while the secret is being destroyed
  sealed       BLOB NOT NULL
) STRICT;

CREATE TABLE subject (
  subject_ref BLOB PRIMARY KEY CHECK (length(subject_ref) = 16)
) STRICT, WITHOUT ROWID;

-- Many identifiers, one subject (A15). Sealed for both columns: who can write here cannot lead a number to another child.
CREATE TABLE subject_alias (
  tag         BLOB PRIMARY KEY CHECK (length(tag) = 32),   -- HMAC(K_lookup, kind and value)
  subject_ref BLOB NOT NULL REFERENCES subject,
  sealed      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_alias_subject ON subject_alias (subject_ref);

-- `wrapped` opens for its key id, subject and year only.
CREATE TABLE subject_key (
  key_id         BLOB PRIMARY KEY CHECK (length(key_id) = 16),
  subject_ref    BLOB NOT NULL REFERENCES subject,
  year           INTEGER NOT NULL,
  wrapped        BLOB NOT NULL,
  kek_generation INTEGER NOT NULL REFERENCES wrapping,
  UNIQUE (subject_ref, year)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_key_generation ON subject_key (kek_generation);

-- The key of one day for subjects nobody knows (A11). `wrapped` opens for its key id and day only.
CREATE TABLE bucket_key (
  day            TEXT PRIMARY KEY,                         -- YYYY-MM-DD
  key_id         BLOB NOT NULL UNIQUE CHECK (length(key_id) = 16),
  wrapped        BLOB NOT NULL,
  kek_generation INTEGER NOT NULL REFERENCES wrapping
) STRICT, WITHOUT ROWID;
CREATE INDEX bucket_key_generation ON bucket_key (kek_generation);

-- The key of one day for digests of transactions; destroyed after 96 hours (A13).
CREATE TABLE transaction_key (
  day            TEXT PRIMARY KEY,                         -- YYYY-MM-DD
  wrapped        BLOB NOT NULL,
  kek_generation INTEGER NOT NULL REFERENCES wrapping
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_key_generation ON transaction_key (kek_generation);
