-- The log database on PostgreSQL, version 1. Immutable tables first, then what may be erased, then what changes.
-- No identifier of a person stands in any column: subjects appear inside sealed bytes or as random handles.
-- The triggers are a second line: the trust rests on the tree, not on them.

-- Which of the two databases this is; `sealed` tells a wrong master key before anything is written with it.
CREATE TABLE sluis_schema (
  one     smallint PRIMARY KEY CHECK (one = 1),
  kind    text NOT NULL,
  version integer NOT NULL,
  sealed  bytea NOT NULL
);

CREATE FUNCTION sluis_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME; END $$;

-- == immutable ==

-- Its row is the lock of all writers, and is never updated while the shard is open: an old snapshot makes a row that
-- is updated thousands of times a second slow for everybody (A2).
CREATE TABLE log_shard (
  log_id    smallint PRIMARY KEY CHECK (log_id > 0),
  origin    text COLLATE "C" NOT NULL UNIQUE,               -- sluis-log.<domain>/<OIN>/<year>-<epoch>
  state     smallint NOT NULL CHECK (state IN (1, 2, 3)),   -- 1 open, 2 closed, 3 pruned
  prev_log  smallint,
  prev_note text,                                           -- last checkpoint of the predecessor
  opened_at bigint NOT NULL,                                -- ms since 1970
  closed_at bigint,
  pruned_by bigint                                          -- the entry that announced it: (log_id - 1) << 40 | index
);
CREATE TRIGGER log_shard_stays BEFORE DELETE ON log_shard FOR EACH ROW EXECUTE FUNCTION sluis_refuse();

-- What goes with its shard, and never before.
CREATE FUNCTION sluis_only_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM log_shard WHERE log_id = OLD.log_id AND state = 3) THEN
    RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME;
  END IF;
  RETURN OLD;
END $$;

-- One row per leaf; one partition per shard, so that a shard that may go is dropped whole.
CREATE TABLE log_leaf (
  log_id  smallint NOT NULL,
  idx     bigint NOT NULL CHECK (idx >= 0),
  leaf    text COLLATE "C",                                 -- exact bytes
  hash    bytea NOT NULL CHECK (octet_length(hash) = 32),
  kind    smallint NOT NULL,                                -- place in the closed list of kinds, from 1
  t       bigint NOT NULL,                                  -- ms since 1970, as in the leaf
  rid     bytea NOT NULL CHECK (octet_length(rid) = 16),
  replica smallint NOT NULL,                                -- which process wrote it: whose delivery is in doubt after a crash
  oin     text COLLATE "C",                                 -- the calling organisation, where there is a transaction
  txn     bytea CHECK (octet_length(txn) = 16),
  digest  bytea CHECK (octet_length(digest) = 32),          -- HMAC under the key of the day
  key_id  bytea CHECK (octet_length(key_id) = 16),          -- names the subject's yearly key
  ct      bytea,                                            -- nonce and ciphertext
  PRIMARY KEY (log_id, idx)
) PARTITION BY LIST (log_id);
ALTER TABLE log_leaf ALTER COLUMN ct SET STORAGE EXTERNAL;   -- ciphertext does not compress
-- Holds every row, and says it with a condition that no statement can prove: it serves to refuse a request id twice, and never to
-- find anything. While a table is small, or unknown to the server, it seems as good as the primary key for an entry by its index,
-- and a plan that was kept then read the whole log for each append.
CREATE UNIQUE INDEX log_leaf_rid ON log_leaf (log_id, rid) WHERE octet_length(rid) = 16;
CREATE UNIQUE INDEX log_leaf_txn ON log_leaf (oin, txn, log_id) WHERE txn IS NOT NULL;
-- Few, and found without reading the log: erasures and removals (20), what officers did (21), manual disclosures (22) and
-- obligations that were met (26). By position, which no other index has: whatever the server knows of its tables, no other gives
-- them in order, page by page over all shards.
CREATE INDEX log_leaf_rare ON log_leaf (kind, (((log_id - 1)::bigint << 40) + idx))
  WHERE kind = 20 OR kind = 21 OR kind = 22 OR kind = 26;
