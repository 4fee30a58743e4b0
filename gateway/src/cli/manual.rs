//! `sluis manual`: records what was told outside the gateway, and its review, as the holder's own system.
//!
//! An easy form: what is not given as an option is asked at the terminal; without one, the missing option is named.

mod form;

use super::ask::{connect, purpose};
use super::{ANSWER_NO, Failure};
use crate::client::ask::{by_bsn, by_client_number};
use crate::client::connection::Connection;
use crate::client::describe;
use form::{Form, moment, shown};
use sluis_core::standing::DANGER_CRITERIA;
use sluis_proto::v1;
use std::path::PathBuf;
use std::process::ExitCode;

/// Record what was told outside the gateway, and its review.
#[derive(Debug, clap::Args)]
pub struct Manual {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Record a disclosure that already happened: by telephone, in person, or while the gateway was down
    Record(Box<Record>),
    /// Record that another person reviewed it
    Review(Review),
    /// List what waits for its review
    Open(Open),
}

/// What was told. What is left out is asked at the terminal.
#[derive(Debug, clap::Args)]
struct Record {
    /// The profile of the holder's own system
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Burgerservicenummer of the client
    #[arg(long, conflicts_with = "client")]
    bsn: Option<String>,
    /// The holder's client number
    #[arg(long, value_name = "NUMBER")]
    client: Option<String>,
    /// When it was told, Dutch time: 2026-11-21T23:40, or `now`
    #[arg(long, value_name = "MOMENT")]
    when: Option<String>,
    /// Who told it: the professional
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// How: telephone, in-person, paper or message
    #[arg(long, value_name = "HOW")]
    channel: Option<String>,
    /// To whom: POLICE, VEILIG_THUIS, GENERAL_PRACTITIONER, …
    #[arg(long, value_name = "TYPE")]
    recipient: Option<String>,
    /// OIN of that organisation, where it is known
    #[arg(long, value_name = "OIN", default_value = "")]
    organisation: String,
    /// Who there: a name, badge or call-back number
    #[arg(long, value_name = "WHO")]
    contact: Option<String>,
    /// For what: SERIOUS_DANGER, CRISIS, …
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// On which ground: an article, an order, a consent
    #[arg(long, value_name = "TEXT")]
    ground: Option<String>,
    /// What was told, as fields of the catalogue, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    fields: Vec<String>,
    /// What was told, in words
    #[arg(long, value_name = "TEXT")]
    told: Option<String>,
    /// Criteria of the conflict of duties that were met, separated by commas, or `all`
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    criteria: Vec<String>,
    /// Who is asked to review it: another person
    #[arg(long, value_name = "PERSON")]
    reviewer: Option<String>,
    /// Repeat an earlier call under its transaction id
    #[arg(long, value_name = "UUID")]
    transaction: Option<uuid::Uuid>,
}

/// A review.
#[derive(Debug, clap::Args)]
struct Review {
    /// The profile of the holder's own system
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Log index of the disclosure; the only open one when absent
    #[arg(long, value_name = "INDEX")]
    index: Option<String>,
    /// Who reviewed: not the one who told it
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// What was found: right, too-much or wrong
    #[arg(long, value_name = "WORD")]
    conclusion: Option<String>,
    /// Why, and what is done about it; needed unless it was right
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// What waits.
#[derive(Debug, clap::Args)]
struct Open {
    /// The profile of the holder's own system
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
}

impl Manual {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Action::Record(record) => record.run().await,
            Action::Review(review) => review.run().await,
            Action::Open(open) => open.run().await,
        }
    }
}

impl Record {
    async fn run(mut self) -> Result<ExitCode, Failure> {
        let now = sluis_core::ports::Clock::now(&sluis_adapters::system::SystemClock);
        let message = self.message(&Form::at_terminal(), now)?;
        let connection = connect(&self.profile).await?;
        let transaction = self.transaction.unwrap_or_else(|| connection.transaction());
        let reply = connection.record_manual(message, transaction).await?;
        let receipt = reply.receipt.as_ref().ok_or("the gateway answered without a receipt")?;
        println!("recorded at log index {}, transaction {}", receipt.index, receipt.transaction_id);
        println!("compared  {}", comparison(reply.comparison()));
        if !reply.beyond.is_empty() {
            let beyond: Vec<_> = reply.beyond.iter().map(|f| describe::field(*f)).collect();
            println!("beyond    {}", beyond.join(", "));
        }
        if reply.late {
            println!("late      recorded more than 24 hours after it happened");
        }
        println!("review    by another person, before {}", shown(reply.review_by));
        Ok(ExitCode::SUCCESS)
    }

