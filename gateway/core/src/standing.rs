//! What holds for a subject today: consents, objections, restriction, authority, caseload, secrets, danger, reviews.
//!
//! Standing changes only by a [`Change`], and every change is a leaf. A change is a delta applied inside the
//! lock of the log, so two of them never overwrite each other; a protective one is never refused as stale (A16).

mod state;
#[cfg(test)]
mod tests;

pub use state::{Asked, ENTRIES_MAX, Standing};

use crate::log::LeafKind;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::subject::Actor;
use serde::{Deserialize, Serialize};

closed_list! {
    /// Who gave a consent.
    ConsentBy {
        /// The youth.
        Youth = "YOUTH",
        /// The parent with authority or guardian.
        Holder = "HOLDER",
    }
}

closed_list! {
    /// The three objections, which are not the same (B11).
    ObjectionKind {
        /// The youth of 12 to 15 asked not to share with the parents (SEED-K).
        ShareWithParents = "SHARE_WITH_PARENTS",
        /// Objection to processing (AVG 21).
        Processing = "PROCESSING",
        /// Objection to research (7.3.12(2)(c)).
        Research = "RESEARCH",
    }
}

closed_list! {
    /// What the register of authority says about one person.
    AuthorityState {
        /// Checked and held.
        Verified = "verified",
        /// Claimed, in doubt or under investigation.
        Unverified = "unverified",
        /// Checked and not held.
        NotHeld = "not_held",
    }
}

closed_list! {
    /// What a professional decided on an escalation.
    ReviewDecision {
        /// May be told.
        Permitted = "permitted",
        /// Is withheld, with grounds in the dossier.
        Withheld = "withheld",
    }
}

/// The five criteria of the conflict of duties; all five must be recorded before danger counts (domain 1.3).
pub const DANGER_CRITERIA: [&str; 5] = [
    "consent-tried",
    "silence-causes-serious-harm",
    "moral-conflict",
    "no-other-way",
    "disclosure-prevents-or-limits-harm",
];

/// One change of standing. Serialized into the payload of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Consent for one purpose and one recipient type, given or withdrawn; withdrawal needs no reason (B24).
    Consent {
        /// For what.
        purpose: Purpose,
        /// For whom.
        recipient: RecipientType,
        /// By whom.
        by: ConsentBy,
        /// Given (true) or withdrawn (false).
        given: bool,
    },
    /// One of the three objections, made or taken back.
    Objection {
        /// Which.
        kind: ObjectionKind,
        /// Made (true) or taken back (false).
        made: bool,
    },
    /// Restriction of processing (AVG 18).
    Restriction {
        /// Set or lifted.
        set: bool,
    },
    /// Parental authority of one person.
    Authority {
        /// The portal that names the person: two portals may use one name for two people.
        portal: Oin,
        /// The person, as the portal names him.
        person: Actor,
        /// What was found; `None` removes the entry, which counts as unverified.
        state: Option<AuthorityState>,
    },
    /// A worker of a partner is on, or off, the case.
    Caseload {
        /// The partner.
        partner: Oin,
        /// The worker, as the partner names him.
        worker: Actor,
        /// On (true) or off (false).
        on: bool,
    },
    /// The residence must stay secret (RJ 6a.6).
    SecretResidence {
        /// Set or lifted.
        set: bool,
    },
    /// The youth is, or is not, able to weigh his interests.
    Capacity {
        /// Able (the presumption) or not.
        able: bool,
    },
    /// The professional withholds (7.3.11(3)).
    GoodCare {
        /// Set or lifted.
        withheld: bool,
    },
    /// Serious danger asserted by a professional, with the criteria he recorded.
    Danger {
        /// The professional.
        professional: Actor,
        /// Which of [`DANGER_CRITERIA`] are recorded.
        criteria: Vec<String>,
        /// Until when it holds, milliseconds since the epoch.
        until: u64,
    },
    /// A second professional approves a recorded danger: four eyes.
    DangerApproval {
        /// The second professional; not the first.
        professional: Actor,
    },
    /// The danger has passed.
    DangerPassed,
    /// A professional decided what was escalated for one purpose and actor.
    Review {
        /// For what was asked.
        purpose: Purpose,
        /// The organisation that asked.
        organisation: Oin,
        /// The person who asked there.
        actor: Option<Actor>,
        /// The professional.
        professional: Actor,
        /// What he decided.
        decision: ReviewDecision,
        /// Until when it holds, milliseconds since the epoch.
        until: u64,
    },
}

impl Change {
    /// The kind of leaf that records this change. What an observer could use to recognise a child
    /// (danger, a secret, a caseload) shares one kind; the payload says which (A23).
    #[must_use]
    pub const fn leaf_kind(&self) -> LeafKind {
        match self {
            Self::Consent { .. } => LeafKind::Consent,
            Self::Objection { .. } => LeafKind::Objection,
            Self::Restriction { .. } => LeafKind::Restriction,
            Self::Authority { .. } => LeafKind::Authority,
            Self::Caseload { .. }
            | Self::SecretResidence { .. }
            | Self::Capacity { .. }
            | Self::GoodCare { .. }
            | Self::Danger { .. }
            | Self::DangerApproval { .. }
            | Self::DangerPassed
            | Self::Review { .. } => LeafKind::Standing,
        }
    }
}

/// Why a change cannot be applied; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// Approval of a danger that nobody asserted.
    #[error("there is no asserted danger to approve: record the danger first")]
    NoDanger,
    /// One person in two roles.
    #[error("the second approval must come from another professional than the first")]
    SamePerson,
    /// A criterion outside [`DANGER_CRITERIA`].
    #[error("unknown criterion: use {}", DANGER_CRITERIA.join(", "))]
    Criterion,
    /// The subject would have more entries of one sort than a dossier can need.
    #[error("more than {0} entries of this sort for one subject: remove what no longer holds first")]
    TooMany(usize),
}