-- Few: changes of enrolments (19) by organisation. No index of every leaf begins with `oin`: on a server that has no statistics of
-- the table yet, it was chosen to look for a transaction, and every leaf of the organisation was then read.
CREATE INDEX log_leaf_recipient ON log_leaf (oin, idx) WHERE kind = 19;
CREATE TABLE log_leaf_1 PARTITION OF log_leaf FOR VALUES IN (1);

-- Leaves are never deleted, except with their shard, whose partition is emptied. An update takes the payload or the transaction away, or sets the columns that only repeat what
-- the leaf says: those are rebuilt from it where somebody changed them (A27).
CREATE FUNCTION log_leaf_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.log_id, NEW.idx, NEW.hash, NEW.replica) IS DISTINCT FROM (OLD.log_id, OLD.idx, OLD.hash, OLD.replica)
     OR NEW.leaf IS DISTINCT FROM OLD.leaf
     OR (NEW.digest IS DISTINCT FROM OLD.digest AND NEW.digest IS NOT NULL)
     OR (NEW.key_id IS DISTINCT FROM OLD.key_id AND NEW.key_id IS NOT NULL)
     OR (NEW.ct IS DISTINCT FROM OLD.ct AND NEW.ct IS NOT NULL)
     OR (NEW.t IS DISTINCT FROM OLD.t AND NEW.t IS DISTINCT FROM (NEW.leaf::json->>'t')::bigint)
     OR (NEW.rid IS DISTINCT FROM OLD.rid AND encode(NEW.rid, 'hex') IS DISTINCT FROM NEW.leaf::json->>'rid')
     OR (NEW.oin IS DISTINCT FROM OLD.oin AND NEW.oin IS DISTINCT FROM NEW.leaf::json->>'rp')
     OR (NEW.txn IS DISTINCT FROM OLD.txn AND NEW.txn IS NOT NULL AND encode(NEW.txn, 'hex') IS DISTINCT FROM NEW.leaf::json->>'txn')
     OR (NEW.kind IS DISTINCT FROM OLD.kind AND NEW.kind IS DISTINCT FROM array_position(ARRAY[
          'RELEASE', 'DENY', 'ESCALATE', 'EXPLAIN', 'BATCH_OPEN', 'PAGE', 'BATCH_REPIN', 'BATCH_SUSPEND',
          'BATCH_CLOSE', 'REDELIVERY', 'OUTCOME', 'RECEIPT', 'CONSENT', 'RESTRICTION', 'OBJECTION', 'AUTHORITY',
          'STANDING', 'POLICY', 'RECIPIENT', 'ERASE', 'ADMIN', 'MANUAL', 'EPOCH', 'AUDIT_OPEN', 'AUDIT_CLOSE',
          'OBLIGATION_DONE', 'IDENTITY', 'SOURCE_GAP'], NEW.leaf::json->>'k'))
  THEN RAISE EXCEPTION 'leaves are not changed'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_leaf_stays BEFORE DELETE ON log_leaf FOR EACH ROW EXECUTE FUNCTION sluis_refuse();
CREATE TRIGGER log_leaf_stands BEFORE UPDATE ON log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_stands();

-- Hashes of complete sub-trees: level 1 covers 256 leaves, level 2 covers 65536.
CREATE TABLE log_subtree (
  log_id smallint NOT NULL,
  level  smallint NOT NULL CHECK (level > 0),
  number bigint NOT NULL,
  hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (log_id, level, number)
);
CREATE TRIGGER log_subtree_same BEFORE UPDATE ON log_subtree FOR EACH ROW EXECUTE FUNCTION sluis_refuse();
CREATE TRIGGER log_subtree_stays BEFORE DELETE ON log_subtree FOR EACH ROW EXECUTE FUNCTION sluis_only_pruned();

-- Insert-only; the newest row is the head, older ones are pruned in the background (A2).
CREATE TABLE log_head (
  log_id   smallint NOT NULL,
  size     bigint NOT NULL CHECK (size >= 0),
  frontier bytea NOT NULL,                                  -- hashes of the right edge, largest sub-tree first
  last_t   bigint NOT NULL,
  PRIMARY KEY (log_id, size)
);
CREATE FUNCTION log_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest bigint := (SELECT max(size) FROM log_head WHERE log_id = NEW.log_id);
BEGIN
  IF newest IS NULL THEN RETURN NEW; END IF;
  IF NEW.size <= newest THEN RAISE EXCEPTION 'the head only grows'; END IF;
  IF NEW.size - newest <> (SELECT count(*) FROM log_leaf WHERE log_id = NEW.log_id AND idx >= newest) THEN
    RAISE EXCEPTION 'the head counts its leaves';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_head_grows BEFORE INSERT ON log_head FOR EACH ROW EXECUTE FUNCTION log_head_grows();
