//! A folder with a gateway of its own: a copy of one that was made once, on ports of its own.

use super::program::{Running, scratch, sluis};
use sluis::cli::Failure;
use sluis::config::{Config, KeysPostgres, LogPostgres};
use sluis::demo::Folder;
use sluis::demo::organisations::Organisation;
use sluis::transport::profile::Profile;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below those that the system gives to clients, so that a gateway finds its port again after a kill.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// A folder that is ready to be served; it goes away with the test.
pub struct Place {
    /// Where.
    pub dir: PathBuf,
}

impl Place {
    /// A copy of the model: keys, databases with 9,000 people, profiles; nothing asked yet.
    pub fn new(name: &str) -> Self {
        let dir = home().join(name);
        copy(model(), &dir).unwrap();
        let place = Self { dir };
        let Config { listen, .. } = place.config_read();
        for old in [listen.grpc.port(), listen.token.unwrap().port()] {
            let (old, new) = (format!("127.0.0.1:{old}"), format!("127.0.0.1:{}", free_port()));
            place.change("gateway.toml", &old, &new);
            for profile in std::fs::read_dir(place.dir.join("profiles")).unwrap() {
                let file = profile.unwrap().path();
                let text = std::fs::read_to_string(&file).unwrap().replace(&old, &new);
                std::fs::write(&file, text).unwrap();
            }
        }
        place
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.file("gateway.toml")
    }

    /// The configuration, read.
    pub fn config_read(&self) -> Config {
        Config::read(&self.config()).unwrap()
    }

    /// The file with the profile of an organisation.
    pub fn profile_file(&self, organisation: &Organisation) -> PathBuf {
        self.file(&format!("profiles/{}.toml", organisation.slug))
    }

    /// The profile of an organisation.
    pub fn profile(&self, organisation: &Organisation) -> Profile {
        Profile::load(&self.profile_file(organisation)).unwrap()
    }

    /// Replaces words in a file; they must be there.
    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{name} does not say `{from}`");
        std::fs::write(self.file(name), text.replace(from, to)).unwrap();
    }

    /// Puts log and keys into databases of a server, made anew under keys of their own.
    pub fn onto_server(&self, log: &str, keys: &str) {
        let mut config = self.config_read();
        let address = log.to_owned();
        let log = LogPostgres { address, password_file: None, replica: 1, require_standby: false };
        let keys = KeysPostgres { address: keys.to_owned(), password_file: None, require_standby: false };
        // Beside the log by default, which is then on the server.
        config.log.anchor = Some(config.log.anchor().to_owned());
        (config.log.database, config.log.postgres) = (None, Some(log));
        (config.keys.database, config.keys.postgres) = (None, Some(keys));
        std::fs::write(self.config(), toml::to_string(&config).unwrap()).unwrap();
        for made in ["log.db", "keys.db", "log.anchor", "log.key", "master.key", "wrapping/1.key", "token.key"] {
            let _absent = std::fs::remove_file(self.file(made));
        }
        let init = sluis([Path::new("init"), Path::new("--config"), &self.config()]);
        assert_eq!(init.status, Some(0), "{init:#?}");
    }

    /// Starts the gateway, which must be ready.
    pub fn serve(&self) -> Running {
        Running::serve(&self.config()).unwrap_or_else(|said| panic!("the gateway does not start: {said:#?}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for inspection: {}", self.dir.display());
            return;
        }
        // What stays behind is only a demo; the next run of the tests removes it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// This process's own folder. Those of earlier runs are removed first.
fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        let all = scratch().join("journeys");
        std::fs::create_dir_all(&all).unwrap();
        for entry in std::fs::read_dir(&all).unwrap().map(Result::unwrap) {
            if !Path::new("/proc").join(entry.file_name()).exists() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let own = all.join(std::process::id().to_string());
        std::fs::create_dir(&own).unwrap();
        own
    })
}

/// Made once: the folder of a demo, keys by `sluis init`, and the people registered by a first start.
fn model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| {
        let dir = home().join("model");
        let make = || -> Result<(), Failure> { Folder::make(&dir, dutch_date(SystemClock.now())).map(drop) };
        make().unwrap();
        let config = dir.join("gateway.toml");
        let init = sluis([Path::new("init"), Path::new("--config"), &config]);
        assert_eq!(init.status, Some(0), "{init:#?}");
        let gateway = Running::serve(&config).unwrap();
        gateway.signal("TERM");
        let ended = gateway.end();
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        // What is durable moves into the files, so that a copy without side files is whole.
        for database in ["log.db", "keys.db"] {
            let open = rusqlite::Connection::open(dir.join(database)).unwrap();
            open.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
        }
        dir
    })
}

/// A port on which nobody listens, given once in this process.
pub fn free_port() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    let own = std::process::id().wrapping_mul(37);
    loop {
        let port = PORTS.start + own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap())).is_ok() {
            return port;
        }
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