    fn message(&mut self, form: &Form, now: u64) -> Result<v1::RecordManualRequest, Failure> {
        let subject = self.subject(form)?;
        let happened_at =
            moment(&form.text(self.when.take(), "when", "When was it told (2026-11-21T23:40, or now)")?, now)?;
        let disclosed_by = form.text(self.by.take(), "by", "Who told it")?;
        let channel = form.text(self.channel.take(), "channel", "How (telephone, in-person, paper, message)")?;
        let recipient = form.text(self.recipient.take(), "recipient", "To whom (POLICE, VEILIG_THUIS, …)")?;
        let contact = form.text(self.contact.take(), "contact", "Who there (name, badge, call-back number)")?;
        let code = form.text(self.purpose.take(), "purpose", "For what (SERIOUS_DANGER, CRISIS, …)")?;
        let ground = form.text(self.ground.take(), "ground", "On which ground")?;
        if self.fields.is_empty() && self.told.is_none() {
            self.told = Some(form.text(None, "fields` or `--told", "What was told, in words")?);
        }
        let purpose = purpose(&code)?;
        Ok(v1::RecordManualRequest {
            subject: Some(subject),
            happened_at,
            disclosed_by,
            recipient: Some(v1::ManualRecipient {
                recipient_type: recipient_type(&recipient)? as i32,
                organisation_oin: std::mem::take(&mut self.organisation),
                name: String::new(),
                contact,
            }),
            purpose: purpose as i32,
            ground,
            fields: self.fields.iter().map(|code| field(code)).collect::<Result<_, _>>()?,
            description: self.told.take().unwrap_or_default(),
            criteria: self.criteria(form, purpose)?,
            channel: channel_of(&channel)? as i32,
            reviewer: form.text(self.reviewer.take(), "reviewer", "Who is asked to review it")?,
        })
    }

    fn subject(&mut self, form: &Form) -> Result<v1::Subject, Failure> {
        match self.bsn.take() {
            Some(bsn) => Ok(by_bsn(&bsn)),
            None => Ok(by_client_number(&form.text(
                self.client.take(),
                "client` or `--bsn",
                "About which client number",
            )?)),
        }
    }

    /// The criteria given; for serious danger each is asked at a terminal when none was.
    fn criteria(&self, form: &Form, purpose: v1::Purpose) -> Result<Vec<String>, Failure> {
        if self.criteria.iter().any(|c| c == "all") {
            return Ok(DANGER_CRITERIA.map(str::to_owned).to_vec());
        }
        if !self.criteria.is_empty() || purpose != v1::Purpose::SeriousDanger {
            return Ok(self.criteria.clone());
        }
        let mut met = Vec::new();
        for criterion in DANGER_CRITERIA {
            if form.yes("criteria", &format!("Criterion met: {criterion} (yes or no)"))? {
                met.push(criterion.to_owned());
            }
        }
        Ok(met)
    }
}

impl Review {
    async fn run(mut self) -> Result<ExitCode, Failure> {
        let form = Form::at_terminal();
        let connection = connect(&self.profile).await?;
        let named = match self.index.take() {
            Some(named) => named,
            None => only_open(&connection).await?,
        };
        let reviewed_by = form.text(self.by.take(), "by", "Who reviewed")?;
        let conclusion = form.text(self.conclusion.take(), "conclusion", "What was found (right, too-much, wrong)")?;
        let conclusion = conclusion_of(&conclusion)?;
        let note = match (self.note.take(), conclusion) {
            (Some(note), _) => note,
            (None, v1::ManualConclusion::Right) => String::new(),
            (None, _) => form.text(None, "note", "Why, and what is done about it")?,
        };
        let (shard, index) = named.rsplit_once(':').unwrap_or(("", &named));
        let (shard, index) =
            (shard.to_owned(), index.parse().map_err(|_| "`--index` is a number, as 12 or 2026-1:12")?);
        let message = v1::ReviewManualRequest { index, reviewed_by, conclusion: conclusion as i32, note, shard };
        let receipt = connection.review_manual(message).await?;
        println!("the review of {index} is recorded at log index {}", receipt.index);
        Ok(ExitCode::SUCCESS)
    }
}

