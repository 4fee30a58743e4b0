//! The invariants of core-design 7 that faults must not break, by their numbers: what checks each, and what shows that the
//! check can fail.
//!
//! [`seen`] judges a log and what its callers have. [`controls`] breaks a gateway or a store on purpose.

mod controls;
mod erasure;
pub mod seen;

use crate::closed::named::is_test;

/// One invariant.
struct Invariant {
    number: u8,
    says: &'static str,
    /// Tests that hold it against faults.
    checks: &'static [&'static str],
    /// The test in which its check fails.
    control: &'static str,
}

const PAIRS: [&str; 2] = [
    "pairs::every_call_that_fails_on_sqlite_releases_nothing_unlogged",
    "pairs::every_call_that_fails_on_postgres_releases_nothing_unlogged",
];

const INVARIANTS: &[Invariant] = &[
    Invariant {
        number: 1,
        says: "log before release",
        checks: &["journey::kill::what_a_client_received_survives_kill_9", PAIRS[0], PAIRS[1]],
        control: "invariant::controls::a_store_that_forgets_what_it_wrote_is_found",
    },
    Invariant {
        number: 2,
        says: "no gap, no duplicate",
        checks: &["fault::faults_at_the_append_lose_nothing_and_release_nothing", PAIRS[0], PAIRS[1]],
        control: "invariant::controls::a_log_without_transactions_holds_one_twice",
    },
    Invariant {
        number: 3,
        says: "append-only",
        checks: &["nodes::failover::nothing_that_was_recorded_is_missing_after_the_primary_dies", PAIRS[0], PAIRS[1]],
        control: "invariant::controls::a_store_that_forgets_what_it_wrote_is_found",
    },
    Invariant {
        number: 4,
        says: "proof soundness and completeness",
        checks: &PAIRS,
        control: "invariant::controls::a_hash_that_was_bent_proves_nothing",
    },
    Invariant {
        number: 5,
        says: "only committed heads are signed",
        checks: &["nodes::standby::a_commit_that_no_standby_has_does_not_count", PAIRS[0], PAIRS[1]],
        control: "invariant::controls::a_store_that_forgets_what_it_wrote_is_found",
    },
    Invariant {
        number: 6,
        says: "field bound",
        checks: &[
            "outage::liar::a_source_that_answers_more_fields_than_were_permitted_releases_nothing",
            PAIRS[0],
            PAIRS[1],
        ],
        control: "invariant::controls::a_surface_that_adds_a_field_is_found",
    },
    Invariant {
        number: 7,
        says: "default deny: what does not answer leads to nothing that is fetched",
        checks: &PAIRS,
        control: "invariant::controls::a_gateway_that_answers_from_memory_fetches_after_a_fault",
    },
    Invariant {
        number: 8,
        says: "freshness",
        checks: &["race::no_release_after_a_withdrawal_that_it_contradicts", PAIRS[0], PAIRS[1]],
        control: "race::with_the_check_switched_off_the_replay_finds_violations",
    },
    Invariant {
        number: 9,
        says: "withdrawal bound",
        checks: &["replicas::a_withdrawal_at_one_gateway_stops_the_next_release_at_another", PAIRS[0], PAIRS[1]],
        control: "invariant::controls::a_gateway_that_keeps_standing_in_mind_releases_after_a_withdrawal",
    },
    Invariant {
        number: 11,
        says: "reproducible decisions",
        checks: &PAIRS,
        control: "invariant::controls::a_gateway_under_another_policy_is_not_reproduced",
    },
    Invariant {
        number: 14,
        says: "erasure",
        checks: &[
            "invariant::erasure::a_year_that_is_erased_on_sqlite_is_gone_and_every_proof_holds",
            "invariant::erasure::a_year_that_is_erased_on_postgres_is_gone_and_every_proof_holds",
            "journey::erasure::a_year_is_erased_and_every_proof_holds",
        ],
        control: "invariant::erasure::half_an_erasure_is_found",
    },
    Invariant {
        number: 15,
        says: "fail closed",
        checks: &[
            "closed::ports::every_line_of_a_port_fails_closed_under_its_name_and_ends",
            "closed::server::every_line_of_a_server_fails_closed_under_its_name_and_ends",
            PAIRS[0],
            PAIRS[1],
        ],
        control: "invariant::controls::a_gateway_that_fails_open_is_found",
    },
];

#[test]
fn every_invariant_has_its_checks_and_a_control() {
    let numbers: Vec<u8> = INVARIANTS.iter().map(|invariant| invariant.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 15]);
    for Invariant { number, says, checks, control } in INVARIANTS {
        for test in checks.iter().chain([control]) {
            assert!(is_test(test), "{number}, {says}: there is no test `{test}`");
        }
    }
}
