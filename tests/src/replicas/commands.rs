//! `init`, `check-config`, `doctor`, `migrate` and `log export` on PostgreSQL, as an operator uses them.

use super::Site;
use crate::journey::program::{Said, sluis};
use crate::world::people::Client;
use crate::world::postgres::{Cluster, ROLE};
use sluis::compose;
use sluis::config::{Config, Mode};
use sqlx::Executor;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

impl Site {
    /// Writes a configuration into its folder.
    fn write(&self, config: &Config) -> PathBuf {
        let file = self.folder.dir.join("gateway.toml");
        std::fs::write(&file, toml::to_string(config).unwrap()).unwrap();
        file
    }

    /// Runs a command on a configuration.
    pub(super) fn run(&self, command: &[&str], config: &Config) -> Said {
        let file = self.write(config).display().to_string();
        sluis(command.iter().copied().chain(["--config", &file]))
    }
}

#[track_caller]
pub(super) fn says(said: &Said, status: i32, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.status, Some(status), "{all}");
    for words in words {
        assert!(all.contains(words), "`{words}` is not in\n{all}");
    }
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn an_operator_makes_and_examines_a_log_on_a_server() {
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let (config, keys) = (site.config(1), ["master.key", "log.key", "token.key"]);
    // What is there is not made again, and no key either: another gateway takes over the keys of the first.
    let before = keys.map(|key| std::fs::read(site.folder.dir.join(key)).unwrap());
    let kept = keys.map(|key| (site.folder.dir.join(key), site.folder.dir.join(format!("{key}.kept"))));
    kept.iter().for_each(|(key, kept)| std::fs::rename(key, kept).unwrap());
    says(&site.run(&["init"], &config), 2, &["holds tables of Sluis already", "copy of the keys"]);
    assert!(kept.iter().all(|(key, _)| !key.exists()), "a key was made that fits nothing");
    kept.iter().for_each(|(key, kept)| std::fs::rename(kept, key).unwrap());
    assert_eq!(keys.map(|key| std::fs::read(site.folder.dir.join(key)).unwrap()), before);
    let place = site.database.log_url.rsplit('@').next().unwrap();
    let version = format!("`{place}` has schema version 1");
    says(&site.run(&["migrate"], &config), 0, &[&version, "nothing to do"]);
    says(&site.run(&["check-config"], &config), 0, &[&version, "flushes before it answers"]);

    let serving = site.listen(1).await;
    mode(&site.folder.dir.join("gateway.key"), 0o400);
    let said = site.run(&["doctor"], &site.config(2));
    let words =
        ["replica 1 serves from it now; this configuration is replica 2", "ms apart", "give the root of the head"];
    says(&said, 0, &words);
    let export = site.folder.dir.join("export").display().to_string();
    says(&site.run(&["log", "export", &export], &config), 0, &[]);
    serving.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_named_with_what_to_do() {
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let mut config = site.config(1);
    let log = |config: &mut Config| config.log.postgres.take().unwrap();
    let at = config.log.postgres.clone().unwrap();

    let mut nowhere = at.clone();
    nowhere.address = "postgres://sluis@127.0.0.1:1/sluis_log".to_owned();
    config.log.postgres = Some(nowhere);
    says(&site.run(&["check-config"], &config), 1, &["`127.0.0.1:1/sluis_log` does not answer", "check the address"]);
    says(&site.run(&["serve"], &config), 2, &["`127.0.0.1:1/sluis_log` does not answer", "check the address"]);
    log(&mut config);

    let mut secret = at.clone();
    secret.address = secret.address.replace("sluis@", "sluis:hunter2@");
    config.log.postgres = Some(secret);
    let said = site.run(&["check-config"], &config);
    says(&said, 1, &["holds a password", "put it in a file of mode 0400"]);
    assert!(!format!("{}{}", said.out, said.err).contains("hunter2"));

    let mut swapped = at.clone();
    swapped.address.clone_from(&site.database.keys_url);
    config.log.postgres = Some(swapped);
    says(&site.run(&["check-config"], &config), 1, &["is not a log database of Sluis"]);

    let mut lonely = at.clone();
    lonely.require_standby = true;
    config.log.postgres = Some(lonely);
    says(&site.run(&["check-config"], &config), 1, &["synchronous_standby_names is empty"]);
    says(&site.run(&["serve"], &config), 2, &["has no synchronous standby that holds the whole log"]);

    let mut file = at.clone();
    let password = site.folder.dir.join("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    mode(&password, 0o644);
    file.password_file = Some(password.clone());
    config.log.postgres = Some(file.clone());
    says(&site.run(&["check-config"], &config), 1, &["password` has mode 0644 and must have 0400"]);
    mode(&password, 0o400);
    says(&site.run(&["check-config"], &config), 0, &[]);
    config.log.postgres = Some(at);

    let mut intruder = site.database.log_intruder().await;
    intruder.execute("UPDATE sluis_schema SET version = 2").await.unwrap();
    says(&site.run(&["check-config"], &config), 1, &["has schema version 2 and this program needs 1"]);
    says(&site.run(&["migrate"], &config), 1, &["has schema version 2, this program needs 1; it is newer"]);
}

/// A server that was made or set carelessly, of one's own.
#[tokio::test]
async fn settings_that_lose_what_was_released_are_named() {
    let cluster = Cluster::start();
    cluster.server.set("fsync = off\nfull_page_writes = off\ndata_sync_retry = on");
    cluster.server.stop();
    cluster.server.start();
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let database = cluster.database();
    let mut config = site.config(1);
    config.log.postgres.as_mut().unwrap().address.clone_from(&database.log_url);
    let words =
        ["fsync is off: a power cut loses what was released", "full_page_writes is off", "data_sync_retry is on"];
    says(&site.run(&["check-config"], &config), 1, &words);
    config.mode = Mode::Production;
    let refused = compose::listen(&config).await.err().expect("production relies on it").to_string();
    for words in words.iter().chain(&["is not safe to rely on", "set `fsync = on` and restart the server"]) {
        assert!(refused.contains(words), "`{words}` is not in {refused}");
    }
}

/// The password comes from its file and from nowhere else.
#[tokio::test]
async fn a_password_comes_from_its_file() {
    let cluster = Cluster::start();
    let site = Site::make(vec![Client::new(1, 8)]).await;
    let database = cluster.database();
    let mut config = site.config(1);
    config.log.postgres.as_mut().unwrap().address.clone_from(&database.log_url);
    cluster.server.sql("postgres", &format!("ALTER ROLE {ROLE} PASSWORD 'hunter2'"));
    let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(cluster.server.data.join("pg_hba.conf"), rules).unwrap();
    cluster.server.sql("postgres", "SELECT pg_reload_conf()");
    let denied = &["password authentication failed", "check the address, the password"];
    says(&site.run(&["check-config"], &config), 1, denied);
    let file = site.folder.dir.join("password");
    for (password, known) in [("hunter3\n", false), ("hunter2\n", true), ("hunter2", true)] {
        let _before = std::fs::remove_file(&file);
        std::fs::write(&file, password).unwrap();
        mode(&file, 0o400);
        config.log.postgres.as_mut().unwrap().password_file = Some(file.clone());
        let said = site.run(&["check-config"], &config);
        if known {
            says(&said, 1, &["holds no log database", "make it with `sluis init`"]);
        } else {
            says(&said, 1, denied);
        }
        assert!(!format!("{}{}", said.out, said.err).contains("hunter"));
    }
    let _before = std::fs::remove_file(&file);
    std::fs::write(&file, "two\nlines").unwrap();
    mode(&file, 0o400);
    says(&site.run(&["check-config"], &config), 1, &["does not hold a password on one line"]);
}
