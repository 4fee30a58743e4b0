//! The folder of a world: authority, certificates, policies, holder's database, configuration. Gone when dropped.

use super::people::{self, GP_CODE, MUNICIPALITIES, UZOVI_CODE, today};
use super::{Options, operators};
use jiff::ToSpan;
use jiff::civil::Date;
use sluis::config::{self, Config, Mode};
use sluis::demo::certificates::{Authority, Issued, Subject, Usage};
use sluis::demo::organisations::{self, HOLDER_NAME, HOLDER_OIN};
use sluis::transport::profile::Profile;
use sluis_core::organisation::Oin;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// The service, group and audience that tokens of a world are for.
pub const SERVICE: &str = "sluis";
/// The FSC group.
pub const GROUP: &str = "sluis-worlds";
/// The audience; a name, since the port is not known before.
pub const AUDIENCE: &str = "https://gateway.world.example";

const FILES: [(&str, &str); 2] = [
    ("catalog", include_str!("../../../gateway/policy/catalog.toml")),
    ("ceiling", include_str!("../../../gateway/policy/ceiling.toml")),
];
const HOLDER: &str = include_str!("../../../gateway/policy/holder.toml");
const KRACHT: &str = include_str!("../../../gateway/policy/kracht.toml");

/// A folder of a world.
pub struct Folder {
    /// Where.
    pub dir: PathBuf,
    /// The configuration, with ports 0.
    pub config: Config,
    /// Who certifies.
    pub authority: Authority,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The column map of the demo, with codes for what the holder of worlds writes in its own words.
fn holder_map() -> String {
    let column = "municipality_code = \"municipality_code\"";
    let codes = MUNICIPALITIES.map(|(written, code)| format!("{written} = \"{code}\"")).join(", ");
    let translated = format!("municipality_code = {{ column = \"municipality_code\", codes = {{ {codes} }} }}");
    let (fields, facts) = HOLDER.rsplit_once("[facts]").unwrap();
    assert!(facts.contains(column), "the map of the demo has another column for the fact");
    format!("{fields}[facts]{}", facts.replacen(column, &translated, 1))
}

/// An authority for `days` around today.
pub fn authority(name: &str) -> Authority {
    Authority::new(name, today().saturating_sub(60.days()), today().saturating_add(1.year())).unwrap()
}

/// A certificate for a caller that is in order, or spoiled by its OINs and days.
pub fn certificate(authority: &Authority, oins: &[&str], not_before: Date, not_after: Date) -> Issued {
    let subject = Subject {
        organisation: HOLDER_NAME,
        oins,
        common_name: "world",
        dns: &["localhost"],
        addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        not_before,
        not_after,
        usage: Usage::Both,
    };
    authority.issue(&subject).unwrap()
}

impl Folder {
    /// Makes a folder.
    pub fn make(options: &Options) -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("sluis-world-{}-{number}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let mut folder = Self { config: configuration(&dir), authority: authority("world authority"), dir };
        folder.config.limits = toml::from_str(options.limits).unwrap();
        for (name, text) in FILES {
            folder.write(&format!("{name}.toml"), text);
        }
        let policy = options.policy.map_or_else(|| KRACHT.to_owned(), |change| change(KRACHT.to_owned()));
        folder.write("kracht.toml", &policy);
        folder.write("holder.toml", &holder_map());
        folder.write("ca.pem", folder.authority.cert_pem());
        folder.keep("gateway", &folder.good(HOLDER_OIN));
        for organisation in organisations::all() {
            folder.keep(organisation.slug, &folder.good(organisation.oin));
        }
        let mut enrolments = organisations::enrolments(today().saturating_add(1.year())).unwrap();
        for enrolment in &mut enrolments.organisation {
            let [(_, hague), (_, rotterdam)] = MUNICIPALITIES;
            let known = [(organisations::THE_HAGUE.oin, hague), (organisations::ROTTERDAM.oin, rotterdam)];
            let code = known.into_iter().find(|(oin, _)| *oin == enrolment.oin.as_str());
            enrolment.municipality_code = code.map(|(_, code)| code.to_owned());
            enrolment.uzovi = enrolment.uzovi.as_ref().map(|_| UZOVI_CODE.to_owned());
            enrolment.agb = enrolment.agb.as_ref().map(|_| GP_CODE.to_owned());
        }
        if let Some(change) = options.enrolments {
            change(&mut enrolments);
        }
        folder.write("operators.toml", &operators::register());
        folder.write("organisations.toml", &toml::to_string(&enrolments).unwrap());
        people::write(&folder.dir.join("holder.db"), &options.clients);
        folder
    }

    /// A certificate that is in order.
    pub fn good(&self, oin: &str) -> Issued {
        certificate(&self.authority, &[oin], today().saturating_sub(2.days()), today().saturating_add(1.month()))
    }

    /// Writes certificate and key as `<slug>.pem` and `<slug>.key`.
    pub fn keep(&self, slug: &str, issued: &Issued) {
        self.write(&format!("{slug}.pem"), &issued.cert_pem);
        self.write(&format!("{slug}.key"), &issued.key_pem);
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.join(name), text).unwrap();
    }

    /// The profile of whoever has the certificate `<slug>.pem`.
    pub fn profile(&self, slug: &str, oin: &str, grpc: SocketAddr, token: SocketAddr) -> Profile {
        Profile {
            endpoint: grpc.to_string(),
            token_endpoint: format!("https://{token}/token"),
            scope: SERVICE.to_owned(),
            ca: self.dir.join("ca.pem"),
            cert: self.dir.join(format!("{slug}.pem")),
            key: self.dir.join(format!("{slug}.key")),
            oin: Oin::parse(oin).unwrap(),
        }
    }
}

fn configuration(dir: &std::path::Path) -> Config {
    let at = |name: &str| dir.join(name);
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config {
        mode: Mode::Development,
        organisation: config::Organisation {
            oin: Oin::parse(HOLDER_OIN).unwrap(),
            name: HOLDER_NAME.to_owned(),
            domain: "world.example".to_owned(),
        },
        listen: config::Listen {
            grpc: anywhere,
            token: Some(anywhere),
            calls_max: 512,
            connections_max: 256,
            connection_age_s: config::Listen::CONNECTION_AGE_S,
            transaction_id_required: false,
        },
        tls: config::Tls {
            certificate: at("gateway.pem"),
            key: at("gateway.key"),
            authorities: at("ca.pem"),
            revocation: Vec::new(),
        },
        token: config::Token {
            audience: AUDIENCE.to_owned(),
            group: GROUP.to_owned(),
            service: SERVICE.to_owned(),
            key: Some(at("token.key")),
            external: None,
        },
        log: config::Log {
            database: Some(at("log.db")),
            signing_key: at("log.key"),
            anchor: None,
            year: today().year(),
            epoch: 1,
            postgres: None,
            retention: None,
        },
        keys: config::Keys {
            database: Some(at("keys.db")),
            master_key: at("master.key"),
            wrapping: None,
            wrapping_days: 31,
            postgres: None,
        },
        holder: config::Holder { database: at("holder.db"), map: at("holder.toml") },
        policy: config::PolicyFiles {
            catalog: at("catalog.toml"),
            ceiling: at("ceiling.toml"),
            policy: at("kracht.toml"),
        },
        enrolment: config::Enrolment { file: Some(at("organisations.toml")) },
        limits: config::Limits::default(),
        // A machine that tests may have a full disk; the bound has tests of its own.
        operation: config::Operation { disk_free_min_percent: 0, ..config::Operation::default() },
        operators: config::Operators { register: Some(at("operators.toml")) },
    }
}
