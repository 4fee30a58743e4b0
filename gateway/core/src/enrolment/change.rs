//! The document in which persons sign for a change of one organisation's enrolments, and when it holds.
//!
//! The exact bytes are signed and kept; they travel between two people and nothing waits at the gateway. A document names
//! the state it starts from by version and grant, so it can be used once: what it made is another version, for ever.

use super::Enrolment;
use super::compare::{Point, compare, widens};
use super::operator::{Operator, OperatorRole, Operators};
use super::select::clash;
use crate::log::Millis;
use crate::organisation::{Oin, RecipientType};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The value of `format`.
pub const CHANGE_FORMAT: &str = "sluis-enrolment-change/1";
/// Longest document, bytes: it must fit in one message.
pub const CHANGE_BYTES_MAX: usize = 48 * 1024;
/// Longest time between making and last use.
pub const VALIDITY_DAYS_MAX: i64 = 30;
/// Persons whose signature widens.
pub const PERSONS_TO_WIDEN: usize = 2;

/// Most entries of one organisation.
const ENROLMENTS_MAX: usize = 32;
/// Most certificates of one entry.
const CERTIFICATES_MAX: usize = 16;
/// Most signatures that are looked at.
const SIGNATURES_MAX: usize = 8;
/// How far the clock of who made a document may be ahead.
const CLOCK_TOLERANCE_MS: i64 = 300_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// The state that a change starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Version of the organisation's row; 0 where it was never enrolled.
    pub version: u64,
    /// Grant hash of its enrolments.
    pub grant: String,
}

/// A change, as its document says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeDocument {
    /// [`CHANGE_FORMAT`].
    pub format: String,
    /// Verifier key of the gateway's log: a change made for a gateway where things are tried is none for the real one.
    pub gateway: String,
    /// Whose enrolments.
    pub organisation: Oin,
    /// What they are now.
    pub from: Basis,
    /// What they are afterwards, all of them.
    pub enrolments: Vec<Enrolment>,
    /// Why, for who looks it up later.
    pub reason: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Last moment at which it can be submitted.
    pub valid_until: Timestamp,
}

/// A signature under a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Ed25519 public key of the person.
    pub key: Vec<u8>,
    /// 64 bytes over [`signed_bytes`].
    pub signature: Vec<u8>,
}

/// Why a change is not made. Each text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFault {
    /// Nobody may change anything here.
    #[error("this gateway has no register of operators: set `operators.register` in its configuration")]
    NoOperators,
    /// Not a document of this format.
    #[error("the change cannot be read: {0}")]
    Malformed(String),
    /// It says something that cannot be.
    #[error("the change cannot be made: {0}")]
    Content(String),
    /// Before it was made or after it ended.
    #[error("the change was to be submitted between {0} and {1}: make it again")]
    NotValidNow(Timestamp, Timestamp),
    /// A key that stands in no register, or for something else.
    #[error(
        "a signature is of somebody who may not change enrolments: he must stand in the register with role ENROLMENT"
    )]
    NotAnOperator,
    /// A signature that does not belong to these bytes.
    #[error("the signature of `{0}` does not belong to this change: sign exactly the bytes that are submitted")]
    FalseSignature(String),
    /// No valid signature, or one for something that widens.
    #[error("{points} point(s) of this change are wider: {have} person(s) signed, and it needs {need}")]
    NotEnoughPersons {
        /// What becomes wider.
        points: usize,
        /// Distinct persons who signed.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// The enrolments are not those it starts from.
    #[error(
        "the enrolments of {organisation} were changed since this change was made (it starts from version {from}, they \
         are at {now}), or it was submitted already: look with `show`, and make it again if it is still needed"
    )]
    Stale {
        /// Whose.
        organisation: Oin,
        /// The version it starts from.
        from: u64,
        /// The version now.
        now: u64,
    },
    /// Before and after are the same.
    #[error("nothing changes: the enrolments say this already")]
    Nothing,
}

/// The bytes that a person signs for a document: they are no other kind of message.
#[must_use]
pub fn signed_bytes(document: &[u8]) -> Vec<u8> {
    [CHANGE_FORMAT.as_bytes(), b"\0", document].concat()
}

