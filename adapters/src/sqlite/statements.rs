//! Every statement by name. A test prepares each of them on a fresh database.

use crate::store::statements;

statements! {
    /// The statements of the log database.
    LOG_STATEMENTS {
        BEGIN = "BEGIN IMMEDIATE";
        COMMIT = "COMMIT";
        ROLLBACK = "ROLLBACK";
        HEAD = "SELECT s.origin, h.size, h.frontier, h.last_t FROM log_shard s JOIN log_head h USING (log_id)
                WHERE s.log_id = ?1 ORDER BY h.size DESC LIMIT 1";
        SHARDS = "SELECT log_id, state, prev_note, pruned_by FROM log_shard ORDER BY log_id";
        CLOSE_SHARD = "UPDATE log_shard SET state = 2, closed_at = ?2 WHERE log_id = ?1 AND state = 1";
        NEXT_SHARD = "INSERT INTO log_shard (log_id, origin, state, prev_log, prev_note, opened_at)
                      VALUES (?1, ?2, 1, ?3, ?4, ?5)";
        INSERT_SHARD = "INSERT INTO log_shard (log_id, origin, state, opened_at) VALUES (?1, ?2, 1, ?3)";
        INSERT_HEAD = "INSERT INTO log_head (log_id, size, frontier, last_t) VALUES (?1, ?2, ?3, ?4)";
        PRUNE_HEADS = "DELETE FROM log_head WHERE log_id = ?1 AND size < ?2";
        INSERT_LEAF = "INSERT INTO log_leaf (row, leaf, hash, kind, t, rid, oin, txn, digest, key_id, ct)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        INSERT_SUBTREE = "INSERT INTO log_subtree (log_id, level, number, hash) VALUES (?1, ?2, ?3, ?4)";
        INSERT_PAGE = "INSERT INTO page_blob (row, blob) VALUES (?1, ?2)";
        STATE = "SELECT version, leaf_index, sealed FROM state WHERE kind = ?1 AND key = ?2";
        WRITE_STATE = "INSERT INTO state (kind, key, version, leaf_index, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version,
                       leaf_index = excluded.leaf_index, sealed = excluded.sealed";
        ORGANISATIONS = "SELECT key FROM state WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        STATES = "SELECT kind, key, version, leaf_index, sealed FROM state WHERE (kind, key) > (?1, ?2)
                  ORDER BY kind, key LIMIT ?3";
        ENTRY_OF_KIND_AFTER = "SELECT row, leaf, key_id, ct FROM log_leaf WHERE oin = ?1 AND kind = ?2 AND row > ?3
                               AND t >= (SELECT t FROM log_leaf WHERE row = ?3) ORDER BY t, row LIMIT 1";
        SEEN = "SELECT row, digest, kind FROM log_leaf WHERE oin = ?1 AND txn = ?2";
        RID = "SELECT row FROM log_leaf WHERE rid = ?1";
        WRITE_LOW = "INSERT INTO replica (replica_id, low) VALUES (?1, ?2)
                     ON CONFLICT (replica_id) DO UPDATE SET low = excluded.low";
        LOW = "SELECT low FROM replica WHERE replica_id = ?1";
        INSERT_SEGMENT = "INSERT INTO subject_segment (log_id, level, first, last, sealed) VALUES (?1, ?2, ?3, ?4, ?5)";
        SEGMENTS = "SELECT level, first, last, sealed FROM subject_segment WHERE log_id = ?1 ORDER BY first";
        SEGMENTS_FROM = "SELECT level, first, last, sealed FROM subject_segment WHERE log_id = ?1 AND first >= ?2
                         ORDER BY first LIMIT ?3";
        SMALL_SEGMENTS = "SELECT first, last, sealed FROM subject_segment WHERE log_id = ?1 AND level = 0 ORDER BY first LIMIT ?2";
        COUNT_SMALL_SEGMENTS = "SELECT count(*) FROM subject_segment WHERE log_id = ?1 AND level = 0";
        DROP_SMALL_SEGMENTS = "DELETE FROM subject_segment WHERE log_id = ?1 AND level = 0 AND first <= ?2";
        REWRITE_SEGMENT = "UPDATE subject_segment SET sealed = ?4 WHERE log_id = ?1 AND level = ?2 AND first = ?3";
        WRITE_CHECKPOINT = "INSERT INTO log_checkpoint (log_id, size, note, t) VALUES (?1, ?2, ?3, ?4)
                            ON CONFLICT (log_id, size) DO NOTHING";
        THIN_CHECKPOINTS = "DELETE FROM log_checkpoint WHERE log_id = ?1 AND t / 60000 = ?3 / 60000 AND size =
                            (SELECT max(size) FROM log_checkpoint WHERE log_id = ?1 AND size < ?2)";
        CHECKPOINTS = "SELECT size, note FROM log_checkpoint WHERE log_id = ?1 AND size >= ?2 ORDER BY size LIMIT ?3";
        NEWEST_CHECKPOINT = "SELECT size, note FROM log_checkpoint WHERE log_id = ?1 ORDER BY size DESC LIMIT 1";
        LEAVES = "SELECT leaf FROM log_leaf WHERE row >= ?1 AND row < ?2 ORDER BY row";
        ANY_LEAF = "SELECT EXISTS (SELECT 1 FROM log_leaf WHERE row >= ?1 << 40 AND row < (?1 + 1) << 40)";
        ERASE_LEAVES = "SELECT row, leaf FROM log_leaf WHERE kind = 20 AND row >= ?1 ORDER BY row LIMIT ?2";
        ADMIN_LEAVES = "SELECT row, leaf FROM log_leaf WHERE kind = 21 AND row >= ?1 ORDER BY row LIMIT ?2";
        MANUAL_LEAVES = "SELECT row, leaf FROM log_leaf WHERE kind = 22 AND row >= ?1 ORDER BY row LIMIT ?2";
        DONE_LEAVES = "SELECT row, leaf FROM log_leaf WHERE kind = 26 AND row >= ?1 ORDER BY row LIMIT ?2";
        LEAF_HASHES = "SELECT hash FROM log_leaf WHERE row >= ?1 AND row < ?2 ORDER BY row";
        SUBTREE_HASHES = "SELECT hash FROM log_subtree WHERE log_id = ?1 AND level = ?2 AND number >= ?3 AND number < ?4
                          ORDER BY number";
        LEAF_ROWS = "SELECT row, leaf, hash, kind, t, rid, oin, txn, key_id, ct, digest IS NOT NULL FROM log_leaf
                     WHERE row >= ?1 AND row < ?2 ORDER BY row";
        ENTRY = "SELECT row, leaf, key_id, ct FROM log_leaf WHERE row = ?1";
        ENTRIES = "SELECT row, leaf, key_id, ct FROM log_leaf WHERE row >= ?1 AND row < ?2 ORDER BY row";
        TRANSACTION = "SELECT row, leaf, key_id, ct FROM log_leaf WHERE oin = ?1 AND txn = ?2";
        PAGE = "SELECT blob FROM page_blob WHERE row = ?1";
        FORGET_TRANSACTIONS = "UPDATE log_leaf SET txn = NULL, digest = NULL WHERE txn IS NOT NULL AND t < ?1";
        BURY = "INSERT INTO erased_key (key_id, sealed) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        ERASED = "SELECT key_id, sealed FROM erased_key";
        KEY_ID = "SELECT key_id FROM log_leaf WHERE row = ?1";
        ERASE_PAYLOAD = "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE row = ?1 AND key_id = ?2";
        SET_COLUMNS = "UPDATE log_leaf SET kind = ?2, t = ?3, rid = ?4, oin = ?5, txn = ?6,
                       digest = CASE WHEN ?6 IS NULL THEN NULL ELSE digest END WHERE row = ?1";
        DROP_CHECKPOINT = "DELETE FROM log_checkpoint WHERE log_id = ?1 AND size = ?2";
        DROP_SEGMENT = "DELETE FROM subject_segment WHERE log_id = ?1 AND level = ?2 AND first = ?3";
        ADD_SEGMENT = "INSERT INTO subject_segment (log_id, level, first, last, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO NOTHING";
        HALTED = "SELECT EXISTS (SELECT 1 FROM log_halt WHERE lifted IS NULL)";
        HALTS = "SELECT replica, t, found, lifted, sealed FROM log_halt ORDER BY t, replica";
        INSERT_HALT = "INSERT INTO log_halt (replica, t, found, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        LIFT_HALT = "UPDATE log_halt SET lifted = ?3, sealed = ?4 WHERE replica = ?1 AND t = ?2";
        PRUNE_SHARD = "UPDATE log_shard SET state = 3, pruned_by = ?2 WHERE log_id = ?1 AND state = 2";
        IS_PRUNED = "SELECT state = 3 FROM log_shard WHERE log_id = ?1";
        PRUNE_PAGES = "DELETE FROM page_blob WHERE row IN (SELECT row FROM page_blob
                       WHERE row >= ?1 << 40 AND row < (?1 + 1) << 40 LIMIT ?2)";
        PRUNE_LEAVES = "DELETE FROM log_leaf WHERE row IN (SELECT row FROM log_leaf
                        WHERE row >= ?1 << 40 AND row < (?1 + 1) << 40 LIMIT ?2)";
        PRUNE_SEGMENTS = "DELETE FROM subject_segment WHERE rowid IN (SELECT rowid FROM subject_segment
                          WHERE log_id = ?1 LIMIT ?2)";
        PRUNE_SUBTREES = "DELETE FROM log_subtree WHERE (log_id, level, number) IN (SELECT log_id, level, number
                          FROM log_subtree WHERE log_id = ?1 LIMIT ?2)";
        PRUNE_CHECKPOINTS = "DELETE FROM log_checkpoint WHERE (log_id, size) IN (SELECT log_id, size FROM log_checkpoint
                             WHERE log_id = ?1 AND size < (SELECT max(size) FROM log_head WHERE log_id = ?1) LIMIT ?2)";
        PRUNE_STATE = "DELETE FROM state WHERE kind = ?2 AND key = ?3 AND leaf_index >> 40 = ?1 - 1";
        WRITE_SEAL_CHECK = "INSERT INTO seal_check (one, sealed) VALUES (1, ?1)";
        SEAL_CHECK = "SELECT sealed FROM seal_check WHERE one = 1";
    }
}

