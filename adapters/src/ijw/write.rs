//! Writing a JW323 declaration that the reader, and the official schema, accept.

use super::fault::Jw323Fault;
use super::message::{DeclaredLine, Header};
use super::read::Jw323Reader;
use super::text::{BASE_NS, MESSAGE_CODE, MESSAGE_NS, VERSION, XSD_VERSION};
use quick_xml::escape::escape;
use std::fmt::Display;

/// The bytes of a declaration: UTF-8 without byte order mark, lines ended by CR LF (OP192). Lines of one person that
/// follow each other share one `Client`.
///
/// # Errors
/// What the reader says of the result: a declaration that breaks a rule is not given out.
pub fn write_jw323(header: &Header, lines: &[DeclaredLine]) -> Result<Vec<u8>, Jw323Fault> {
    let mut page = Page { text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n") };
    page.line(0, &format!("<jw323:Bericht xmlns:ijw=\"{BASE_NS}\" xmlns:jw323=\"{MESSAGE_NS}\">"));
    page.header(header);
    page.declaration(header);
    page.line(2, "<jw323:Clienten>");
    for client in lines.chunk_by(|a, b| a.bsn == b.bsn) {
        page.client(client);
    }
    page.line(2, "</jw323:Clienten>");
    page.line(1, "</jw323:Declaratie>");
    page.line(0, "</jw323:Bericht>");
    let bytes = page.text.into_bytes();
    for line in Jw323Reader::open(bytes.as_slice())? {
        line?;
    }
    Ok(bytes)
}

/// The text as it grows.
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, depth: usize, markup: &str) {
        self.text.extend(std::iter::repeat_n('\t', depth));
        self.text.push_str(markup);
        self.text.push_str("\r\n");
    }

    fn leaf(&mut self, depth: usize, name: &str, value: impl Display) {
        let value = value.to_string();
        self.line(depth, &format!("<{name}>{}</{name}>", escape(value.as_str())));
    }

    /// An element whose children are leaves.
    fn group(&mut self, depth: usize, name: &str, leaves: &[(&str, &dyn Display)]) {
        self.line(depth, &format!("<{name}>"));
        for (leaf, value) in leaves {
            self.leaf(depth + 1, leaf, value);
        }
        self.line(depth, &format!("</{name}>"));
    }

    fn header(&mut self, header: &Header) {
        self.line(1, "<jw323:Header>");
        self.leaf(2, "jw323:BerichtCode", MESSAGE_CODE);
        self.leaf(2, "jw323:BerichtVersie", VERSION.0);
        self.leaf(2, "jw323:BerichtSubversie", VERSION.1);
        self.leaf(2, "jw323:Afzender", &header.sender_agb);
        self.leaf(2, "jw323:Ontvanger", &header.municipality_code);
        let identification: [(&str, &dyn Display); 2] =
            [("ijw:Identificatie", &header.identification), ("ijw:Dagtekening", &header.sent)];
        self.group(2, "jw323:BerichtIdentificatie", &identification);
        let versions: [(&str, &dyn Display); 2] =
            [("ijw:BasisschemaXsdVersie", &XSD_VERSION), ("ijw:BerichtXsdVersie", &XSD_VERSION)];
        self.group(2, "jw323:XsdVersie", &versions);
        self.line(1, "</jw323:Header>");
    }

    /// Opens the declaration: everything before its clients.
    fn declaration(&mut self, header: &Header) {
        self.line(1, "<jw323:Declaratie>");
        self.leaf(2, "jw323:DeclaratieNummer", &header.number);
        self.group(2, "jw323:DeclaratiePeriode", &[("ijw:Begindatum", &header.begin), ("ijw:Einddatum", &header.end)]);
        self.leaf(2, "jw323:DeclaratieDagtekening", header.signed);
        let total: [(&str, &dyn Display); 2] =
            [("ijw:TotaalBedrag", &header.total.unsigned_abs()), ("ijw:DebetCredit", &sign(header.total < 0))];
        self.group(2, "jw323:TotaalIngediendBedrag", &total);
    }

    fn client(&mut self, lines: &[DeclaredLine]) {
        self.line(3, "<jw323:Client>");
        if let Some(first) = lines.first() {
            self.leaf(4, "jw323:Bsn", first.bsn.digits());
        }
        self.line(4, "<jw323:Prestaties>");
        for declared in lines {
            self.service(declared);
        }
        self.line(4, "</jw323:Prestaties>");
        self.line(3, "</jw323:Client>");
    }

    fn service(&mut self, declared: &DeclaredLine) {
        let line = &declared.line;
        self.line(5, "<jw323:Prestatie>");
        let mut references: Vec<(&str, &dyn Display)> = vec![("ijw:ReferentieNummer", &line.reference)];
        if let Some(previous) = &declared.previous_reference {
            references.push(("ijw:VorigReferentieNummer", previous));
        }
        self.group(6, "jw323:ProductReferentie", &references);
        self.leaf(6, "jw323:ToewijzingNummer", line.allocation_number);
        self.leaf(6, "jw323:ProductCategorie", &line.product_category);
        self.leaf(6, "jw323:ProductCode", &line.product_code);
        self.group(6, "jw323:ProductPeriode", &[("ijw:Begindatum", &line.begin), ("ijw:Einddatum", &line.end)]);
        self.leaf(6, "jw323:GeleverdVolume", line.volume);
        self.leaf(6, "jw323:Eenheid", &line.unit);
        if let Some(tariff) = line.tariff {
            self.leaf(6, "jw323:ProductTarief", tariff);
        }
        let amount: [(&str, &dyn Display); 2] = [("ijw:Bedrag", &line.amount), ("ijw:DebetCredit", &sign(line.credit))];
        self.group(6, "jw323:IngediendBedrag", &amount);
        self.line(5, "</jw323:Prestatie>");
    }
}

const fn sign(credit: bool) -> &'static str {
    if credit { "C" } else { "D" }
}
