//! Numbers that move in steps of time, because the moment itself would tell too much.
//!
//! "The police asked at 21:14" recognises a child at a small holder (A23). Numbers that name a purpose, a type of recipient
//! or an organisation therefore stand still until the hour is over, and until the day (UTC) is over where one question alone
//! is telling. What comes from reading often is the same as from reading once.

use super::series::Labels;
use sluis_core::log::Millis;
use std::collections::BTreeMap;

const HOUR_MS: Millis = 3600 * 1000;
const DAY_MS: Millis = 24 * HOUR_MS;

/// What is shown of a series: the numbers as they were when the last hour or day had ended.
#[derive(Debug)]
pub struct Coarse<const N: usize, T = u64> {
    shown: BTreeMap<Labels<N>, T>,
    hour: u64,
    day: u64,
}

impl<const N: usize, T> Coarse<N, T> {
    /// Nothing shown yet.
    #[must_use]
    pub const fn new(now: Millis) -> Self {
        Self { shown: BTreeMap::new(), hour: now / HOUR_MS, day: now / DAY_MS }
    }

    /// What may be shown at this moment. `hourly` says which rows move with the hour; the others move with the day.
    pub fn show(
        &mut self,
        now: Millis,
        numbers: BTreeMap<Labels<N>, T>,
        hourly: impl Fn(&Labels<N>) -> bool,
    ) -> &BTreeMap<Labels<N>, T> {
        let (hour, day) = (now / HOUR_MS, now / DAY_MS);
        let (next_hour, next_day) = (hour > self.hour, day > self.day);
        for (labels, number) in numbers {
            if next_day || (next_hour && hourly(&labels)) {
                self.shown.insert(labels, number);
            }
        }
        (self.hour, self.day) = (self.hour.max(hour), self.day.max(day));
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(day: u64, hour: u64, minute: u64) -> Millis {
        day * DAY_MS + hour * HOUR_MS + minute * 60_000
    }

    #[test]
    fn a_number_stands_still_until_its_hour_or_day_is_over() {
        let numbers = |n| BTreeMap::from([(["POLICE".into()], n), (["MUNICIPALITY".into()], n)]);
        let hourly = |labels: &Labels<1>| labels[0] == "MUNICIPALITY";
        let mut coarse = Coarse::new(now(7, 20, 59));
        assert!(coarse.show(now(7, 20, 59), numbers(1), hourly).is_empty());
        let shown = coarse.show(now(7, 21, 0), numbers(2), hourly).clone();
        assert_eq!(shown, BTreeMap::from([(["MUNICIPALITY".into()], 2)]));
        assert_eq!(*coarse.show(now(7, 21, 14), numbers(3), hourly), shown);
        assert_eq!(*coarse.show(now(8, 0, 1), numbers(4), hourly), numbers(4));
        // A clock that is set back shows nothing earlier.
        assert_eq!(*coarse.show(now(7, 23, 0), numbers(5), hourly), numbers(4));
        assert_eq!(*coarse.show(now(8, 0, 2), numbers(5), hourly), numbers(4));
    }
}
