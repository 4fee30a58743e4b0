//! Two servers: a primary and a standby that streams from it, for which every commit waits.

use super::Cluster;
use super::server::Server;

/// A primary and its synchronous standby, in one room.
pub struct Pair {
    /// The standby; it ends first.
    pub standby: Server,
    /// The primary, with its databases.
    pub primary: Cluster,
}

impl Pair {
    /// Starts both; every commit at the primary waits for the standby.
    pub fn start() -> Self {
        let primary = Cluster::start();
        let standby = Server::following(&primary.server, "standby");
        standby.start();
        wait_for(&primary.server, "standby");
        Self { standby, primary }
    }

    /// Returns when the standby shows its readers all that the primary has written: a commit waits until the standby has it
    /// on disk, and no longer.
    pub fn catches_up(&self) {
        let written = self.primary.server.sql("postgres", "SELECT pg_current_wal_lsn()");
        self.standby.until("postgres", &format!("SELECT pg_last_wal_replay_lsn() >= '{}'", written.trim()));
    }
}

/// Commits at a server wait for these standbys from now on; returns when it has one of them.
pub fn wait_for(server: &Server, standbys: &str) {
    name(server, standbys);
    server.until("postgres", "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))");
}

/// Sets which standbys commits at a server wait for; none when empty.
pub fn name(server: &Server, standbys: &str) {
    server.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{standbys}'"));
    server.sql("postgres", "SELECT pg_reload_conf()");
    server.until("postgres", &format!("SELECT current_setting('synchronous_standby_names') = '{standbys}'"));
}
