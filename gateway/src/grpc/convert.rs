//! Wire to domain, with an `Invalid` that names the field. Nothing that was sent is repeated in an error.

use super::status::Invalid;
use sluis_core::claim::ClaimLine;
use sluis_core::field::{Field, FieldSet};
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::standing::{AuthorityState, Change, ConsentBy, DANGER_CRITERIA, ObjectionKind, ReviewDecision};
use sluis_core::subject::{Actor, Bsn, SubjectId};
use sluis_proto::v1::{self, ErrorReason};

/// Longest time a recorded danger may hold: seven days.
const DANGER_MS_MAX: u64 = 7 * 24 * 3600 * 1000;
/// Longest time a review may hold: one year.
const REVIEW_MS_MAX: u64 = 366 * 24 * 3600 * 1000;

/// The code of a wire enum value: its name without the prefix.
fn code_of<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// What is known, for whoever sent something that is not: an error that says only "unknown" sends him to our sources.
fn listed<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.collect::<Vec<_>>().join(", ")
}

/// A subject. In production BSNs of the test range are refused, elsewhere only they are accepted.
pub fn subject(subject: Option<&v1::Subject>, test_numbers: bool) -> Result<SubjectId, Invalid> {
    use v1::subject::Identifier;
    let malformed = |field, text: &str| Invalid::new(field, ErrorReason::SubjectMalformed, text);
    match subject.and_then(|s| s.identifier.as_ref()) {
        None => Err(malformed("subject", "name the client by `bsn` or `client_number`")),
        Some(Identifier::Bsn(text)) => bsn(text, "subject.bsn", test_numbers).map(SubjectId::Bsn),
        Some(Identifier::ClientNumber(text)) => SubjectId::client_number(text)
            .ok_or_else(|| malformed("subject.client_number", "1 to 20 letters, digits or hyphens")),
    }
}

/// A BSN at a field.
pub fn bsn(text: &str, field: &str, test_numbers: bool) -> Result<Bsn, Invalid> {
    let malformed = |text: String| Invalid::new(field, ErrorReason::SubjectMalformed, text);
    let bsn = Bsn::parse(text).map_err(|e| malformed(e.to_string()))?;
    match (bsn.is_test(), test_numbers) {
        (true, false) => Err(malformed("test numbers are refused in production".to_owned())),
        (false, true) => {
            Err(malformed("outside production only test numbers (999900006 to 999999990) are accepted".to_owned()))
        }
        _ => Ok(bsn),
    }
}

/// A purpose.
pub fn purpose(value: i32, field: &str) -> Result<Purpose, Invalid> {
    let known = v1::Purpose::try_from(value).ok();
    known.and_then(|p| Purpose::from_code(code_of(p.as_str_name(), "PURPOSE_"))).ok_or_else(|| {
        let text = format!("is absent or unknown; known are {}", listed(Purpose::ALL.iter().map(|p| p.code())));
        Invalid::new(field, ErrorReason::PurposeUnknown, text)
    })
}

/// A type of recipient.
pub fn recipient_type(value: i32, field: &str) -> Result<RecipientType, Invalid> {
    let known = v1::RecipientType::try_from(value).ok();
    known.and_then(|r| RecipientType::from_code(code_of(r.as_str_name(), "RECIPIENT_TYPE_"))).ok_or_else(|| {
        let text = format!("is absent or unknown; known are {}", listed(RecipientType::ALL.iter().map(|r| r.code())));
        Invalid::new(field, ErrorReason::QuestionMalformed, text)
    })
}

/// A mask; empty asks for everything.
pub fn mask(fields: &[i32]) -> Result<Option<FieldSet>, Invalid> {
    if fields.is_empty() {
        return Ok(None);
    }
    self::fields(fields).map(|list| Some(FieldSet::of(&list)))
}

/// Fields of the catalogue, in the order of their bits, each once.
pub fn fields(numbers: &[i32]) -> Result<Vec<Field>, Invalid> {
    let mut set = FieldSet::EMPTY;
    for (n, value) in numbers.iter().enumerate() {
        let field = u8::try_from(*value).ok().and_then(|v| v.checked_sub(1)).and_then(Field::from_bit);
        let unknown = || {
            let text = format!("is unknown; known are {}", listed(Field::ALL.iter().map(|f| f.code())));
            Invalid::new(format!("fields[{n}]"), ErrorReason::FieldUnknown, text)
        };
        set = set.with(field.ok_or_else(unknown)?);
    }
    Ok(set.iter().collect())
}

