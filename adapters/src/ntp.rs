//! Whether the clock of this machine is kept right, as systemd tells it; for `doctor`, never for a decision.

use std::process::{Command, Stdio};

/// Whether the clock is synchronised; `None` where nobody says.
#[must_use]
pub fn is_synchronised() -> Option<bool> {
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).stdin(Stdio::null()).stderr(Stdio::null());
    let out = command.output().ok().filter(|out| out.status.success())?;
    match out.stdout.as_slice() {
        b"yes\n" => Some(true),
        b"no\n" => Some(false),
        _ => None,
    }
}
