//! The person a dossier is about: identifiers as they come in, the pseudonymous handle we keep, birth date and age.

use jiff::civil::Date;

/// Burgerservicenummer: nine digits that pass the 11-test, not one of the reserved values.
///
/// Source: Wabb, iJw CS002 and RS037. The value never appears in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bsn(u32);

/// Why a text is not a BSN that may be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BsnError {
    /// Not exactly nine digits; eight-digit numbers need their leading zero.
    #[error("a BSN has nine digits; write a leading zero where it has eight")]
    Length,
    /// Reserved values 000000000 (unborn) and 999999999 (unknown) of the statistics.
    #[error("000000000 and 999999999 are codes for `no number`, not a person's BSN")]
    Reserved,
    /// Fails the 11-test.
    #[error("the number fails the 11-test, so at least one digit is wrong")]
    ElevenTest,
}

impl Bsn {
    /// Parses nine digits and applies the 11-test: `9a+8b+7c+6d+5e+4f+3g+2h-i` is a multiple of 11.
    ///
    /// # Errors
    /// [`BsnError`] says what is wrong without repeating the number.
    pub fn parse(text: &str) -> Result<Self, BsnError> {
        if text.len() != 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BsnError::Length);
        }
        if matches!(text, "000000000" | "999999999") {
            return Err(BsnError::Reserved);
        }
        let sum: i32 = text
            .bytes()
            .zip([9, 8, 7, 6, 5, 4, 3, 2, -1])
            .map(|(digit, weight)| i32::from(digit - b'0') * weight)
            .sum();
        if sum % 11 != 0 {
            return Err(BsnError::ElevenTest);
        }
        text.parse().map(Self).map_err(|_| BsnError::Length)
    }

    /// The nine digits.
    #[must_use]
    pub fn digits(self) -> String {
        format!("{:09}", self.0)
    }

    /// Whether the number lies in 999900006 to 999999990, the range for tests (KTO).
    #[must_use]
    pub const fn is_test(self) -> bool {
        self.0 >= 999_900_006 && self.0 <= 999_999_990
    }
}

impl std::fmt::Debug for Bsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bsn(*)")
    }
}

/// How a caller names the person: a BSN where a law allows it, or the holder's client number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SubjectId {
    /// Burgerservicenummer.
    Bsn(Bsn),
    /// The holder's client number: 1 to 20 letters, digits and hyphens.
    ClientNumber(String),
}

impl SubjectId {
    /// A client number of 1 to 20 letters, digits and hyphens, or `None`.
    #[must_use]
    pub fn client_number(text: &str) -> Option<Self> {
        let allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (allowed && (1..=20).contains(&text.len())).then(|| Self::ClientNumber(text.to_owned()))
    }

    /// `bsn` or `client-number`, the type in lookup tags.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bsn(_) => "bsn",
            Self::ClientNumber(_) => "client-number",
        }
    }

    /// The identifier itself.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Bsn(bsn) => bsn.digits(),
            Self::ClientNumber(number) => number.clone(),
        }
    }
}

impl std::fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectId::{}(*)", self.kind())
    }
}

/// Pseudonymous handle of a subject: 16 random bytes, meaningless without the key database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectRef(pub [u8; 16]);

/// A date of birth of which the month or day may be unknown (COD170).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BirthDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl BirthDate {
    /// Reads `YYYY-MM-DD`, or with `00` for an unknown month or day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        let year: i16 = year.parse().ok()?;
        let month: i8 = month.parse().ok()?;
        let day: i8 = day.parse().ok()?;
        let date = Self { year, month: (month != 0).then_some(month), day: (day != 0).then_some(day) };
        if month == 0 && day != 0 {
            return None;
        }
        date.latest().map(|_| date)
    }

    /// The earliest day it can be: the reading that makes the person oldest.
    fn earliest(self) -> Option<Date> {
        Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()
    }

    /// The latest day it can be: the reading that makes the person youngest.
    fn latest(self) -> Option<Date> {
        let month = self.month.unwrap_or(12);
        let first = Date::new(self.year, month, 1).ok()?;
        match self.day {
            Some(day) => Date::new(self.year, month, day).ok(),
            None => Date::new(self.year, month, first.days_in_month()).ok(),
        }
    }

    /// Completed years on `today`, as the youngest and the oldest that an unknown day or month leaves open. A person
    /// of 29 February reaches an age on 1 March in other years. `None` when born after `today`.
    #[must_use]
    pub fn ages_on(self, today: Date) -> Option<(u8, u8)> {
        Some((Self::completed(self.latest()?, today)?, Self::completed(self.earliest()?, today)?))
    }

    fn completed(birth: Date, today: Date) -> Option<u8> {
        let years = i32::from(today.year()) - i32::from(birth.year());
        let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
        u8::try_from(if had_birthday { years } else { years - 1 }).ok()
    }
}

