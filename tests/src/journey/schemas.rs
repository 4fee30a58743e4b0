//! Two databases that are not ours, connected to the real binary by configuration alone: exactly the right fields leave.
//!
//! Everything else in those databases is a canary: no value of it is in a reply, in its headers, or in a log line.

use super::place::Place;
use super::program::{Running, sluis};
use crate::world::desk::Desk;
use crate::world::people::{actor, question, today};
use crate::world::raw::Raw;
use prost::Message;
use rusqlite::Connection;
use sluis::client::ask::{by_bsn, by_client_number};
use sluis::client::standing::on_wire;
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, PORTAL, THE_HAGUE, partners};
use sluis_core::organisation::Oin;
use sluis_core::standing::{AuthorityState, Change};
use sluis_proto::v1;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const WORKER: &str = "worker-1";
const PARENT: &str = "parent-11";

/// A gateway on a database of another make.
pub struct Theirs {
    pub place: Place,
    gateway: Option<Running>,
    /// The year in which the children were born: they are ten.
    year: String,
}

/// A child, with what is asked about it.
type Said = BTreeMap<String, String>;

fn schema(name: &str, file: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name).join(file);
    std::fs::read_to_string(file).unwrap()
}

/// The year of birth of the children of the schemas.
fn birth_year() -> String {
    (today().year() - 10).to_string()
}

/// A folder whose holder is this schema: its database, its map, and two lines of the configuration.
pub fn connected(name: &str, schema_name: &str) -> Place {
    let place = Place::new(name);
    for entry in std::fs::read_dir(&place.dir).unwrap().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        if ["holder.db", "keys.db", "log.db", "master.key", "log.key", "token.key", "log.anchor"]
            .iter()
            .any(|made| file.starts_with(made))
        {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    std::fs::remove_file(place.file("wrapping/1.key")).unwrap();
    let database = Connection::open(place.file("theirs.db")).unwrap();
    database.execute_batch(&schema(schema_name, "schema.sql")).unwrap();
    database.execute_batch(&schema(schema_name, "rows.sql").replace("2016", &birth_year())).unwrap();
    std::fs::write(place.file("theirs.toml"), schema(schema_name, "map.toml")).unwrap();
    place.change("gateway.toml", "database = \"holder.db\"", "database = \"theirs.db\"");
    place.change("gateway.toml", "map = \"policy/holder.toml\"", "map = \"theirs.toml\"");
    let init = sluis([Path::new("init"), Path::new("--config"), &place.config()]);
    assert_eq!(init.status, Some(0), "{init:#?}");
    place
}

impl Theirs {
    fn serve(name: &str, schema: &str) -> Self {
        let place = connected(name, schema);
        let gateway = Some(place.serve());
        Self { place, gateway, year: birth_year() }
    }

    async fn desk(&self, organisation: &Organisation) -> Desk {
        Desk::open(self.place.profile(organisation)).await
    }

    async fn record(&self, number: &str, change: &Change) {
        let (kind, on) = on_wire(change);
        self.desk(&DOSSIER_SYSTEM).await.record(by_client_number(number), kind, on).await.unwrap();
    }

    /// What a worker on the case is told, and a worker's partner besides.
    async fn treatment(&self, number: &str, subject: v1::Subject) -> Option<Said> {
        let partner = partners().next().unwrap();
        let change = Change::Caseload { partner: Oin::parse(partner.oin).unwrap(), worker: actor(WORKER), on: true };
        self.record(number, &change).await;
        self.asked(&partner, question(subject, v1::Purpose::Treatment, WORKER)).await
    }

    async fn asked(&self, who: &Organisation, question: v1::ReleaseRequest) -> Option<Said> {
        let raw = self.desk(who).await.raw("/sluis.v1.ReleaseService/Release", &[question]).await;
        let reply = raw.messages::<v1::ReleaseResponse>().pop().unwrap_or_else(|| panic!("no reply: {}", raw.metadata));
        let reply = reply.outcome.unwrap();
        let said = match reply {
            v1::release_response::Outcome::Released(released) => Some(values(&released.body)),
            _ => None,
        };
        self.nothing_else(&raw, said.as_ref());
        said
    }

    /// What The Hague is told with a claim line that agrees.
    async fn invoice(&self, bsn: &str) -> Option<Said> {
        let opening = v1::AuditOpening {
            declaration_number: "D1".to_owned(),
            provider_agb: "41410001".to_owned(),
            actor: "controller-1".to_owned(),
        };
        let line = v1::ClaimLine {
            reference: "R1".to_owned(),
            bsn: bsn.to_owned(),
            allocation_number: 7001,
            product_category: "45".to_owned(),
            product_code: "45A04".to_owned(),
            begin: "2026-10-01".to_owned(),
            end: "2026-10-31".to_owned(),
            volume: 120,
            unit: "01".to_owned(),
            tariff: Some(112),
            amount: 13440,
            credit: false,
        };
        use v1::audit_invoice_request::Message as Sent;
        let sent = [Sent::Opening(opening), Sent::Line(line)];
        let sent = sent.map(|message| v1::AuditInvoiceRequest { message: Some(message) });
        let raw = self.desk(&THE_HAGUE).await.raw("/sluis.v1.InvoiceAuditService/AuditInvoice", &sent).await;
        let pages = raw.messages::<v1::AuditInvoiceResponse>().into_iter().filter_map(|reply| match reply.message {
            Some(v1::audit_invoice_response::Message::Page(page)) => Some(page),
            _ => None,
        });
        let body = pages.flat_map(|page| page.findings).map(|finding| finding.body).next().unwrap();
        let said = (!body.is_empty()).then(|| values(&body));
        self.nothing_else(&raw, said.as_ref());
        said
    }

    /// No value of the database is in a reply but those that were released.
    fn nothing_else(&self, raw: &Raw, said: Option<&Said>) {
        let whole = format!("{}{}", raw.metadata, String::from_utf8_lossy(&raw.body));
        let released: Vec<&String> = said.into_iter().flat_map(BTreeMap::values).collect();
        for value in self.everything() {
            let expected = released.iter().any(|text| text.contains(value.as_str()));
            assert!(expected || !whole.contains(&value), "`{value}` left with {said:?}");
        }
    }

    /// Every text in the database that is long enough to be recognised in bytes.
    fn everything(&self) -> BTreeSet<String> {
        let database = Connection::open(self.place.file("theirs.db")).unwrap();
        let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut all = BTreeSet::new();
        for table in tables {
            let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let width = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let cells = (0..width).filter_map(|n| row.get_ref(n).unwrap().as_str().ok().map(str::trim));
                all.extend(cells.filter(|text| text.len() >= 6).map(str::to_owned));
            }
        }
        assert!(all.iter().filter(|text| text.contains("Canary")).count() > 15, "{all:?}");
        all
    }

    fn write(&self, sql: &str) {
        Connection::open(self.place.file("theirs.db")).unwrap().execute_batch(sql).unwrap();
    }

    /// Stops the gateway; its log lines hold nothing of the database.
    fn end(mut self) {
        let gateway = self.gateway.take().unwrap();
        gateway.signal("TERM");
        let ended = gateway.end();
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        for value in self.everything() {
            assert!(!ended.err.contains(&value), "`{value}` in a log line: {}", ended.err);
        }
    }
}

