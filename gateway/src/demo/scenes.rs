//! The scenes: the outside world through real clients over mutual TLS, each with the outcome it must have.

use super::folder::Folder;
use super::organisations::{
    self, DOSSIER_SYSTEM, INSURER, Organisation, POLICE, PORTAL, PRACTICE, ROTTERDAM, THE_HAGUE,
};
use super::people::{Cast, Client, Family, Involvement};
use super::tally::{Expected, Tally};
use crate::cli::{Failure, connect};
use crate::client::ask::{Question, Reply, by_bsn, by_client_number};
use crate::client::connection::{CallError, Connection, with_metadata};
use sluis_core::standing::DANGER_CRITERIA;
use sluis_proto::v1;
use sluis_proto::v1::standing::Kind;

/// Everything a scene needs.
pub struct Stage<'a> {
    /// The demo's folder.
    pub folder: &'a Folder,
    /// Who plays.
    pub cast: Cast,
    /// What happened.
    pub tally: Tally,
    dossier_system: Connection,
}

impl<'a> Stage<'a> {
    /// Sets the stage; the holder's own system is connected.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn set(folder: &'a Folder, cast: Cast) -> Result<Self, Failure> {
        let dossier_system = connect(&folder.profile(&DOSSIER_SYSTEM)).await?;
        Ok(Self { folder, cast, tally: Tally::default(), dossier_system })
    }

    /// Plays every scene but the audit.
    ///
    /// # Errors
    /// When a call gives an error where a reply must come.
    pub async fn play(&mut self) -> Result<(), Failure> {
        self.care_workers().await?;
        self.parents().await?;
        self.police().await?;
        self.insurer().await?;
        self.practice().await?;
        self.stolen_token().await
    }

    async fn ask(
        &mut self,
        scene: &str,
        asker: &Organisation,
        question: Question,
        expected: Expected,
    ) -> Result<(), Failure> {
        let connection = connect(&self.folder.profile(asker)).await?;
        let reply = connection.ask(&question, connection.transaction()).await?;
        self.tally.reply(&format!("{} asks: {scene}", asker.name), expected, reply);
        Ok(())
    }

    async fn care_workers(&mut self) -> Result<(), Failure> {
        let Cast { involved, secret, outsider, .. } = self.cast.clone();
        let partner = partner_of(&involved)?;
        let scene = format!("worker {} opens the dossier of a client on the caseload", involved.worker);
        self.ask(&scene, &partner, by_worker(&involved.client, &involved.worker), Expected::Released).await?;
        let scene = format!("worker {outsider}, who is not involved, opens the same dossier");
        self.ask(&scene, &partner, by_worker(&involved.client, &outsider), Expected::Refused).await?;
        let scene = format!("worker {} opens the dossier of a client whose residence is secret", secret.worker);
        let question = by_worker(&secret.client, &secret.worker);
        self.ask(&scene, &partner_of(&secret)?, question, Expected::Released).await
    }

    async fn parents(&mut self) -> Result<(), Failure> {
        let Cast { child_of_ten, objected, sixteen, .. } = self.cast.clone();
        let scene = "a parent about a child of 10";
        self.ask(scene, &PORTAL, by_parent(&child_of_ten), Expected::Released).await?;
        let scene = "a parent about a youth of 14, who asked not to share";
        self.ask(scene, &PORTAL, by_parent(&objected), Expected::Escalated).await?;
        let scene = "a parent about a youth of 16 or 17, no consent";
        self.ask(scene, &PORTAL, by_parent(&sixteen), Expected::Refused).await?;
        let consent = Kind::Consent(v1::Consent {
            purpose: v1::Purpose::ParentInformation as i32,
            recipient_type: v1::RecipientType::Parent as i32,
            by: v1::ConsentBy::Youth as i32,
        });
        self.record("the youth consents", &sixteen.client, consent.clone()).await?;
        let scene = "the same parent, now with the youth's consent";
        self.ask(scene, &PORTAL, by_parent(&sixteen), Expected::Released).await?;
        let receipt = self.dossier_system.withdraw(by_client_number(&sixteen.client.client_number), consent).await?;
        println!("\n▸ the youth withdraws the consent; log index {}", receipt.index);
        self.tally.receipts.push(receipt);
        let scene = "the same parent, directly after the withdrawal";
        self.ask(scene, &PORTAL, by_parent(&sixteen), Expected::Refused).await
    }

    async fn police(&mut self) -> Result<(), Failure> {
        let endangered = self.cast.endangered.clone();
        let question = || Question {
            subject: by_client_number(&endangered.client_number),
            purpose: v1::Purpose::SeriousDanger,
            actor: "agent-4711".to_owned(),
            ..Question::default()
        };
        self.ask("about a client, no danger recorded", &POLICE, question(), Expected::Refused).await?;
        let now = sluis_core::ports::Clock::now(&sluis_adapters::system::SystemClock);
        let danger = Kind::Danger(v1::Danger {
            professional: "fs-0001".to_owned(),
            criteria: DANGER_CRITERIA.map(str::to_owned).to_vec(),
            until: now + 24 * 3600 * 1000,
        });
        self.record("a professional records serious danger and the five criteria", &endangered, danger).await?;
        let scene = "serious danger, without a second approval";
        self.ask(scene, &POLICE, question(), Expected::Escalated).await?;
        let approval = Kind::DangerApproval(v1::DangerApproval { professional: "in-0002".to_owned() });
        self.record("a second professional approves", &endangered, approval).await?;
        self.ask("serious danger, with the second approval", &POLICE, question(), Expected::Released).await
    }

    async fn insurer(&mut self) -> Result<(), Failure> {
        let Cast { insured, insured_privately, insured_elsewhere, .. } = self.cast.clone();
        let claim = |client: &Client| Question {
            subject: by_bsn(&client.bsn),
            purpose: v1::Purpose::ZvwClaim,
            actor: "medisch-adviseur-3".to_owned(),
            ..Question::default()
        };
        let scene = "about a claim of its own insured, care under the Zvw";
        self.ask(scene, &INSURER, claim(&insured), Expected::Released).await?;
        let scene = "the same of a client who signed the privacy statement: no diagnosis";
        self.ask(scene, &INSURER, claim(&insured_privately), Expected::Released).await?;
        let scene = "about its own insured, whose care the municipality pays";
        self.ask(scene, &INSURER, claim(&insured_elsewhere), Expected::Refused).await
    }

    async fn practice(&mut self) -> Result<(), Failure> {
        let Cast { patient, other_patient, .. } = self.cast.clone();
        let notice = |client: &Client| Question {
            subject: by_bsn(&client.bsn),
            purpose: v1::Purpose::ReferralNotice,
            actor: "huisarts-1".to_owned(),
            ..Question::default()
        };
        let scene = "the GP of a client, for the notice of the registration";
        self.ask(scene, &PRACTICE, notice(&patient), Expected::Released).await?;
        let scene = "the same about a patient of another practice";
        self.ask(scene, &PRACTICE, notice(&other_patient), Expected::Refused).await
    }

    async fn record(&mut self, scene: &str, client: &Client, kind: Kind) -> Result<(), Failure> {
        let receipt = self.dossier_system.record(by_client_number(&client.client_number), kind).await?;
        println!("\n▸ {scene}; log index {}", receipt.index);
        self.tally.receipts.push(receipt);
        Ok(())
    }

    /// The Hague's token over Rotterdam's certificate: an error, no reply, and no entry.
    async fn stolen_token(&mut self) -> Result<(), Failure> {
        let stolen = connect(&self.folder.profile(&THE_HAGUE)).await?.token().await?;
        let thief = connect(&self.folder.profile(&ROTTERDAM)).await?;
        let message = v1::ReleaseRequest {
            subject: Some(by_bsn(&self.cast.billed.bsn)),
            purpose: v1::Purpose::InvoiceFormal as i32,
            ..v1::ReleaseRequest::default()
        };
        let request = with_metadata(message, &stolen, thief.transaction())?;
        let scene = "a stolen token of The Hague over the certificate of Rotterdam";
        println!("\n▸ {scene}");
        let outcome = thief.releases().release(request).await.map_err(CallError::from);
        let reason = match outcome {
            Err(CallError::Refused { reason, text, .. }) => {
                println!("    ERROR     {reason}: {text}");
                reason
            }
            other => format!("{other:?}"),
        };
        let refused = matches!(reason.as_str(), "TOKEN_SUBJECT" | "TOKEN_BINDING");
        self.tally.expect(scene, refused, &format!("expected an error about the token, got {reason}"));
        Ok(())
    }

    /// Every reply whose receipt and body must verify at the end.
    #[must_use]
    pub fn replies(&self) -> &[Reply] {
        &self.tally.replies
    }
}

fn partner_of(involved: &Involvement) -> Result<Organisation, Failure> {
    let partner = organisations::partners().find(|p| p.oin == involved.partner_oin);
    partner.ok_or_else(|| "the involved worker's partner is not one of the five".into())
}

fn by_worker(client: &Client, worker: &str) -> Question {
    Question {
        subject: by_bsn(&client.bsn),
        purpose: v1::Purpose::Treatment,
        actor: worker.to_owned(),
        ..Question::default()
    }
}

fn by_parent(family: &Family) -> Question {
    Question {
        subject: by_client_number(&family.client.client_number),
        purpose: v1::Purpose::ParentInformation,
        actor: family.parent.clone(),
        ..Question::default()
    }
}