impl ChangeDocument {
    /// Reads a document, strictly.
    ///
    /// # Errors
    /// [`ChangeFault::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, ChangeFault> {
        if bytes.len() > CHANGE_BYTES_MAX {
            return Err(ChangeFault::Malformed(format!("more than {CHANGE_BYTES_MAX} bytes")));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|e| ChangeFault::Malformed(e.to_string()))?;
        if read.format != CHANGE_FORMAT {
            return Err(ChangeFault::Malformed(format!("`format` must be `{CHANGE_FORMAT}`")));
        }
        if !is_plain_text(&read.reason, 500) {
            return Err(ChangeFault::Malformed("`reason` must have 1 to 500 characters that print".to_owned()));
        }
        if !read.enrolments.iter().all(prints) {
            return Err(ChangeFault::Malformed("an entry holds characters that do not print".to_owned()));
        }
        Ok(read)
    }

    fn holds_at(&self, now: Millis) -> bool {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let (made, until) = (self.made_at.as_millisecond(), self.valid_until.as_millisecond());
        made <= now.saturating_add(CLOCK_TOLERANCE_MS)
            && now <= until
            && until.saturating_sub(made) <= VALIDITY_DAYS_MAX * DAY_MS
    }
}

/// Where and when a document is submitted.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Verifier key of the gateway's log.
    pub gateway: &'a str,
    /// Now.
    pub now: Millis,
}

/// A document with the persons who signed it, all of whom may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What they signed for.
    pub document: ChangeDocument,
    /// Who, each once.
    pub signers: Vec<Operator>,
}

/// A change that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What was signed, and by whom.
    pub signed: Signed,
    /// What it changes.
    pub points: Vec<Point>,
}

impl Accepted {
    /// Whether something becomes wider.
    #[must_use]
    pub fn widens(&self) -> bool {
        widens(&self.points)
    }
}

impl Signed {
    /// Reads a document and checks gateway, time and every signature. One that does not hold spoils all.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub fn open(
        document: &[u8],
        signatures: &[Signature],
        operators: &Operators,
        at: Moment<'_>,
    ) -> Result<Self, ChangeFault> {
        if operators.is_empty() {
            return Err(ChangeFault::NoOperators);
        }
        let read = ChangeDocument::read(document)?;
        if read.gateway != at.gateway {
            let text = "it was made for another gateway, or before the log began a new year: make it again here";
            return Err(ChangeFault::Malformed(text.to_owned()));
        }
        if signatures.len() > SIGNATURES_MAX {
            return Err(ChangeFault::Malformed(format!("more than {SIGNATURES_MAX} signatures")));
        }
        let bytes = signed_bytes(document);
        let mut signers: Vec<Operator> = Vec::new();
        for Signature { key, signature } in signatures {
            let operator = operators.find(key).filter(|operator| operator.role == OperatorRole::Enrolment);
            let operator = operator.ok_or(ChangeFault::NotAnOperator)?;
            let verified = UnparsedPublicKey::new(&ED25519, &operator.key).verify(&bytes, signature);
            verified.map_err(|_| ChangeFault::FalseSignature(operator.name.clone()))?;
            // The register has every name and every key once, so another key is another person.
            if signers.iter().all(|signer| signer.key != operator.key) {
                signers.push(operator.clone());
            }
        }
        if !read.holds_at(at.now) {
            return Err(ChangeFault::NotValidNow(read.made_at, read.valid_until));
        }
        Ok(Self { document: read, signers })
    }

    /// Holds the change against the enrolments as they are.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub fn against(self, present: &[Enrolment], basis: &Basis) -> Result<Accepted, ChangeFault> {
        let document = &self.document;
        if document.from != *basis {
            let (organisation, from, now) = (document.organisation.clone(), document.from.version, basis.version);
            return Err(ChangeFault::Stale { organisation, from, now });
        }
        let points = compare(present, &document.enrolments);
        if points.is_empty() {
            return Err(ChangeFault::Nothing);
        }
        let wider = widens(&points);
        check(document, wider).map_err(ChangeFault::Content)?;
        let (have, need) = (self.signers.len(), if wider { PERSONS_TO_WIDEN } else { 1 });
        if have < need {
            let points = points.iter().filter(|p| p.direction == super::compare::Direction::Wider).count();
            return Err(ChangeFault::NotEnoughPersons { points, have, need });
        }
        Ok(Accepted { signed: self, points })
    }
}