CREATE TRIGGER log_head_same BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION sluis_refuse();
CREATE FUNCTION log_head_keeps_newest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM log_head WHERE log_id = OLD.log_id AND size > OLD.size) THEN
    RAISE EXCEPTION 'the newest head stays';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER log_head_keeps_newest BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION log_head_keeps_newest();

-- Signed notes: the newest, and one per minute before it.
CREATE TABLE log_checkpoint (
  log_id smallint NOT NULL,
  size   bigint NOT NULL,
  note   text COLLATE "C" NOT NULL,
  t      bigint NOT NULL,
  PRIMARY KEY (log_id, size)
);

-- == erasable ==

-- Items of a page, found by member number inside the blob.
CREATE TABLE page_blob (
  log_id smallint NOT NULL,
  idx    bigint NOT NULL,
  blob   bytea NOT NULL,
  PRIMARY KEY (log_id, idx)
);

-- Who is concerned by which leaf, sealed; one row per commit, 64 of them merged into one in the background (A19).
CREATE TABLE subject_segment (
  log_id smallint NOT NULL,
  level  smallint NOT NULL CHECK (level IN (0, 1)),
  first  bigint NOT NULL,
  last   bigint NOT NULL CHECK (last >= first),
  sealed bytea NOT NULL,
  PRIMARY KEY (log_id, level, first)
);

-- == changes ==