/// The zone of Dutch civil dates, from the rules compiled in; looked up once.
static AMSTERDAM: std::sync::LazyLock<jiff::tz::TimeZone> =
    std::sync::LazyLock::new(|| jiff::tz::TimeZone::get("Europe/Amsterdam").unwrap_or(jiff::tz::TimeZone::UTC));

/// The civil date in Europe/Amsterdam at a moment, milliseconds since the epoch.
#[must_use]
pub fn dutch_date(now: u64) -> Date {
    let moment = i64::try_from(now).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    AMSTERDAM.to_datetime(moment.unwrap_or(jiff::Timestamp::UNIX_EPOCH)).date()
}

/// The moment at which a day begins in Europe/Amsterdam, milliseconds since the epoch; 0 for a day before it.
#[must_use]
pub fn dutch_midnight(day: Date) -> u64 {
    let begins = AMSTERDAM.to_zoned(day.to_datetime(jiff::civil::Time::midnight()));
    begins.map_or(0, |zoned| u64::try_from(zoned.timestamp().as_millisecond()).unwrap_or(0))
}

/// A person on the recipient's side who acts or for whom is asked: an employee of a partner, a parent in a portal.
///
/// 1 to 64 printable ASCII characters without quotes or backslash. Appears in payloads only (A20).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Actor(String);

impl Actor {
    /// Parses an actor id, or `None` when it is empty, too long or has other characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = text.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'"' && b != b'\\');
        (allowed && (1..=64).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The id as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an actor id"))
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Actor(*)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn bsn_eleven_test_and_reserved_values() {
        assert!(Bsn::parse("123456782").is_ok());
        assert!(Bsn::parse("999900006").is_ok_and(Bsn::is_test));
        assert_eq!(Bsn::parse("123456783"), Err(BsnError::ElevenTest));
        assert_eq!(Bsn::parse("12345678"), Err(BsnError::Length));
        assert_eq!(Bsn::parse("000000000"), Err(BsnError::Reserved));
        assert_eq!(Bsn::parse("999999999"), Err(BsnError::Reserved));
        assert_eq!(Bsn::parse("12345678a"), Err(BsnError::Length));
        assert_eq!(Bsn::parse("000000009"), Err(BsnError::ElevenTest));
    }

    #[test]
    fn dutch_dates_turn_at_dutch_midnight_in_summer_and_winter() {
        let at =
            |text: &str| dutch_date(u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap());
        assert_eq!(at("2026-06-30T21:59:59Z"), date(2026, 6, 30));
        assert_eq!(at("2026-06-30T22:00:00Z"), date(2026, 7, 1));
        assert_eq!(at("2026-12-31T22:59:59Z"), date(2026, 12, 31));
        assert_eq!(at("2026-12-31T23:00:00Z"), date(2027, 1, 1));
    }

    #[test]
    fn ages_count_completed_years_and_leave_open_what_is_unknown() {
        let born = |text| BirthDate::parse(text).unwrap();
        assert_eq!(born("2010-11-21").ages_on(date(2026, 11, 20)), Some((15, 15)));
        assert_eq!(born("2010-11-21").ages_on(date(2026, 11, 21)), Some((16, 16)));
        assert_eq!(born("2012-02-29").ages_on(date(2026, 2, 28)), Some((13, 13)));
        assert_eq!(born("2012-02-29").ages_on(date(2026, 3, 1)), Some((14, 14)));
        assert_eq!(born("2010-00-00").ages_on(date(2026, 12, 30)), Some((15, 16)));
        assert_eq!(born("2010-06-00").ages_on(date(2026, 6, 29)), Some((15, 16)));
        assert_eq!(born("2010-06-00").ages_on(date(2026, 6, 30)), Some((16, 16)));
        assert_eq!(born("2027-01-01").ages_on(date(2026, 6, 29)), None);
        assert_eq!(BirthDate::parse("2010-00-12"), None);
        assert_eq!(BirthDate::parse("2010-13-01"), None);
    }
}