fn values(body: &[u8]) -> Said {
    let extract = v1::Extract::decode(body).unwrap();
    let code = |field: v1::Field| field.as_str_name().trim_start_matches("FIELD_").to_lowercase();
    extract.values.iter().map(|v| (code(v.field()), v.value.clone())).collect()
}

/// Expected values: `field: text`, one a line.
fn said(text: &str) -> Option<Said> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Some(lines.map(|line| line.split_once(": ").unwrap()).map(|(f, v)| (f.to_owned(), v.to_owned())).collect())
}

fn portal_authority() -> Change {
    let portal = Oin::parse(PORTAL.oin).unwrap();
    Change::Authority { portal, person: actor(PARENT), state: Some(AuthorityState::Verified) }
}

#[tokio::test]
async fn a_schema_with_tables_for_what_changes_in_time() {
    let theirs = Theirs::serve("schema-history", "history");
    let noor = format!(
        "name: Noor van der Berg
         birth_date: {}-03-14
         gender: 2
         address: Lange Voorhout 12
         postcode: 2514EA
         house_number: 12
         place: Den Haag
         phone: 0700000001
         email: noor@example.org
         bsn: 999900043
         client_number: 50001
         help_question: Question of 50001
         health_summary: Health of 50001
         plan: Plan of 50001
         plan_summary: Summary of 50001
         care_status: Progress of 50001
         parents_contact: Anna van der Berg 0700000011; Piet Jansen
         parents_authority: Anna van der Berg with authority; Piet Jansen without authority",
        theirs.year
    );
    assert_eq!(theirs.treatment("50001", by_client_number("50001")).await, said(&noor));
    assert_eq!(theirs.treatment("50001", by_bsn("999900043")).await, said(&noor));
    assert_eq!(theirs.treatment("50001", by_bsn("999900006")).await, None, "the BSN of before the correction");

    // A secret residence by the address table alone, and a code that the map does not have: neither leaves.
    let sam = format!(
        "name: Sam Bakker
         birth_date: {}-05-00
         bsn: 999900018
         client_number: 50002
         help_question: Question of 50002
         health_summary: Health of 50002
         plan: Plan of 50002
         plan_summary: Summary of 50002
         care_status: Progress of 50002
         parents_authority: Anna van der Berg with authority",
        theirs.year
    );
    assert_eq!(theirs.treatment("50002", by_client_number("50002")).await, said(&sam));

    // Two homes at once and two plans of one day: neither, and what is not known to be open is secret.
    let bo = theirs.treatment("50003", by_client_number("50003")).await.unwrap();
    assert_eq!(bo["bsn"], "012345672", "the zero that was lost");
    let fields: Vec<&str> = bo.keys().map(String::as_str).collect();
    assert_eq!(fields, ["birth_date", "bsn", "client_number", "gender", "health_summary", "help_question", "name"]);

    to_parents_and_the_municipality(&theirs).await;
    // A BSN that is corrected on the holder's side alone: nobody is known until the correction is recorded.
    theirs.write("UPDATE \"PersonNumber\" SET \"Number\" = 999900079 WHERE \"PersonId\" = 2");
    assert_eq!(theirs.treatment("50001", by_client_number("50002")).await, None);
    theirs.end();
}

