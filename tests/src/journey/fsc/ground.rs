//! A gateway as an Inway: the real binary, its tokens from the Manager of the holder, its contracts in the enrolments.

use crate::journey::place::Place;
use crate::journey::program::{Running, Said, sluis};
use crate::world::desk::Desk;
use crate::world::manager::{Manager, Realm, claims};
use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use sluis::client::ask::by_client_number;
use sluis::demo::organisations::{DOSSIER_SYSTEM, HOLDER_OIN, Organisation, partners};
use sluis::enrolment::EnrolmentFile;
use sluis::transport::peer::Peer;
use sluis_core::enrolment::{FscGrant, GrantHash};
use sluis_core::organisation::Oin;
use sluis_proto::v1;
use std::path::{Path, PathBuf};

pub const GROUP: &str = "sluis-demo";
pub const SERVICE: &str = "sluis";
pub const WORKER: &str = "fs-fsc";

/// An Inway with its Manager. Nothing is served before [`Inway::serve`].
pub struct Inway {
    pub place: Place,
    pub manager: Manager,
    audience: String,
}

/// The one who consumes the service, and its worker's employer.
pub fn consumer() -> Organisation {
    partners().next().unwrap()
}

/// One who calls on behalf of the consumer.
pub fn delegatee() -> Organisation {
    partners().nth(1).unwrap()
}

/// A grant hash that no other number gives: type 3 is a service connection, type 4 a delegated one.
pub fn hash(kind: u8, number: u8) -> String {
    format!("$1${kind}${}", BASE64URL_NOPAD.encode(&[number; 64]))
}

/// A grant as the enrolment has it.
pub fn grant(hash: &str) -> FscGrant {
    FscGrant { hash: GrantHash::parse(hash).unwrap(), delegator: None, publication_delegator: None, until: None }
}

/// The grant of the consumer, and the one of the holder's system.
pub fn direct() -> String {
    hash(3, 1)
}

impl Inway {
    /// A folder with tokens from a Manager. The consumer and the holder's system have a contract; `more` adds to it.
    pub fn new(name: &str, more: impl FnOnce(&mut EnrolmentFile)) -> Self {
        let place = Place::new(name);
        let manager = Manager::new(HOLDER_OIN);
        std::fs::write(place.file("manager.pem"), &manager.certificate).unwrap();
        let mut config: toml::Table = toml::from_str(&std::fs::read_to_string(place.config()).unwrap()).unwrap();
        config["listen"].as_table_mut().unwrap().remove("token").unwrap();
        let token = config["token"].as_table_mut().unwrap();
        token.remove("key").unwrap();
        let audience = token["audience"].as_str().unwrap().to_owned();
        let external = toml::Table::from_iter([("certificates".to_owned(), vec!["manager.pem".to_owned()].into())]);
        token.insert("external".to_owned(), external.into());
        std::fs::write(place.config(), toml::to_string(&config).unwrap()).unwrap();
        let inway = Self { place, manager, audience };
        inway.enrol(|file| {
            grants_of(file, &consumer()).push(grant(&direct()));
            grants_of(file, &DOSSIER_SYSTEM).push(grant(&hash(3, 2)));
            more(file);
        });
        inway
    }

    /// Changes who is enrolled, and how; the next start brings the register in line.
    pub fn enrol(&self, change: impl FnOnce(&mut EnrolmentFile)) {
        let path = self.place.file("organisations.toml");
        let mut file: EnrolmentFile = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut file);
        std::fs::write(&path, toml::to_string(&file).unwrap()).unwrap();
    }

    /// Starts it.
    pub fn serve(&self) -> Running {
        self.place.serve()
    }

    /// What the certificate of an organisation proves.
    pub fn peer(&self, organisation: &Organisation) -> Peer {
        peer(&self.place.file(&format!("certs/{}.pem", organisation.slug)))
    }

    /// Claims for this organisation under this grant, as the Manager makes them.
    pub fn claims(&self, organisation: &Organisation, grant: &str) -> Value {
        let realm = Realm { issuer: HOLDER_OIN, audience: &self.audience, group: GROUP, service: SERVICE };
        claims(&realm, &self.peer(organisation), grant)
    }

    /// The claims of a good token of the consumer.
    pub fn good(&self) -> Value {
        self.claims(&consumer(), &direct())
    }

    /// An organisation with a token of these claims.
    pub async fn outway(&self, organisation: &Organisation, claims: &Value) -> Desk {
        Desk::with_token(self.place.profile(organisation), self.manager.token(claims)).await
    }

    /// Puts the consumer's worker on a client's caseload, as the holder's system, and gives the question about the client.
    pub async fn caseload(&self) -> v1::ReleaseRequest {
        let client = self.client();
        let system = self.outway(&DOSSIER_SYSTEM, &self.claims(&DOSSIER_SYSTEM, &hash(3, 2))).await;
        let caseload = v1::Caseload { partner_oin: consumer().oin.to_owned(), worker: WORKER.to_owned() };
        let subject = by_client_number(&client);
        system.record(subject.clone(), v1::standing::Kind::Caseload(caseload), true).await.unwrap();
        v1::ReleaseRequest {
            subject: Some(subject),
            purpose: v1::Purpose::Treatment.into(),
            fields: Vec::new(),
            actor: WORKER.to_owned(),
        }
    }

    fn client(&self) -> String {
        let holder = rusqlite::Connection::open(self.place.file("holder.db")).unwrap();
        let one = "SELECT client_number FROM client WHERE active_case = 1 AND residence_secret = 0 LIMIT 1";
        holder.query_row(one, [], |row| row.get(0)).unwrap()
    }

    /// The transaction log records, by the command; beside the running gateway.
    pub fn records(&self, more: &[&str]) -> Vec<Value> {
        let said = self.records_command(more);
        assert_eq!(said.status, Some(0), "{said:#?}");
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs `sluis log fsc-records`.
    pub fn records_command(&self, more: &[&str]) -> Said {
        let config = self.place.config().display().to_string();
        sluis(["log", "fsc-records", "--config", &config].into_iter().chain(more.iter().copied()))
    }
}

/// What a certificate proves.
pub fn peer(certificate: &Path) -> Peer {
    let pem = std::fs::read(certificate).unwrap();
    Peer::from_certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap()
}

/// The grants of an organisation's only enrolment.
pub fn grants_of<'a>(file: &'a mut EnrolmentFile, organisation: &Organisation) -> &'a mut Vec<FscGrant> {
    let oin = Oin::parse(organisation.oin).unwrap();
    &mut file.organisation.iter_mut().find(|e| e.oin == oin).unwrap().fsc_grants
}

/// What an error says to an Outway: our reason, FSC's code, and whether a token is asked for.
pub fn fsc_error(status: &tonic::Status) -> (String, String, bool) {
    let (_, reason, _) = crate::world::desk::said(status);
    let value = |name| status.metadata().get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
    let bearer = value("www-authenticate");
    assert!(bearer.is_empty() || bearer == "Bearer", "{bearer}");
    (reason, value("fsc-error-code"), !bearer.is_empty())
}

/// Replaces a certificate of a folder by another one, under a name of its own.
pub fn keep(place: &Place, slug: &str, certificate: &str, key: &str) -> [PathBuf; 2] {
    let files = ["pem", "key"].map(|end| place.file(&format!("certs/{slug}.{end}")));
    std::fs::write(&files[0], certificate).unwrap();
    std::fs::write(&files[1], key).unwrap();
    files
}
