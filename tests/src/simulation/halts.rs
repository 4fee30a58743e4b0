//! Halts (A27): a replica that halts stops its own answers, two stop everybody's; an operator lifts them with an entry.

use super::judge::Judged;
use super::world::World;
use sluis_core::upkeep::LogHalts;

/// The entry that lifts them, as far as the log cares.
const ENTRY: &str = "2026-1:0";

impl World {
    /// A process writes that it halts, as its brake does.
    pub fn halt(&mut self, at: usize) -> Judged {
        let (process, time) = (&self.processes[at], self.server.now);
        if let (Some(log), Some(runtime)) = (process.log(), &process.runtime) {
            runtime.spawn(async move { log.halt(time, "log_leaf 0: simulated").await });
        }
        self.drive(at)
    }

    /// An operator lifts every halt in force, where there is one.
    pub fn lift_halts(&mut self) -> Judged {
        let lifted = |world: &Self| world.server.tables.halts.values().all(|halt| halt.lifted.is_some());
        if lifted(self) {
            return Ok(());
        }
        if let (Some(log), Some(runtime)) = (self.processes[0].log(), &self.processes[0].runtime) {
            let held = self.server.tables.halts.iter().filter(|(_, halt)| halt.lifted.is_none());
            let key = |(time, replica): &(i64, i64)| (i16::try_from(*replica).unwrap(), u64::try_from(*time).unwrap());
            let these: Vec<_> = held.map(|(of, _)| key(of)).collect();
            runtime.spawn(async move { log.lift_halts(&these, ENTRY).await });
        }
        self.drive(0)?;
        self.until("every halt is lifted", lifted)
    }
}
