//! Who plays in the scenes: found by what a scene needs, never by number.

use super::PeopleFault;
use super::paid::{INSURER_UZOVI, OTHER_PRACTICE, PRACTICE_AGB};
use jiff::ToSpan as _;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, named_params};

/// A client under both identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The holder's client number.
    pub client_number: String,
    /// Nine digits, of the range for tests.
    pub bsn: String,
}

/// A client and a parent whose authority is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The child.
    pub client: Client,
    /// The parent, as the portal names the person.
    pub parent: String,
}

/// A client and a worker who is involved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Involvement {
    /// The client.
    pub client: Client,
    /// OIN of the worker's organisation.
    pub partner_oin: String,
    /// The worker, as the partner names the person.
    pub worker: String,
}

/// One client for each scene, all different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// A client of The Hague with billing records.
    pub billed: Client,
    /// A client for whom Rotterdam is responsible, with billing records.
    pub elsewhere: Client,
    /// A client with an involved worker of a partner.
    pub involved: Involvement,
    /// A worker of the same partner who is not involved with that client.
    pub outsider: String,
    /// A child of 10 with a verified parent.
    pub child_of_ten: Family,
    /// A youth of 14 who objected to sharing with the parents, with a verified parent.
    pub objected: Family,
    /// A youth of 16 or 17 with a verified parent.
    pub sixteen: Family,
    /// A client in danger, with whereabouts and the nature of the danger recorded.
    pub endangered: Client,
    /// A client whose residence is secret, with billing records in The Hague and a worker on the case.
    pub secret: Involvement,
    /// A client whose care the demo's insurer pays under the Zvw.
    pub insured: Client,
    /// Another of them, who signed the privacy statement.
    pub insured_privately: Client,
    /// A client insured there whose care the municipality pays.
    pub insured_elsewhere: Client,
    /// A client of the demo's GP practice.
    pub patient: Client,
    /// A client of another practice.
    pub other_patient: Client,
}

/// Fits nobody with a secret or an objection, so that a scene shows one thing at a time.
const PLAIN: &str = "c.residence_secret = 0 AND c.active_case = 1
  AND NOT EXISTS (SELECT 1 FROM objection o WHERE o.client_number = c.client_number)";
const WORKED_ON: &str = "EXISTS (SELECT 1 FROM caseload w WHERE w.client_number = c.client_number AND w.until IS NULL)";
const BILLED: &str = "EXISTS (SELECT 1 FROM billing b WHERE b.client_number = c.client_number)";

impl Cast {
    /// Finds the cast; ages are those on `today`.
    ///
    /// # Errors
    /// [`PeopleFault::Nobody`] names the scene nobody fits.
    pub fn find(holder: &Connection, today: Date) -> Result<Self, PeopleFault> {
        let mut casting = Casting { holder, today, taken: Vec::new() };
        let objected = "c.residence_secret = 0 AND c.active_case = 1
          AND EXISTS (SELECT 1 FROM objection o WHERE o.client_number = c.client_number)";
        let danger = format!("{PLAIN} AND c.whereabouts IS NOT NULL AND c.danger_nature IS NOT NULL");
        let hague = |condition: &str| format!("{condition} AND c.municipality_code = '0518' AND {BILLED}");
        let secret = "c.residence_secret = 1 AND c.active_case = 1";
        let rotterdam = format!("{PLAIN} AND c.municipality_code = '0599' AND {BILLED}");
        let insured = |law: &str, signed: u8| {
            let at = format!("{PLAIN} AND c.insurer_uzovi = '{INSURER_UZOVI}'");
            format!("{at} AND c.financing = '{law}' AND c.privacy_statement = {signed}")
        };
        let patient = |agb: &str| format!("{PLAIN} AND c.gp_agb = '{agb}'");
        Ok(Self {
            objected: casting.family("objection of a youth of 14", objected, 14, 14)?,
            endangered: casting.client("serious danger", &danger)?,
            secret: casting.involvement("secret residence", &hague(&format!("{secret} AND {WORKED_ON}")))?,
            elsewhere: casting.client("client of Rotterdam", &rotterdam)?,
            child_of_ten: casting.family("child of 10", PLAIN, 10, 10)?,
            sixteen: casting.family("youth of 16 or 17", PLAIN, 16, 17)?,
            billed: casting.client("invoice of The Hague", &hague(PLAIN))?,
            involved: casting.involvement("worker on the case", PLAIN)?,
            outsider: casting.outsider()?,
            insured: casting.client("care under the Zvw", &insured("zvw", 0))?,
            insured_privately: casting.client("privacy statement", &insured("zvw", 1))?,
            insured_elsewhere: casting.client("insured, care under the Jeugdwet", &insured("jeugdwet", 0))?,
            patient: casting.client("patient of the practice", &patient(PRACTICE_AGB))?,
            other_patient: casting.client("patient of another practice", &patient(OTHER_PRACTICE))?,
        })
    }
}

struct Casting<'a> {
    holder: &'a Connection,
    today: Date,
    taken: Vec<String>,
}

impl Casting<'_> {
    /// The first client that fits and plays in no other scene. `condition` is one of the texts of this file.
    fn client(&mut self, scene: &'static str, condition: &str) -> Result<Client, PeopleFault> {
        let sql = format!("SELECT c.client_number, c.bsn FROM client c WHERE {condition} ORDER BY c.client_number");
        let mut statement = self.holder.prepare(&sql)?;
        let clients = statement.query_map([], |row| Ok(Client { client_number: row.get(0)?, bsn: row.get(1)? }))?;
        for client in clients {
            let client = client?;
            if !self.taken.contains(&client.client_number) {
                self.taken.push(client.client_number.clone());
                return Ok(client);
            }
        }
        Err(PeopleFault::Nobody(scene))
    }

    fn family(&mut self, scene: &'static str, condition: &str, least: i64, most: i64) -> Result<Family, PeopleFault> {
        let born_by = self.today.saturating_sub(least.years());
        let born_after = self.today.saturating_sub((most + 1).years());
        let condition = format!(
            "{condition} AND c.birth_date <= '{born_by}' AND c.birth_date > '{born_after}' AND EXISTS (SELECT 1 FROM
             client_parent p WHERE p.client_number = c.client_number AND p.authority = 'verified')"
        );
        let client = self.client(scene, &condition)?;
        let sql = "SELECT parent_id FROM client_parent WHERE client_number = ?1 AND authority = 'verified' ORDER BY 1";
        let parent = self.holder.query_row(sql, [&client.client_number], |row| row.get(0))?;
        Ok(Family { client, parent })
    }

    fn involvement(&mut self, scene: &'static str, condition: &str) -> Result<Involvement, PeopleFault> {
        let client = self.client(scene, condition)?;
        let sql = "SELECT partner_oin, worker FROM caseload WHERE client_number = ?1 AND until IS NULL ORDER BY 1, 2";
        let (partner_oin, worker) =
            self.holder.query_row(sql, [&client.client_number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Involvement { client, partner_oin, worker })
    }

    /// A worker of the partner of the client cast last, who has cases, but not that one.
    fn outsider(&self) -> Result<String, PeopleFault> {
        let sql = "SELECT worker FROM caseload WHERE until IS NULL
            AND partner_oin = (SELECT partner_oin FROM caseload WHERE client_number = :client AND until IS NULL)
            AND worker NOT IN (SELECT worker FROM caseload WHERE client_number = :client) ORDER BY 1";
        let found = self.holder.query_row(sql, named_params! { ":client": self.taken.last() }, |row| row.get(0));
        found.optional()?.ok_or(PeopleFault::Nobody("worker who is not on the case"))
    }
}
