//! Every statement of the log by name. A test prepares each of them on a fresh database.

use crate::store::statements;

statements! {
    /// The statements of the log database.
    LOG_STATEMENTS {
        SHARDS = "SELECT log_id, origin, state, prev_note, pruned_by FROM log_shard ORDER BY log_id";
        SHARD = "SELECT origin, state = 1 FROM log_shard WHERE log_id = $1 FOR UPDATE";
        SHARD_AFTER = "SELECT log_id FROM log_shard WHERE prev_log = $1";
        CLOSE_SHARD = "UPDATE log_shard SET state = 2, closed_at = $2 WHERE log_id = $1 AND state = 1";
        NEXT_SHARD = "INSERT INTO log_shard (log_id, origin, state, prev_log, prev_note, opened_at)
                      VALUES ($1, $2, 1, $3, $4, $5)";
        INSERT_SHARD = "INSERT INTO log_shard (log_id, origin, state, opened_at) VALUES ($1, $2, 1, $3)";
        BE_REPLICA = "SELECT pg_try_advisory_lock(1397508467, $1::int)";
        LOCK = "SELECT origin FROM log_shard WHERE log_id = $1 AND state = 1 FOR UPDATE";
        HEAD = "SELECT size, frontier, last_t, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                FROM log_head WHERE log_id = $1 ORDER BY size DESC LIMIT 1";
        LOOK = "SELECT * FROM log_look($1, $2, $3, $4, $5, $6)";
        WRITE = "SELECT log_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23)";
        INSERT_LEAVES = "INSERT INTO log_leaf (log_id, replica, idx, leaf, hash, kind, t, rid, oin, txn, digest, key_id, ct)
                         SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::bytea[], $6::smallint[], $7::bigint[],
                         $8::bytea[], $9::text[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[])";
        INSERT_PAGES = "INSERT INTO page_blob (log_id, idx, blob)
                        SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])";
        WRITE_STATES = "INSERT INTO state (log_id, kind, key, version, leaf_index, sealed)
                        SELECT $1, * FROM unnest($2::smallint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[])
                        ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, log_id = excluded.log_id,
                        leaf_index = excluded.leaf_index, sealed = excluded.sealed";
        INSERT_SUBTREES = "INSERT INTO log_subtree (log_id, level, number, hash)
                           SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])";
        INSERT_HEAD = "INSERT INTO log_head (log_id, size, frontier, last_t) VALUES ($1, $2, $3, $4)";
        INSERT_SEGMENT = "INSERT INTO subject_segment (log_id, level, first, last, sealed) VALUES ($1, $2, $3, $4, $5)";
        WRITE_LOW = "INSERT INTO replica_mark (replica, low) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        DROP_LOW = "DELETE FROM replica_mark WHERE replica = $1 AND low = $2";
        LOW = "SELECT max(low) FROM replica_mark WHERE replica = $1";
        ENDED = "SELECT m.replica, max(m.low) FROM replica_mark m WHERE m.replica <> $1 AND NOT EXISTS (SELECT FROM pg_locks l
                 WHERE l.locktype = 'advisory' AND l.classid = 1397508467 AND l.objid = m.replica::int AND l.objsubid = 2
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) GROUP BY m.replica";
        LEFT = "SELECT ((log_id - 1)::bigint << 40) + idx FROM log_leaf
                WHERE replica = $2 AND log_id >= $1 AND (log_id, idx) >= ($1, $3) ORDER BY log_id, idx";
        STANDS = "SELECT leaf FROM log_leaf WHERE log_id = $1 AND idx = $2";
        FLUSHED = "SELECT pg_current_wal_flush_lsn()::text";
        ON_STANDBY = "SELECT EXISTS (SELECT FROM pg_stat_replication
                      WHERE sync_state IN ('sync', 'quorum') AND flush_lsn >= $1::pg_lsn)";
        STATE = "SELECT version, leaf_index, sealed FROM state WHERE kind = $1 AND key = $2";
        ORGANISATIONS = "SELECT key FROM state WHERE kind = $1 AND key > $2 ORDER BY key LIMIT $3";
        STATES_AFTER = "SELECT kind, key, version, leaf_index, sealed FROM state WHERE (kind, key) > ($1, $2)
                        ORDER BY kind, key LIMIT $3";
        ENTRY_OF_KIND_AFTER = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf, key_id, ct FROM log_leaf WHERE log_id >= $1
                               AND oin = $2 AND kind = 19 AND kind = $3 AND (log_id, idx) > ($1, $4) ORDER BY log_id, idx LIMIT 1";
        SEGMENTS = "SELECT level, first, last, sealed FROM subject_segment WHERE log_id = $1 AND first >= $2
                    ORDER BY first LIMIT $3";
        SMALL_SEGMENTS = "SELECT first, last, sealed FROM subject_segment WHERE log_id = $1 AND level = 0
                          ORDER BY first LIMIT $2";
        DROP_SMALL_SEGMENTS = "DELETE FROM subject_segment WHERE log_id = $1 AND level = 0 AND first <= $2";
        MERGING = "SELECT pg_try_advisory_xact_lock(1397508468, $1::int)";
        NOT_MERGING = "SELECT pg_advisory_xact_lock(1397508468, $1::int)";
        REWRITE_SEGMENT = "UPDATE subject_segment SET sealed = $4 WHERE log_id = $1 AND level = $2 AND first = $3";
        PRUNE_HEADS = "DELETE FROM log_head WHERE log_id = $1
                       AND size < (SELECT max(size) FROM log_head WHERE log_id = $1)";
        PRUNE_MARKS = "DELETE FROM replica_mark WHERE replica = $1
                       AND low < (SELECT max(low) FROM replica_mark WHERE replica = $1)";
        WRITE_CHECKPOINT = "INSERT INTO log_checkpoint (log_id, size, note, t) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        THIN_CHECKPOINTS = "DELETE FROM log_checkpoint WHERE log_id = $1 AND t / 60000 = $3 / 60000 AND size =
                            (SELECT max(size) FROM log_checkpoint WHERE log_id = $1 AND size < $2)";
        CHECKPOINTS = "SELECT note FROM log_checkpoint WHERE log_id = $1 AND size <= $2 ORDER BY size";
        CHECKPOINTS_FROM = "SELECT size, note FROM log_checkpoint WHERE log_id = $1 AND size >= $2 ORDER BY size LIMIT $3";
        LEAF_ROWS = "SELECT idx, leaf, hash, kind, t, rid, oin, txn, key_id, ct, digest IS NOT NULL FROM log_leaf
                     WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
        LEAVES = "SELECT leaf FROM log_leaf WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
        ANY_LEAF = "SELECT EXISTS (SELECT FROM log_leaf WHERE log_id = $1)";
        ERASE_LEAVES = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf FROM log_leaf WHERE kind = 20
                        AND ((log_id - 1)::bigint << 40) + idx >= $1 ORDER BY ((log_id - 1)::bigint << 40) + idx LIMIT $2";
        ADMIN_LEAVES = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf FROM log_leaf WHERE kind = 21
                        AND ((log_id - 1)::bigint << 40) + idx >= $1 ORDER BY ((log_id - 1)::bigint << 40) + idx LIMIT $2";
        MANUAL_LEAVES = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf FROM log_leaf WHERE kind = 22
                         AND ((log_id - 1)::bigint << 40) + idx >= $1 ORDER BY ((log_id - 1)::bigint << 40) + idx LIMIT $2";
        DONE_LEAVES = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf FROM log_leaf WHERE kind = 26
                       AND ((log_id - 1)::bigint << 40) + idx >= $1 ORDER BY ((log_id - 1)::bigint << 40) + idx LIMIT $2";
        LEAF_HASHES = "SELECT hash FROM log_leaf WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
        SUBTREE_HASHES = "SELECT hash FROM log_subtree WHERE log_id = $1 AND level = $2 AND number >= $3 AND number < $4
                          ORDER BY number";
        ENTRY = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf, key_id, ct FROM log_leaf WHERE log_id = $1 AND idx = $2";
        ENTRIES = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf, key_id, ct FROM log_leaf WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
        TRANSACTION = "SELECT ((log_id - 1)::bigint << 40) + idx, leaf, key_id, ct FROM log_leaf WHERE oin = $1 AND txn = $2 AND txn IS NOT NULL";
        SET_COLUMNS = "UPDATE log_leaf SET kind = $3, t = $4, rid = $5, oin = $6, txn = $7::bytea,
                       digest = CASE WHEN $7::bytea IS NULL THEN NULL ELSE digest END WHERE log_id = $1 AND idx = $2";
        DROP_CHECKPOINT = "DELETE FROM log_checkpoint WHERE log_id = $1 AND size = $2";
        DROP_SEGMENT = "DELETE FROM subject_segment WHERE log_id = $1 AND level = $2 AND first = $3";
        ADD_SEGMENT = "INSERT INTO subject_segment (log_id, level, first, last, sealed) VALUES ($1, 0, $2, $2, $3)
                       ON CONFLICT DO NOTHING";
        HALTS = "SELECT replica, t, found, lifted, sealed FROM log_halt ORDER BY t, replica";
        INSERT_HALT = "INSERT INTO log_halt (replica, t, found, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        LIFT_HALT = "UPDATE log_halt SET lifted = $3, sealed = $4 WHERE replica = $1 AND t = $2";
        PAGE = "SELECT blob FROM page_blob WHERE log_id = $1 AND idx = $2";
        FORGET_TRANSACTIONS = "UPDATE log_leaf SET txn = NULL, digest = NULL WHERE txn IS NOT NULL AND t < $1";
        PRUNE = "SELECT log_prune($1, $2, $3, $4, $5)";
        OTHERS = "SELECT count(*) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 1397508467
                  AND l.objid <> $1::int AND l.objsubid = 2
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        UNHURRIED = "SELECT set_config('statement_timeout', '600s', true),
                     set_config('idle_in_transaction_session_timeout', '60s', true)";
        BURY = "INSERT INTO erased_key (key_id, sealed) SELECT * FROM unnest($1::bytea[], $2::bytea[])
                ON CONFLICT DO NOTHING";
        ERASED = "SELECT key_id, sealed FROM erased_key";
        ERASE_PAYLOADS = "UPDATE log_leaf SET key_id = NULL, ct = NULL
                          WHERE log_id = $1 AND idx = ANY ($2) AND key_id = ANY ($3)
                          RETURNING ((log_id - 1)::bigint << 40) + idx";
    }
}