-- Guards: what a decision relies on. Sealed for kind, key, version and leaf (A14); versions only grow.
CREATE TABLE state (
  kind       smallint NOT NULL CHECK (kind IN (1, 2, 3)),   -- policy, organisation, subject
  key        bytea NOT NULL,
  version    bigint NOT NULL CHECK (version > 0),
  log_id     smallint NOT NULL,                             -- the shard and leaf that set it
  leaf_index bigint NOT NULL,                               -- position: (log_id - 1) << 40 | index
  sealed     bytea NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE FUNCTION state_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version <= OLD.version OR (NEW.log_id, NEW.leaf_index) <= (OLD.log_id, OLD.leaf_index) THEN
    RAISE EXCEPTION 'versions of state only grow';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER state_grows BEFORE UPDATE ON state FOR EACH ROW EXECUTE FUNCTION state_grows();
CREATE TRIGGER state_stays BEFORE DELETE ON state FOR EACH ROW EXECUTE FUNCTION sluis_only_pruned();

-- Why nothing is released upon this log (A27): a replica that read twice what was not written stops itself, two stop all.
-- Read under the lock by every append. An operator lifts it with an entry; the row stays. Sealed for all columns.
CREATE TABLE log_halt (
  replica smallint NOT NULL,
  t       bigint NOT NULL,                                  -- when, ms since 1970
  found   text COLLATE "C" NOT NULL,                        -- table, index and what: nobody is named
  lifted  text COLLATE "C",                                 -- <year>-<epoch>:<index> of the entry that lifted it
  sealed  bytea NOT NULL,
  PRIMARY KEY (replica, t)
);
CREATE INDEX log_halt_in_force ON log_halt (replica) WHERE lifted IS NULL;
CREATE FUNCTION log_halt_lifts_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.lifted IS NULL OR (NEW.replica, NEW.t, NEW.found) IS DISTINCT FROM (OLD.replica, OLD.t, OLD.found) THEN
    RAISE EXCEPTION 'a halt is lifted, never changed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_halt_stays BEFORE DELETE ON log_halt FOR EACH ROW EXECUTE FUNCTION sluis_refuse();
CREATE TRIGGER log_halt_lifts_only BEFORE UPDATE ON log_halt FOR EACH ROW EXECUTE FUNCTION log_halt_lifts_only();

-- In-flight low-water marks: after a crash every release of a replica from its mark on is UNKNOWN (A9). Insert-only for
-- the reason of the head: the highest mark of a replica counts, lower ones are pruned in the background.
CREATE TABLE replica_mark (
  replica smallint NOT NULL,
  low     bigint NOT NULL,
  PRIMARY KEY (replica, low)
);

-- Keys that were destroyed; applied to the key database before serving, so that a restored one revives none (A21). Sealed:
-- who can write this database only must not have a gateway destroy keys.
CREATE TABLE erased_key (
  key_id bytea PRIMARY KEY CHECK (octet_length(key_id) = 16),
  sealed bytea NOT NULL
);
CREATE TRIGGER erased_key_stays BEFORE UPDATE OR DELETE ON erased_key FOR EACH ROW EXECUTE FUNCTION sluis_refuse();

-- == one append, two questions ==

-- The lock, and under it what the entries rely on. Statements of their own, so that each sees what the last holder of the lock
-- wrote (A2): a volatile function reads anew for every statement under READ COMMITTED. No row of the open shard: all is NULL.
-- `OFFSET 0` keeps a join from being turned around: a plan that was made while the log was small, and kept, would walk the
-- whole log for each append.
CREATE FUNCTION log_look(
  shard smallint, writer smallint, kinds smallint[], keys bytea[], oins text[], txns bytea[],
  OUT origin text, OUT size bigint, OUT frontier bytea, OUT last_t bigint, OUT clock bigint, OUT halted boolean,
  OUT state_kinds smallint[], OUT state_keys bytea[], OUT versions bigint[], OUT leaf_indexes bigint[], OUT sealed bytea[],
  OUT seen_oins text[], OUT seen_txns bytea[], OUT seen_indexes bigint[], OUT seen_digests bytea[], OUT seen_kinds smallint[]
) LANGUAGE plpgsql AS $$
BEGIN
  SELECT s.origin INTO origin FROM log_shard s WHERE s.log_id = shard AND s.state = 1 FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  -- Two halts of different replicas, or one of this writer.
  SELECT h.size, h.frontier, h.last_t, EXISTS (
      SELECT FROM log_halt a WHERE a.lifted IS NULL AND (a.replica = writer
        OR EXISTS (SELECT FROM log_halt b WHERE b.lifted IS NULL AND b.replica <> a.replica)))
    INTO size, frontier, last_t, halted
    FROM log_head h WHERE h.log_id = shard ORDER BY h.size DESC LIMIT 1;
  clock := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  IF cardinality(kinds) > 0 THEN
    SELECT array_agg(s.kind), array_agg(s.key), array_agg(s.version), array_agg(s.leaf_index), array_agg(s.sealed)
      INTO state_kinds, state_keys, versions, leaf_indexes, sealed
      FROM unnest(kinds, keys) AS w (kind, key),
        LATERAL (SELECT * FROM state s WHERE s.kind = w.kind AND s.key = w.key OFFSET 0) s;
  END IF;
  IF cardinality(oins) > 0 THEN
    SELECT array_agg(l.oin), array_agg(l.txn), array_agg(((l.log_id - 1)::bigint << 40) + l.idx), array_agg(l.digest), array_agg(l.kind)
      INTO seen_oins, seen_txns, seen_indexes, seen_digests, seen_kinds
      FROM unnest(oins, txns) AS w (oin, txn),
        LATERAL (SELECT * FROM log_leaf l WHERE l.oin = w.oin AND l.txn = w.txn AND l.txn IS NOT NULL OFFSET 0) l;
  END IF;
END $$;

-- Everything of a batch but its pages and its state, which few batches have. The head comes last: its trigger counts the leaves.
CREATE FUNCTION log_write(
  shard smallint, writer smallint, idx bigint[], leaf text[], hash bytea[], kind smallint[], t bigint[], rid bytea[],
  oin text[], txn bytea[], digest bytea[], key_id bytea[], ct bytea[],
  levels smallint[], numbers bigint[], hashes bytea[],
  first bigint, last bigint, segment bytea, low bigint, size bigint, frontier bytea, last_t bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log_leaf (log_id, replica, idx, leaf, hash, kind, t, rid, oin, txn, digest, key_id, ct)
    SELECT shard, writer, * FROM unnest(idx, leaf, hash, kind, t, rid, oin, txn, digest, key_id, ct);
  IF cardinality(levels) > 0 THEN
    INSERT INTO log_subtree (log_id, level, number, hash) SELECT shard, * FROM unnest(levels, numbers, hashes);
  END IF;
  IF segment IS NOT NULL THEN
    INSERT INTO subject_segment (log_id, level, first, last, sealed) VALUES (shard, 0, first, last, segment);
  END IF;
  IF low IS NOT NULL THEN
    INSERT INTO replica_mark (replica, low) VALUES (writer, low) ON CONFLICT DO NOTHING;
  END IF;
  INSERT INTO log_head (log_id, size, frontier, last_t) VALUES (shard, size, frontier, last_t);
END $$;

-- == the end of a term (A30) ==

-- A shard goes after it was closed, and after an entry of a later shard named its closing entry. That cannot be undone. Its
-- row, its head and its last checkpoint stay.
CREATE FUNCTION log_shard_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state < OLD.state OR (OLD.state = 3 AND NEW.pruned_by IS DISTINCT FROM OLD.pruned_by) THEN
    RAISE EXCEPTION 'a shard that is gone stays gone';
  END IF;
  IF NEW.state = 3 AND OLD.state <> 3 AND (OLD.state <> 2 OR NOT EXISTS (
      SELECT FROM log_leaf l
      WHERE l.log_id = (NEW.pruned_by >> 40) + 1 AND l.idx = NEW.pruned_by & ((1::bigint << 40) - 1)
        AND l.log_id > OLD.log_id AND l.kind = 20
        AND l.idx < (SELECT max(h.size) FROM log_head h WHERE h.log_id = l.log_id)
        AND l.leaf::json->>'ref' = substring(OLD.origin FROM '[^/]*$') || ':'
            || ((SELECT max(h.size) FROM log_head h WHERE h.log_id = OLD.log_id) - 1))) THEN
    RAISE EXCEPTION 'a shard goes only after an entry said so';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_shard_goes BEFORE UPDATE ON log_shard FOR EACH ROW EXECUTE FUNCTION log_shard_goes();

-- One step of removing a shard, and the rows of state that its entries set last and that go with it; so many rows of each
-- table at most. Gives 0 when nothing is left. Emptying a partition frees its pages at once, those of its payloads too.
CREATE FUNCTION log_prune(shard smallint, announced bigint, kinds smallint[], keys bytea[], at_once bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  removed bigint := 0;
  part bigint;
BEGIN
  UPDATE log_shard s SET state = 3, pruned_by = announced WHERE s.log_id = shard AND s.state = 2;
  IF NOT EXISTS (SELECT FROM log_shard s WHERE s.log_id = shard AND s.state = 3) THEN
    RAISE EXCEPTION 'the shard is not closed';
  END IF;
  IF EXISTS (SELECT FROM log_leaf l WHERE l.log_id = shard) THEN
    EXECUTE format('TRUNCATE log_leaf_%s', shard);
    removed := 1;
  END IF;
  DELETE FROM page_blob WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM page_blob p WHERE p.log_id = shard LIMIT at_once));
  GET DIAGNOSTICS part = ROW_COUNT;
  removed := removed + part;
  DELETE FROM subject_segment
    WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM subject_segment s WHERE s.log_id = shard LIMIT at_once));
  GET DIAGNOSTICS part = ROW_COUNT;
  removed := removed + part;
  DELETE FROM log_subtree WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM log_subtree t WHERE t.log_id = shard LIMIT at_once));
  GET DIAGNOSTICS part = ROW_COUNT;
  removed := removed + part;
  DELETE FROM log_checkpoint WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM log_checkpoint c WHERE c.log_id = shard
    AND c.size < (SELECT max(h.size) FROM log_head h WHERE h.log_id = shard) LIMIT at_once));
  GET DIAGNOSTICS part = ROW_COUNT;
  removed := removed + part;
  DELETE FROM log_head h WHERE h.log_id = shard AND h.size < (SELECT max(n.size) FROM log_head n WHERE n.log_id = shard);
  GET DIAGNOSTICS part = ROW_COUNT;
  removed := removed + part;
  DELETE FROM state s USING unnest(kinds, keys) AS w (kind, key)
    WHERE s.kind = w.kind AND s.key = w.key AND s.log_id = shard;
  GET DIAGNOSTICS part = ROW_COUNT;
  RETURN removed + part;
END $$;
