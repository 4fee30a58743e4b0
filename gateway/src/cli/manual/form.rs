//! Asking for what was not given, and moments as people write them.

use crate::cli::Failure;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::io::{BufRead, IsTerminal, Write};

/// A form that asks at a terminal, or names the option that is missing.
pub(super) struct Form {
    asks: bool,
}

impl Form {
    /// Asks when somebody sits there: standard input and standard error are a terminal.
    pub(super) fn at_terminal() -> Self {
        Self { asks: std::io::stdin().is_terminal() && std::io::stderr().is_terminal() }
    }

    /// The value given, or the answer to the question.
    pub(super) fn text(&self, given: Option<String>, option: &str, question: &str) -> Result<String, Failure> {
        let missing = || Failure::from(format!("missing option `--{option}`"));
        match given {
            Some(text) => Ok(text),
            None if self.asks => {
                let answer = asked(question)?;
                if answer.is_empty() { Err(missing()) } else { Ok(answer) }
            }
            None => Err(missing()),
        }
    }

    /// Yes or no. Nothing is assumed: another word is a no.
    pub(super) fn yes(&self, option: &str, question: &str) -> Result<bool, Failure> {
        let answer = self.text(None, option, question)?;
        Ok(matches!(answer.to_lowercase().as_str(), "yes" | "y" | "ja" | "j"))
    }
}

fn asked(question: &str) -> Result<String, Failure> {
    let mut prompt = std::io::stderr().lock();
    write!(prompt, "{question}: ")?;
    prompt.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A moment: `now`, Dutch time, or with an offset.
pub(super) fn moment(text: &str, now: u64) -> Result<u64, Failure> {
    if text == "now" {
        return Ok(now);
    }
    let zoned = match text.parse::<Timestamp>() {
        Ok(moment) => Some(moment),
        Err(_) => text.parse::<DateTime>().ok().and_then(|at| Some(at.to_zoned(amsterdam()).ok()?.timestamp())),
    };
    let millis = zoned.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    millis.ok_or_else(|| format!("`{text}` is no moment: write 2026-11-21T23:40 in Dutch time, or `now`").into())
}

/// A moment as people here read it.
pub(super) fn shown(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let at = |moment: Timestamp| moment.to_zoned(amsterdam()).strftime("%Y-%m-%d %H:%M").to_string();
    moment.map_or_else(|| "an unknown moment".to_owned(), at)
}

fn amsterdam() -> TimeZone {
    TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dutch_and_come_back() {
        let winter = moment("2026-11-21T23:40", 0).unwrap();
        assert_eq!(winter, moment("2026-11-21T22:40:00Z", 0).unwrap());
        assert_eq!(shown(winter), "2026-11-21 23:40");
        assert_eq!(moment("2026-07-01T12:00", 0).unwrap(), moment("2026-07-01T10:00:00Z", 0).unwrap());
        assert_eq!(moment("now", 7).unwrap(), 7);
        assert!(moment("yesterday", 0).unwrap_err().to_string().contains("is no moment"));
    }

    #[test]
    fn without_a_terminal_the_missing_option_is_named() {
        let form = Form { asks: false };
        assert_eq!(form.text(Some("x".to_owned()), "by", "Who").unwrap(), "x");
        assert_eq!(form.text(None, "by", "Who").unwrap_err().to_string(), "missing option `--by`");
        assert_eq!(form.yes("criteria", "Met").unwrap_err().to_string(), "missing option `--criteria`");
    }
}
