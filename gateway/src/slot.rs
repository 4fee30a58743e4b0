//! Slots of 100 ms at which refusals and audit findings leave, so that their timing tells nothing (A11).

use std::time::Duration;
use tokio::time::Instant;

/// Length of a slot.
pub const SLOT: Duration = Duration::from_millis(100);

/// The grid of slots, from the start of the process.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    start: Instant,
}

impl Slots {
    /// A grid that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { start: Instant::now() }
    }

    /// The moment of arrival of a call.
    #[must_use]
    pub fn arrival(&self) -> Instant {
        Instant::now()
    }

    /// Waits for the first slot that begins a whole slot or more after `arrival`: however shortly before a boundary a
    /// call arrives, the work always has the same room. When it took longer, for the next slot from now.
    pub async fn wait(&self, arrival: Instant) {
        tokio::time::sleep_until(self.leaves(arrival, Instant::now())).await;
    }

    fn leaves(&self, arrival: Instant, now: Instant) -> Instant {
        let planned = self.next(arrival + SLOT);
        if planned >= now { planned } else { self.next(now) }
    }

    fn next(&self, moment: Instant) -> Instant {
        let passed = moment.saturating_duration_since(self.start).as_millis() / SLOT.as_millis();
        let slots = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        self.start + SLOT * slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_arrivals_in_one_slot_leave_together_and_late_work_takes_the_next() {
        let slots = Slots::begin();
        let after = |ms| slots.start + Duration::from_millis(ms);
        assert_eq!(slots.leaves(after(130), after(131)), after(300));
        assert_eq!(slots.leaves(after(199), after(290)), after(300));
        assert_eq!(slots.leaves(after(170), after(350)), after(400));
        assert_eq!(slots.leaves(after(200), after(200)), after(400));
    }
}
