//! What every engine promises behind the ports `Ledger`, `Register` and `KeyStore`: one suite, run once per engine.
//!
//! An engine is added by implementing [`Engine`] and naming the suites; what only one engine has (files, locks,
//! pages) is tested in the module of that engine.

pub mod draft;
mod guards;
mod halts;
mod keys;
mod ledger;
pub mod postgres;
mod postgres_erase;
mod postgres_keys;
mod postgres_look;
mod postgres_plans;
mod postgres_rotation;
mod postgres_shards;
pub mod pruning;
pub mod rotation;
pub mod shards;
pub mod sqlite;
mod sqlite_open;
mod sqlite_rows;
mod upkeep;

use async_trait::async_trait;
use sluis_adapters::master::MasterKey;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::log::Millis;
use sluis_core::ports::{Clock, Signer};
use sluis_core::upkeep::{KeyRotation, KeyUpkeep, LogArchive, LogUpkeep, PayloadKeys};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One engine with a store of its own that is empty at first. Everything taken from it is dropped before opening again.
#[async_trait]
pub trait Engine: Sized + Send + Sync {
    /// A store that is empty.
    async fn empty() -> Self;
    /// Opens the log.
    async fn log(&self) -> Arc<dyn LogUpkeep>;
    /// Opens the log for reading, beside whoever has it open.
    async fn archive(&self) -> Arc<dyn LogArchive>;
    /// Opens the key database.
    async fn keys(&self) -> Arc<dyn KeyUpkeep>;
    /// Opens the key database for a rotation.
    async fn rotation(&self) -> Arc<dyn KeyRotation>;
    /// Opens the key database for reading, beside whoever has it open, with these secrets.
    async fn payload_keys(&self, wrapping: &Wrapping) -> Arc<dyn PayloadKeys>;
    /// Whether the key database opens.
    async fn opens(&self) -> Result<(), String>;
    /// What its wrapping keys follow from.
    fn wrapping(&self) -> &Wrapping;
    /// The clock that the log reads.
    fn clock(&self) -> &TestClock;
    /// A signer for checkpoints.
    fn signer(&self) -> &dyn Signer;
    /// Signer and clock, for what keeps them.
    fn outfit(&self) -> (Arc<dyn Signer>, Arc<dyn Clock>);
    /// Changes one byte in every stored row of state, past the engine.
    async fn bend_states(&self);
    /// Runs SQL on the log database past the engine and past its triggers, as an administrator can.
    async fn intrude(&self, sql: &str);
    /// Runs SQL on the key database in the same way.
    async fn intrude_keys(&self, sql: &str);
    /// A literal of these hex digits, as bytes.
    fn hex(&self, digits: &str) -> String;
    /// Every byte at rest, of both databases.
    async fn at_rest(&self) -> Vec<u8>;
    /// Whether the key database opens under this master key.
    async fn opens_under(&self, master: MasterKey) -> bool;
}

/// A clock that stands still until it is told otherwise.
pub struct TestClock(AtomicU64);

impl TestClock {
    /// 21 November 2026, noon UTC.
    pub fn new() -> Self {
        Self(AtomicU64::new(1_795_262_400_000))
    }

    /// Moves the clock, forwards or backwards.
    pub fn set(&self, now: Millis) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }

    fn tells_real_time(&self) -> bool {
        false
    }

    fn leaps(&self) -> bool {
        true
    }
}

/// Runs promises on an engine.
macro_rules! keeps {
    ($engine:ident: $($module:ident :: $promise:ident;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let engine = <$engine as crate::contract::Engine>::empty().await;
            crate::contract::$module::$promise(&engine).await;
        })+
    };
}

