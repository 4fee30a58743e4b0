//! A folder for database servers that is gone when this process is, and its servers with it.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Waits for the end of this process, which closes the pipe even when it is killed; then ends every server that lives in
/// the folder and removes it. A server is known by its working directory: a number may be somebody else's by then.
const WATCH: &str = r#"
read -r _
lives() { [ "$(readlink "/proc/$1/cwd")" = "$2" ]; }
for data in "$1"/*/; do
    data="${data%/}"
    pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && lives "$pid" "$data" || continue
    kill -CONT "$pid"
    kill -QUIT "$pid"
    for _ in $(seq 100); do
        lives "$pid" "$data" || break
        sleep 0.1
    done
    lives "$pid" "$data" && kill -KILL "$pid"
done
rm -rf "$1"
"#;

/// Who may run the server: it refuses root. The first is made by `.ci/run`, the second by the package.
const ACCOUNTS: [&str; 3] = ["sluis-ci", "postgres", "nobody"];

/// A folder that belongs to whoever runs the servers.
pub struct Room {
    /// Where, and who.
    pub runner: Runner,
    watch: Child,
}

/// Runs programs as whoever owns a folder, and in it.
#[derive(Clone)]
pub struct Runner {
    /// The folder.
    pub dir: PathBuf,
    account: Option<(u32, u32)>,
}

impl Room {
    /// Makes the folder and what watches over it.
    pub fn make() -> Self {
        static ROOMS: AtomicU32 = AtomicU32::new(0);
        let number = ROOMS.fetch_add(1, Ordering::SeqCst);
        let dir = std::env::temp_dir().canonicalize().unwrap();
        let dir = dir.join(format!("sluis-postgres-{}-{number}", std::process::id()));
        let _earlier = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        let account = unprivileged();
        if let Some((user, group)) = account {
            chown(&dir, Some(user), Some(group)).unwrap();
        }
        // In a process group of its own, so that what ends the tests from the keyboard does not end the watch.
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch"]).arg(&dir).process_group(0);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.spawn().unwrap();
        Self { runner: Runner { dir, account }, watch }
    }
}

impl Runner {
    /// A program, without the environment of this process.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir).env_clear().stdin(Stdio::null()).process_group(0);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _gone = self.watch.wait();
    }
}

/// User and group to run servers as; `None` when this process is not root and runs them itself.
fn unprivileged() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let found = ACCOUNTS.iter().find_map(|name| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse::<u32>().ok());
        Some((fields.next()??, fields.next()??))
    });
    Some(found.expect("no account to run PostgreSQL as: add the user `sluis-ci`"))
}
