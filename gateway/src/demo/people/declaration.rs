//! An invoice of one partner to The Hague over one month: right lines, and on request known mistakes among them.

use super::store::test_bsns;
use super::{Partner, PeopleFault};
use jiff::civil::Date;
use rusqlite::{Connection, Row, params};
use sluis_adapters::ijw::{DeclaredLine, Header, signed_total};
use sluis_core::claim::ClaimLine;
use sluis_core::subject::Bsn;

/// Right lines in an invoice.
const RIGHT: u32 = 40;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// More volume than the billing record has.
    Volume,
    /// Another product code.
    Code,
    /// Another product category.
    Category,
    /// A higher tariff.
    Tariff,
    /// A higher amount, in a line whose unit is euros.
    Amount,
    /// A person the holder does not have.
    UnknownClient,
    /// A client for whom another municipality is responsible.
    OtherMunicipality,
    /// A month for which the holder has no billing record.
    Period,
}

/// A declaration and what was planted in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// The head; its total is right.
    pub header: Header,
    /// The lines, in the order of the BSN.
    pub lines: Vec<DeclaredLine>,
    /// The references of the wrong lines. All others agree with the billing record.
    pub planted: Vec<(String, Mistake)>,
}

/// The invoice of `partner` to The Hague over the month of `month`: 40 right lines, one of them of a client with a
/// secret residence, and with `wrong` eight wrong lines, each with another [`Mistake`]. It is a valid JW323 either way.
///
/// # Errors
/// [`PeopleFault::Nobody`] when the month has too few billing records.
pub fn declaration(holder: &Connection, partner: Partner, month: Date, wrong: bool) -> Result<Invoice, PeopleFault> {
    let records = Records { holder, partner, first: month.first_of_month() };
    let mut right = records.of("c.municipality_code = '0518' AND c.residence_secret = 1", 1)?;
    right.extend(records.of("c.municipality_code = '0518' AND c.residence_secret = 0 AND b.unit <> '83'", RIGHT + 3)?);
    let mut lines: Vec<(DeclaredLine, Option<Mistake>)> = Vec::new();
    if wrong {
        for mistake in [Mistake::Volume, Mistake::Code, Mistake::Category, Mistake::Tariff] {
            let line = right.pop().ok_or(PeopleFault::Nobody("invoice"))?;
            lines.push((spoil(line, mistake), Some(mistake)));
        }
        lines.extend(records.wrong_by_nature()?.map(|(line, mistake)| (line, Some(mistake))));
    }
    right.truncate(RIGHT as usize);
    lines.extend(right.into_iter().map(|line| (line, None)));
    lines.sort_by_key(|(declared, _)| (declared.bsn, declared.line.allocation_number));
    for (n, (declared, _)) in lines.iter_mut().enumerate() {
        declared.line.reference = format!("{}-{:04}", records.first.strftime("%Y%m"), n + 1);
    }
    let planted = lines.iter().filter_map(|(d, mistake)| mistake.map(|m| (d.line.reference.clone(), m))).collect();
    let lines: Vec<DeclaredLine> = lines.into_iter().map(|(declared, _)| declared).collect();
    Ok(Invoice { header: records.header(&lines), lines, planted })
}

/// The same line with one thing wrong, and an amount that follows from volume and tariff.
fn spoil(mut declared: DeclaredLine, mistake: Mistake) -> DeclaredLine {
    let line = &mut declared.line;
    match mistake {
        Mistake::Volume => line.volume += 5,
        Mistake::Code => "99Z99".clone_into(&mut line.product_code),
        Mistake::Category => "52".clone_into(&mut line.product_category),
        Mistake::Tariff => line.tariff = line.tariff.map(|tariff| tariff + 250),
        Mistake::Amount => line.volume += 12_500,
        Mistake::UnknownClient | Mistake::OtherMunicipality | Mistake::Period => {}
    }
    line.amount = line.tariff.map_or(line.volume, |tariff| line.volume * tariff);
    declared
}

struct Records<'a> {
    holder: &'a Connection,
    partner: Partner,
    first: Date,
}

