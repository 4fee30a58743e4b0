-- The log database, version 1. Immutable tables first, then what may be erased, then what changes.
-- No identifier of a person stands in any column: subjects appear inside sealed bytes or as random handles.

-- == immutable ==

CREATE TABLE log_shard (
  log_id    INTEGER PRIMARY KEY,
  origin    TEXT NOT NULL UNIQUE,                          -- sluis-log.<domain>/<OIN>/<year>-<epoch>
  state     INTEGER NOT NULL CHECK (state IN (1, 2, 3)),   -- 1 open, 2 closed, 3 pruned
  prev_log  INTEGER,
  prev_note TEXT,                                          -- last checkpoint of the predecessor
  opened_at INTEGER NOT NULL,                              -- ms since 1970
  closed_at INTEGER,
  pruned_by INTEGER                                        -- the entry that announced it: (log_id - 1) << 40 | index
) STRICT;

-- A constant sealed under the state key: tells a wrong master key before anything is written with it.
CREATE TABLE seal_check (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  sealed BLOB NOT NULL
) STRICT;

-- One row per leaf. The last four columns are the erasable payload and the transaction of at most 96 hours (A13).
CREATE TABLE log_leaf (
  row    INTEGER PRIMARY KEY,                              -- log_id << 40 | index
  leaf   TEXT,                                             -- exact bytes
  hash   BLOB NOT NULL CHECK (length(hash) = 32),
  kind   INTEGER NOT NULL,                                 -- place in the closed list of kinds, from 1
  t      INTEGER NOT NULL,                                 -- ms since 1970, as in the leaf
  rid    BLOB NOT NULL CHECK (length(rid) = 16),
  oin    TEXT,                                             -- the calling organisation, where there is a transaction
  txn    BLOB CHECK (length(txn) = 16),
  digest BLOB CHECK (length(digest) = 32),                 -- HMAC under the key of the day
  key_id BLOB CHECK (length(key_id) = 16),                 -- names the subject's yearly key
  ct     BLOB                                              -- nonce and ciphertext
) STRICT;
CREATE UNIQUE INDEX log_leaf_rid ON log_leaf (rid);
CREATE UNIQUE INDEX log_leaf_txn ON log_leaf (oin, txn) WHERE txn IS NOT NULL;
-- Few, and found without reading the log: erasures and removals (20), what officers did (21), manual disclosures (22) and
-- obligations that were met (26).
CREATE INDEX log_leaf_rare ON log_leaf (kind) WHERE kind = 20 OR kind = 21 OR kind = 22 OR kind = 26;
CREATE INDEX log_leaf_oin_t ON log_leaf (oin, t) WHERE oin IS NOT NULL;

-- A shard goes when its term is over (A30): after it was closed, and after an entry of a later shard named its closing entry.
-- That cannot be undone. Its row, its head and its last checkpoint stay.
CREATE TRIGGER log_shard_goes BEFORE UPDATE ON log_shard
WHEN NEW.state < OLD.state OR (OLD.state = 3 AND NEW.pruned_by IS NOT OLD.pruned_by)
  OR (NEW.state = 3 AND OLD.state <> 3 AND (OLD.state <> 2 OR NOT EXISTS (
      SELECT 1 FROM log_leaf WHERE row = NEW.pruned_by + (1 << 40) AND row >> 40 > OLD.log_id AND kind = 20
        AND (row & ((1 << 40) - 1)) < (SELECT max(size) FROM log_head WHERE log_id = row >> 40)
        AND substr(OLD.origin || ':' || ((SELECT max(size) FROM log_head WHERE log_id = OLD.log_id) - 1),
            -1 - length(json_extract(leaf, '$.ref'))) = '/' || json_extract(leaf, '$.ref'))))
BEGIN SELECT RAISE(ABORT, 'a shard goes only after an entry said so'); END;
CREATE TRIGGER log_shard_stays BEFORE DELETE ON log_shard
BEGIN SELECT RAISE(ABORT, 'shards are not deleted'); END;

