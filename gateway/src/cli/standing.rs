//! `sluis standing`: records or withdraws what holds for a client, as the holder's own system.

use super::Failure;
use super::ask::{Client, connect, purpose};
use sluis_core::standing::DANGER_CRITERIA;
use sluis_proto::v1;
use sluis_proto::v1::standing::Kind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Record or withdraw what holds for a client.
#[derive(Debug, clap::Args)]
pub struct Standing {
    /// The profile of the holder's own system
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    #[command(flatten)]
    client: Client,
    /// Withdraw instead of record
    #[arg(long)]
    withdraw: bool,
    #[command(subcommand)]
    kind: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Consent for one purpose and one type of recipient
    Consent {
        /// For what
        #[arg(long)]
        purpose: String,
        /// For whom: PARENT, GENERAL_PRACTITIONER, …
        #[arg(long)]
        recipient: String,
        /// By the youth or by the holder of authority
        #[arg(long, value_parser = ["youth", "holder"])]
        by: String,
    },
    /// The youth's request not to share with the parents
    ObjectionToParents,
    /// Objection to processing (AVG 21)
    ObjectionToProcessing,
    /// Restriction of processing (AVG 18)
    Restriction,
    /// Parental authority of one person, checked
    Authority {
        /// OIN of the portal that names the person
        #[arg(long)]
        portal: String,
        /// The person, as the portal names him
        #[arg(long)]
        person: String,
        /// What was found
        #[arg(long, default_value = "verified", value_parser = ["verified", "unverified", "not-held"])]
        state: String,
    },
    /// A worker of a partner is on the case
    Caseload {
        /// OIN of the partner
        #[arg(long)]
        partner: String,
        /// The worker, as the partner names him
        #[arg(long)]
        worker: String,
    },
    /// The residence must stay secret
    SecretResidence,
    /// The youth is not able to weigh his interests
    Incapacity,
    /// The professional withholds (7.3.11(3))
    GoodCare,
    /// Serious danger, with all five criteria recorded, for one day
    Danger {
        /// The professional
        #[arg(long)]
        professional: String,
    },
    /// A second professional approves the danger
    DangerApproval {
        /// The second professional
        #[arg(long)]
        professional: String,
    },
    /// A professional's decision on what was put to him, for thirty days
    Review {
        /// For what was asked
        #[arg(long)]
        purpose: String,
        /// OIN of the organisation that asked
        #[arg(long)]
        organisation: String,
        /// Who asked there
        #[arg(long, default_value = "")]
        actor: String,
        /// The professional
        #[arg(long)]
        professional: String,
        /// What he decided
        #[arg(long, value_parser = ["permitted", "withheld"])]
        decision: String,
    },
}

const DAY_MS: u64 = 24 * 3600 * 1000;

impl What {
    fn on_wire(self, now: u64) -> Result<Kind, Failure> {
        Ok(match self {
            Self::Consent { purpose: code, recipient, by } => Kind::Consent(v1::Consent {
                purpose: purpose(&code)? as i32,
                recipient_type: v1::RecipientType::from_str_name(&format!(
                    "RECIPIENT_TYPE_{}",
                    recipient.to_uppercase()
                ))
                .ok_or_else(|| unknown_recipient(&recipient))? as i32,
                by: if by == "youth" { v1::ConsentBy::Youth } else { v1::ConsentBy::Holder } as i32,
            }),
            Self::ObjectionToParents => objection(v1::ObjectionKind::ShareWithParents),
            Self::ObjectionToProcessing => objection(v1::ObjectionKind::Processing),
            Self::Restriction => Kind::Restriction(v1::Restriction {}),
            Self::Authority { portal, person, state } => {
                let state = match state.as_str() {
                    "verified" => v1::AuthorityState::Verified,
                    "unverified" => v1::AuthorityState::Unverified,
                    _ => v1::AuthorityState::NotHeld,
                };
                Kind::Authority(v1::Authority { person, state: state as i32, portal_oin: portal })
            }
            Self::Caseload { partner, worker } => Kind::Caseload(v1::Caseload { partner_oin: partner, worker }),
            Self::SecretResidence => Kind::SecretResidence(v1::SecretResidence {}),
            Self::Incapacity => Kind::Incapacity(v1::Incapacity {}),
            Self::GoodCare => Kind::GoodCare(v1::GoodCare {}),
            Self::Danger { professional } => {
                let criteria = DANGER_CRITERIA.map(str::to_owned).to_vec();
                Kind::Danger(v1::Danger { professional, criteria, until: now + DAY_MS })
            }
            Self::DangerApproval { professional } => Kind::DangerApproval(v1::DangerApproval { professional }),
            Self::Review { purpose: code, organisation, actor, professional, decision } => {
                let permitted = decision == "permitted";
                let decision = if permitted { v1::ReviewDecision::Permitted } else { v1::ReviewDecision::Withheld };
                let (purpose, until) = (purpose(&code)? as i32, now + 30 * DAY_MS);
                Kind::Review(v1::Review {
                    purpose,
                    actor,
                    professional,
                    decision: decision as i32,
                    until,
                    organisation_oin: organisation,
                })
            }
        })
    }
}

fn unknown_recipient(code: &str) -> String {
    let known = sluis_core::organisation::RecipientType::ALL.iter().map(|r| r.code()).collect::<Vec<_>>().join(", ");
    format!("unknown recipient type `{code}`; known are {known}")
}

fn objection(kind: v1::ObjectionKind) -> Kind {
    Kind::Objection(v1::Objection { kind: kind as i32 })
}

impl Standing {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let now = sluis_core::ports::Clock::now(&sluis_adapters::system::SystemClock);
        let (subject, kind) = (self.client.subject(), self.kind.on_wire(now)?);
        let connection = connect(&self.profile).await?;
        let (word, receipt) = if self.withdraw {
            ("withdrawn", connection.withdraw(subject, kind).await?)
        } else {
            ("recorded", connection.record(subject, kind).await?)
        };
        println!("{word} at log index {}: every release after it is decided under it", receipt.index);
        Ok(ExitCode::SUCCESS)
    }
}