impl Records<'_> {
    /// Debit lines for billing records of the month, at most `count`, one per client, in the order of the client
    /// number. `condition` is one of the texts of this file.
    fn of(&self, condition: &str, count: u32) -> Result<Vec<DeclaredLine>, PeopleFault> {
        let sql = format!(
            "SELECT c.bsn, b.allocation_number, b.product_category, b.product_code, b.volume, b.unit, b.tariff, b.amount
             FROM billing b JOIN client c ON c.client_number = b.client_number
             WHERE b.provider_agb = ?1 AND b.period_begin = ?2 AND {condition} AND b.record_id = (SELECT min(o.record_id)
               FROM billing o WHERE o.client_number = b.client_number AND o.period_begin = ?2)
             ORDER BY c.client_number LIMIT ?3"
        );
        let mut statement = self.holder.prepare(&sql)?;
        let mut rows = statement.query(params![self.partner.agb, self.first.to_string(), count])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            lines.push(self.line(row)?);
        }
        Ok(lines)
    }

    fn line(&self, row: &Row<'_>) -> Result<DeclaredLine, PeopleFault> {
        let digits: String = row.get(0)?;
        let line = ClaimLine {
            reference: String::new(),
            provider_agb: self.partner.agb.to_owned(),
            allocation_number: row.get(1)?,
            product_category: row.get(2)?,
            product_code: row.get(3)?,
            begin: self.first,
            end: self.first.last_of_month(),
            volume: row.get(4)?,
            unit: row.get(5)?,
            tariff: row.get(6)?,
            amount: row.get(7)?,
            credit: false,
        };
        let bsn = Bsn::parse(&digits).map_err(|_| PeopleFault::Row("client"))?;
        Ok(DeclaredLine { bsn, line, previous_reference: None })
    }

    /// The lines that are wrong by whom or what they are about.
    fn wrong_by_nature(&self) -> Result<impl Iterator<Item = (DeclaredLine, Mistake)>, PeopleFault> {
        let one = |condition: &str| -> Result<DeclaredLine, PeopleFault> {
            self.of(condition, 1)?.pop().ok_or(PeopleFault::Nobody("invoice"))
        };
        let euros = one("c.municipality_code = '0518' AND c.residence_secret = 0 AND b.unit = '83'")?;
        let elsewhere = one("c.municipality_code = '0599' AND b.unit <> '83'")?;
        let mut unknown = one("c.municipality_code = '0518' AND b.unit <> '83'")?;
        unknown.bsn = self.unknown_bsn()?;
        Ok([
            (spoil(euros, Mistake::Amount), Mistake::Amount),
            (elsewhere, Mistake::OtherMunicipality),
            (unknown, Mistake::UnknownClient),
            (self.unbilled()?, Mistake::Period),
        ]
        .into_iter())
    }

    /// A test BSN that no client has.
    fn unknown_bsn(&self) -> Result<Bsn, PeopleFault> {
        let mut known = self.holder.prepare("SELECT 1 FROM client WHERE bsn = ?1")?;
        for bsn in test_bsns() {
            if !known.exists([bsn.digits()])? {
                return Ok(bsn);
            }
        }
        Err(PeopleFault::Nobody("unknown client"))
    }

    /// A line for a service that has records of another month, but none of this one.
    fn unbilled(&self) -> Result<DeclaredLine, PeopleFault> {
        let sql = "SELECT c.bsn, b.allocation_number, b.product_category, b.product_code, b.volume, b.unit, b.tariff,
              b.amount
            FROM billing b JOIN client c ON c.client_number = b.client_number
            WHERE b.provider_agb = ?1 AND b.period_begin <> ?2 AND c.municipality_code = '0518'
              AND c.residence_secret = 0 AND NOT EXISTS (SELECT 1 FROM billing o
                WHERE o.client_number = b.client_number AND o.period_begin = ?2)
            ORDER BY b.record_id LIMIT 1";
        let mut statement = self.holder.prepare(sql)?;
        let mut rows = statement.query(params![self.partner.agb, self.first.to_string()])?;
        let row = rows.next()?.ok_or(PeopleFault::Nobody("month without a billing record"))?;
        self.line(row)
    }

    fn header(&self, lines: &[DeclaredLine]) -> Header {
        let month = self.first.strftime("%Y%m");
        let day = self.first.last_of_month().tomorrow().unwrap_or(self.first);
        Header {
            sender_agb: self.partner.agb.to_owned(),
            municipality_code: "0518".to_owned(),
            identification: format!("{}{month}", self.partner.worker_prefix.to_uppercase()),
            sent: day,
            number: format!("D{}{month}", self.partner.worker_prefix.to_uppercase()),
            begin: self.first,
            end: self.first.last_of_month(),
            signed: day,
            total: signed_total(lines),
        }
    }
}
