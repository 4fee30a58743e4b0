//! What comes after a program: nothing is wrong any more, so everything comes right by itself and releases resume.

use super::calls::{About, Attempt, Told};
use super::judge::Judged;
use super::process::Process;
use super::program::PROCESSES;
use super::world::{RESTLESS, World};
use std::sync::atomic::Ordering;

/// What everything that failed needs to come right again once nothing is wrong any more: every limit of the gateway twice.
const RECOVERY_MS: u64 = 40_000;

/// How often a caller asks again: after a restart of the server each session that was open fails one call.
const ROUNDS: usize = 12;

impl World {
    /// Steps and time, until something is so.
    pub fn until(&mut self, what: &str, is: impl Fn(&Self) -> bool) -> Judged {
        let from = self.server.now;
        let (mut pause, mut steps) = (2, 0);
        while !is(self) {
            steps += 1;
            if self.server.now > from + RECOVERY_MS || steps > RESTLESS {
                let why: Vec<_> = self.processes.iter().map(Process::refused).collect();
                return Err(format!("not so in time: {what} ({why:?})"));
            }
            if self.step()? {
                pause = 2;
            } else {
                self.pass(pause)?;
                pause = (pause * 2).min(500);
            }
        }
        Ok(())
    }

    /// Nothing is wrong any more: everything comes right by itself, and every process releases again.
    pub fn come_to_rest(&mut self) -> Judged {
        self.story.push("-- nothing is wrong any more".to_owned());
        self.armed.clear();
        self.server.paused = false;
        self.server.resume();
        for at in 0..PROCESSES {
            self.processes[at].machine.off.store(0, Ordering::Relaxed);
            self.cut(at, false)?;
            self.thaw(at)?;
        }
        self.pass(6_000)?;
        self.until("what was asked is answered", |world| !world.server_is_busy())?;
        for at in 0..PROCESSES {
            if self.server.lost_shown {
                self.kill(at)?;
            }
            if self.processes[at].refused().is_some() {
                self.start(at)?;
            }
        }
        if self.restored {
            self.pass(5_000)?;
            return self.judge_all();
        }
        self.serve_again()?;
        self.lift_halts()?;
        self.releases_again()?;
        for at in 0..PROCESSES {
            let settled = self.until("every release is settled", |world| world.settled(at).is_ok());
            settled.or_else(|_not_in_time| self.settled(at))?;
        }
        self.judge_all()
    }

    /// Every process serves. One of which another holds the number, to judge what it left, is started once more.
    fn serve_again(&mut self) -> Judged {
        for _ in 0..ROUNDS {
            let ended = |process: &Process| process.serving().is_some() || process.refused().is_some();
            self.until("every start has ended", |world| world.processes.iter().all(ended))?;
            let in_use = |process: &Process| process.refused().is_some_and(|why| why.contains("is in use"));
            let again: Vec<usize> = (0..PROCESSES).filter(|at| in_use(&self.processes[*at])).collect();
            if again.is_empty() {
                break;
            }
            again.into_iter().try_for_each(|at| self.start(at))?;
        }
        self.until("every process serves again", |world| world.processes.iter().all(|p| p.serving().is_some()))
    }

    fn server_is_busy(&self) -> bool {
        self.server.sessions.iter().any(|session| !session.over && !session.is_idle())
    }

    /// A change and a release at each process; a call may fail while the last fault is being settled.
    fn releases_again(&mut self) -> Judged {
        for at in 0..PROCESSES {
            let subject = 10 + at;
            let about = About::Release { subject, transaction: 1_000 + at, handed: true };
            let done = |world: &Self| {
                let attempts = world.attempts.0.lock().unwrap();
                let receipt = |a: &Attempt| matches!(a.told, Some(Told::Receipt { .. }));
                attempts.iter().any(|a| a.about == about && receipt(a))
            };
            for round in 0..ROUNDS {
                self.call(at, about)?;
                let asked = self.until("a release is answered", |world| done(world) || !world.server_is_busy());
                asked?;
                if done(self) {
                    break;
                }
                if round + 1 == ROUNDS {
                    let attempts = self.attempts.0.lock().unwrap();
                    let told: Vec<_> = attempts.iter().filter(|a| a.about == about).map(|a| &a.told).collect();
                    let state = self.processes[at].serving().map(|gateway| gateway.recorder.state().borrow().clone());
                    return Err(format!("process {at} does not release again: {told:?}, {state:?}"));
                }
                self.pass(500)?;
            }
        }
        Ok(())
    }
}