async fn only_open(connection: &Connection) -> Result<String, Failure> {
    match connection.open_manual().await?.as_slice() {
        [one] => Ok(format!("{}:{}", one.shard, one.index)),
        [] => Err("nothing waits for a review".into()),
        many => {
            let indices: Vec<_> = many.iter().map(|one| format!("{}:{}", one.shard, one.index)).collect();
            Err(format!("missing option `--index`: these wait for a review: {}", indices.join(", ")).into())
        }
    }
}

impl Open {
    async fn run(self) -> Result<ExitCode, Failure> {
        let open = connect(&self.profile).await?.open_manual().await?;
        for one in &open {
            println!(
                "{:>8}  {} for {}, told {}, review before {}{}{}",
                one.index,
                one.recipient_type().as_str_name().trim_start_matches("RECIPIENT_TYPE_"),
                one.purpose().as_str_name().trim_start_matches("PURPOSE_"),
                if one.happened_at == 0 { "at an unknown moment".to_owned() } else { shown(one.happened_at) },
                shown(one.review_by),
                if one.late { ", RECORDED LATE" } else { "" },
                if one.overdue && !one.late { ", OVERDUE" } else { "" },
            );
            println!("          {}", comparison(one.comparison()));
        }
        let overdue = open.iter().filter(|o| o.overdue).count();
        println!("{} wait for a review, {overdue} of them overdue or recorded late", open.len());
        Ok(if overdue == 0 { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}

fn comparison(comparison: v1::ManualComparison) -> &'static str {
    use v1::ManualComparison as C;
    match comparison {
        C::WithinRule => "WITHIN_RULE: the rules give this",
        C::BeyondRule => "BEYOND_RULE: more was told than the rule gives",
        C::NoRule => "NO_RULE: there is no rule for this recipient and purpose",
        C::NotPermitted => "NOT_PERMITTED: the rule refuses",
        C::BeforeAHuman => "BEFORE_A_HUMAN: the rule asks for a second professional",
        C::DescribedOnly => "DESCRIBED_ONLY: the rules permit, what was told is not named by fields",
        C::UnknownClient => "UNKNOWN_CLIENT: the holder has no such client",
        C::NotCompared => "NOT_COMPARED: the holder's database does not answer",
        C::Unspecified => "it cannot be read: its payload is missing or does not open",
    }
}

fn recipient_type(code: &str) -> Result<v1::RecipientType, Failure> {
    let name = format!("RECIPIENT_TYPE_{}", code.to_uppercase());
    let unknown =
        || format!("unknown recipient type `{code}`: use a code of the proto, such as POLICE or VEILIG_THUIS");
    v1::RecipientType::from_str_name(&name).ok_or_else(|| unknown().into())
}

fn field(code: &str) -> Result<i32, Failure> {
    let name = format!("FIELD_{}", code.to_uppercase());
    let unknown = || format!("unknown field `{code}`: use a code of the catalogue, or `--told` in words");
    v1::Field::from_str_name(&name).map(|f| f as i32).ok_or_else(|| unknown().into())
}

fn channel_of(word: &str) -> Result<v1::ManualChannel, Failure> {
    let name = format!("MANUAL_CHANNEL_{}", word.to_uppercase().replace('-', "_"));
    let known = v1::ManualChannel::from_str_name(&name);
    known.ok_or_else(|| format!("unknown channel `{word}`: telephone, in-person, paper or message").into())
}

fn conclusion_of(word: &str) -> Result<v1::ManualConclusion, Failure> {
    let name = format!("MANUAL_CONCLUSION_{}", word.to_uppercase().replace('-', "_"));
    let known = v1::ManualConclusion::from_str_name(&name);
    known.ok_or_else(|| format!("unknown conclusion `{word}`: right, too-much or wrong").into())
}
