//! The generations of the wrapping key: their secrets are here, the newest is not old, and none that ended is left.

use super::{Findings, moment};
use crate::compose::engine;
use crate::compose::subject::DAY_MS;
use crate::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_adapters::wrapping::SecretFolder;
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::Generation;

const SUBJECT: &str = "wrapping keys";

/// Looks at rows and folder. A key database that cannot be opened has findings of its own.
pub(super) async fn generations(config: &Config, now: Millis, found: &mut Findings) {
    let Ok(master) = MasterKey::read(&config.keys.master_key) else { return };
    let Ok(keys) = engine::payload_keys(config, &master).await else { return };
    let folder = SecretFolder::new(config.keys.wrapping());
    match keys.wraps().await {
        Ok(_) => found.ok(SUBJECT, format!("`{}` has the secret of every generation in use", folder.path().display())),
        Err(StoreError::Secret { text, .. }) => found.error(SUBJECT, &text),
        Err(error) => found.fault(SUBJECT, error.to_string(), "see what is said about the key database"),
    }
    match keys.generations().await {
        Ok(all) => {
            rows(config, &all, now, found);
            left(&all, &folder, found);
        }
        Err(error) => {
            let advice = "somebody wrote that a generation ended: find out who can write this database, and restore it";
            found.fault(SUBJECT, error.to_string(), advice);
        }
    }
}

fn rows(config: &Config, all: &[Generation], now: Millis, found: &mut Findings) {
    let in_use: Vec<&Generation> = all.iter().filter(|generation| generation.ended.is_none()).collect();
    let undestroyed = all.iter().any(|generation| generation.ended.is_some_and(|end| end.destroyed_at.is_none()));
    if in_use.len() > 1 || undestroyed {
        let text = "a rotation is at work, or was interrupted: more than one generation is left";
        found.warning(SUBJECT, text, "if none is at work, run `sluis keys rotate`, which goes on with it");
    }
    let Some(newest) = in_use.last() else { return };
    let (days, most) = (now.saturating_sub(newest.made_at) / DAY_MS, config.keys.wrapping_days);
    let text = format!("generation {} was made on {}, {days} days ago", newest.number, moment(newest.made_at));
    if days > u64::from(most) {
        let advice = "run `sluis keys rotate`: until then every backup since that day opens with the secrets of today";
        found.warning(SUBJECT, format!("{text}, more than {most}"), advice);
    } else {
        found.ok(SUBJECT, text);
    }
}

/// What keeps backups alive that should be dead.
fn left(all: &[Generation], folder: &SecretFolder, found: &mut Findings) {
    let ended = all.iter().filter(|generation| generation.ended.is_some()).map(|generation| generation.number);
    let mut alive: Vec<u32> = ended.filter(|generation| folder.holds(*generation)).collect();
    alive.extend(folder.undead().unwrap_or_default());
    alive.sort_unstable();
    alive.dedup();
    for generation in alive {
        let text = format!(
            "`{}` is here, and its generation ended: it keeps backups alive",
            folder.file(generation).display()
        );
        found.warning(SUBJECT, text, "run `sluis keys forget`");
    }
    for name in folder.strangers().unwrap_or_default() {
        let text = format!("`{}` is no secret of a generation", folder.path().join(name).display());
        found.warning(SUBJECT, text, "if it is a copy of one, destroy it: it keeps backups alive");
    }
}
