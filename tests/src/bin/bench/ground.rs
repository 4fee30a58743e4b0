//! The ground of a release bench: the demo's folder, a gateway on it, and clients about whom a release is lawful.
//!
//! `sluis demo --once --dir DIR` makes the folder; `sluis serve --config DIR/gateway.toml` serves it alone, so that its
//! memory is the gateway's own. The holder's system then puts clients on the caseload of the bench's worker.

use super::Fault;
use super::load;
use super::world::postgres::Cluster;
use sluis::client::ask::by_client_number;
use sluis::config::Config;
use sluis::enrolment::EnrolmentFile;
use sluis::transport::profile::Profile;
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::ports::FactSource;
use sluis_core::subject::SubjectId;
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use sluis_proto::v1::standing::Kind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u32 = 256;
const WORKER: &str = "bench-worker";
const START_MAX: Duration = Duration::from_secs(30);

/// Everything a load needs to know.
pub struct Ground {
    /// The gateway's configuration file.
    pub config: PathBuf,
    /// The care partner that asks.
    pub profile: Profile,
    /// For what.
    pub purpose: v1::Purpose,
    /// Who acts there.
    pub actor: String,
    /// About whom: client numbers.
    pub clients: Vec<String>,
    /// Size of a reply, bytes.
    pub reply_bytes: usize,
}

/// A process that ends with the bench.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program that is measured: beside this one.
fn program() -> Result<PathBuf, Fault> {
    let beside = std::env::current_exe()?.with_file_name("sluis");
    if beside.is_file() { Ok(beside) } else { Err(format!("{} is absent: build it", beside.display()).into()) }
}

/// Makes the demo's folder, unless it is there.
pub fn prepare(dir: &Path) -> Result<PathBuf, Fault> {
    let config = dir.join("gateway.toml");
    if !config.is_file() {
        eprintln!("making the demo in {}", dir.display());
        let demo =
            Command::new(program()?).args(["demo", "--once", "--dir"]).arg(dir).stdout(Stdio::null()).status()?;
        if !demo.success() {
            return Err(format!("`sluis demo --once` ended with {demo}").into());
        }
    }
    Ok(config)
}

/// The same configuration with the connections spread over so many runtimes, beside the first.
pub fn spread(config: &Path, runtimes: u8) -> Result<PathBuf, Fault> {
    let mut text: toml::Table = std::fs::read_to_string(config)?.parse()?;
    let operation = text.entry("operation").or_insert_with(|| toml::Table::new().into());
    operation
        .as_table_mut()
        .ok_or("`operation` is no table")?
        .insert("runtimes".to_owned(), i64::from(runtimes).into());
    let file = config.with_file_name("gateway-bench.toml");
    std::fs::write(&file, text.to_string())?;
    Ok(file)
}

/// Moves log and keys of a configuration to new databases of a server, with keys of their own beside the demo's.
pub fn on_server(config: &Path, cluster: &Cluster) -> Result<(), Fault> {
    let mut text: toml::Table = std::fs::read_to_string(config)?.parse()?;
    let dir = config.parent().ok_or("the configuration lies in no folder")?;
    let new = |name: &str| {
        // Left by an earlier bench in the same folder.
        let _ = std::fs::remove_file(dir.join(name));
        toml::Value::from(name)
    };
    let own = [
        ("log", "signing_key", new("bench-log.key")),
        ("log", "anchor", new("bench-log.anchor")),
        ("keys", "master_key", new("bench-master.key")),
        ("keys", "wrapping", toml::Value::from("bench-wrapping")),
        ("token", "key", new("bench-token.key")),
    ];
    let _ = std::fs::remove_dir_all(dir.join("bench-wrapping"));
    for (table, key, value) in own {
        section(&mut text, table)?.insert(key.to_owned(), value);
    }
    for table in ["log", "keys"] {
        let mut server = toml::Table::new();
        server.insert("address".to_owned(), cluster.database().into());
        server.insert("require_standby".to_owned(), false.into());
        if table == "log" {
            server.insert("replica".to_owned(), 1.into());
        }
        let section = section(&mut text, table)?;
        section.remove("database");
        section.insert("postgres".to_owned(), server.into());
    }
    std::fs::write(config, text.to_string())?;
    let init = Command::new(program()?).args(["init", "--config"]).arg(config).stdout(Stdio::null()).status()?;
    if init.success() { Ok(()) } else { Err(format!("`sluis init` ended with {init}").into()) }
}