async fn to_parents_and_the_municipality(theirs: &Theirs) {
    theirs.record("50001", &portal_authority()).await;
    let asked = question(by_client_number("50001"), v1::Purpose::ParentInformation, PARENT);
    let parent = "care_status: Progress of 50001\nplan: Plan of 50001\nplan_summary: Summary of 50001";
    assert_eq!(theirs.asked(&PORTAL, asked).await, said(parent));

    let invoice = "name: Noor van der Berg
         address: Lange Voorhout 12
         place: Den Haag
         bsn: 999900043
         provider_agb: 41410001
         period: 2026-10-01/2026-10-31
         allocation_number: 7001
         product_category: 45
         product_code: 45A04
         volume: 120
         unit: 01
         tariff: 112
         amount: 13440
         referring_doctor: Dr. Visser
         decision_number: B-2026-1";
    assert_eq!(theirs.invoice("999900043").await, said(invoice));
    let secret = theirs.invoice("999900018").await.unwrap();
    assert!(
        secret.contains_key("amount") && !secret.contains_key("name") && !secret.contains_key("place"),
        "{secret:?}"
    );
}

#[tokio::test]
async fn a_wide_table_with_dutch_names_and_codes() {
    let theirs = Theirs::serve("schema-wide", "wide");
    let noor = format!(
        "name: Noor van der Berg
         birth_date: {}-03-14
         gender: 2
         address: Lange Voorhout 12 B
         postcode: 2514 EA
         house_number: 12 B
         place: Den Haag
         phone: 0700000001
         email: noor@example.org
         bsn: 999900043
         client_number: Z-1
         help_question: Question of Z-1
         health_summary: Health of Z-1
         plan: Plan of Z-1
         plan_summary: Summary of Z-1
         care_status: Status of Z-1
         appointments: Appointments of Z-1
         parents_contact: Anna van der Berg 0700000011; Piet Jansen
         parents_authority: Anna van der Berg with authority; Piet Jansen without authority",
        theirs.year
    );
    assert_eq!(theirs.treatment("Z-1", by_bsn("999900043")).await, said(&noor));
    let sam = theirs.treatment("Z-2", by_client_number("Z-2")).await.unwrap();
    assert_eq!(sam["bsn"], "012345672", "the zero that was lost");
    for absent in ["gender", "address", "postcode", "house_number", "place", "phone", "email", "parents_contact"] {
        assert!(!sam.contains_key(absent), "{absent}: {sam:?}");
    }
    assert_eq!(theirs.treatment("Z-3", by_client_number("Z-3")).await, None, "`misschien` is no running care");

    theirs.record("Z-1", &portal_authority()).await;
    let asked = question(by_client_number("Z-1"), v1::Purpose::ParentInformation, PARENT);
    let parent = "care_status: Status of Z-1
         plan_summary: Summary of Z-1
         appointments: Appointments of Z-1
         plan: Plan of Z-1";
    assert_eq!(theirs.asked(&PORTAL, asked).await, said(parent));

    let invoice = "name: Noor van der Berg
         address: Lange Voorhout 12 B
         place: Den Haag
         bsn: 999900043
         provider_agb: 41410001
         period: 2026-10-01/2026-10-31
         allocation_number: 7001
         product_category: 45
         product_code: 45A04
         volume: 120
         unit: 01
         tariff: 112
         amount: 13440";
    assert_eq!(theirs.invoice("999900043").await, said(invoice));
    theirs.end();
}