/// What every log promises.
macro_rules! log_suite {
    ($engine:ident) => {
        keeps! { $engine:
            ledger::indices_follow_the_order_of_appending_and_survive_reopening;
            ledger::a_repeated_transaction_is_a_duplicate_and_a_reused_one_a_conflict;
            ledger::concurrent_appenders_leave_no_gap_and_no_duplicate;
            ledger::proofs_verify_at_every_size_after_reopening;
            ledger::receipts_verify_from_the_batch_and_from_rows;
            ledger::a_clock_behind_the_log_writes_nothing;
            ledger::an_entry_that_cannot_be_stored_fails_alone;
            ledger::an_entry_for_another_shard_is_stale;
            ledger::leaves_of_one_kind_are_found_in_order_and_page_by_page;
            shards::what_is_rare_is_found_page_by_page_in_both_shards;
            guards::nothing_recorded_is_version_zero;
            guards::a_version_that_moved_makes_the_append_stale;
            guards::a_change_earlier_in_a_batch_makes_the_next_entry_stale;
            guards::concurrent_changes_of_one_subject_are_all_kept;
            guards::enrolments_and_policy_follow_their_leaves;
            guards::a_bent_row_of_state_permits_nothing;
            guards::an_older_state_put_back_is_found_before_it_is_used;
            guards::a_deleted_state_is_found_before_it_is_missed;
            guards::what_was_there_at_opening_is_known_too;
            upkeep::the_subject_index_finds_every_entry_and_shows_nobody;
            upkeep::an_erased_key_takes_its_payloads_along_and_leaves_a_tombstone;
            upkeep::transactions_are_forgotten_and_their_entries_stay;
            upkeep::what_was_in_flight_is_known_after_reopening;
            upkeep::a_page_is_read_back_as_it_was_written;
            upkeep::an_archive_reads_beside_the_log;
            upkeep::checkpoints_are_kept_one_per_minute_and_the_newest;
            shards::a_closed_shard_takes_nothing_and_the_next_continues_it;
            shards::a_shard_continues_the_one_before_it_and_no_earlier_one;
            shards::what_was_asked_before_the_turn_is_known_after_it;
            shards::an_erasure_takes_payloads_from_every_shard;
            shards::state_goes_on_over_the_turn;
            shards::what_was_in_flight_at_the_turn_is_known_after_reopening;
            shards::receipts_verify_in_both_shards;
            shards::what_is_mended_is_mended_in_its_own_shard;
            pruning::a_shard_that_goes_leaves_its_head_and_nothing_else;
            pruning::a_shard_goes_only_after_an_entry_said_so;
            pruning::a_removal_goes_on_where_it_was_interrupted;
            pruning::a_step_of_a_removal_is_small;
            pruning::state_goes_only_with_the_shard_that_set_it;
            halts::a_halt_stops_answers_and_outlives_the_process;
            halts::a_halt_that_somebody_else_lifted_holds;
            keys::nothing_at_rest_names_a_person;
        }
    };
}

/// What every key database promises.
macro_rules! keys_suite {
    ($engine:ident) => {
        keeps! { $engine:
            keys::provisioning_again_makes_nothing_new;
            keys::keys_are_stable_per_subject_and_year;
            keys::day_keys_are_made_once_per_day;
            keys::identifiers_of_two_subjects_merge_nothing;
            keys::a_known_bsn_under_a_new_client_number_stays_apart;
            keys::one_identifier_in_two_rows_of_a_page_merges_nothing;
            keys::what_is_destroyed_is_gone_and_everything_else_stays;
            keys::nobody_is_found_without_the_master_key;
            keys::a_number_leads_only_to_whom_we_led_it;
            keys::a_key_opens_only_for_its_subject_and_year;
            rotation::every_key_goes_over_and_the_old_secret_is_gone;
            rotation::a_rotation_goes_on_after_a_stop_behind_any_step;
            rotation::keys_that_are_made_meanwhile_go_over_too;
            rotation::a_backup_from_before_opens_with_its_secret_only;
            rotation::a_database_from_before_a_rotation_is_refused_by_name;
            rotation::a_secret_that_is_missing_short_or_another_is_refused_by_name;
            rotation::a_key_that_does_not_open_keeps_the_old_secret;
            rotation::an_end_that_none_of_us_wrote_is_not_believed;
        }
    };
}

/// The suite on SQLite.
mod on_sqlite {
    use super::sqlite::Sqlite;

    log_suite!(Sqlite);
    keys_suite!(Sqlite);
}

/// The suite on PostgreSQL.
mod on_postgres {
    use super::postgres::Postgres;

    log_suite!(Postgres);
    keys_suite!(Postgres);
}
