//! Fail closed, line by line: core-design 1.10 as amended, each line with what provokes it, the state that names it, and what
//! the caller is told; and that releases resume by themselves where no person must decide.
//!
//! [`LINES`] is the table. A line is provoked here, on ports that fail or on a server of its own, or by a test that it names.
//! [`ABSENT`] are the lines of which the gateway has nothing to provoke yet.

mod lines;
pub mod named;
mod ports;
mod server;

use lines::{ABSENT, LINES};
use ports::Plant;
use server::Mishap;
use sluis::condition::{Condition as C, Conditions};

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
    /// A word of what the condition tells the operator.
    tells: &'static str,
    ends: Ends,
}

impl Line {
    /// It tells the operator this word.
    const fn telling(self, tells: &'static str) -> Self {
        Self { tells, ..self }
    }

    /// Whether this word is told now.
    fn is_told(&self, conditions: &Conditions) -> bool {
        let held = conditions.watch().borrow().clone();
        self.shows.and_then(|shown| held.get(&shown)).is_some_and(|text| text.contains(self.tells))
    }
}

const fn line(says: &'static str, by: By, shows: C, reason: &'static str, ends: Ends) -> Line {
    Line { says, by, shows: Some(shows), reason, tells: "", ends }
}

const fn elsewhere(says: &'static str, test: &'static str, shows: Option<C>, ends: Ends) -> Line {
    Line { says, by: By::Test(test), shows, reason: "", tells: "", ends }
}

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

/// What is not built is called so, and nowhere proven.
#[test]
fn every_line_stands_once() {
    let mut all: Vec<_> = LINES.iter().map(|line| line.says).chain(ABSENT.iter().map(|(says, _)| *says)).collect();
    all.sort_unstable();
    assert!(all.windows(2).all(|two| two[0] != two[1]), "{all:#?}");
}
