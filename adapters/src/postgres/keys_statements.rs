//! Every statement of the key database by name. A test prepares each of them on a fresh database.

use crate::store::statements;

statements! {
    /// The statements of the key database.
    KEY_STATEMENTS {
        GENERATION = "SELECT max(generation) FROM wrapping";
        INSERT_GENERATION = "INSERT INTO wrapping (generation) VALUES ($1)";
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
