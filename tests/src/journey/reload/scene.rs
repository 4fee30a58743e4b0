//! A gateway with certificates of an authority that the test has, with a revocation list, and callers.

use super::super::load::{World, connect, dossier, partner, transaction};
use super::super::place::Place;
use super::super::program::{Running, program};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use sluis::client::ask::Reply;
use sluis::client::connection::{CallError, Connection};
use sluis::demo::certificates::{Authority, Issued, Subject, Usage};
use sluis::demo::organisations::{self, HOLDER_OIN, Organisation};
use sluis::operation::stopwatch::Stopwatch;
use sluis::transport::install_cryptography;
use sluis::transport::trust::Protocol;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for something that must come on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a list is good for here.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// What is promised about a revocation.
pub const A_SECOND: Duration = Duration::from_secs(1);

/// The present.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(SystemClock.now()).unwrap()).unwrap()
}

/// An authority that holds around today.
pub fn authority(name: &str) -> Authority {
    Authority::new(name, today().saturating_sub(2.days()), today().saturating_add(1.year())).unwrap()
}

fn today() -> Date {
    dutch_date(SystemClock.now())
}

/// A certificate of this authority that is in order.
pub fn certificate(authority: &Authority, slug: &str, oin: &str) -> Issued {
    let subject = Subject {
        organisation: slug,
        oins: &[oin],
        common_name: slug,
        dns: &["localhost"],
        addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        not_before: today().saturating_sub(1.day()),
        not_after: today().saturating_add(1.month()),
        usage: Usage::Both,
    };
    authority.issue(&subject).unwrap()
}

/// The place, its authority, and a gateway that runs in it and says what it takes over.
pub struct Scene {
    /// The folder.
    pub place: Place,
    /// Who certifies here.
    pub authority: Authority,
    /// For calls.
    pub runtime: Runtime,
    /// The gateway.
    pub gateway: Running,
    serials: BTreeMap<&'static str, Vec<u8>>,
}

impl Scene {
    /// A running gateway whose callers are certified by an authority of the test, and nobody revoked.
    pub fn set(name: &str) -> Self {
        Self::set_with(name, |authority| authority.revocation_list_at(&[], 1000, now(), now() + A_DAY).unwrap())
    }

    /// The same under a list of the test's choice.
    pub fn set_with(name: &str, list: impl FnOnce(&Authority) -> String) -> Self {
        install_cryptography();
        let (place, authority) = (Place::new(name), authority("journey authority"));
        let mut serials = BTreeMap::new();
        for file in ["ca.pem", "callers.pem"] {
            std::fs::write(place.file(file), authority.cert_pem()).unwrap();
        }
        // The callers keep theirs, whatever becomes of the gateway's.
        place.change("gateway.toml", "authorities = \"ca.pem\"", "authorities = \"callers.pem\"");
        keep(&place, "gateway", &certificate(&authority, "gateway", HOLDER_OIN));
        for organisation in organisations::all() {
            let issued = certificate(&authority, organisation.slug, organisation.oin);
            keep(&place, organisation.slug, &issued);
            serials.insert(organisation.slug, issued.serial);
        }
        std::fs::write(place.file("crl.pem"), list(&authority)).unwrap();
        place.change("gateway.toml", "revocation = []", "revocation = [\"crl.pem\"]");
        let mut command = Command::new(program());
        command.args(["serve", "--config"]).arg(place.config()).env("RUST_LOG", "info");
        let gateway = Running::serve_by(&mut command).unwrap_or_else(|said| panic!("it does not start: {said:#?}"));
        Self { place, authority, runtime: Runtime::new().unwrap(), gateway, serials }
    }

    /// Writes a file of the gateway in one step, as whoever replaces a running gateway's files should.
    pub fn put(&self, name: &str, text: &str) {
        put(&self.place, name, text);
    }

    /// A list under this number with these organisations on it, good for a day.
    pub fn list(&self, number: u64, revoked: &[&Organisation]) -> String {
        self.list_until(number, revoked, now() + A_DAY)
    }

    /// The same until this moment.
    pub fn list_until(&self, number: u64, revoked: &[&Organisation], end: Timestamp) -> String {
        let serials: Vec<&[u8]> = revoked.iter().map(|o| self.serials[o.slug].as_slice()).collect();
        self.authority.revocation_list_at(&serials, number, now(), end).unwrap()
    }

    /// Waits until the gateway says a line with all these words.
    pub fn hears(&self, words: &[&str]) {
        self.hears_after(0, words);
    }

    /// The same in what it says after so many bytes.
    pub fn hears_after(&self, before: usize, words: &[&str]) {
        let begin = Stopwatch::start();
        while !self.heard_after(before, words) {
            assert!(begin.elapsed() < PATIENCE, "no line with {words:?} in:\n{}", self.gateway.heard());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the gateway said a line with all these words.
    pub fn heard(&self, words: &[&str]) -> bool {
        self.heard_after(0, words)
    }

    fn heard_after(&self, before: usize, words: &[&str]) -> bool {
        self.gateway.heard()[before..].lines().any(|line| words.iter().all(|word| line.contains(word)))
    }

    /// A connection as this organisation.
    pub fn connect(&self, organisation: &Organisation) -> Connection {
        self.runtime.block_on(connect(&self.place, organisation))
    }

    /// One question over a connection; what it answers does not matter, only that it does.
    pub fn ask(&self, connection: &Connection) -> Result<Reply, CallError> {
        self.runtime.block_on(connection.ask(&dossier("1000001"), transaction()))
    }

    /// A world with clients whose dossier is released to the partner.
    pub fn world(&self) -> World {
        self.runtime.block_on(World::lay(&self.place, &self.gateway)).0
    }

    /// A TLS connection as this organisation on which nothing was said yet.
    pub fn dial(&self, organisation: &Organisation, protocol: Protocol) -> std::io::Result<TlsStream<TcpStream>> {
        let listen = self.place.config_read().listen;
        let at = if protocol == Protocol::Grpc { listen.grpc } else { listen.token.unwrap() };
        self.runtime.block_on(dial(at, self.place.profile(organisation).tls(protocol).unwrap()))
    }
}

/// The partner that is never revoked here: the second.
pub fn bystander() -> Organisation {
    organisations::partners().nth(1).unwrap()
}

/// The partner that asks, and is revoked where somebody is.
pub fn asker() -> Organisation {
    partner()
}

async fn dial(at: SocketAddr, tls: std::sync::Arc<rustls::ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(at).await?;
    TlsConnector::from(tls).connect(rustls::pki_types::ServerName::try_from("localhost").unwrap(), tcp).await
}

/// Writes beside the file and renames: whoever reads sees the old file or the new one.
pub fn put(place: &Place, name: &str, text: &str) {
    let beside = place.file(&format!("{name}.new"));
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, place.file(name)).unwrap();
}

/// Puts certificate and key, each in one step.
pub fn keep(place: &Place, slug: &str, issued: &Issued) {
    put(place, &format!("certs/{slug}.pem"), &issued.cert_pem);
    put(place, &format!("certs/{slug}.key"), &issued.key_pem);
}
