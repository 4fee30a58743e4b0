//! What stands in the folder of a house: who is enrolled, who is in the holder's database, the configuration.

use super::{HOLDER, PARENT, PARTNER, PORTAL, child};
use jiff::ToSpan;
use sluis::config::{self, Config, Mode};
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::{Agreement, Enrolment};
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::ports::Clock;
use sluis_core::subject::{Bsn, dutch_date};
use std::path::Path;

/// The organisations that are enrolled.
pub(super) fn organisations() -> Vec<Enrolment> {
    let enrolment = |oin: &str, recipient, purposes: &[Purpose]| Enrolment {
        oin: Oin::parse(oin).unwrap(),
        name: format!("test {recipient}"),
        unit: String::new(),
        recipient,
        capacity: None,
        suspended_purposes: Vec::new(),
        certificates: Vec::new(),
        purposes: purposes.to_vec(),
        agreement: Agreement { reference: "T-1".to_owned(), until: jiff::civil::date(2099, 12, 31) },
        agreement_6a3: None,
        municipality_code: None,
        uzovi: None,
        agb: None,
        secrecy_signed: true,
        bsn_ground: None,
        records_standing: recipient == RecipientType::Holder,
        suspended: false,
        fsc_grants: Vec::new(),
    };
    vec![
        enrolment(HOLDER, RecipientType::Holder, &[]),
        enrolment(PORTAL, RecipientType::Parent, &[Purpose::ParentInformation]),
        enrolment(PARTNER, RecipientType::CarePartner, &[Purpose::Treatment]),
    ]
}

/// Youths of 16 and a half; every field that a rule of the house reaches has a value.
pub(super) fn people(database: &Path, children: u32) {
    let birth_date = dutch_date(SystemClock.now()).checked_sub(16.years().months(6)).unwrap();
    let holder = rusqlite::Connection::open(database).unwrap();
    holder.execute_batch(sluis::demo::people::SCHEMA).unwrap();
    holder
        .execute("INSERT INTO parent VALUES (?1, 'Noor', NULL, 'Test', '0612345678', 'noor@example.org')", [PARENT])
        .unwrap();
    let mut bsns = (999_900_006_u32..).map(|n| n.to_string()).filter(|n| Bsn::parse(n).is_ok());
    for number in 0..children {
        let id = child(number).value();
        holder
            .execute(
                "INSERT INTO client (client_number, bsn, first_name, last_name, gender, birth_date, street, house_number,
                    postcode, place, phone, email, municipality_code, active_case, residence_secret, help_question,
                    health_summary, plan, plan_summary, care_status, appointments,
                    registered_on, financing, privacy_statement)
                 VALUES (?1, ?3, 'Sam', 'Test', '0', ?2, 'Dorpsstraat', '1', '2548AB', 'Den Haag', '0687654321',
                    'sam@example.org', '0518', 1, 0, 'vraag', 'gezond', 'plan', 'kort', 'loopt', 'morgen',
                    '2026-01-05', 'jeugdwet', 0)",
                (&id, birth_date.to_string(), bsns.next().unwrap()),
            )
            .unwrap();
        holder.execute("INSERT INTO client_parent VALUES (?1, ?2, 'verified')", (&id, PARENT)).unwrap();
    }
}

/// What is configured in a folder.
pub fn configuration(folder: &Path) -> Config {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/policy");
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        mode: Mode::Development,
        organisation: config::Organisation {
            oin: Oin::parse(HOLDER).unwrap(),
            name: "test holder".to_owned(),
            domain: "house.example".to_owned(),
        },
        listen: config::Listen {
            grpc: loopback,
            token: Some(loopback),
            calls_max: 512,
            connections_max: 64,
            connection_age_s: config::Listen::CONNECTION_AGE_S,
            transaction_id_required: false,
        },
        tls: config::Tls {
            certificate: folder.join("absent.pem"),
            key: folder.join("absent.key"),
            authorities: folder.join("absent.pem"),
            revocation: Vec::new(),
        },
        token: config::Token {
            audience: "https://127.0.0.1".to_owned(),
            group: "sluis-house".to_owned(),
            service: "sluis".to_owned(),
            key: Some(folder.join("token.key")),
            external: None,
        },
        log: config::Log {
            database: Some(folder.join("log.db")),
            signing_key: folder.join("log.key"),
            anchor: None,
            year: dutch_date(SystemClock.now()).year(),
            epoch: 1,
            postgres: None,
            retention: None,
        },
        keys: config::Keys {
            database: Some(folder.join("keys.db")),
            master_key: folder.join("master.key"),
            wrapping: None,
            wrapping_days: 31,
            postgres: None,
        },
        holder: config::Holder { database: folder.join("holder.db"), map: policies.join("holder.toml") },
        policy: config::PolicyFiles {
            catalog: policies.join("catalog.toml"),
            ceiling: policies.join("ceiling.toml"),
            policy: policies.join("kracht.toml"),
        },
        enrolment: config::Enrolment { file: Some(folder.join("organisations.toml")) },
        limits: config::Limits::default(),
        // The machine of whoever tries this out may be almost full; a demonstration must not stop for it.
        operation: config::Operation { disk_free_min_percent: 0, ..config::Operation::default() },
        operators: config::Operators::default(),
    }
}
