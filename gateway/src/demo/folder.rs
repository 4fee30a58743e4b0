//! The folder of a demo: a certificate authority, keys, a holder's database, a declaration, a configuration, profiles.

use super::certificates::{Authority, Subject, Usage};
use super::organisations::{self, HOLDER, HOLDER_NAME, HOLDER_OIN, NEWCOMER, Organisation};
use super::people::{self, PARTNERS};
use crate::cli::Failure;
use crate::config::{self, Config, Mode};
use crate::transport::profile::Profile;
use jiff::ToSpan;
use jiff::civil::Date;
use rusqlite::{Connection, OpenFlags};
use sluis_adapters::ijw::write_jw323;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_core::enrolment::operator::{Operator, OperatorRole};
use sluis_core::organisation::Oin;
use sluis_core::ports::Signer;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Marks a folder that a demo may empty and make again.
const MARKER: &str = ".sluis-demo";
/// Seed of the people: the same 9,000 every time.
const SEED: u64 = 2026;

const KRACHT: &str = include_str!("../../policy/kracht.toml");
const AKJ: &str = include_str!("../../policy/akj.toml");
const STATUTORY: &str = include_str!("../../policy/statutory.toml");
const CATALOG: &str = include_str!("../../policy/catalog.toml");
const CEILING: &str = include_str!("../../policy/ceiling.toml");
const HOLDER_MAP: &str = include_str!("../../policy/holder.toml");

/// A demo's folder that is ready to be served.
pub struct Folder {
    /// Where.
    pub dir: PathBuf,
    /// The configuration, as read back from its file.
    pub config: Config,
    /// References of the lines that were made wrong in the declaration.
    pub planted: Vec<String>,
}

impl Folder {
    /// Makes everything anew. A folder that no demo made is left alone.
    ///
    /// # Errors
    /// When the folder holds something else, or a file cannot be written.
    pub fn make(dir: &Path, today: Date) -> Result<Self, Failure> {
        empty(dir)?;
        for (name, text) in
            [("kracht", KRACHT), ("akj", AKJ), ("statutory", STATUTORY), ("catalog", CATALOG), ("ceiling", CEILING)]
        {
            write(&dir.join(format!("policy/{name}.toml")), text)?;
        }
        write(&dir.join("policy/holder.toml"), HOLDER_MAP)?;
        let (grpc, token) = (free_port()?, free_port()?);
        certificates(dir, today)?;
        for organisation in everybody() {
            profile(dir, &organisation, grpc, token)?;
        }
        let until = today.saturating_add(1.year());
        write(&dir.join("organisations.toml"), &toml::to_string(&organisations::enrolments(until)?)?)?;
        write(&dir.join("westland.toml"), &toml::to_string(&organisations::newcomer(until)?)?)?;
        operators(dir)?;
        people::create(&dir.join("holder.db"), SEED, today)?;
        let planted = declaration(dir, today)?;
        let file = dir.join("gateway.toml");
        write(&file, &toml::to_string(&configuration(grpc, token, today.year())?)?)?;
        Ok(Self { dir: dir.to_owned(), config: Config::read(&file)?, planted })
    }

    /// The profile of an organisation.
    #[must_use]
    pub fn profile(&self, organisation: &Organisation) -> PathBuf {
        self.dir.join(format!("profiles/{}.toml", organisation.slug))
    }

    /// The declaration that The Hague audits.
    #[must_use]
    pub fn declaration(&self) -> PathBuf {
        self.dir.join("declaration.xml")
    }

    /// The holder's database, for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn holder(&self) -> Result<Connection, Failure> {
        open_holder(&self.dir)
    }
}

