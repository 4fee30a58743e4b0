//! What safety rests on at a server, judged from what [`inspect`](super::inspect) saw: what is wrong, and what to do.

use super::inspect::Inspection;

/// Something at a server that safety rests on and that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe {
    /// What is wrong, and what that means.
    pub wrong: String,
    /// What to do.
    pub to_do: &'static str,
}

/// A setting, what it must be, what it means when it is not, and what to do.
const REQUIRED: &[(&str, &[&str], &str, &str)] = &[
    ("fsync", &["on"], "a power cut loses what was released", "set `fsync = on` and restart the server"),
    (
        "full_page_writes",
        &["on"],
        "a power cut can leave half a page",
        "set `full_page_writes = on` and reload the server",
    ),
    (
        "synchronous_commit",
        &["on", "remote_apply"],
        "an entry counts before it is on disk",
        "let nothing stand between gateway and server that changes what a session is set to",
    ),
    (
        "data_sync_retry",
        &["off"],
        "the server goes on after a flush that failed",
        "set `data_sync_retry = off` and restart the server",
    ),
    ("zero_damaged_pages", &["off"], "damaged pages become empty ones", "set `zero_damaged_pages = off`"),
    ("ignore_checksum_failure", &["off"], "damaged pages are read", "set `ignore_checksum_failure = off`"),
];

/// Whether bytes that a disk changed are noticed: wanted everywhere, required in production.
#[must_use]
pub fn checksums(seen: &Inspection) -> Option<Unsafe> {
    let on = seen.settings.get("data_checksums").is_some_and(|value| value == "on");
    (!on).then(|| Unsafe {
        wrong: "data_checksums is off: bytes that a disk changed are not noticed".to_owned(),
        to_do: "run `pg_checksums --enable` on the stopped server, or make the cluster with `initdb --data-checksums`",
    })
}

/// Whatever else is not as it must be; with `standby`, a synchronous standby must hold what counts as durable (A1).
#[must_use]
pub fn unsafe_settings(seen: &Inspection, standby: bool) -> Vec<Unsafe> {
    let mut found = Vec::new();
    if seen.in_recovery {
        let wrong = "is a standby, which writes nothing".to_owned();
        found.push(Unsafe { wrong, to_do: "connect to the primary: correct the address" });
    }
    for (name, right, means, to_do) in REQUIRED {
        let value = seen.settings.get(*name).map_or("unknown", String::as_str);
        if !right.contains(&value) {
            found.push(Unsafe { wrong: format!("{name} is {value}: {means}"), to_do });
        }
    }
    if standby && !seen.in_recovery {
        found.extend(without_standby(seen));
    }
    found
}

fn without_standby(seen: &Inspection) -> Option<Unsafe> {
    if !seen.sees_standbys {
        let wrong = "its user may not see what standbys have, so nothing could be released".to_owned();
        return Some(Unsafe { wrong, to_do: "as an administrator of the server, run `GRANT pg_monitor TO` that user" });
    }
    if seen.settings.get("synchronous_standby_names").is_none_or(String::is_empty) {
        let wrong = "synchronous_standby_names is empty: no standby is waited for".to_owned();
        return Some(Unsafe { wrong, to_do: "set it to the standby's `application_name` and reload the server" });
    }
    let synchronous = seen.standbys.iter().any(|s| ["sync", "quorum"].contains(&s.sync_state.as_str()));
    (!synchronous).then(|| Unsafe {
        wrong: "no synchronous standby is connected: nothing is released".to_owned(),
        to_do: "start the standby, and see that `synchronous_standby_names` names it",
    })
}

#[cfg(test)]
mod tests {
    use super::super::inspect::Standby;
    use super::*;

    fn sound() -> Inspection {
        let settings = [
            ("data_checksums", "on"),
            ("data_sync_retry", "off"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("ignore_checksum_failure", "off"),
            ("synchronous_commit", "on"),
            ("synchronous_standby_names", "s1"),
            ("zero_damaged_pages", "off"),
        ];
        let standby = Standby { name: "s1".to_owned(), sync_state: "sync".to_owned(), behind_bytes: 0 };
        Inspection {
            server: "15".to_owned(),
            cluster: "1".to_owned(),
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            in_recovery: false,
            sees_standbys: true,
            standbys: vec![standby],
            replicas: Vec::new(),
            time: 0,
        }
    }

    fn says(change: impl FnOnce(&mut Inspection), standby: bool, words: &str) {
        let mut seen = sound();
        change(&mut seen);
        let found: Vec<_> = unsafe_settings(&seen, standby).into_iter().chain(checksums(&seen)).collect();
        assert!(found.len() == 1 && found[0].wrong.contains(words), "{words}: {found:?}");
    }

    #[test]
    fn each_thing_that_is_not_safe_is_named() {
        assert_eq!(unsafe_settings(&sound(), true), []);
        assert_eq!(checksums(&sound()), None);
        let set = |name: &'static str, value: &'static str| {
            move |seen: &mut Inspection| drop(seen.settings.insert(name.to_owned(), value.to_owned()))
        };
        for (name, value) in [
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("synchronous_commit", "local"),
            ("synchronous_commit", "remote_write"),
            ("data_sync_retry", "on"),
            ("zero_damaged_pages", "on"),
            ("ignore_checksum_failure", "on"),
            ("data_checksums", "off"),
            ("synchronous_standby_names", ""),
        ] {
            says(set(name, value), true, &format!("{name} is"));
        }
        says(|seen| drop(seen.settings.remove("fsync")), true, "fsync is unknown");
        says(|seen| seen.in_recovery = true, true, "is a standby");
        says(|seen| seen.sees_standbys = false, true, "may not see");
        says(|seen| seen.standbys.clear(), true, "no synchronous standby");
        says(|seen| seen.standbys[0].sync_state = "async".to_owned(), true, "no synchronous standby");
        let mut alone = sound();
        alone.standbys.clear();
        alone.settings.insert("synchronous_standby_names".to_owned(), String::new());
        assert_eq!(unsafe_settings(&alone, false), [], "where none is required none must be there");
    }
}
