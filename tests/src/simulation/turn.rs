//! The turn of the year: programs begin two seconds before it, or leap there.

use super::judge::Judged;
use super::world::World;
use sluis_core::subject::dutch_date;

/// So long before the turn, milliseconds: the clocks of processes are off by as much, so they see it one after the other.
const EVE: u64 = 2_000;

/// The next eve of a turn of the year.
pub fn eve_after(now: u64) -> u64 {
    let year = dutch_date(now + EVE).year() + 1;
    let begins = jiff::civil::date(year, 1, 1).in_tz("Europe/Amsterdam").unwrap();
    begins.timestamp().as_millisecond() as u64 - EVE
}

impl World {
    /// The clocks leap to the next eve.
    pub fn next_eve(&mut self) -> Judged {
        let left = eve_after(self.server.now) - self.server.now;
        self.server.leap(left);
        self.pass(1)
    }
}
