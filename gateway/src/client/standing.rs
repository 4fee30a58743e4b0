//! Records and withdraws standing, for the holder's own systems.

use super::connection::{CallError, Connection};
use sluis_core::standing::{AuthorityState, Change, ConsentBy, ObjectionKind, ReviewDecision};
use sluis_proto::v1;
use sluis_proto::v1::standing::Kind;

impl Connection {
    /// Records that something holds.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn record(&self, subject: v1::Subject, kind: Kind) -> Result<v1::Receipt, CallError> {
        let standing = Some(v1::Standing { kind: Some(kind) });
        let message = v1::RecordStandingRequest { subject: Some(subject), standing };
        let request = self.request(message, self.transaction()).await?;
        let reply = self.standings().record_standing(request).await?.into_inner();
        reply.receipt.ok_or(CallError::Reply("no receipt"))
    }

    /// Records that something no longer holds.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn withdraw(&self, subject: v1::Subject, kind: Kind) -> Result<v1::Receipt, CallError> {
        let standing = Some(v1::Standing { kind: Some(kind) });
        let message = v1::WithdrawStandingRequest { subject: Some(subject), standing };
        let request = self.request(message, self.transaction()).await?;
        let reply = self.standings().withdraw_standing(request).await?.into_inner();
        reply.receipt.ok_or(CallError::Reply("no receipt"))
    }
}

fn purpose(code: &str) -> i32 {
    v1::Purpose::from_str_name(&format!("PURPOSE_{code}")).map_or(0, |p| p as i32)
}

fn recipient(code: &str) -> i32 {
    v1::RecipientType::from_str_name(&format!("RECIPIENT_TYPE_{code}")).map_or(0, |r| r as i32)
}

/// A change in the words of the wire, and whether it is recorded (true) or withdrawn.
#[must_use]
pub fn on_wire(change: &Change) -> (Kind, bool) {
    match change {
        Change::Consent { purpose: p, recipient: r, by, given } => {
            let by = match by {
                ConsentBy::Youth => v1::ConsentBy::Youth,
                ConsentBy::Holder => v1::ConsentBy::Holder,
            };
            let consent =
                v1::Consent { purpose: purpose(p.code()), recipient_type: recipient(r.code()), by: by as i32 };
            (Kind::Consent(consent), *given)
        }
        Change::Objection { kind, made } => {
            let kind = match kind {
                ObjectionKind::ShareWithParents => v1::ObjectionKind::ShareWithParents,
                ObjectionKind::Processing => v1::ObjectionKind::Processing,
                ObjectionKind::Research => v1::ObjectionKind::Research,
            };
            (Kind::Objection(v1::Objection { kind: kind as i32 }), *made)
        }
        Change::Restriction { set } => (Kind::Restriction(v1::Restriction {}), *set),
        Change::Authority { portal, person, state } => {
            let wire = match state {
                Some(AuthorityState::Verified) => v1::AuthorityState::Verified,
                Some(AuthorityState::Unverified) => v1::AuthorityState::Unverified,
                Some(AuthorityState::NotHeld) => v1::AuthorityState::NotHeld,
                None => v1::AuthorityState::Unspecified,
            };
            let (person, portal_oin) = (person.as_str().to_owned(), portal.to_string());
            let authority = v1::Authority { person, state: wire as i32, portal_oin };
            (Kind::Authority(authority), state.is_some())
        }
        Change::Caseload { partner, worker, on } => {
            let caseload = v1::Caseload { partner_oin: partner.to_string(), worker: worker.as_str().to_owned() };
            (Kind::Caseload(caseload), *on)
        }
        Change::SecretResidence { set } => (Kind::SecretResidence(v1::SecretResidence {}), *set),
        Change::Capacity { able } => (Kind::Incapacity(v1::Incapacity {}), !able),
        Change::GoodCare { withheld } => (Kind::GoodCare(v1::GoodCare {}), *withheld),
        Change::Danger { professional, criteria, until } => {
            let professional = professional.as_str().to_owned();
            (Kind::Danger(v1::Danger { professional, criteria: criteria.clone(), until: *until }), true)
        }
        Change::DangerPassed => (Kind::Danger(v1::Danger::default()), false),
        Change::DangerApproval { professional } => {
            (Kind::DangerApproval(v1::DangerApproval { professional: professional.as_str().to_owned() }), true)
        }
        Change::Review { purpose: p, organisation, actor, professional, decision, until } => {
            let decision = match decision {
                ReviewDecision::Permitted => v1::ReviewDecision::Permitted,
                ReviewDecision::Withheld => v1::ReviewDecision::Withheld,
            };
            let review = v1::Review {
                purpose: purpose(p.code()),
                organisation_oin: organisation.to_string(),
                actor: actor.as_ref().map(|a| a.as_str().to_owned()).unwrap_or_default(),
                professional: professional.as_str().to_owned(),
                decision: decision as i32,
                until: *until,
            };
            (Kind::Review(review), true)
        }
    }
}