statements! {
    /// The statements of the key database.
    KEY_STATEMENTS {
        GENERATIONS_IN_USE = "SELECT generation, made_at, proof FROM wrapping ORDER BY generation";
        GENERATION_IN_USE = "SELECT generation, made_at, proof FROM wrapping WHERE generation = ?1";
        NEWEST_GENERATION = "SELECT generation, made_at, proof FROM wrapping ORDER BY generation DESC LIMIT 1";
        INSERT_GENERATION = "INSERT INTO wrapping (generation, made_at, proof) VALUES (?1, ?2, ?3)";
        GENERATIONS = "SELECT generation, made_at, NULL, NULL, NULL FROM wrapping UNION ALL
                       SELECT generation, made_at, ended_at, destroyed_at, sealed FROM wrapping_ended ORDER BY 1, 3";
        DELETE_GENERATION = "DELETE FROM wrapping WHERE generation = ?1";
        INSERT_ENDED = "INSERT INTO wrapping_ended (generation, made_at, ended_at, sealed) VALUES (?1, ?2, ?3, ?4)";
        DESTROYED_GENERATION = "UPDATE wrapping_ended SET destroyed_at = ?2, sealed = ?3
                                WHERE generation = ?1 AND destroyed_at IS NULL";
        WRAPPED_UNDER = "SELECT EXISTS (SELECT 1 FROM subject_key WHERE kek_generation = ?1)
                         OR EXISTS (SELECT 1 FROM bucket_key WHERE kek_generation = ?1)
                         OR EXISTS (SELECT 1 FROM transaction_key WHERE kek_generation = ?1)";
        SUBJECT_KEYS_UNDER = "SELECT key_id, wrapped, subject_ref, year, NULL FROM subject_key
                              WHERE kek_generation = ?1 AND key_id > ?2 ORDER BY key_id LIMIT ?3";
        BUCKET_KEYS_UNDER = "SELECT key_id, wrapped, NULL, NULL, day FROM bucket_key
                             WHERE kek_generation = ?1 AND day > ?2 ORDER BY day LIMIT ?3";
        TRANSACTION_KEYS_UNDER = "SELECT NULL, wrapped, NULL, NULL, day FROM transaction_key
                                  WHERE kek_generation = ?1 AND day > ?2 ORDER BY day LIMIT ?3";
        REWRAP_SUBJECT_KEY = "UPDATE subject_key SET wrapped = ?3, kek_generation = ?4
                              WHERE key_id = ?2 AND kek_generation = ?1";
        REWRAP_BUCKET_KEY = "UPDATE bucket_key SET wrapped = ?3, kek_generation = ?4
                             WHERE day = ?2 AND kek_generation = ?1";
        REWRAP_TRANSACTION_KEY = "UPDATE transaction_key SET wrapped = ?3, kek_generation = ?4
                                  WHERE day = ?2 AND kek_generation = ?1";
        FIND = "SELECT subject_ref, sealed FROM subject_alias WHERE tag = ?1";
        INSERT_SUBJECT = "INSERT INTO subject (subject_ref) VALUES (?1)";
        INSERT_ALIAS = "INSERT INTO subject_alias (tag, subject_ref, sealed) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        INSERT_SUBJECT_KEY = "INSERT INTO subject_key (key_id, subject_ref, year, wrapped, kek_generation)
                              VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (subject_ref, year) DO NOTHING";
        HAS_SUBJECT_KEY = "SELECT 1 FROM subject_key WHERE subject_ref = ?1 AND year = ?2";
        SUBJECT_KEY = "SELECT key_id, wrapped, kek_generation FROM subject_key WHERE subject_ref = ?1 AND year = ?2";
        KEY_BY_ID = "SELECT key_id, wrapped, kek_generation, subject_ref, year, NULL FROM subject_key WHERE key_id = ?1
                     UNION ALL SELECT key_id, wrapped, kek_generation, NULL, NULL, day FROM bucket_key WHERE key_id = ?1";
        BUCKET_KEY = "SELECT key_id, wrapped, kek_generation FROM bucket_key WHERE day = ?1";
        INSERT_BUCKET_KEY = "INSERT INTO bucket_key (day, key_id, wrapped, kek_generation) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT (day) DO NOTHING";
        TRANSACTION_KEY = "SELECT wrapped, kek_generation FROM transaction_key WHERE day = ?1";
        INSERT_TRANSACTION_KEY = "INSERT INTO transaction_key (day, wrapped, kek_generation) VALUES (?1, ?2, ?3)
                                  ON CONFLICT (day) DO NOTHING";
        DESTROY_TRANSACTION_KEYS = "DELETE FROM transaction_key WHERE day < ?1";
        DUE_KEYS = "SELECT subject_ref, year, key_id FROM subject_key WHERE year < ?1 ORDER BY subject_ref, year LIMIT ?2";
        DESTROY_SUBJECT_KEY = "DELETE FROM subject_key WHERE key_id = ?1";
        DESTROY_BUCKET_KEY = "DELETE FROM bucket_key WHERE key_id = ?1";
    }
}
