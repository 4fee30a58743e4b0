//! The table: every line of core-design 1.10, in its order, and what the amendments add to it.

use super::ports::Plant;
use super::server::Mishap;
use super::{By, C, Ends, Line, elsewhere, line};

const LOG: &str = "LOG_UNAVAILABLE";
const KEYS: &str = "KEYS_UNAVAILABLE";
const SOURCE: &str = "SOURCE_UNAVAILABLE";

/// Lines of which nothing is built that could be provoked, and what is missing.
pub(super) const ABSENT: &[(&str, &str)] = &[
    ("no witness quorum > 1 h, > 24 h", "no checkpoint is cosigned"),
    ("a policy with fewer than 2 valid signatures", "policies are not signed"),
    (
        "clock: NTP offset > 2 s",
        "on PostgreSQL the clock is compared with the database's (A7); nobody asks an NTP server",
    ),
    ("fact source older than its freshness bound (A16)", "no source says how old its facts are, or that it is behind"),
];

/// Every line of core-design 1.10 as amended.
pub(super) const LINES: &[Line] = &[
    // append fails, times out, or its outcome is unknown
    line("append fails", By::Port(Plant::LogRefuses("LOCKED")), C::LogFailing, LOG, Ends::ByItself).telling("LOCKED"),
    line("append times out", By::Port(Plant::LogSilent), C::LogFailing, LOG, Ends::ByItself),
    line("outcome unknown, SQLite (A6)", By::Port(Plant::LogForgets), C::LogHalted, LOG, Ends::AtStart),
    elsewhere(
        "a flush that failed, SQLite (A6)",
        "journey::disk_faults::a_failed_flush_ends_the_process_and_releases_nothing_unlogged",
        Some(C::LogHalted),
        Ends::AtStart,
    ),
    elsewhere(
        "a flush of the server that failed",
        "journey::kill_server::what_a_client_received_survives_kill_9_of_gateway_and_server",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    elsewhere(
        "outcome unknown, PostgreSQL (A1)",
        "delivery::unsettled::it_is_settled_although_nobody_asks",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    line("server does not answer", By::Server(Mishap::Killed), C::LogUnreadable, LOG, Ends::ByItself),
    line("server is silent", By::Server(Mishap::Frozen), C::LogUnreadable, LOG, Ends::ByItself),
    line("lock is held (A3)", By::Server(Mishap::Locked), C::LogFailing, LOG, Ends::ByItself).telling("LOCKED"),
    elsewhere(
        "another replica is cut off with the lock (A3)",
        "nodes::messages::a_replica_that_is_cut_off_at_any_message_does_not_stop_the_others",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    // no standby, read-only, little room
    elsewhere(
        "no sync standby (A1)",
        "nodes::gateway::a_gateway_releases_nothing_while_its_standby_is_paused_or_its_log_was_put_back",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    elsewhere(
        "a COMMIT that no standby has: a wait that was cancelled, nobody named (A1)",
        "nodes::standby::a_commit_that_no_standby_has_does_not_count",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    elsewhere(
        "the primary dies and the standby takes its place (A1)",
        "nodes::promoted::every_receipt_is_borne_out_by_the_standby_that_takes_over_and_releases_go_on",
        Some(C::LogUnreadable),
        Ends::ByItself,
    ),
    line("read-only database", By::Port(Plant::LogRefuses("READ_ONLY")), C::LogFailing, LOG, Ends::ByItself)
        .telling("READ_ONLY"),
    line("read-only database, PostgreSQL", By::Server(Mishap::ReadOnly), C::LogFailing, LOG, Ends::ByItself)
        .telling("READ_ONLY"),
    line("disk full (A6)", By::Port(Plant::LogRefuses("DISK_FULL")), C::LogFailing, LOG, Ends::ByItself)
        .telling("DISK_FULL"),
    elsewhere(
        "disk full, SQLite",
        "journey::disk_full::a_log_file_on_a_full_disk_releases_nothing_until_there_is_room",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    elsewhere(
        "disk full, PostgreSQL",
        "journey::disk_full::a_log_on_a_server_with_a_full_disk_releases_nothing_until_there_is_room",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    line("disk < 5 %", By::Port(Plant::DiskLow), C::DiskLow, LOG, Ends::ByItself),
    line("settings that lose commits", By::Server(Mishap::Unsafe), C::ServerUnsafe, LOG, Ends::ByItself),
    // anchor, root, scrubber
    elsewhere(
        "anchor mismatch at a start",
        "journey::anchor::a_backup_put_back_is_not_served_from_and_the_newer_log_is",
        None,
        Ends::ByOperator,
    ),
    elsewhere(
        "anchor cannot be written or read",
        "pairs::start::an_anchor_that_fails_is_named_and_what_cannot_be_compared_is_not_served",
        Some(C::AnchorFailing),
        Ends::ByItself,
    ),
    elsewhere(
        "the head is not the one that was seen, while serving (A5)",
        "nodes::restored::a_backup_that_was_put_back_is_not_written_to",
        Some(C::LogFailing),
        Ends::ByOperator,
    ),
    elsewhere(
        "a failover took away what this replica saw (A5)",
        "nodes::failover::an_entry_that_is_found_after_a_restart_does_not_count_before_a_standby_has_it",
        Some(C::LogFailing),
        Ends::ByOperator,
    ),
    line("scrubber finding in an open shard (A27)", By::Port(Plant::Tampered), C::LogTampered, LOG, Ends::ByOperator),
    elsewhere(
        "scrubber finding, read by a second replica too (A27)",
        "replicas::halt::what_a_second_gateway_reads_too_stops_all_until_it_is_mended_and_lifted",
        Some(C::LogTampered),
        Ends::ByOperator,
    ),
    elsewhere(
        "scrubber finding of another replica alone (A27)",
        "replicas::halt::one_that_finds_what_nobody_else_reads_stops_alone_and_two_stop_a_third",
        Some(C::LogDoubted),
        Ends::ByOperator,
    ),
    elsewhere(
        "scrubber finding beside the tree (A27)",
        "tamper::acting::what_was_stopped_stays_stopped_and_what_is_beside_the_tree_stops_nothing",
        Some(C::ScrubFinding),
        Ends::ByOperator,
    ),
    elsewhere(
        "no scrub in time",
        "tamper::acting::that_no_pass_ended_in_time_is_named_until_one_does",
        Some(C::ScrubOverdue),
        Ends::ByItself,
    ),
    // clock
    line("clock: local time < last_t - 5 s", By::Port(Plant::ClockBehind), C::ClockBehind, LOG, Ends::ByItself),
    line("clock: 2 s from the database's (A7)", By::Server(Mishap::ClockApart), C::LogFailing, LOG, Ends::ByItself)
        .telling("CLOCK_APART"),
    // policy and what else is loaded
    elsewhere(
        "policy missing, refused or above the ceiling at a start",
        "journey::start_files::a_policy_is_refused_with_place_and_reason",
        None,
        Ends::ByOperator,
    ),
    elsewhere(
        "policy refused at a reload: the one before stays",
        "journey::reload::refused::rules_that_cannot_be_used_change_nothing",
        Some(C::ReloadRefused),
        Ends::ByOperator,
    ),
    elsewhere(
        "policy older than the one in force at a reload: the one in force stays",
        "journey::reload::rules::a_policy_is_replaced_under_running_calls_and_never_goes_back",
        Some(C::ReloadRefused),
        Ends::ByOperator,
    ),
    elsewhere(
        "certificates or token key refused at a reload: those before stay",
        "journey::reload::refused::certificates_and_keys_that_cannot_be_used_change_nothing",
        Some(C::ReloadRefused),
        Ends::ByOperator,
    ),
    elsewhere(
        "trust list refused at a reload: the one before stays",
        "journey::reload::refused::lists_that_cannot_be_used_change_nothing",
        Some(C::ReloadRefused),
        Ends::ByOperator,
    ),
    elsewhere(
        "another replica decides under another policy",
        "replicas::a_gateway_under_another_policy_answers_nothing_until_it_has_the_same",
        Some(C::PolicyBehind),
        Ends::ByOperator,
    ),
    // guards and facts
    elsewhere(
        "a row of state that somebody changed (A14)",
        "tamper::acting::a_row_of_state_that_was_deleted_while_nobody_looked_stops_the_gateway",
        Some(C::LogTampered),
        Ends::ByOperator,
    ),
    line("fact source does not answer", By::Port(Plant::FactsRefuse), C::HolderFailing, SOURCE, Ends::ByItself),
    line("fact source is silent", By::Port(Plant::FactsSilent), C::HolderFailing, SOURCE, Ends::ByItself),
    // lists of revoked certificates
    elsewhere(
        "CRL older than its nextUpdate",
        "journey::reload::revocation::a_list_that_ends_cuts_everybody_within_a_second_and_a_new_one_lets_them_in",
        Some(C::RevocationStale),
        Ends::ByItself,
    ),
    // keys
    line("key database down", By::Port(Plant::KeysRefuse), C::KeysFailing, KEYS, Ends::ByItself),
    elsewhere(
        "a key that no standby has (A21)",
        "nodes::keys::no_replica_uses_a_key_that_no_standby_has",
        Some(C::KeysFailing),
        Ends::ByItself,
    ),
    // outcomes
    line(
        "OUTCOME cannot be written, more than N pending",
        By::Port(Plant::NoOutcomes),
        C::OutcomesPending,
        LOG,
        Ends::ByItself,
    ),
];
