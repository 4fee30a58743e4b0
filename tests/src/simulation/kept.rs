//! Programs that are kept: what a run once found, or what is worth seeing by itself, each under the name of what must hold.

pub mod new_year;

use super::program::{Action, Program};
use super::server::Fault;
use super::world::{Ran, run};

/// Statements enough for everything that was asked to be answered, when nothing goes wrong.
pub const ALL: Action = Action::Steps(300);

pub const fn release(at: usize, transaction: usize) -> Action {
    Action::Release { at, subject: 0, transaction, handed: true }
}

/// Runs the actions in several orders of statements.
pub fn all_hold(standby: bool, actions: &[Action]) -> Vec<Ran> {
    hold_in(10, standby, actions)
}

pub fn hold_in(orders: u64, standby: bool, actions: &[Action]) -> Vec<Ran> {
    let of = |seed| Program { seed, standby, eve: false, actions: actions.to_vec() };
    let ran: Vec<Ran> = (0..orders).map(|seed| run(&of(seed), None)).collect();
    for (seed, ran) in ran.iter().enumerate() {
        assert!(ran.broken.is_none(), "order {seed}: {:?}\n{}", ran.broken, ran.story.join("\n"));
    }
    ran
}

#[test]
fn without_any_fault_everything_that_was_asked_has_a_receipt() {
    // Time passes too: a standby that is behind is asked again after a moment.
    let rest = [ALL, Action::Pass(20)].repeat(6);
    let asked: Vec<Action> = (0..9).map(|number| release(number % 3, number)).chain(rest).collect();
    // Nine, and one of each process at the end.
    for ran in all_hold(true, &asked) {
        assert_eq!((ran.entries, ran.receipts), (12, 12), "{}", ran.story.join("\n"));
    }
}

/// A commit that no standby has is answered with success, and the primary is lost (A1).
#[test]
fn a_cancelled_wait_for_the_standby_gives_no_receipt_that_a_failover_could_take_back() {
    let cancelled = Action::Fault { at: 0, name: "COMMIT", fault: Fault::WaitCancelled };
    all_hold(true, &[Action::Standby { paused: true }, cancelled, release(0, 1), ALL, Action::FailOver]);
}

/// The same with a change that another process reads before it is lost: it relies on nothing older until it starts again.
#[test]
fn what_only_the_lost_primary_showed_is_relied_on_by_nobody() {
    let cancelled = Action::Fault { at: 0, name: "COMMIT", fault: Fault::WaitCancelled };
    let shown = [Action::Standby { paused: true }, cancelled, Action::Policy { at: 0 }, Action::Steps(12)];
    all_hold(true, &[&shown[..], &[release(1, 1), Action::Steps(8), Action::FailOver, release(1, 2), ALL]].concat());
}

/// A process starts while another's commit is shown that no standby has: the first head that it signs must last too (A1).
#[test]
fn a_start_signs_no_head_that_a_failover_could_take_back() {
    let cancelled = Action::Fault { at: 0, name: "COMMIT", fault: Fault::WaitCancelled };
    let begun = [Action::Kill(1), Action::Standby { paused: true }, cancelled, release(0, 1)];
    for ahead in 0..8 {
        let order = [Action::Steps(ahead), Action::Start(1), Action::Steps(24), Action::FailOver];
        all_hold(true, &[&begun[..], &order[..]].concat());
    }
}

/// The answer of a commit is lost, and its process dies before it can look: nobody has a receipt, the entry is UNKNOWN.
#[test]
fn a_process_that_dies_over_an_unknown_commit_leaves_its_mark_below_it() {
    let lost = Action::Fault { at: 0, name: "COMMIT", fault: Fault::AnswerLost };
    all_hold(false, &[lost, release(0, 1), Action::Steps(7), Action::Kill(0), Action::Start(0), ALL]);
}

/// The same process does not come back: another one finds its number free at two looks, five seconds apart, and says UNKNOWN.
#[test]
fn what_a_process_that_stays_away_left_open_gets_its_outcome_from_another() {
    let lost = Action::Fault { at: 0, name: "COMMIT", fault: Fault::AnswerLost };
    let dead = [lost, release(0, 1), Action::Steps(7), Action::Kill(0)];
    let away = [Action::Pass(5_100), ALL, Action::Pass(5_100), ALL, Action::Pass(5_100), ALL, Action::Settled(0)];
    // The release, its outcome, and one of each process at the end.
    for ran in all_hold(false, &[&dead[..], &away[..]].concat()) {
        assert_eq!(ran.entries, 5, "{}", ran.story.join("\n"));
    }
}

/// The same when the server no longer answers those who look, without a word: they give it up, and look again.
#[test]
fn a_look_at_others_that_hangs_is_given_up() {
    let hang = |at| Action::Fault { at, name: "ENDED", fault: Fault::Hangs };
    let lost = Action::Fault { at: 0, name: "COMMIT", fault: Fault::AnswerLost };
    let dead = [hang(1), hang(2), lost, release(0, 1), Action::Steps(7), Action::Kill(0)];
    let hanging = [Action::Pass(5_100), ALL, Action::Pass(31_000), ALL];
    let away = [Action::Pass(5_100), ALL, Action::Pass(5_100), ALL, Action::Pass(5_100), ALL, Action::Settled(0)];
    for ran in all_hold(false, &[&dead[..], &hanging[..], &away[..]].concat()) {
        assert_eq!(ran.entries, 5, "{}", ran.story.join("\n"));
    }
}

/// Two halts stop what leaves, by every process, and nothing else; when an operator lifted them, releases resume (A27).
#[test]
fn two_halts_stop_every_release_and_no_change() {
    let restriction = Action::Restrict { at: 2, subject: 1, set: true };
    // The change, and one release of each process at the end.
    for ran in all_hold(true, &[Action::Halt(0), Action::Halt(1), ALL, release(2, 1), ALL, restriction, ALL]) {
        assert_eq!((ran.entries, ran.receipts), (4, 4), "{}", ran.story.join("\n"));
    }
}

/// One stops its own replica: the others release.
#[test]
fn one_halt_stops_its_replica_alone() {
    for ran in all_hold(true, &[Action::Halt(0), ALL, release(0, 1), ALL, release(1, 2), ALL]) {
        assert_eq!((ran.entries, ran.receipts), (4, 4), "{}", ran.story.join("\n"));
    }
}

/// A process that holds the lock freezes: the others write within two seconds (A3), and it goes on afterwards.
#[test]
fn a_frozen_process_stops_nobody_for_long() {
    let freeze = [release(0, 1), Action::Steps(4), Action::Freeze(0), release(1, 2), release(2, 3)];
    all_hold(true, &[&freeze[..], &[Action::Steps(20), Action::Pass(2_000), ALL, Action::Thaw(0), ALL]].concat());
}

/// A backup is put back and others write on: who saw the longer history writes nothing that does not extend it (A5).
#[test]
fn a_history_that_grew_again_after_a_restore_is_signed_by_nobody_who_saw_the_other() {
    let before = [release(0, 1), ALL, release(0, 2), ALL, Action::Pass(1_100), Action::Restore(2)];
    let after = [release(1, 3), release(2, 4), ALL, release(1, 5), ALL, release(0, 6), ALL];
    all_hold(true, &[&before[..], &after[..]].concat());
}
