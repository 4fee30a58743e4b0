//! Reading a JW323 declaration: the head at once, the lines one by one, the total at the end.

use super::fault::Jw323Fault;
use super::message::{DeclaredLine, Header, signed_amount};
use super::pull::Puller;
use super::pull::Space::{self, Base, Message};
use super::text::{
    EUROS, MESSAGE_CODE, VERSION, date, is_category, is_digits, is_filled, is_number, is_unit, is_version, number,
};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sluis_core::claim::ClaimLine;
use sluis_core::subject::Bsn;
use std::collections::HashSet;
use std::io::BufRead;

/// The first day on which a declared month may begin.
const FIRST_MONTH: Date = jiff::civil::date(2021, 1, 1);

/// A declaration being read. An iterator over its lines: the first fault ends it, and a declaration is only good when
/// the iterator ended without one, since the total is compared after the last line (TR358).
pub struct Jw323Reader<R> {
    puller: Puller<R>,
    header: Header,
    references: HashSet<String>,
    sum: i64,
    state: State,
}

/// Where the next line stands.
enum State {
    /// In a new client.
    NextClient,
    /// In this client, after a line.
    In(Bsn),
    Ended,
}

impl<R: BufRead> Jw323Reader<R> {
    /// Reads everything before the first client.
    ///
    /// # Errors
    /// [`Jw323Fault`] with line, element and rule.
    pub fn open(source: R) -> Result<Self, Jw323Fault> {
        let mut puller = Puller::new(source)?;
        puller.open(Message, "Bericht")?;
        let header = header(&mut puller)?;
        puller.open(Message, "Clienten")?;
        Ok(Self { puller, header, references: HashSet::new(), sum: 0, state: State::NextClient })
    }

    /// The head.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    fn line(&mut self) -> Result<Option<DeclaredLine>, Jw323Fault> {
        let bsn = match self.state {
            State::Ended => return Ok(None),
            State::NextClient => self.client()?,
            State::In(bsn) if self.puller.is_next("Prestatie")? => bsn,
            State::In(_) => {
                self.puller.close()?;
                self.puller.close()?;
                if !self.puller.is_next("Client")? {
                    return self.end().map(|()| None);
                }
                self.client()?
            }
        };
        self.state = State::In(bsn);
        let declared = service(&mut self.puller, &self.header, bsn)?;
        if !self.references.insert(declared.line.reference.clone()) {
            let text = "two lines have the same reference: number them apart";
            return Err(self.puller.fault_in("Prestatie/ProductReferentie", "sluis-unique-reference", text));
        }
        self.sum += signed_amount(&declared.line);
        Ok(Some(declared))
    }

    fn client(&mut self) -> Result<Bsn, Jw323Fault> {
        self.puller.open(Message, "Client")?;
        let text = self.puller.leaf(Message, "Bsn")?;
        let bsn = Bsn::parse(&text).map_err(|fault| self.puller.fault_in("Bsn", "CS002", fault.to_string()))?;
        self.puller.open(Message, "Prestaties")?;
        Ok(bsn)
    }

    /// After the last client: nothing more, and the total is that of the lines.
    fn end(&mut self) -> Result<(), Jw323Fault> {
        self.puller.close()?;
        if self.sum != self.header.total {
            let text = "the total is not the sum of the lines, debit added and credit subtracted";
            return Err(self.puller.fault_in("TotaalIngediendBedrag", "TR358", text));
        }
        self.puller.close()?;
        self.puller.close()?;
        self.puller.finish()?;
        self.state = State::Ended;
        Ok(())
    }
}

impl<R: BufRead> Iterator for Jw323Reader<R> {
    type Item = Result<DeclaredLine, Jw323Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line();
        if line.is_err() {
            self.state = State::Ended;
        }
        line.transpose()
    }
}

