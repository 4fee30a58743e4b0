//! What decides: the policy and the organisations that are admitted.

use super::{Findings, stores};
use crate::compose::assemble::{read_operators, read_organisations, read_policy};
use crate::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_core::log::Millis;
use sluis_core::subject::dutch_date;

/// An agreement is renewed in this time at the earliest.
const NOTICE_DAYS: i32 = 30;

/// The policy loads: strictly, within the ceiling, with every property proven at every point.
pub(super) fn policy(config: &Config, found: &mut Findings) {
    match read_policy(config) {
        Ok(policy) => {
            found.ok("policy", format!("`{}` loads, version {}", config.policy.policy.display(), policy.number()))
        }
        Err(error) => found.fault("policy", error.to_string(), "correct it; `sluis policy check` shows more"),
    }
}

/// The organisations, where a file names them, and the persons who sign for them can be read.
pub(super) fn organisations(config: &Config, found: &mut Findings) {
    match (&config.operators.register, read_operators(config)) {
        (None, _) => {
            let advice = "make a register with `sluis operator key` and set `operators.register`";
            found.warning("operators", "no register: nobody can admit or suspend an organisation", advice);
        }
        (Some(file), Ok(_)) => found.ok("operators", format!("`{}` can be read", file.display())),
        (Some(_), Err(error)) => {
            found.fault("operators", error.to_string(), "correct the file of `operators.register`")
        }
    }
    let Some(file) = &config.enrolment.file else {
        return found.ok("enrolment", "persons sign for who is admitted: `sluis organisation` shows them");
    };
    match read_organisations(file) {
        Ok(file) if file.organisation.is_empty() => {
            found.warning("enrolment", "no organisation is admitted", "add one, else nobody can ask anything");
        }
        Ok(file) => found.ok("enrolment", format!("{} roles of organisations", file.organisation.len())),
        Err(error) => found.fault("enrolment", error.to_string(), "correct the file of `enrolment.file`"),
    }
}

/// What the log and the calendar say about them.
pub(super) async fn against_the_log(config: &Config, now: Millis, found: &mut Findings) {
    if let (Ok(policy), Ok(master)) = (read_policy(config), MasterKey::read(&config.keys.master_key)) {
        match stores::active_policy(config, &master).await {
            Some(Some(active)) if policy.number() < active => {
                let text = format!("has version {} and version {active} was active before", policy.number());
                found.fault("policy", text, "raise its `version`: a policy that was replaced does not come back");
            }
            Some(Some(active)) => found.ok("policy", format!("version {active} is active in the log")),
            Some(None) => found.ok("policy", "none was active before: the first start activates it"),
            // What is wrong with the database was said before.
            None => {}
        }
    }
    let Some(Ok(file)) = config.enrolment.file.as_deref().map(read_organisations) else { return };
    let today = dutch_date(now);
    for role in &file.organisation {
        let (who, until) = (format!("{} {} ({})", role.oin, role.unit, role.recipient), role.agreement.until);
        let left = today.until(until).map_or(i32::MAX, |span| span.get_days());
        if role.suspended {
            found.ok("enrolment", format!("{who} is suspended"));
        } else if until < today {
            let text = format!("the agreement of {who} ended on {until}: it is refused");
            found.warning("enrolment", text, "renew the agreement, or take the organisation out");
        } else if left < NOTICE_DAYS {
            found.warning("enrolment", format!("the agreement of {who} ends on {until}"), "renew it in time");
        }
    }
}