fn open_holder(dir: &Path) -> Result<Connection, Failure> {
    Ok(Connection::open_with_flags(dir.join("holder.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

fn empty(dir: &Path) -> Result<(), Failure> {
    if dir.exists() {
        let is_ours = dir.join(MARKER).exists();
        let is_empty = std::fs::read_dir(dir)?.next().is_none();
        if !is_ours && !is_empty {
            return Err(
                format!("`{}` exists and no demo made it: name another folder with --dir", dir.display()).into()
            );
        }
        if sluis_adapters::sqlite::in_use(&dir.join("log.db"))? {
            let text = "a gateway serves from `{}` now: stop it first, or name another folder with --dir";
            return Err(text.replace("{}", &dir.display().to_string()).into());
        }
        std::fs::remove_dir_all(dir)?;
    }
    for folder in ["certs", "operators", "profiles", "policy", "receipts"] {
        std::fs::create_dir_all(dir.join(folder))?;
    }
    write(&dir.join(MARKER), "made by `sluis demo`; the next demo in this folder removes everything\n")
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|e| format!("cannot write `{}`: {e}", file.display()).into())
}

/// Whoever has a certificate and a profile: the ten, the holder's own persons, and one that is not enrolled yet.
fn everybody() -> impl Iterator<Item = Organisation> {
    organisations::all().into_iter().chain([HOLDER, NEWCOMER])
}

/// The two persons who may change enrolments: `operators/<slug>.key`, and the register of both.
pub const OPERATORS: [(&str, &str); 2] = [("anna", "Anna de Wit"), ("bram", "Bram Kok")];

fn operators(dir: &Path) -> Result<(), Failure> {
    let mut register = String::new();
    for (slug, name) in OPERATORS {
        let key = Ed25519Signer::generate(&dir.join(format!("operators/{slug}.key")), &OsEntropy)?.public_key();
        register += &Operator { name: name.to_owned(), role: OperatorRole::Enrolment, key }.to_entry();
    }
    write(&dir.join("operators.toml"), &register)
}

/// A private key, readable by its owner only.
fn write_key(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(sluis_adapters::secret_file::create(file, text.as_bytes())?)
}

fn free_port() -> Result<u16, Failure> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn certificates(dir: &Path, today: Date) -> Result<(), Failure> {
    let (from, to) = (today.saturating_sub(1.day()), today.saturating_add(1.year()));
    let authority = Authority::new("Sluis demo authority, not for real dossiers", from, to)?;
    write(&dir.join("ca.pem"), authority.cert_pem())?;
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let issue = |slug: &str, name: &str, oin: &str, usage| -> Result<(), Failure> {
        let issued = authority.issue(&Subject {
            organisation: name,
            oins: &[oin],
            common_name: slug,
            dns: &["localhost"],
            addresses: &loopback,
            not_before: from,
            not_after: to,
            usage,
        })?;
        write(&dir.join(format!("certs/{slug}.pem")), &issued.cert_pem)?;
        write_key(&dir.join(format!("certs/{slug}.key")), &issued.key_pem)
    };
    issue("gateway", HOLDER_NAME, HOLDER_OIN, Usage::Both)?;
    for organisation in everybody() {
        issue(organisation.slug, organisation.name, organisation.oin, Usage::Client)?;
    }
    Ok(())
}

fn profile(dir: &Path, organisation: &Organisation, grpc: u16, token: u16) -> Result<(), Failure> {
    let slug = organisation.slug;
    let profile = Profile {
        endpoint: format!("127.0.0.1:{grpc}"),
        token_endpoint: format!("https://127.0.0.1:{token}/token"),
        scope: SERVICE.to_owned(),
        ca: "../ca.pem".into(),
        cert: format!("../certs/{slug}.pem").into(),
        key: format!("../certs/{slug}.key").into(),
        oin: Oin::parse(organisation.oin)?,
    };
    write(&dir.join(format!("profiles/{slug}.toml")), &toml::to_string(&profile)?)
}

/// The service that tokens are for.
const SERVICE: &str = "sluis";

/// Last closed month of the first partner, with wrong lines among the right ones.
fn declaration(dir: &Path, today: Date) -> Result<Vec<String>, Failure> {
    let [partner, ..] = PARTNERS;
    let month = today.first_of_month().saturating_sub(1.month());
    let invoice = people::declaration(&open_holder(dir)?, partner, month, true)?;
    std::fs::write(dir.join("declaration.xml"), write_jw323(&invoice.header, &invoice.lines)?)?;
    Ok(invoice.planted.into_iter().map(|(reference, _)| reference).collect())
}

fn configuration(grpc: u16, token: u16, year: i16) -> Result<Config, Failure> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Config {
        mode: Mode::Demo,
        organisation: config::Organisation {
            oin: Oin::parse(HOLDER_OIN)?,
            name: HOLDER_NAME.to_owned(),
            domain: "kracht.example".to_owned(),
        },
        listen: config::Listen {
            grpc: at(grpc),
            token: Some(at(token)),
            calls_max: 512,
            connections_max: 1024,
            connection_age_s: config::Listen::CONNECTION_AGE_S,
            transaction_id_required: false,
        },
        tls: config::Tls {
            certificate: "certs/gateway.pem".into(),
            key: "certs/gateway.key".into(),
            authorities: "ca.pem".into(),
            revocation: Vec::new(),
        },
        token: config::Token {
            audience: format!("https://127.0.0.1:{grpc}"),
            group: "sluis-demo".to_owned(),
            service: SERVICE.to_owned(),
            key: Some("token.key".into()),
            external: None,
        },
        log: config::Log {
            database: Some("log.db".into()),
            signing_key: "log.key".into(),
            anchor: None,
            year,
            epoch: 1,
            postgres: None,
            retention: None,
        },
        keys: config::Keys {
            database: Some("keys.db".into()),
            master_key: "master.key".into(),
            wrapping: None,
            wrapping_days: 31,
            postgres: None,
        },
        holder: config::Holder { database: "holder.db".into(), map: "policy/holder.toml".into() },
        policy: config::PolicyFiles {
            catalog: "policy/catalog.toml".into(),
            ceiling: "policy/ceiling.toml".into(),
            policy: "policy/kracht.toml".into(),
        },
        enrolment: config::Enrolment { file: Some("organisations.toml".into()) },
        // The ground of the benches too, which measure the gateway and not its limits.
        limits: config::Limits::unmetered(),
        // The machine of whoever tries this out may be almost full; a demonstration must not stop for it.
        operation: config::Operation { disk_free_min_percent: 0, ..config::Operation::default() },
        operators: config::Operators { register: Some("operators.toml".into()) },
    })
}