/// A leaf whose text must pass a check.
fn checked<R: BufRead>(
    puller: &mut Puller<R>,
    space: Space,
    name: &'static str,
    check: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<String, Jw323Fault> {
    let text = puller.leaf(space, name)?;
    if check(&text) { Ok(text) } else { Err(puller.fault_in(name, "XSD", format!("expected {expected}"))) }
}

fn day<R: BufRead>(puller: &mut Puller<R>, space: Space, name: &'static str) -> Result<Date, Jw323Fault> {
    let text = puller.leaf(space, name)?;
    date(text.trim()).ok_or_else(|| puller.fault_in(name, "RS032", "expected a date YYYY-MM-DD without time zone"))
}

fn whole<R: BufRead>(puller: &mut Puller<R>, space: Space, name: &'static str, most: u64) -> Result<u64, Jw323Fault> {
    let text = puller.leaf(space, name)?;
    let wrong = || format!("expected a whole number of 0 to {most}");
    number(text.trim(), most).ok_or_else(|| puller.fault_in(name, "XSD", wrong()))
}

/// As [`whole`], for what fits 32 bits.
fn small<R: BufRead>(puller: &mut Puller<R>, space: Space, name: &'static str, most: u32) -> Result<u32, Jw323Fault> {
    // It is at most `most`, so it fits.
    Ok(u32::try_from(whole(puller, space, name, u64::from(most))?).unwrap_or(most))
}

/// Whether credit.
fn is_credit<R: BufRead>(puller: &mut Puller<R>) -> Result<bool, Jw323Fault> {
    Ok(checked(puller, Base, "DebetCredit", |t| t == "C" || t == "D", "`C` or `D`")? == "C")
}

fn period<R: BufRead>(puller: &mut Puller<R>, name: &'static str) -> Result<(Date, Date), Jw323Fault> {
    puller.open(Message, name)?;
    let begin = day(puller, Base, "Begindatum")?;
    let end = day(puller, Base, "Einddatum")?;
    puller.close()?;
    Ok((begin, end))
}

fn header<R: BufRead>(p: &mut Puller<R>) -> Result<Header, Jw323Fault> {
    p.open(Message, "Header")?;
    checked(p, Message, "BerichtCode", |t| t == MESSAGE_CODE, "490, a declaration (JW323)")?;
    checked(p, Message, "BerichtVersie", |t| t.trim() == VERSION.0, "version 3 of iJw")?;
    checked(p, Message, "BerichtSubversie", |t| t.trim() == VERSION.1, "subversion 2 of iJw 3")?;
    let sender_agb = checked(p, Message, "Afzender", |t| is_digits(t, 8), "an AGB code of 8 digits")?;
    let municipality_code = checked(p, Message, "Ontvanger", |t| is_digits(t, 4), "a municipality code of 4 digits")?;
    p.open(Message, "BerichtIdentificatie")?;
    let identification = checked(p, Base, "Identificatie", |t| is_filled(t, 12), "1 to 12 characters")?;
    let sent = day(p, Base, "Dagtekening")?;
    p.close()?;
    p.open(Message, "XsdVersie")?;
    checked(p, Base, "BasisschemaXsdVersie", is_version, "a version such as 0.1.0")?;
    checked(p, Base, "BerichtXsdVersie", is_version, "a version such as 0.1.0")?;
    p.close()?;
    p.close()?;
    p.open(Message, "Declaratie")?;
    let number = checked(p, Message, "DeclaratieNummer", is_number, "1 to 12 letters and digits")?;
    let (begin, end) = period(p, "DeclaratiePeriode")?;
    if begin != begin.first_of_month() || end != begin.last_of_month() || begin < FIRST_MONTH {
        let text = "a declaration covers exactly one calendar month, of 2021 or later";
        return Err(p.fault_in("DeclaratiePeriode", "CS340", text));
    }
    let signed = day(p, Message, "DeclaratieDagtekening")?;
    p.open(Message, "TotaalIngediendBedrag")?;
    // Twelve digits fit 63 bits.
    let amount = i64::try_from(whole(p, Base, "TotaalBedrag", 999_999_999_999)?).unwrap_or(i64::MAX);
    let total = if is_credit(p)? { -amount } else { amount };
    p.close()?;
    Ok(Header { sender_agb, municipality_code, identification, sent, number, begin, end, signed, total })
}

fn service<R: BufRead>(p: &mut Puller<R>, header: &Header, bsn: Bsn) -> Result<DeclaredLine, Jw323Fault> {
    p.open(Message, "Prestatie")?;
    p.open(Message, "ProductReferentie")?;
    let reference = checked(p, Base, "ReferentieNummer", |t| is_filled(t, 20), "1 to 20 characters")?;
    let previous = p.is_next("VorigReferentieNummer")?;
    let previous_reference = if previous {
        Some(checked(p, Base, "VorigReferentieNummer", |t| is_filled(t, 20), "1 to 20 characters")?)
    } else {
        None
    };
    p.close()?;
    let allocation_number = small(p, Message, "ToewijzingNummer", 999_999_999)?;
    let product_category = checked(p, Message, "ProductCategorie", is_category, "a product category of JZ020")?;
    let product_code = checked(p, Message, "ProductCode", |t| is_filled(t, 5), "1 to 5 characters")?;
    let (begin, end) = period(p, "ProductPeriode")?;
    let volume = small(p, Message, "GeleverdVolume", 99_999_999)?;
    let unit = checked(p, Message, "Eenheid", is_unit, "a unit of WJ756")?;
    let priced = p.is_next("ProductTarief")?;
    let tariff = if priced { Some(small(p, Message, "ProductTarief", 99_999_999)?) } else { None };
    p.open(Message, "IngediendBedrag")?;
    let amount = small(p, Base, "Bedrag", 99_999_999)?;
    let credit = is_credit(p)?;
    p.close()?;
    let line = ClaimLine {
        reference,
        provider_agb: header.sender_agb.clone(),
        allocation_number,
        product_category,
        product_code,
        begin,
        end,
        volume,
        unit,
        tariff,
        amount,
        credit,
    };
    let declared = DeclaredLine { bsn, line, previous_reference };
    if let Some((child, rule, text)) = broken_rule(&declared, header) {
        return Err(p.fault_in(child, rule, text));
    }
    p.close()?;
    Ok(declared)
}

/// The first rule across elements that a line breaks: in which element, which rule, what to do.
fn broken_rule(declared: &DeclaredLine, header: &Header) -> Option<(&'static str, &'static str, &'static str)> {
    let line = &declared.line;
    let euros = line.unit == EUROS;
    let expected = line.tariff.map_or(u64::from(line.volume), |tariff| u64::from(line.volume) * u64::from(tariff));
    let oldest = header.signed.saturating_sub(5.years());
    let rules = [
        (
            line.credit == declared.previous_reference.is_some(),
            "ProductReferentie",
            "CD060",
            "a credit names the reference it credits (VorigReferentieNummer), a debit does not",
        ),
        (
            line.begin <= line.end && line.begin >= header.begin && line.end <= header.end,
            "ProductPeriode",
            "CS337",
            "the period lies within the calendar month of the declaration",
        ),
        (line.end >= oldest, "ProductPeriode", "TR335", "the period is more than five years before the declaration"),
        (
            euros == line.tariff.is_none(),
            "ProductTarief",
            "CD087",
            "a tariff is needed, except with unit 83 (euros), where there is none",
        ),
        (
            !euros || u64::from(line.amount) == expected,
            "IngediendBedrag",
            "CS339",
            "with unit 83 (euros) the amount equals the volume",
        ),
        (u64::from(line.amount) == expected, "IngediendBedrag", "TR346", "the amount equals volume times tariff"),
        (line.amount > 0 || !line.credit, "IngediendBedrag", "CS325", "an amount of 0 is a debit"),
    ];
    rules.into_iter().find(|(holds, ..)| !holds).map(|(_, child, rule, text)| (child, rule, text))
}
