//! Writing the people into a new database, in one transaction.

use super::billing::{Service, closed_months};
use super::dice::Dice;
use super::dossier::Texts;
use super::household::{Child, Home, Household, Parent, phone};
use super::paid::{Paid, Referral};
use super::partner::{PARTNERS, Partner, WORKERS};
use super::{CLIENTS, MONTHS, PeopleFault, SCHEMA};
use jiff::ToSpan as _;
use jiff::civil::Date;
use rusqlite::{Connection, Statement, Transaction, named_params, params};
use sluis_core::subject::Bsn;
use std::path::Path;

/// Writes a new database file with [`CLIENTS`] clients as they are on `today`. The same seed and day give the same
/// people. About a second in a release build.
///
/// # Errors
/// [`PeopleFault::Database`], also when the file exists and holds tables already.
pub fn create(path: &Path, seed: u64, today: Date) -> Result<(), PeopleFault> {
    let mut connection = Connection::open(path)?;
    // The file is new: after a crash it is thrown away and made again.
    connection.pragma_update(None, "synchronous", "OFF")?;
    fill(&mut connection, seed, today)?;
    // As a dossier system in use would have it: readers and its writer do not wait for each other.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    Ok(())
}

/// Does the same in an open, empty database.
pub(super) fn fill(connection: &mut Connection, seed: u64, today: Date) -> Result<(), PeopleFault> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    let mut writer = Writer::new(&transaction, seed, today)?;
    let mut bsns: Vec<Bsn> = test_bsns().collect();
    writer.dice.shuffle(&mut bsns);
    let mut bsns = bsns.into_iter().take(CLIENTS as usize);
    let mut parents = 0;
    'families: loop {
        let household = Household::throw(&mut writer.dice, parents, today);
        for parent in &household.parents {
            parents += 1;
            writer.parent(parent)?;
        }
        for child in &household.children {
            let Some(bsn) = bsns.next() else { break 'families };
            writer.client(bsn, &household, child)?;
        }
    }
    drop(writer);
    transaction.commit()?;
    Ok(())
}

/// Every BSN of the range for tests that passes the 11-test.
pub(super) fn test_bsns() -> impl Iterator<Item = Bsn> {
    (999_900_006_u32..=999_999_990).filter_map(|number| Bsn::parse(&number.to_string()).ok())
}

/// The prepared statements and the dice.
struct Writer<'t> {
    dice: Dice,
    today: Date,
    months: Vec<Date>,
    clients: u32,
    records: u32,
    client: Statement<'t>,
    parent: Statement<'t>,
    link: Statement<'t>,
    caseload: Statement<'t>,
    objection: Statement<'t>,
    billing: Statement<'t>,
}