fn section<'t>(text: &'t mut toml::Table, name: &str) -> Result<&'t mut toml::Table, Fault> {
    let found = text.get_mut(name).and_then(toml::Value::as_table_mut);
    found.ok_or_else(|| format!("the configuration has no `[{name}]`").into())
}

/// Starts the gateway and waits until it answers.
pub async fn serve(config: &Path) -> Result<Process, Fault> {
    let gateway =
        Process(Command::new(program()?).args(["serve", "--config"]).arg(config).stdout(Stdio::null()).spawn()?);
    let listen = Config::read(config)?.listen;
    let answers = async {
        for address in [Some(listen.grpc), listen.token].into_iter().flatten() {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(START_MAX, answers).await.map_err(|_| "the gateway does not answer on its ports")?;
    Ok(gateway)
}

impl Ground {
    /// Puts clients on the caseload, and keeps those about whom the gateway then releases.
    pub async fn lay(dir: &Path, config: &Path) -> Result<Self, Fault> {
        let settings = Config::read(config)?;
        let enrolled = settings.enrolment.file.as_ref().ok_or("`enrolment.file` is needed here")?;
        let file: EnrolmentFile = toml::from_str(&std::fs::read_to_string(enrolled)?)?;
        let role = |wanted: &dyn Fn(&sluis_core::enrolment::Enrolment) -> bool, name: &str| {
            let found = file.organisation.iter().find(|e| wanted(e)).map(|e| e.oin.clone());
            found.ok_or_else(|| format!("{}: nobody is enrolled as {name}", enrolled.display()))
        };
        let partner = role(
            &|e| {
                e.recipient == RecipientType::CarePartner
                    && e.secrecy_signed
                    && e.purposes.contains(&Purpose::Treatment)
            },
            "a care partner that may treat",
        )?;
        let holder = profile_of(dir, &role(&|e| e.records_standing, "the holder's own system")?)?;
        let map = HolderMap::parse(&std::fs::read_to_string(&settings.holder.map)?)?;
        let database = HolderDatabase::open(&settings.holder.database, map, 1, Arc::new(SystemClock))?;
        let mut ground = Self {
            config: config.to_owned(),
            profile: profile_of(dir, &partner)?,
            purpose: v1::Purpose::Treatment,
            actor: WORKER.to_owned(),
            clients: client_numbers(&database.subjects(None, CLIENTS).await?),
            reply_bytes: 0,
        };
        ground.put_on_caseload(&holder, &partner).await?;
        ground.keep_released().await?;
        Ok(ground)
    }

    async fn put_on_caseload(&self, holder: &Profile, partner: &Oin) -> Result<(), Fault> {
        let desk = load::open(holder).await?;
        for client in &self.clients {
            let caseload = v1::Caseload { partner_oin: partner.to_string(), worker: WORKER.to_owned() };
            desk.record(by_client_number(client), Kind::Caseload(caseload)).await?;
        }
        Ok(())
    }

    /// Asks once about each; who is refused (no running care, for example) is left out of the load.
    async fn keep_released(&mut self) -> Result<(), Fault> {
        let connection = load::open(&self.profile).await?;
        let mut released = Vec::new();
        for client in &self.clients {
            let request = connection.request(load::question(self, client), connection.transaction()).await?;
            let reply = connection.releases().release(request).await?.into_inner();
            if matches!(reply.outcome, Some(Outcome::Released(_))) {
                released.push((client.clone(), prost::Message::encoded_len(&reply)));
            }
        }
        if released.is_empty() {
            return Err("the gateway releases about none of the clients".into());
        }
        self.reply_bytes = released.iter().map(|(_, bytes)| bytes).sum::<usize>() / released.len();
        self.clients = released.into_iter().map(|(client, _)| client).collect();
        eprintln!("{} clients, replies of {} bytes", self.clients.len(), self.reply_bytes);
        Ok(())
    }
}

fn client_numbers(subjects: &[Vec<SubjectId>]) -> Vec<String> {
    let numbers = subjects.iter().flatten().filter_map(|id| match id {
        SubjectId::ClientNumber(number) => Some(number.clone()),
        SubjectId::Bsn(_) => None,
    });
    numbers.collect()
}

/// The profile of an organisation, wherever it stands in the folder.
fn profile_of(dir: &Path, oin: &Oin) -> Result<Profile, Fault> {
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "toml")
                && let Ok(profile) = Profile::load(&path)
                && profile.oin == *oin
            {
                return Ok(profile);
            }
        }
    }
    Err(format!("no profile of {oin} in {}", dir.display()).into())
}
