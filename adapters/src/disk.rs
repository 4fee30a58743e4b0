//! How much room is left on the disk of a file.

use std::path::Path;

/// The room of a file system, in bytes, as an ordinary user may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free for this user.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

impl Room {
    /// Free part in percent; an empty file system counts as full.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn percent_free(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.free as f64 * 100.0 / self.total as f64 }
    }
}

/// The room where this file or folder lies.
///
/// # Errors
/// When the operating system does not say.
pub fn room(path: &Path) -> std::io::Result<Room> {
    let stat = rustix::fs::statvfs(path)?;
    let total = stat.f_blocks.saturating_sub(stat.f_bfree).saturating_add(stat.f_bavail);
    Ok(Room { free: stat.f_bavail.saturating_mul(stat.f_frsize), total: total.saturating_mul(stat.f_frsize) })
}

/// Whether two files lie on one device.
///
/// # Errors
/// When one of them cannot be looked at.
pub fn same_device(one: &Path, other: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata(one)?.dev() == std::fs::metadata(other)?.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_and_not_more_than_there_is() {
        let room = room(&std::env::temp_dir()).unwrap();
        assert!(room.total > 0 && room.free <= room.total, "{room:?}");
        assert!((0.0..=100.0).contains(&room.percent_free()));
    }
}
