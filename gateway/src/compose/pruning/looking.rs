//! Where each shard stands: what holds it, for people.

use super::super::stopped::Stopped;
use super::PruneFault;
use super::held::{Everywhere, Holding};
use jiff::ToSpan;
use jiff::civil::Date;
use sluis_core::log::Millis;
use sluis_core::log::shard::{Shard, name_of};
use sluis_core::log::verify::Summary;
use sluis_core::subject::dutch_date;

/// Where a shard stands.
#[derive(Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Entries it has or had.
    pub size: u64,
    /// When its last entry was written; `None` while it takes entries.
    pub closed_at: Option<Millis>,
    /// The last day of its term.
    pub until: Option<Date>,
    /// The entry that announced its removal, where it is gone.
    pub pruned_by: Option<String>,
    /// What holds it, each with what to do; empty when it may go, or is gone.
    pub held: Vec<String>,
}

/// The shards of a log that is looked at.
pub(super) struct Looking<'a> {
    pub stopped: &'a Stopped,
    pub shards: &'a [Shard],
    /// The term.
    pub years: u8,
}

impl Looking<'_> {
    /// Every shard; `exported` are those that an export has.
    pub async fn all(&self, everywhere: &Everywhere, exported: &[Summary]) -> Result<Vec<Status>, PruneFault> {
        let mut all = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            let head = &shard.head;
            let pruned_by = shard.pruned.map(|position| self.stopped.shards().reference(position));
            let held = if pruned_by.is_some() { Vec::new() } else { self.held(at, everywhere, exported).await? };
            let closed_at = (!shard.open).then_some(head.last_time);
            let (name, until) = (name_of(&head.origin).to_owned(), closed_at.map(|at| self.until(at)));
            all.push(Status { name, size: head.size(), closed_at, until, pruned_by, held });
        }
        Ok(all)
    }

    /// The last day of the term of a shard whose last entry was written then.
    fn until(&self, closed_at: Millis) -> Date {
        dutch_date(closed_at).saturating_add(i64::from(self.years).years())
    }

    fn is_newest(&self, at: usize, shard: &Shard) -> bool {
        shard.open || at + 1 == self.shards.len()
    }

    /// Each what holds a shard that is there, as far as the rows of the shards tell.
    pub fn not_yet(&self, at: usize) -> Vec<String> {
        let Some(shard) = self.shards.get(at) else { return vec!["there is no such shard".to_owned()] };
        if self.is_newest(at, shard) {
            return vec!["it is the newest: it takes entries, or the next was not opened yet".to_owned()];
        }
        let mut held = Vec::new();
        let until = self.until(shard.head.last_time);
        if dutch_date(self.stopped.now()) <= until {
            held.push(format!("its term runs until {until}: {} years from its last entry", self.years));
        }
        if let Some(before) = self.shards.iter().take(at).find(|before| before.pruned.is_none()) {
            held.push(format!("shard {} goes first", name_of(&before.head.origin)));
        }
        held
    }

    /// Each what holds a shard that is there.
    pub async fn held(
        &self,
        at: usize,
        everywhere: &Everywhere,
        exported: &[Summary],
    ) -> Result<Vec<String>, PruneFault> {
        let mut held = self.not_yet(at);
        let Some(shard) = self.shards.get(at).filter(|shard| !self.is_newest(at, shard)) else { return Ok(held) };
        let head = &shard.head;
        held.extend(worded(everywhere.of(self.stopped, head).await?));
        let whole =
            |there: &Summary| there.origin == head.origin && (there.size, there.root) == (head.size(), head.root());
        if !exported.iter().any(whole) {
            held.push(
                "no export that has it was shown: `sluis log export`, and give its folder with --export".to_owned(),
            );
        }
        Ok(held)
    }
}

/// What holds a shard, for people.
fn worded(holding: Holding) -> Vec<String> {
    let Holding { keys, on_hold, open, policy, organisations, standings, in_flight } = holding;
    let lines = [
        (keys, "yearly keys of its year or an earlier one exist: `sluis subject retention` first"),
        (on_hold, "clients under legal hold have an entry in it"),
        (open, "manual disclosures in it wait for a review: `sluis manual open`"),
        (u64::from(policy), "policy is in force by an entry of it: put one in force with a new number"),
        (organisations, "organisations are enrolled by an entry of it: enrol them anew"),
        (standings, "clients have a standing that was set last in it: record it anew"),
        (in_flight, "deliveries are not known yet: start the gateway, which finds out"),
    ];
    lines.into_iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}")).collect()
}