impl<'t> Writer<'t> {
    fn new(transaction: &'t Transaction<'_>, seed: u64, today: Date) -> rusqlite::Result<Self> {
        Ok(Self {
            dice: Dice::new(seed),
            today,
            months: closed_months(today, MONTHS),
            clients: 0,
            records: 0,
            client: transaction.prepare(CLIENT)?,
            parent: transaction.prepare("INSERT INTO parent VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            link: transaction.prepare("INSERT INTO client_parent VALUES (?1, ?2, ?3)")?,
            caseload: transaction.prepare("INSERT INTO caseload VALUES (?1, ?2, ?3, ?4, ?5)")?,
            objection: transaction.prepare("INSERT INTO objection VALUES (?1, 'SHARE_WITH_PARENTS', ?2)")?,
            billing: transaction.prepare(BILLING)?,
        })
    }

    fn parent(&mut self, parent: &Parent) -> rusqlite::Result<()> {
        let (prefix, last) = parent.family;
        let email = email(parent.first_name, last);
        self.parent.execute(params![parent.id, parent.first_name, filled(prefix), last, parent.phone, email])?;
        Ok(())
    }

    fn client(&mut self, bsn: Bsn, household: &Household, child: &Child) -> rusqlite::Result<()> {
        self.clients += 1;
        let number = format!("KR-{}", 100_000 + self.clients);
        let partner = self.dice.pick(&PARTNERS);
        let active = self.dice.chance(78);
        let start = self.days_back(40, 700);
        let end = (!active).then(|| self.days_back(3, 200).max(start));
        let worker = partner.worker(self.dice.between(1, WORKERS));
        self.dossier(&number, bsn, household, child, (active, start), &worker)?;
        for (parent, authority) in household.parents.iter().zip(&child.authority) {
            self.link.execute(params![number, parent.id, authority])?;
        }
        self.caseload.execute(params![number, partner.oin, worker, start.to_string(), end.map(|d| d.to_string())])?;
        if self.dice.chance(10) {
            let second = partner.worker(self.dice.between(1, WORKERS));
            if second != worker {
                let until = end.map(|d| d.to_string());
                self.caseload.execute(params![number, partner.oin, second, start.to_string(), until])?;
            }
        }
        if (12..16).contains(&child.age) && self.dice.chance(3) {
            let made = self.days_back(1, 300).to_string();
            self.objection.execute(params![number, made])?;
        }
        self.services(&number, partner, start, end)
    }

    fn dossier(
        &mut self,
        number: &str,
        bsn: Bsn,
        household: &Household,
        child: &Child,
        (active, start): (bool, Date),
        worker: &str,
    ) -> rusqlite::Result<()> {
        let ahead = self.today.saturating_add(i64::from(self.dice.between(1, 28)).days()).to_string();
        let texts = Texts::throw(&mut self.dice, self.clients, active, child.age, &ahead);
        let Home { street, house_number, postcode, municipality_code, secret } = &household.home;
        let (prefix, last_name) = household.family;
        let own = child.age >= 12;
        let phone = own.then(|| phone(&mut self.dice));
        let (paid, referral) = (Paid::of(self.clients, child.age), Referral::of(self.clients, texts.referrer_type));
        self.client.execute(named_params! {
            ":client_number": number, ":bsn": bsn.digits(), ":first_name": child.first_name,
            ":prefix": filled(prefix), ":last_name": last_name, ":gender": child.gender,
            ":birth_date": child.birth_date.to_string(), ":street": street.2, ":house_number": house_number.to_string(),
            ":postcode": postcode, ":place": street.0, ":phone": phone,
            ":email": own.then(|| email(child.first_name, last_name)), ":municipality_code": municipality_code,
            ":active_case": active, ":residence_secret": secret, ":reimbursement": texts.reimbursement,
            ":help_question": texts.help_question, ":health_summary": texts.health_summary, ":plan": texts.plan,
            ":plan_summary": texts.plan_summary, ":care_status": texts.care_status,
            ":appointments": texts.appointments, ":parents_reports": texts.parents_reports,
            ":av_recordings": texts.av_recordings, ":whereabouts": texts.whereabouts,
            ":danger_nature": texts.danger_nature, ":persons_at_risk": texts.persons_at_risk,
            ":end_reason": texts.end_reason, ":session_notes": texts.session_notes,
            ":youth_confidential": texts.youth_confidential, ":care_form": texts.care_form,
            ":crisis_start": texts.crisis_start, ":referrer_type": texts.referrer_type, ":outcome": texts.outcome,
            ":informant": texts.informant, ":worker_contact": format!("{worker}@kracht.example"),
            ":registered_on": start.saturating_sub(14.days()).to_string(), ":financing": paid.financing,
            ":insurer_uzovi": paid.insurer, ":performance_code": paid.performance_code,
            ":diagnosis_group": paid.diagnosis_group, ":privacy_statement": paid.privacy_statement,
            ":gp_agb": referral.gp, ":referrer_agb": referral.referrer,
        })?;
        Ok(())
    }

    fn services(&mut self, number: &str, partner: Partner, start: Date, end: Option<Date>) -> rusqlite::Result<()> {
        let services = if self.dice.chance(25) { 2 } else { 1 };
        for n in 0..services {
            let service = Service::throw(&mut self.dice, 5_000_000 + self.clients * 10 + n, start, end);
            let decision = format!("BS-{}-{:06}", start.year(), self.clients * 10 + n);
            for first in &self.months {
                let Some(month) = service.month(&mut self.dice, *first) else { continue };
                self.records += 1;
                self.billing.execute(params![
                    format!("B-{:07}", self.records),
                    number,
                    partner.agb,
                    service.allocation_number,
                    month.category,
                    month.code,
                    month.begin.to_string(),
                    month.end.to_string(),
                    month.volume,
                    month.unit,
                    month.tariff,
                    month.amount,
                    service.start.to_string(),
                    service.end.map(|d| d.to_string()),
                    decision,
                ])?;
            }
        }
        Ok(())
    }

    fn days_back(&mut self, least: u32, most: u32) -> Date {
        self.today.saturating_sub(i64::from(self.dice.between(least, most)).days())
    }
}

const CLIENT: &str = "INSERT INTO client VALUES (
  :client_number, :bsn, :first_name, :prefix, :last_name, :gender, :birth_date, :street, :house_number, :postcode,
  :place, :phone, :email, :municipality_code, :active_case, :residence_secret, :reimbursement, :help_question,
  :health_summary, :plan, :plan_summary, :care_status, :appointments, :parents_reports, :av_recordings, :whereabouts,
  :danger_nature, :persons_at_risk, :end_reason, :session_notes, :youth_confidential, :care_form, :crisis_start,
  :referrer_type, :outcome, :informant, :worker_contact, :registered_on, :financing, :insurer_uzovi, :performance_code,
  :diagnosis_group, :privacy_statement, :gp_agb, :referrer_agb)";

const BILLING: &str = "INSERT INTO billing VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, NULL, ?15, NULL)";

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn email(first: &str, last: &str) -> String {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    format!("{}.{}@post.example", letters(first), letters(last))
}