-- Leaves are never deleted, except with their shard. An update takes the payload or the transaction away, or sets the columns that only repeat what
-- the leaf says: those are rebuilt from it where somebody changed them (A27).
CREATE TRIGGER log_leaf_stays BEFORE DELETE ON log_leaf
WHEN NOT EXISTS (SELECT 1 FROM log_shard WHERE log_id = OLD.row >> 40 AND state = 3)
BEGIN SELECT RAISE(ABORT, 'leaves are not deleted'); END;
CREATE TRIGGER log_leaf_stands BEFORE UPDATE ON log_leaf
WHEN NEW.row IS NOT OLD.row OR NEW.leaf IS NOT OLD.leaf OR NEW.hash IS NOT OLD.hash
  OR (NEW.digest IS NOT OLD.digest AND NEW.digest IS NOT NULL)
  OR (NEW.key_id IS NOT OLD.key_id AND NEW.key_id IS NOT NULL) OR (NEW.ct IS NOT OLD.ct AND NEW.ct IS NOT NULL)
  OR (NEW.t IS NOT OLD.t AND NEW.t IS NOT json_extract(NEW.leaf, '$.t'))
  OR (NEW.rid IS NOT OLD.rid AND lower(hex(NEW.rid)) IS NOT json_extract(NEW.leaf, '$.rid'))
  OR (NEW.oin IS NOT OLD.oin AND NEW.oin IS NOT json_extract(NEW.leaf, '$.rp'))
  OR (NEW.txn IS NOT OLD.txn AND NEW.txn IS NOT NULL AND lower(hex(NEW.txn)) IS NOT json_extract(NEW.leaf, '$.txn'))
  OR (NEW.kind IS NOT OLD.kind AND NEW.kind IS NOT (SELECT key + 1 FROM json_each('[
      "RELEASE", "DENY", "ESCALATE", "EXPLAIN", "BATCH_OPEN", "PAGE", "BATCH_REPIN", "BATCH_SUSPEND", "BATCH_CLOSE",
      "REDELIVERY", "OUTCOME", "RECEIPT", "CONSENT", "RESTRICTION", "OBJECTION", "AUTHORITY", "STANDING", "POLICY",
      "RECIPIENT", "ERASE", "ADMIN", "MANUAL", "EPOCH", "AUDIT_OPEN", "AUDIT_CLOSE", "OBLIGATION_DONE", "IDENTITY",
      "SOURCE_GAP"
      ]') WHERE value = json_extract(NEW.leaf, '$.k')))
BEGIN SELECT RAISE(ABORT, 'leaves are not changed'); END;

-- Hashes of complete sub-trees: level 1 covers 256 leaves, level 2 covers 65536.
CREATE TABLE log_subtree (
  log_id INTEGER NOT NULL,
  level  INTEGER NOT NULL CHECK (level > 0),
  number INTEGER NOT NULL,
  hash   BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (log_id, level, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER log_subtree_stays BEFORE DELETE ON log_subtree
WHEN NOT EXISTS (SELECT 1 FROM log_shard WHERE log_id = OLD.log_id AND state = 3)
BEGIN SELECT RAISE(ABORT, 'sub-trees are not deleted'); END;
CREATE TRIGGER log_subtree_same BEFORE UPDATE ON log_subtree
BEGIN SELECT RAISE(ABORT, 'sub-trees are not changed'); END;

-- Insert-only; the newest row is the head, older ones are pruned in the commit that adds one (A2).
CREATE TABLE log_head (
  log_id   INTEGER NOT NULL REFERENCES log_shard,
  size     INTEGER NOT NULL CHECK (size >= 0),
  frontier BLOB NOT NULL,                                  -- hashes of the right edge, largest sub-tree first
  last_t   INTEGER NOT NULL,
  PRIMARY KEY (log_id, size)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER log_head_grows BEFORE INSERT ON log_head
WHEN EXISTS (SELECT 1 FROM log_head WHERE log_id = NEW.log_id AND size >= NEW.size)
BEGIN SELECT RAISE(ABORT, 'the head only grows'); END;
CREATE TRIGGER log_head_counts BEFORE INSERT ON log_head
WHEN NEW.size - (SELECT max(size) FROM log_head WHERE log_id = NEW.log_id)
  <> (SELECT count(*) FROM log_leaf
      WHERE row >= (NEW.log_id << 40) + (SELECT max(size) FROM log_head WHERE log_id = NEW.log_id)
        AND row < (NEW.log_id + 1) << 40)
BEGIN SELECT RAISE(ABORT, 'the head counts its leaves'); END;
CREATE TRIGGER log_head_same BEFORE UPDATE ON log_head
BEGIN SELECT RAISE(ABORT, 'heads are not changed'); END;
CREATE TRIGGER log_head_keeps_newest BEFORE DELETE ON log_head
WHEN NOT EXISTS (SELECT 1 FROM log_head WHERE log_id = OLD.log_id AND size > OLD.size)
BEGIN SELECT RAISE(ABORT, 'the newest head stays'); END;

-- Signed notes: the newest, and one per minute before it.
CREATE TABLE log_checkpoint (
  log_id INTEGER NOT NULL,
  size   INTEGER NOT NULL,
  note   TEXT NOT NULL,
  t      INTEGER NOT NULL,
  PRIMARY KEY (log_id, size)
) STRICT, WITHOUT ROWID;

-- == erasable ==

-- Items of a page, found by member number inside the blob.
CREATE TABLE page_blob (
  row  INTEGER PRIMARY KEY REFERENCES log_leaf (row),
  blob BLOB NOT NULL
) STRICT;

-- Who is concerned by which leaf, sealed; one row per commit, 64 of them merged into one (A19).
CREATE TABLE subject_segment (
  log_id INTEGER NOT NULL,
  level  INTEGER NOT NULL CHECK (level IN (0, 1)),
  first  INTEGER NOT NULL,
  last   INTEGER NOT NULL CHECK (last >= first),
  sealed BLOB NOT NULL,
  PRIMARY KEY (log_id, level, first)
) STRICT;

-- == changes ==

-- Guards: what a decision relies on. Sealed for kind, key, version and leaf (A14); versions only grow.
CREATE TABLE state (
  kind       INTEGER NOT NULL CHECK (kind IN (1, 2, 3)),   -- policy, organisation, subject
  key        BLOB NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0),
  leaf_index INTEGER NOT NULL,                             -- the leaf that set it: (log_id - 1) << 40 | index
  sealed     BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER state_grows BEFORE UPDATE ON state
WHEN NEW.version <= OLD.version OR NEW.leaf_index <= OLD.leaf_index
BEGIN SELECT RAISE(ABORT, 'versions of state only grow'); END;

-- Why nothing is released upon this log (A27): what was read twice that is not what was written. Read under the lock by
-- every append. An operator lifts it with an entry; the row stays. Sealed for all columns.
CREATE TABLE log_halt (
  replica INTEGER NOT NULL,
  t       INTEGER NOT NULL,                                -- when, ms since 1970
  found   TEXT NOT NULL,                                   -- table, index and what: nobody is named
  lifted  TEXT,                                            -- <year>-<epoch>:<index> of the entry that lifted it
  sealed  BLOB NOT NULL,
  PRIMARY KEY (replica, t)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER log_halt_stays BEFORE DELETE ON log_halt
BEGIN SELECT RAISE(ABORT, 'a halt is lifted, not deleted'); END;
CREATE TRIGGER log_halt_lifts_only BEFORE UPDATE ON log_halt
WHEN NEW.lifted IS NULL OR NEW.replica IS NOT OLD.replica OR NEW.t IS NOT OLD.t OR NEW.found IS NOT OLD.found
BEGIN SELECT RAISE(ABORT, 'a halt is lifted, never changed'); END;

-- In-flight low-water mark: after a crash every release from `low` on is UNKNOWN (A9).
CREATE TABLE replica (
  replica_id INTEGER PRIMARY KEY,
  low        INTEGER NOT NULL
) STRICT;

-- Keys that were destroyed; applied to the key database before serving, so that a restored one revives none (A21). Sealed:
-- who can write this database only must not have a gateway destroy keys.
CREATE TABLE erased_key (
  key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16),
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER erased_key_stays BEFORE DELETE ON erased_key
BEGIN SELECT RAISE(ABORT, 'an erased key stays erased'); END;
