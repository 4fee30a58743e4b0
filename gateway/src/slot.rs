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

    /// Waits for the first slot after `arrival`; when the work took longer, for the next slot from now.
    pub async fn wait(&self, arrival: Instant) {
        let planned = self.next(arrival);
        let now = Instant::now();
        let at = if planned >= now { planned } else { self.next(now) };
        tokio::time::sleep_until(at).await;
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

    #[tokio::test(start_paused = true)]
    async fn two_arrivals_in_one_slot_leave_together_and_late_work_takes_the_next() {
        let slots = Slots::begin();
        tokio::time::advance(Duration::from_millis(130)).await;
        let early = slots.arrival();
        tokio::time::advance(Duration::from_millis(40)).await;
        let late = slots.arrival();
        slots.wait(early).await;
        assert_eq!(Instant::now() - slots.start, Duration::from_millis(200));
        slots.wait(late).await;
        assert_eq!(Instant::now() - slots.start, Duration::from_millis(200));
        tokio::time::advance(Duration::from_millis(50)).await;
        slots.wait(late).await;
        assert_eq!(Instant::now() - slots.start, Duration::from_millis(300));
    }
}