/// What must hold of the enrolments afterwards. What only narrows is let through as it stands: a suspension must not
/// wait until an old entry is in order.
fn check(document: &ChangeDocument, widens: bool) -> Result<(), String> {
    if document.enrolments.len() > ENROLMENTS_MAX {
        return Err(format!("an organisation has at most {ENROLMENTS_MAX} entries"));
    }
    if !widens {
        return Ok(());
    }
    let mut roles = BTreeSet::new();
    for enrolment in &document.enrolments {
        if enrolment.oin != document.organisation {
            return Err(format!("an entry is of {} and the change is for {}", enrolment.oin, document.organisation));
        }
        check_entry(enrolment).map_err(|text| format!("{}: {text}", enrolment.role()))?;
        if !roles.insert((enrolment.unit.as_str(), enrolment.recipient)) {
            return Err(format!("{}: the unit has this role twice; put the purposes in one entry", enrolment.role()));
        }
    }
    clash(&document.enrolments).map_or(Ok(()), |purpose| {
        Err(format!(
            "two entries name {purpose} with different rights: name it in one, or pin other certificates in each"
        ))
    })
}

fn check_entry(enrolment: &Enrolment) -> Result<(), &'static str> {
    let once = |list: &[crate::organisation::Purpose]| list.iter().collect::<BTreeSet<_>>().len() == list.len();
    let pins = &enrolment.certificates;
    let is_thumbprint =
        |text: &str| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 32);
    let agreement = |a: &super::Agreement| is_plain_text(&a.reference, 200);
    let is_code = |code: &Option<String>, digits| code.as_ref().is_none_or(|code| is_digits(code, digits));
    let checks = [
        (enrolment.capacity.is_some(), "`capacity` must be CONTROLLER, JOINT_CONTROLLER or PROCESSOR"),
        (is_plain_text(&enrolment.name, 200), "`name` must have 1 to 200 characters that print"),
        (
            enrolment.unit.is_empty() || is_plain_text(&enrolment.unit, 100),
            "`unit` must have at most 100 characters that print",
        ),
        (once(&enrolment.purposes), "`purposes` names one twice"),
        (
            once(&enrolment.suspended_purposes)
                && enrolment.suspended_purposes.iter().all(|p| enrolment.purposes.contains(p)),
            "`suspended_purposes` must be among `purposes`, each once",
        ),
        (agreement(&enrolment.agreement), "`agreement.reference` must have 1 to 200 characters that print"),
        (
            enrolment.agreement_6a3.as_ref().is_none_or(agreement),
            "`agreement_6a3.reference` must have 1 to 200 characters that print",
        ),
        (is_code(&enrolment.municipality_code, 4), "`municipality_code` must be four digits"),
        (is_code(&enrolment.uzovi, 4), "`uzovi` must be four digits"),
        (is_code(&enrolment.agb, 8), "`agb` must be eight digits"),
        (
            enrolment.bsn_ground.as_ref().is_none_or(|ground| is_plain_text(&ground.article, 200)),
            "`bsn_ground.article` must have 1 to 200 characters that print",
        ),
        (
            !enrolment.records_standing || enrolment.recipient == RecipientType::Holder,
            "`records_standing` is for the holder's own systems only",
        ),
        (pins.len() <= CERTIFICATES_MAX, "`certificates` has more than 16"),
        (
            pins.iter().all(|pin| is_thumbprint(&pin.thumbprint)),
            "`certificates.thumbprint` must be SHA-256 in base64url, as `rotate` writes it",
        ),
        (
            pins.iter().map(|pin| &pin.thumbprint).collect::<BTreeSet<_>>().len() == pins.len(),
            "`certificates` names one twice",
        ),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text))
}

fn is_digits(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether every text of an entry shows as it is: what a person reads is what he signs. The texts of an FSC grant are
/// numbers and base64 by their types.
fn prints(enrolment: &Enrolment) -> bool {
    let agreements = std::iter::once(&enrolment.agreement).chain(&enrolment.agreement_6a3);
    let texts = [&enrolment.name, &enrolment.unit].into_iter().chain(agreements.map(|agreement| &agreement.reference));
    let texts = texts.chain(&enrolment.municipality_code).chain(&enrolment.uzovi).chain(&enrolment.agb);
    let texts = texts.chain(enrolment.bsn_ground.as_ref().map(|g| &g.article));
    let mut texts = texts.chain(enrolment.certificates.iter().map(|pin| &pin.thumbprint));
    texts.all(|text| text.is_empty() || is_plain_text(text, CHANGE_BYTES_MAX))
}

/// Whether a text has 1 to `most` characters that all print, each in its own place.
pub(super) fn is_plain_text(text: &str, most: usize) -> bool {
    let turns_or_hides = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    !text.trim().is_empty()
        && text.chars().count() <= most
        && !text.chars().any(|c| c.is_control() || turns_or_hides(c))
}
