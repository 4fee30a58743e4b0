//! Programs that are kept, of the turn of the year: who ends a shard, who opens the next, and who dies over it.

use super::{ALL, all_hold, hold_in, release};
use crate::simulation::defect::Defect;
use crate::simulation::program::{Action, Program};
use crate::simulation::server::Fault;
use crate::simulation::world::{Ran, run};

/// An entry in the old shard, and the turn: every process wants to end the shard.
const EVE: [Action; 4] = [Action::NextEve, release(0, 1), ALL, Action::Pass(2_100)];

/// Statements of the three processes around the turn, a few too many.
const AHEAD: std::ops::Range<usize> = 0..40;

fn commits_of_all(fault: Fault) -> [Action; 3] {
    [0, 1, 2].map(|at| Action::Fault { at, name: "COMMIT", fault })
}

#[test]
fn the_year_turns_and_everything_that_was_asked_has_a_receipt() {
    let asked: Vec<Action> = (2..8).map(|number| release(number % 3, number)).chain([ALL]).collect();
    let twice = [&EVE[..], &asked[..], &[Action::NextEve, Action::Pass(2_100), ALL, release(0, 9), ALL]].concat();
    // Eight, one of each process at the end, and the end and the beginning of a shard at each turn.
    for ran in all_hold(true, &twice) {
        assert_eq!((ran.entries, ran.receipts), (15, 11), "{}", ran.story.join("\n"));
    }
}

/// Whoever is at it dies: the others end the shard, or find it ended, and open the next.
#[test]
fn a_process_that_dies_over_the_turn_leaves_it_to_another() {
    for ahead in AHEAD.step_by(2) {
        for dies in 0..3 {
            let dead = [Action::Steps(ahead), Action::Kill(dies), release((dies + 1) % 3, 2), ALL];
            hold_in(2, ahead % 4 == 0, &[&EVE[..], &dead[..]].concat());
        }
    }
}

/// The answer of the commit that ends the shard, or of the one that opens the next, is lost.
#[test]
fn a_turn_of_unknown_outcome_is_settled_before_anything_is_built_upon_it() {
    for ahead in AHEAD.step_by(2) {
        let lost = [&[Action::Steps(ahead)][..], &commits_of_all(Fault::AnswerLost), &[release(1, 2), ALL]].concat();
        hold_in(2, ahead % 4 == 0, &[&EVE[..], &lost].concat());
    }
}

/// The turn is shown by a primary that is lost, and no standby had it: nobody signed it, or built upon it (A1).
#[test]
fn a_turn_that_only_the_lost_primary_showed_is_signed_by_nobody() {
    for ahead in AHEAD.step_by(2) {
        let shown = [&[Action::Standby { paused: true }][..], &commits_of_all(Fault::WaitCancelled)].concat();
        let after = [Action::Steps(ahead), Action::FailOver, release(1, 2), release(2, 3), ALL];
        hold_in(2, true, &[&EVE[..3], &shown, &EVE[3..], &after].concat());
    }
}

/// A process reads the newest head, and when it goes on the year has turned once more: it compares that head with the tree of its
/// own shard, not with that of the newest. Found by seed 1280.
#[test]
fn a_process_that_was_cut_off_over_two_turns_follows_both() {
    let restriction = Action::Restrict { at: 0, subject: 2, set: false };
    let asks = |subject, transaction, handed| Action::Release { at: 1, subject, transaction, handed };
    let cut = [asks(2, 7, true), Action::Steps(10), restriction, Action::Pass(900), Action::Steps(2), Action::Cut(1)];
    let turn = [Action::Steps(9), Action::Pass(1_300), Action::Steps(14), Action::Pass(1_100), Action::Steps(10)];
    let next = [asks(1, 35, false), Action::Steps(10), Action::NextEve, Action::Steps(32)];
    for seed in [1280, 0, 1, 2] {
        let actions = [&cut[..], &turn, &next].concat();
        let ran = run(&Program { seed, standby: false, eve: true, actions }, None);
        assert!(ran.broken.is_none(), "order {seed}: {:?}\n{}", ran.broken, ran.story.join("\n"));
    }
}

/// A process signs the end of one year, and when it goes on that year and the one after it have ended: it would have opened the
/// third as the continuation of the first. Found by seed 229.
#[test]
fn who_signed_the_end_of_an_earlier_year_opens_nothing() {
    let asks = |at, subject, transaction, handed| Action::Release { at, subject, transaction, handed };
    let lost = |at, name, fault| Action::Fault { at, name, fault };
    let before = [Action::Pass(900), asks(1, 1, 34, true), Action::Steps(11), lost(2, "LEAF_HASHES", Fault::Hangs)];
    let cut = [Action::Steps(8), Action::Pass(1_300), Action::Steps(12), lost(2, "LOOK", Fault::AnswerLost)];
    let rest = [Action::Steps(5), Action::Pass(2_500), Action::Steps(7), asks(1, 2, 15, true), Action::Steps(25)];
    let asked = [asks(2, 2, 27, true), asks(1, 1, 32, false), Action::Steps(10), Action::Steps(14), Action::Cut(2)];
    let turned = [Action::Steps(6), asks(2, 2, 35, false), Action::Steps(1), Action::Cut(0), Action::NextEve];
    for ahead in 0..30 {
        let next = [Action::Steps(ahead), Action::NextEve, asks(0, 0, 13, true), Action::Steps(14), ALL];
        let actions = [&before[..], &cut, &rest, &asked, &turned, &next].concat();
        for seed in [229, 0] {
            let ran = run(&Program { seed, standby: true, eve: true, actions: actions.clone() }, None);
            assert!(ran.broken.is_none(), "order {seed}, {ahead} ahead: {:?}\n{}", ran.broken, ran.story.join("\n"));
        }
    }
}

/// A backup is put back under a process that goes on, and grows to the same size while the year turns: the process reads the
/// newest head for the turn, and compares more than its size. Found by seed 832.
#[test]
fn a_history_that_grew_to_the_same_size_is_not_signed_at_the_turn() {
    let asks = |subject, transaction| Action::Release { at: 1, subject, transaction, handed: true };
    let shown = [Action::Restrict { at: 0, subject: 1, set: false }, Action::Steps(8)];
    let again = [Action::Restore(3), Action::Steps(13), asks(0, 39), asks(1, 31), asks(0, 10)];
    for seed in 0..30 {
        let actions = [&shown[..], &again].concat();
        let ran = run(&Program { seed, standby: true, eve: true, actions }, None);
        assert!(ran.broken.is_none(), "order {seed}: {:?}\n{}", ran.broken, ran.story.join("\n"));
    }
}

/// A process dies with a delivery open that the shard of the new year has, and starts again.
pub fn left_after_the_turn(seed: u64, defect: Option<Defect>) -> Ran {
    let open = Action::Release { at: 0, subject: 1, transaction: 7, handed: false };
    let ahead = Action::Steps(4 + usize::try_from(seed).unwrap());
    let dies = [open, ahead, Action::Kill(0), Action::Start(0), ALL, Action::Pass(6_000), ALL];
    let actions = [&EVE[..], &[ALL, Action::Pass(2_100), ALL], &dies, &[Action::Settled(0)]].concat();
    run(&Program { seed, standby: false, eve: false, actions }, defect)
}

#[test]
fn a_delivery_that_was_open_in_a_later_shard_gets_its_outcome() {
    for seed in 0..20 {
        let ran = left_after_the_turn(seed, None);
        assert!(ran.broken.is_none(), "order {seed}: {:?}\n{}", ran.broken, ran.story.join("\n"));
    }
}
