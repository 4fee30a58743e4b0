//! Replies as text for the person at the keyboard.

use super::ask::Reply;
use sluis_proto::v1;

/// A field's code, as in policy files.
#[must_use]
pub fn field(number: i32) -> String {
    let name = v1::Field::try_from(number).map_or("FIELD_UNKNOWN", |f| f.as_str_name());
    name.strip_prefix("FIELD_").unwrap_or(name).to_lowercase()
}

/// A purpose's code.
#[must_use]
pub fn purpose(number: i32) -> &'static str {
    let name = v1::Purpose::try_from(number).map_or("PURPOSE_UNKNOWN", |p| p.as_str_name());
    name.strip_prefix("PURPOSE_").unwrap_or(name)
}

/// A reply in lines: outcome, basis, each field with its value, what was withheld, the place in the log.
#[must_use]
pub fn reply(reply: &Reply) -> Vec<String> {
    let at = format!("log index {}, transaction {}", reply.receipt().index, reply.receipt().transaction_id);
    match reply {
        Reply::Released { extract, .. } => {
            let mut lines = vec![
                format!("RELEASED  rule {}, for {} only", extract.rule, purpose(extract.purpose)),
                format!("basis     {}", extract.basis),
            ];
            lines.extend(extract.values.iter().map(|v| format!("  {:<18} {}", field(v.field), v.value)));
            lines.extend(
                extract.withheld.iter().map(|w| format!("  {:<18} withheld by rule {}", field(w.field), w.rule)),
            );
            if !extract.obligations.is_empty() {
                lines.push(format!("to do     {}", extract.obligations.join(", ")));
            }
            lines.push(at);
            lines
        }
        Reply::Refused { routes, .. } => {
            let mut lines = vec!["REFUSED   nothing may be released on this question".to_owned()];
            if !routes.is_empty() {
                lines.push(format!(
                    "turn to   {}",
                    routes.iter().map(|r| route(*r)).collect::<Vec<_>>().join(", then ")
                ));
            }
            lines.push(at);
            lines
        }
        Reply::Escalated { .. } => {
            vec!["ESCALATED a professional must decide (voorgelegd); nothing left, ask again later".to_owned(), at]
        }
    }
}

fn route(number: i32) -> &'static str {
    match v1::AppealRoute::try_from(number) {
        Ok(v1::AppealRoute::Worker) => "the worker",
        Ok(v1::AppealRoute::DataProtectionOfficer) => "the data protection officer (FG)",
        Ok(v1::AppealRoute::DataProtectionAuthority) => "the Autoriteit Persoonsgegevens",
        Ok(v1::AppealRoute::CivilCourt) => "the civil court",
        _ => "the organisation",
    }
}

/// An explanation in lines.
#[must_use]
pub fn explanation(reply: &v1::ExplainResponse) -> Vec<String> {
    use v1::explain_response::Outcome;
    match &reply.outcome {
        Some(Outcome::WouldRelease(w)) => {
            let fields: Vec<_> = w.fields.iter().map(|f| field(*f)).collect();
            let mut lines = vec![
                format!("WOULD RELEASE  rule {}", w.rule),
                format!("basis          {}", w.basis),
                format!("fields         {}", fields.join(", ")),
            ];
            lines.extend(w.withheld.iter().map(|x| format!("withheld       {} by rule {}", field(x.field), x.rule)));
            lines
        }
        Some(Outcome::WouldRefuse(_)) => vec!["WOULD REFUSE   nothing may be released on this question".to_owned()],
        Some(Outcome::WouldEscalate(_)) => vec!["WOULD ESCALATE a professional must decide (voorgelegd)".to_owned()],
        None => vec!["no outcome".to_owned()],
    }
}
