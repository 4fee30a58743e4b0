//! Dutch working days: Monday to Friday without the generally recognised public holidays (Algemene termijnenwet 3).
//!
//! Good Friday counts as one of them (the same article, second member). 5 May is taken every year.

use crate::log::Millis;
use crate::subject::{dutch_date, dutch_midnight};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// The moment at which the first working day after the Dutch day of `moment` ends.
#[must_use]
pub fn end_of_next(moment: Millis) -> Millis {
    let mut day = dutch_date(moment).saturating_add(1.day());
    // No holidays run for longer than a week, weekends included.
    for _ in 0..10 {
        if is_working_day(day) {
            break;
        }
        day = day.saturating_add(1.day());
    }
    dutch_midnight(day.saturating_add(1.day()))
}

/// Whether people work on this day.
#[must_use]
pub fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(day)
}

fn is_holiday(day: Date) -> bool {
    let fixed = matches!((day.month(), day.day()), (1, 1) | (5, 5) | (12, 25) | (12, 26));
    fixed || is_kings_day(day) || easter(day.year()).is_some_and(|easter| follows(day, easter))
}

/// 27 April, or the day before when that is a Sunday.
fn is_kings_day(day: Date) -> bool {
    let sunday = |day: Date| day.weekday() == Weekday::Sunday;
    match (day.month(), day.day()) {
        (4, 27) => !sunday(day),
        (4, 26) => sunday(day.saturating_add(1.day())),
        _ => false,
    }
}

/// Good Friday, Easter Monday, Ascension Day and Whit Monday.
fn follows(day: Date, easter: Date) -> bool {
    [-2, 1, 39, 50].iter().any(|days| easter.saturating_add(days.days()) == day)
}

/// Easter Sunday of a year after 1582 (the anonymous Gregorian computus).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (golden, century, rest) = (y % 19, y / 100, y % 100);
    let epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let from_march = epact + weekday - 7 * late + 114;
    Date::new(year, i8::try_from(from_march / 31).ok()?, i8::try_from(from_march % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> Millis {
        u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, month, day) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25)] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }

    #[test]
    fn holidays_and_weekends_are_no_working_days() {
        for day in [
            date(2026, 1, 1),
            date(2026, 4, 3),
            date(2026, 4, 6),
            date(2026, 4, 27),
            date(2026, 5, 5),
            date(2026, 5, 14),
            date(2026, 5, 25),
            date(2026, 12, 25),
            date(2026, 11, 21),
            date(2025, 4, 26),
        ] {
            assert!(!is_working_day(day), "{day}");
        }
        for day in [date(2026, 11, 20), date(2026, 12, 24), date(2026, 4, 28), date(2025, 4, 28)] {
            assert!(is_working_day(day), "{day}");
        }
    }

    #[test]
    fn a_review_is_due_when_the_next_working_day_ends() {
        // Saturday night: Monday counts, in winter time.
        assert_eq!(end_of_next(at("2026-11-21T22:40:00Z")), at("2026-11-23T23:00:00Z"));
        // Half past midnight on Monday, Dutch time: the day is Monday, so Tuesday counts.
        assert_eq!(end_of_next(at("2026-11-22T23:30:00Z")), at("2026-11-24T23:00:00Z"));
        // The Thursday before Easter: Friday to Monday are none.
        assert_eq!(end_of_next(at("2026-04-02T10:00:00Z")), at("2026-04-07T22:00:00Z"));
        // Christmas on a Friday and a Saturday.
        assert_eq!(end_of_next(at("2026-12-24T12:00:00Z")), at("2026-12-28T23:00:00Z"));
    }
}