/// Criteria of the conflict of duties, each once; what was sent is not repeated, it may name a person.
pub fn criteria(sent: &[String], field: &str) -> Result<Vec<String>, Invalid> {
    let known = |c: &String| DANGER_CRITERIA.contains(&c.as_str());
    if let Some(n) = sent.iter().position(|c| !known(c)) {
        let text = format!("use one of {}", DANGER_CRITERIA.join(", "));
        return Err(Invalid::new(format!("{field}[{n}]"), ErrorReason::DisclosureMalformed, text));
    }
    let met = DANGER_CRITERIA.iter().filter(|c| sent.iter().any(|s| s == *c));
    Ok(met.map(|c| (*c).to_owned()).collect())
}

/// An optional actor; empty is none.
pub fn actor(text: &str, field: &str) -> Result<Option<Actor>, Invalid> {
    if text.is_empty() { Ok(None) } else { required_actor(text, field).map(Some) }
}

/// An actor that must be there.
pub fn required_actor(text: &str, field: &str) -> Result<Actor, Invalid> {
    let rule = "1 to 64 printable ASCII characters without spaces, double quotes or backslash";
    Actor::parse(text).ok_or_else(|| Invalid::new(field, ErrorReason::ActorMalformed, rule))
}

/// A change of standing: recorded (`on`) or withdrawn.
pub fn change(standing: Option<&v1::Standing>, on: bool, now: u64) -> Result<Change, Invalid> {
    use v1::standing::Kind;
    let Some(kind) = standing.and_then(|s| s.kind.as_ref()) else {
        return Err(Invalid::new("standing", ErrorReason::QuestionMalformed, "say what holds: set one kind"));
    };
    Ok(match kind {
        Kind::Consent(c) => Change::Consent {
            purpose: purpose(c.purpose, "standing.consent.purpose")?,
            recipient: recipient_type(c.recipient_type, "standing.consent.recipient_type")?,
            by: consent_by(c.by)?,
            given: on,
        },
        Kind::Objection(o) => Change::Objection { kind: objection(o.kind)?, made: on },
        Kind::Restriction(_) => Change::Restriction { set: on },
        Kind::Authority(a) => Change::Authority {
            portal: oin(&a.portal_oin, "standing.authority.portal_oin")?,
            person: required_actor(&a.person, "standing.authority.person")?,
            state: if on { Some(authority(a.state)?) } else { None },
        },
        Kind::Caseload(c) => Change::Caseload {
            partner: oin(&c.partner_oin, "standing.caseload.partner_oin")?,
            worker: required_actor(&c.worker, "standing.caseload.worker")?,
            on,
        },
        Kind::SecretResidence(_) => Change::SecretResidence { set: on },
        Kind::Incapacity(_) => Change::Capacity { able: !on },
        Kind::GoodCare(_) => Change::GoodCare { withheld: on },
        Kind::Danger(_) if !on => Change::DangerPassed,
        Kind::Danger(d) => Change::Danger {
            professional: required_actor(&d.professional, "standing.danger.professional")?,
            criteria: d.criteria.clone(),
            until: until(d.until, now, DANGER_MS_MAX, "standing.danger.until", "seven days")?,
        },
        Kind::DangerApproval(_) | Kind::Review(_) if !on => {
            let text = "cannot be withdrawn: withdraw the danger, or record a new review";
            return Err(Invalid::new("standing", ErrorReason::QuestionMalformed, text));
        }
        Kind::DangerApproval(d) => Change::DangerApproval {
            professional: required_actor(&d.professional, "standing.danger_approval.professional")?,
        },
        Kind::Review(r) => review(r, now)?,
    })
}

fn review(r: &v1::Review, now: u64) -> Result<Change, Invalid> {
    let decision = match v1::ReviewDecision::try_from(r.decision) {
        Ok(v1::ReviewDecision::Permitted) => ReviewDecision::Permitted,
        Ok(v1::ReviewDecision::Withheld) => ReviewDecision::Withheld,
        _ => {
            return Err(Invalid::new(
                "standing.review.decision",
                ErrorReason::QuestionMalformed,
                "permitted or withheld",
            ));
        }
    };
    Ok(Change::Review {
        purpose: purpose(r.purpose, "standing.review.purpose")?,
        organisation: oin(&r.organisation_oin, "standing.review.organisation_oin")?,
        actor: actor(&r.actor, "standing.review.actor")?,
        professional: required_actor(&r.professional, "standing.review.professional")?,
        decision,
        until: until(r.until, now, REVIEW_MS_MAX, "standing.review.until", "one year")?,
    })
}

