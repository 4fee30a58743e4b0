//! Enrolments and changes as lines for the person at the keyboard.

use crate::client::enrolment::Organisation;
use jiff::Timestamp;
use jiff::civil::Date;
use sluis_core::enrolment::Enrolment;
use sluis_core::enrolment::change::ChangeDocument;
use sluis_core::enrolment::compare::{Point, widens};

/// An organisation with all that B7 wants to be known of it.
pub(super) fn organisation(organisation: &Organisation, today: Date) -> Vec<String> {
    let Organisation { oin, basis, enrolments, set, signed, first_used } = organisation;
    if basis.version == 0 {
        return vec![format!("{oin}  was never enrolled here")];
    }
    let mut lines = vec![format!("{oin}  version {}", basis.version)];
    lines.extend(enrolments.iter().flat_map(|entry| role(entry, today)));
    if enrolments.is_empty() {
        lines.push("  no role: every call is refused".to_owned());
    }
    let place = |at: &(u64, u64)| format!("{}, log index {}", moment(at.1), at.0);
    let by = if *signed { "signed" } else { "by file, not signed" };
    lines.push(format!("  set         {} ({by})", set.as_ref().map_or("unknown".to_owned(), place)));
    let unused = if *signed { "not since this change" } else { "not recorded for what a file sets" };
    lines.push(format!("  first used  {}", first_used.as_ref().map_or(unused.to_owned(), place)));
    lines
}

fn role(entry: &Enrolment, today: Date) -> Vec<String> {
    let state = match (entry.suspended, entry.in_force(today)) {
        (true, _) => "SUSPENDED",
        (false, true) => "in force",
        (false, false) => "ENDED: the agreement is past its last day",
    };
    let mut lines = vec![format!("  {}  {state}", entry.role())];
    lines.extend(entry.lines().into_iter().map(|line| format!("    {line}")));
    lines
}

/// A change: why, what becomes wider and narrower, and what holds afterwards.
pub(super) fn change(document: &ChangeDocument, points: &[Point]) -> Vec<String> {
    let ChangeDocument { gateway, organisation, from, enrolments, reason, valid_until, .. } = document;
    let persons = if widens(points) { "two persons" } else { "one person" };
    let mut lines = vec![
        format!("change of {organisation}, from version {}: {persons} must sign, before {valid_until}", from.version),
        format!("at the gateway with log {}", gateway.split('+').next().unwrap_or_default()),
        format!("reason: {reason}"),
    ];
    lines.extend(points.iter().map(|point| format!("  {point}")));
    lines.push("afterwards:".to_owned());
    if enrolments.is_empty() {
        lines.push("  no role: every call is refused".to_owned());
    }
    for entry in enrolments {
        lines.push(format!("  {}", entry.role()));
        lines.extend(entry.lines().into_iter().map(|line| format!("    {line}")));
    }
    lines
}

fn moment(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| "unknown".to_owned(), |time| time.to_string())
}
