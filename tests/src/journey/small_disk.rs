//! A disk that can be filled: a small file system of its own.

use super::program::skipped;
use crate::world::postgres::server::Server;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of a few megabytes in memory, gone with the test.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// Mounts it on an empty folder that anybody may write to; `None`, loudly, where that is not allowed.
    pub fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={megabytes}m,mode=0777");
        let out = as_root(&["mount", "-t", "tmpfs", "-o", &options, "sluis-tests"], at).output().unwrap();
        if out.status.success() {
            return Some(Self(at.to_owned()));
        }
        skipped(&format!("no small disk can be mounted: {}", String::from_utf8_lossy(&out.stderr).trim()));
        None
    }

    /// Writes until nothing more fits.
    pub fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.0.join("filler")).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives back all that was filled.
    pub fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }

    /// Moves a database of a server onto it.
    pub fn holds(&self, server: &Server, url: &str) {
        let folder = self.0.join("tables");
        std::fs::create_dir(&folder).unwrap();
        let owner = MetadataExt::uid(&std::fs::metadata(&server.data).unwrap());
        std::os::unix::fs::chown(&folder, Some(owner), None).unwrap();
        server.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()));
        let name = url.rsplit('/').next().unwrap();
        server.sql("postgres", &format!("ALTER DATABASE {name} SET TABLESPACE small"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that still holds a file keeps it until it ends.
        let _unmounted = as_root(&["umount", "-l"], &self.0).status();
    }
}

fn as_root(words: &[&str], at: &Path) -> Command {
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let sudo: &[&str] = if root { &[] } else { &["sudo", "-n"] };
    let words: Vec<_> = sudo.iter().chain(words).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(at);
    command
}
