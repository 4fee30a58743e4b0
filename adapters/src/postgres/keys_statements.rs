//! Every statement of the key database by name. A test prepares each of them on a fresh database.

use crate::store::statements;

statements! {
    /// The statements of the key database.
    KEY_STATEMENTS {
        GENERATIONS_IN_USE = "SELECT generation, made_at, proof FROM wrapping ORDER BY generation";
        GENERATION_IN_USE = "SELECT generation, made_at, proof FROM wrapping WHERE generation = $1";
        // Kept until the transaction ends: a rotation ends no generation under which a key is just being wrapped.
        NEWEST_GENERATION = "SELECT generation, made_at, proof FROM wrapping ORDER BY generation DESC LIMIT 1 FOR KEY SHARE";
        INSERT_GENERATION = "INSERT INTO wrapping (generation, made_at, proof) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        GENERATIONS = "SELECT generation, made_at, NULL, NULL, NULL FROM wrapping UNION ALL
                       SELECT generation, made_at, ended_at, destroyed_at, sealed FROM wrapping_ended ORDER BY 1, 3";
        HOLD_GENERATION = "SELECT made_at FROM wrapping WHERE generation = $1 FOR UPDATE";
        DELETE_GENERATION = "DELETE FROM wrapping WHERE generation = $1";
        INSERT_ENDED = "INSERT INTO wrapping_ended (generation, made_at, ended_at, sealed) VALUES ($1, $2, $3, $4)";
        DESTROYED_GENERATION = "UPDATE wrapping_ended SET destroyed_at = $2, sealed = $3
                                WHERE generation = $1 AND destroyed_at IS NULL";
        WRAPPED_UNDER = "SELECT EXISTS (SELECT FROM subject_key WHERE kek_generation = $1)
                         OR EXISTS (SELECT FROM bucket_key WHERE kek_generation = $1)
                         OR EXISTS (SELECT FROM transaction_key WHERE kek_generation = $1)";
        // One process rotates. Its number is `sluis-kr` in ASCII.
        BE_ALONE = "SELECT pg_try_advisory_lock(x'736c7569732d6b72'::bigint)";
        SUBJECT_KEYS_UNDER = "SELECT key_id, wrapped, subject_ref, year, NULL FROM subject_key
                              WHERE kek_generation = $1 AND key_id > decode($2, 'hex') ORDER BY key_id LIMIT $3";
        BUCKET_KEYS_UNDER = "SELECT key_id, wrapped, NULL, NULL, day::text FROM bucket_key
                             WHERE kek_generation = $1 AND day > $2::text::date ORDER BY bucket_key.day LIMIT $3";
        TRANSACTION_KEYS_UNDER = "SELECT NULL, wrapped, NULL, NULL, day::text FROM transaction_key
                                  WHERE kek_generation = $1 AND day > $2::text::date ORDER BY transaction_key.day LIMIT $3";
        // What is being destroyed at this moment is left to whoever does it.
        HOLD_SUBJECT_KEYS = "SELECT key_id, wrapped, subject_ref, year, NULL FROM subject_key
                             WHERE kek_generation = $1 ORDER BY key_id LIMIT $2 FOR UPDATE SKIP LOCKED";
        HOLD_BUCKET_KEYS = "SELECT key_id, wrapped, NULL, NULL, day::text FROM bucket_key
                            WHERE kek_generation = $1 ORDER BY bucket_key.day LIMIT $2 FOR UPDATE SKIP LOCKED";
        HOLD_TRANSACTION_KEYS = "SELECT NULL, wrapped, NULL, NULL, day::text FROM transaction_key
                                 WHERE kek_generation = $1 ORDER BY transaction_key.day LIMIT $2 FOR UPDATE SKIP LOCKED";
        REWRAP_SUBJECT_KEYS = "UPDATE subject_key SET wrapped = new.wrapped, kek_generation = $1
                               FROM unnest($2::text[], $3::bytea[]) AS new (name, wrapped) WHERE key_id = decode(name, 'hex')";
        REWRAP_BUCKET_KEYS = "UPDATE bucket_key SET wrapped = new.wrapped, kek_generation = $1
                              FROM unnest($2::text[], $3::bytea[]) AS new (name, wrapped) WHERE day = name::date";
        REWRAP_TRANSACTION_KEYS = "UPDATE transaction_key SET wrapped = new.wrapped, kek_generation = $1
                                   FROM unnest($2::text[], $3::bytea[]) AS new (name, wrapped) WHERE day = name::date";
        // Ends with the transaction, whoever ends it. Its number is `sluis-pr` in ASCII.
        LOCK_PROVISIONING = "SELECT pg_advisory_xact_lock(x'736c7569732d7072'::bigint)";
        FIND = "SELECT subject_ref, sealed FROM subject_alias WHERE tag = $1";
        OWNERS = "SELECT tag, subject_ref, sealed FROM subject_alias WHERE tag = ANY($1)";
        WITH_KEY = "SELECT subject_ref FROM subject_key WHERE subject_ref = ANY($1) AND year = $2";
        INSERT_SUBJECTS = "INSERT INTO subject (subject_ref) SELECT * FROM unnest($1::bytea[])";
        INSERT_ALIASES = "INSERT INTO subject_alias (tag, subject_ref, sealed)
                          SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])";
        INSERT_SUBJECT_KEYS = "INSERT INTO subject_key (year, kek_generation, key_id, subject_ref, wrapped)
                               SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], $5::bytea[])
                               ON CONFLICT (subject_ref, year) DO NOTHING";
        SUBJECT_KEY = "SELECT key_id, wrapped, kek_generation FROM subject_key WHERE subject_ref = $1 AND year = $2";
        KEY_BY_ID = "SELECT key_id, wrapped, kek_generation, subject_ref, year, NULL FROM subject_key WHERE key_id = $1
                     UNION ALL SELECT key_id, wrapped, kek_generation, NULL, NULL, day::text FROM bucket_key
                     WHERE key_id = $1";
        BUCKET_KEY = "SELECT key_id, wrapped, kek_generation FROM bucket_key WHERE day = $1::text::date";
        INSERT_BUCKET_KEY = "INSERT INTO bucket_key (day, key_id, wrapped, kek_generation)
                             VALUES ($1::text::date, $2, $3, $4) ON CONFLICT (day) DO NOTHING";
        TRANSACTION_KEY = "SELECT wrapped, kek_generation FROM transaction_key WHERE day = $1::text::date";
        INSERT_TRANSACTION_KEY = "INSERT INTO transaction_key (day, wrapped, kek_generation)
                                  VALUES ($1::text::date, $2, $3) ON CONFLICT (day) DO NOTHING";
        DUE_KEYS = "SELECT subject_ref, year, key_id FROM subject_key WHERE year < $1 ORDER BY subject_ref, year LIMIT $2";
        DESTROY_SUBJECT_KEYS = "DELETE FROM subject_key WHERE key_id = ANY($1)";
        DESTROY_BUCKET_KEYS = "DELETE FROM bucket_key WHERE key_id = ANY($1)";
        DESTROY_TRANSACTION_KEYS = "DELETE FROM transaction_key WHERE day < $1::text::date";
    }
}
