//! Programs: what callers, operators and misfortune do, in order. A program follows from its seed; one that failed is kept
//! by its actions.

use super::random::Random;
use super::server::Fault;

/// Gateway processes.
pub const PROCESSES: usize = 3;
/// Subjects that anything is about.
const SUBJECTS: usize = 3;
/// Transactions that callers use, and use again.
const TRANSACTIONS: usize = 40;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A caller asks for a release; handed over or not when it is recorded.
    Release { at: usize, subject: usize, transaction: usize, handed: bool },
    /// Processing of a subject is restricted, or no longer.
    Restrict { at: usize, subject: usize, set: bool },
    /// A policy becomes active.
    Policy { at: usize },
    /// So many statements are executed, in any order.
    Steps(usize),
    /// The next statement of a process with this name goes wrong; an empty name is any.
    Fault { at: usize, name: &'static str, fault: Fault },
    /// Time passes, milliseconds.
    Pass(u64),
    /// A process dies.
    Kill(usize),
    /// A process that is not there starts.
    Start(usize),
    /// A process stands still.
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// Nothing passes between a process and the server.
    Cut(usize),
    /// Everything passes again.
    Mend(usize),
    /// The standby receives nothing, or again.
    Standby { paused: bool },
    /// What hung in the server goes on.
    Resume,
    /// The standby becomes the server.
    FailOver,
    /// The server dies and starts again.
    Restart,
    /// A backup is put back, so many commits old.
    Restore(usize),
    /// The clock of a process is off by this, milliseconds.
    Clock { at: usize, off: i64 },
    /// The clocks leap to two seconds before the next turn of the year.
    NextEve,
    /// A process writes that it halts. In programs that are kept only.
    Halt(usize),
    /// By now every release of a process must be handed over or have its outcome. In programs that are kept only.
    Settled(usize),
}

/// A program and the seed that its order of statements follows from.
#[derive(Debug, Clone)]
pub struct Program {
    pub seed: u64,
    /// Whether the server has a synchronous standby.
    pub standby: bool,
    /// It begins two seconds before the turn of the year.
    pub eve: bool,
    pub actions: Vec<Action>,
}

/// What a program is about most.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bent {
    Everything,
    Standby,
    Processes,
    Backups,
    Turn,
}

impl Program {
    /// The program of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let standby = !random.once_in(4);
        let bent = random.of(BENTS);
        let mut actions = Vec::new();
        for _ in 0..12 + random.below(16) {
            let special = bent != Bent::Everything && random.once_in(3);
            let next = if special { bent_action(&mut random, bent) } else { action(&mut random) };
            actions.push(next);
            if !random.once_in(3) {
                actions.push(Action::Steps(1 + random.below(14)));
            }
        }
        Self { seed, standby, eve: bent == Bent::Turn || random.once_in(4), actions }
    }
}

const BENTS: &[Bent] =
    &[Bent::Everything, Bent::Everything, Bent::Standby, Bent::Processes, Bent::Backups, Bent::Turn, Bent::Turn];

fn bent_action(random: &mut Random, bent: Bent) -> Action {
    let at = random.below(PROCESSES);
    match (bent, random.below(8)) {
        (Bent::Standby, 0..=2) => Action::Standby { paused: true },
        (Bent::Standby, 3 | 4) => Action::Fault { at, name: "COMMIT", fault: Fault::WaitCancelled },
        (Bent::Standby, 5) => Action::FailOver,
        (Bent::Standby, 6) => Action::Kill(at),
        (Bent::Standby, _) => Action::Start(at),
        (Bent::Backups, 0 | 1) => Action::Restore(1 + random.below(4)),
        (Bent::Backups, 2 | 3) => Action::Pass(1_100),
        (Bent::Turn, 0) => Action::NextEve,
        (Bent::Turn, 1..=3) => Action::Pass(random.of(&[900, 1_100, 1_300, 2_500])),
        (Bent::Turn, 4) => {
            let name = random.of(&["SHARD", "NEXT_SHARD", "CREATE_PARTITION", "COMMIT", "COMMIT"]);
            Action::Fault { at, name, fault: some_fault(random) }
        }
        (_, 0 | 1 | 6) => Action::Kill(at),
        (_, 2 | 3 | 7) => Action::Start(at),
        (_, 4) => random.of(&[Action::Freeze(at), Action::Thaw(at)]),
        _ => random.of(&[Action::Cut(at), Action::Mend(at)]),
    }
}

fn action(random: &mut Random) -> Action {
    let at = random.below(PROCESSES);
    let subject = random.below(SUBJECTS);
    match random.below(40) {
        0..=11 => {
            let (transaction, handed) = (random.below(TRANSACTIONS), !random.once_in(4));
            Action::Release { at, subject, transaction, handed }
        }
        12..=15 => Action::Restrict { at, subject, set: random.once_in(2) },
        16 => Action::Policy { at },
        17..=23 => fault(random, at),
        24..=25 => Action::Pass(random.of(&[5, 200, 1_100, 2_500, 6_000])),
        26 => Action::Kill(at),
        27..=28 => Action::Start(at),
        29 => Action::Freeze(at),
        30 => Action::Thaw(at),
        31 => Action::Cut(at),
        32 => Action::Mend(at),
        33..=34 => Action::Standby { paused: random.once_in(2) },
        35 => Action::Resume,
        36 => Action::FailOver,
        37..=38 => Action::Restart,
        _ => Action::Clock { at, off: random.of(&[0, -900, 900, 1_900, -1_900, 3_000, -4_000]) },
    }
}

fn fault(random: &mut Random, at: usize) -> Action {
    let name = random.of(&["COMMIT", "COMMIT", "COMMIT", "WRITE", "LOOK", "STANDS", "LEAF_HASHES", ""]);
    Action::Fault { at, name, fault: some_fault(random) }
}

fn some_fault(random: &mut Random) -> Fault {
    match random.below(6) {
        0 => Fault::Broken,
        1 | 2 => Fault::AnswerLost,
        3 => Fault::Hangs,
        4 => Fault::WaitCancelled,
        _ => Fault::Refused(random.of(&["53100", "57014", "40001", "25006"])),
    }
}