fn consent_by(value: i32) -> Result<ConsentBy, Invalid> {
    match v1::ConsentBy::try_from(value) {
        Ok(v1::ConsentBy::Youth) => Ok(ConsentBy::Youth),
        Ok(v1::ConsentBy::Holder) => Ok(ConsentBy::Holder),
        _ => {
            Err(Invalid::new("standing.consent.by", ErrorReason::QuestionMalformed, "say who gave it: youth or holder"))
        }
    }
}

fn objection(value: i32) -> Result<ObjectionKind, Invalid> {
    match v1::ObjectionKind::try_from(value) {
        Ok(v1::ObjectionKind::ShareWithParents) => Ok(ObjectionKind::ShareWithParents),
        Ok(v1::ObjectionKind::Processing) => Ok(ObjectionKind::Processing),
        Ok(v1::ObjectionKind::Research) => Ok(ObjectionKind::Research),
        _ => Err(Invalid::new(
            "standing.objection.kind",
            ErrorReason::QuestionMalformed,
            "say which of the three objections",
        )),
    }
}

fn authority(value: i32) -> Result<AuthorityState, Invalid> {
    match v1::AuthorityState::try_from(value) {
        Ok(v1::AuthorityState::Verified) => Ok(AuthorityState::Verified),
        Ok(v1::AuthorityState::Unverified) => Ok(AuthorityState::Unverified),
        Ok(v1::AuthorityState::NotHeld) => Ok(AuthorityState::NotHeld),
        _ => Err(Invalid::new(
            "standing.authority.state",
            ErrorReason::QuestionMalformed,
            "verified, unverified or not held",
        )),
    }
}

/// An OIN at a field.
pub fn oin(text: &str, field: &str) -> Result<Oin, Invalid> {
    Oin::parse(text).map_err(|e| Invalid::new(field, ErrorReason::QuestionMalformed, e.to_string()))
}

fn until(value: u64, now: u64, most: u64, field: &str, words: &str) -> Result<u64, Invalid> {
    if value > now && value - now <= most {
        return Ok(value);
    }
    Err(Invalid::new(
        field,
        ErrorReason::QuestionMalformed,
        format!("milliseconds since the epoch, in the future, at most {words} ahead"),
    ))
}

/// A claim line of an audit; `provider_agb` comes from the opening.
pub fn claim_line(line: &v1::ClaimLine, provider_agb: &str, test_numbers: bool) -> Result<(Bsn, ClaimLine), Invalid> {
    let malformed = |field: &str, text: &str| Invalid::new(format!("line.{field}"), ErrorReason::ClaimMalformed, text);
    let date = |text: &str, field: &str| {
        text.parse::<jiff::civil::Date>().map_err(|_| malformed(field, "a date as YYYY-MM-DD"))
    };
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let plain =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let number = bsn(&line.bsn, "line.bsn", test_numbers)?;
    if !plain(&line.reference, 20) {
        return Err(malformed("reference", "1 to 20 printable ASCII characters without spaces"));
    }
    for (text, field) in [(&line.product_category, "product_category"), (&line.unit, "unit")] {
        if !digits(text, 2) {
            return Err(malformed(field, "two digits"));
        }
    }
    if !plain(&line.product_code, 5) {
        return Err(malformed("product_code", "1 to 5 printable ASCII characters without spaces"));
    }
    let (begin, end) = (date(&line.begin, "begin")?, date(&line.end, "end")?);
    if end < begin {
        return Err(malformed("end", "the period ends before it begins"));
    }
    let claim = ClaimLine {
        reference: line.reference.clone(),
        provider_agb: provider_agb.to_owned(),
        allocation_number: line.allocation_number,
        product_category: line.product_category.clone(),
        product_code: line.product_code.clone(),
        begin,
        end,
        volume: line.volume,
        unit: line.unit.clone(),
        tariff: line.tariff,
        amount: line.amount,
        credit: line.credit,
    };
    Ok((number, claim))
}
