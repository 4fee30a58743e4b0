//! Fail closed, line by line: core-design 1.10 as amended, each line with what provokes it, the state that names it, and what
//! the caller is told; and that releases resume by themselves where no person must decide.
//!
//! [`LINES`] is the table. A line is provoked here, on ports that fail or on a server of its own, or by a test that it names.

pub mod named;
mod ports;
mod server;

use ports::Plant;
use server::Mishap;
use sluis::condition::Condition as C;

/// What makes a line come true.
#[derive(Clone, Copy)]
enum By {
    /// A port, the clock or the disk of a gateway in process.
    Port(Plant),
    /// Something that happens to the server of log and keys.
    Server(Mishap),
    /// A test elsewhere, by its path.
    Test(&'static str),
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// With the fault, without anybody's help.
    ByItself,
    /// With the next start of the process, which whoever supervises it brings about.
    AtStart,
    /// When an operator has decided.
    ByOperator,
}

/// One line.
struct Line {
    /// The condition, in the words of the design.
    says: &'static str,
    by: By,
    /// What health, readiness and metrics show; none where nothing starts or a caller is not let in.
    shows: Option<C>,
    /// Why the caller is refused: always with UNAVAILABLE.
    reason: &'static str,
    ends: Ends,
}

const fn line(says: &'static str, by: By, shows: C, reason: &'static str, ends: Ends) -> Line {
    Line { says, by, shows: Some(shows), reason, ends }
}

const fn elsewhere(says: &'static str, test: &'static str, shows: Option<C>, ends: Ends) -> Line {
    Line { says, by: By::Test(test), shows, reason: "", ends }
}

const LOG: &str = "LOG_UNAVAILABLE";
const KEYS: &str = "KEYS_UNAVAILABLE";
const SOURCE: &str = "SOURCE_UNAVAILABLE";

/// Every line of core-design 1.10 as amended.
const LINES: &[Line] = &[
    line("append fails", By::Port(Plant::LogRefuses("LOCKED")), C::LogFailing, LOG, Ends::ByItself),
    line("append times out", By::Port(Plant::LogSilent), C::LogFailing, LOG, Ends::ByItself),
    line("outcome unknown, SQLite (A6)", By::Port(Plant::LogForgets), C::LogHalted, LOG, Ends::AtStart),
    elsewhere(
        "outcome unknown, PostgreSQL (A1)",
        "delivery::unsettled::it_is_settled_although_nobody_asks",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    line("server does not answer", By::Server(Mishap::Killed), C::LogUnreadable, LOG, Ends::ByItself),
    line("server is silent", By::Server(Mishap::Frozen), C::LogUnreadable, LOG, Ends::ByItself),
    line("lock is held (A3)", By::Server(Mishap::Locked), C::LogFailing, LOG, Ends::ByItself),
    line("read-only database", By::Port(Plant::LogRefuses("READ_ONLY")), C::LogFailing, LOG, Ends::ByItself),
    line("read-only database, PostgreSQL", By::Server(Mishap::ReadOnly), C::LogFailing, LOG, Ends::ByItself),
    line("disk full (A6)", By::Port(Plant::LogRefuses("DISK_FULL")), C::LogFailing, LOG, Ends::ByItself),
    line("disk < 5 %", By::Port(Plant::DiskLow), C::DiskLow, LOG, Ends::ByItself),
    elsewhere(
        "no sync standby (A1)",
        "nodes::gateway::a_gateway_releases_nothing_while_its_standby_is_paused_or_its_log_was_put_back",
        Some(C::LogFailing),
        Ends::ByItself,
    ),
    line("settings that lose commits", By::Server(Mishap::Unsafe), C::ServerUnsafe, LOG, Ends::ByItself),
    elsewhere(
        "anchor mismatch at a start",
        "journey::anchor::a_backup_put_back_is_not_served_from_and_the_newer_log_is",
        None,
        Ends::ByOperator,
    ),
    elsewhere(
        "the head is not the one that was seen, while serving (A5)",
        "nodes::restored::a_backup_that_was_put_back_is_not_written_to",
        Some(C::LogFailing),
        Ends::ByOperator,
    ),
    line("scrubber finding in an open shard (A27)", By::Port(Plant::Tampered), C::LogTampered, LOG, Ends::ByOperator),
    line("clock: local time < last_t - 5 s", By::Port(Plant::ClockBehind), C::ClockBehind, LOG, Ends::ByItself),
    elsewhere(
        "policy missing or refused at a start",
        "journey::start_files::a_policy_is_refused_with_place_and_reason",
        None,
        Ends::ByOperator,
    ),
    elsewhere(
        "another replica decides under another policy",
        "replicas::a_gateway_under_another_policy_answers_nothing_until_it_has_the_same",
        Some(C::PolicyBehind),
        Ends::ByOperator,
    ),
    line("fact source does not answer", By::Port(Plant::FactsRefuse), C::HolderFailing, SOURCE, Ends::ByItself),
    line("fact source is silent", By::Port(Plant::FactsSilent), C::HolderFailing, SOURCE, Ends::ByItself),
    line("key database down", By::Port(Plant::KeysRefuse), C::KeysFailing, KEYS, Ends::ByItself),
    line(
        "OUTCOME cannot be written, more than N pending",
        By::Port(Plant::NoOutcomes),
        C::OutcomesPending,
        LOG,
        Ends::ByItself,
    ),
    elsewhere(
        "CRL older than its nextUpdate",
        "journey::reload::revocation::a_list_that_ends_cuts_everybody_within_a_second_and_a_new_one_lets_them_in",
        Some(C::RevocationStale),
        Ends::ByItself,
    ),
];

/// A condition that sends callers away and that no line provokes would be a promise without proof.
#[test]
fn every_state_that_stops_has_a_line() {
    let shown = |condition: &C| LINES.iter().any(|line| line.shows == Some(*condition));
    let unproven: Vec<_> = C::ALL.iter().filter(|c| !c.ready() && **c != C::Ending && !shown(c)).collect();
    assert!(unproven.is_empty(), "no line of the table shows {unproven:?}");
}

#[test]
fn every_test_that_a_line_names_is_there() {
    for line in LINES {
        let By::Test(path) = line.by else { continue };
        assert!(named::is_test(path), "{}: there is no test `{path}`", line.says);
    }
}
