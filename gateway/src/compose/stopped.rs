//! The log and the keys of a gateway that does not run, for commands that change what it kept about one subject.
//!
//! Opened like by a gateway that starts: for one process alone, tombstones applied, compared with the anchor. What a command
//! does stands in the log before it is done.

use super::assemble::is_of;
use super::payloads::corrupt;
use super::{StartFault, engine, servers, verifier_key};
use crate::anchor;
use crate::config::Config;
use crate::shards::Shards;
use crate::shards::turn::{LEAPT, Leap, turn};
use arc_swap::ArcSwap;
use sluis_adapters::anchor_file::AnchorFile;
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::log::checkpoint::{SignedCheckpoint, sign};
use sluis_core::log::commitment;
use sluis_core::log::draft::{Concerns, Draft, Outcome, RequestId};
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use sluis_core::log::payload::{Sealing, padded, seal};
use sluis_core::log::shard::position;
use sluis_core::log::{LeafKind, Millis};
use sluis_core::ports::{Clock, Entropy, Signer, StoreError, SubjectKey};
use sluis_core::subject::{SubjectRef, dutch_date};
use sluis_core::upkeep::{AnchorStore, KeyUpkeep, LogUpkeep};
use std::sync::Arc;

/// Entries, and segments of the subject index, read at a time.
const LEAVES_READ: u32 = 1000;
const SEGMENTS_READ: u32 = 256;

/// The stores of a gateway that does not run.
pub struct Stopped {
    /// The log.
    pub(super) log: Arc<dyn LogUpkeep>,
    /// The keys.
    pub(super) keys: Arc<dyn KeyUpkeep>,
    shards: ArcSwap<Shards>,
    signer: Ed25519Signer,
    anchor: AnchorFile,
}

/// Applies the tombstones of the log to the key database, before anything else is done with either.
///
/// # Errors
/// [`StartFault::ForeignTombstone`] when the log holds one that no gateway of it wrote: nothing is destroyed then.
pub(super) async fn bury(log: &dyn LogUpkeep, keys: &dyn KeyUpkeep) -> Result<(), StartFault> {
    let erased = match log.erased_keys().await {
        Err(StoreError::Corrupt { .. }) => return Err(StartFault::ForeignTombstone),
        erased => erased?,
    };
    keys.destroy(erased).await?;
    Ok(())
}

impl Stopped {
    /// Opens them. A gateway that runs on the same files, or under the same number on a server, makes it fail.
    ///
    /// # Errors
    /// [`StartFault`] names the place and what to do.
    pub async fn open(config: &Config) -> Result<Self, StartFault> {
        let master = MasterKey::read(&config.keys.master_key)?;
        servers::refuse_unsafe(config).await?;
        let log = engine::log(config, &master, Arc::new(SystemClock)).await?;
        let keys = engine::keys(config, &master, Arc::new(OsEntropy)).await?;
        Self::over(config, log, keys).await
    }

    /// The same over stores that are open, of which nobody else changes anything.
    ///
    /// # Errors
    /// As [`Stopped::open`].
    pub async fn over(config: &Config, log: Arc<dyn LogUpkeep>, keys: Arc<dyn KeyUpkeep>) -> Result<Self, StartFault> {
        bury(log.as_ref(), keys.as_ref()).await?;
        let shards = log.shards().await?;
        is_of(config, &shards)?;
        let anchor = AnchorFile::new(config.log.anchor());
        anchor::check(log.as_ref(), &anchor, &verifier_key(config)?).await?;
        let signer = Ed25519Signer::read(&config.log.signing_key)?;
        let shards = ArcSwap::from_pointee(Shards::of(&shards, &signer.public_key())?);
        Ok(Self { log, keys, shards, signer, anchor })
    }

    /// The shards of the log. An entry that is recorded first turns the year, when that is due.
    pub(super) fn shards(&self) -> Arc<Shards> {
        self.shards.load_full()
    }

    /// The origin of the newest shard.
    pub(super) fn origin(&self) -> Arc<str> {
        self.shards.load().origin()
    }

    /// Now.
    pub(super) fn now(&self) -> Millis {
        SystemClock.now()
    }

    /// A signed checkpoint of the newest shard as it is now. Never of a head that may still be lost with its server.
    pub(super) async fn checkpoint(&self) -> Result<SignedCheckpoint, StartFault> {
        Ok(sign(&self.log.durable_head().await?, &self.signer))
    }

    /// Every entry of one kind from a position on, in all shards that are there, with its position.
    ///
    /// # Errors
    /// [`StartFault::Store`], also for one that cannot be read back.
    pub async fn leaves_of(&self, kind: LeafKind, mut from: u64) -> Result<Vec<(u64, Leaf)>, StartFault> {
        let mut all = Vec::new();
        loop {
            let page = self.log.leaves_of(kind, from, LEAVES_READ).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            from = last.saturating_add(1);
            for (at, text) in &page {
                all.push((*at, Leaf::decode(text).map_err(|_| corrupt())?));
            }
        }
    }

    /// Hands over whom each entry of a shard concerns, with its position, by its index of subjects.
    ///
    /// # Errors
    /// [`StartFault::Store`], also for a segment that does not open: whom it hides could be under hold.
    pub async fn segments_of(&self, shard: u16, mut each: impl FnMut(SubjectRef, u64)) -> Result<(), StartFault> {
        let mut from = position(shard, 0);
        loop {
            let page = self.log.segment_rows(from, SEGMENTS_READ).await?;
            let Some(last) = page.last() else { return Ok(()) };
            from = last.first.saturating_add(1);
            for segment in page {
                segment.records.ok_or(corrupt())?.into_iter().for_each(|(subject, at, _)| each(subject, at));
            }
        }
    }

    /// Appends an entry about a subject: tagged and sealed under its key of this year, or, where there is none, without a
    /// tag and under the key of the day; then `said` must name no number. Gives the position.
    pub(super) async fn record_about(
        &self,
        subject: SubjectRef,
        key: Option<&SubjectKey>,
        leaf: LeafDraft,
        said: &serde_json::Value,
    ) -> Result<u64, StartFault> {
        self.turn().await?;
        let (rid, payload) = (self.request_id(), padded(said.to_string()));
        let mut draft = match key {
            Some(key) => {
                let leaf = leaf.with(Key::St, commitment::subject_tag(&key.tag, &self.origin(), rid, 0));
                self.draft(rid, key, leaf, &payload)?
            }
            None => self.draft(rid, &self.keys.bucket_key(dutch_date(self.now())).await?, leaf, &payload)?,
        };
        draft.concerns = vec![Concerns { subject, item: 0 }];
        self.append(draft).await
    }

    /// Appends an entry about nobody, with a payload under the key of the day. Gives the position.
    pub(super) async fn record(&self, leaf: LeafDraft, said: &serde_json::Value) -> Result<u64, StartFault> {
        self.turn().await?;
        let key = self.keys.bucket_key(dutch_date(self.now())).await?;
        let draft = self.draft(self.request_id(), &key, leaf, &padded(said.to_string()))?;
        self.append(draft).await
    }

    /// A salt for a payload, in hex.
    pub(super) fn salt(&self) -> String {
        let mut salt = [0; 32];
        OsEntropy.fill(&mut salt);
        data_encoding::HEXLOWER.encode(&salt)
    }

    fn request_id(&self) -> RequestId {
        let mut random = [0; 10];
        OsEntropy.fill(&mut random);
        RequestId(uuid::Builder::from_unix_timestamp_millis(self.now(), &random).into_uuid())
    }

    fn draft(&self, rid: RequestId, key: &SubjectKey, leaf: LeafDraft, payload: &[u8]) -> Result<Draft, StartFault> {
        let mut nonce = [0; 12];
        OsEntropy.fill(&mut nonce);
        let origin = self.origin();
        let sealed = seal(&Sealing { key, origin: &origin, rid, item: 0 }, nonce, payload);
        let leaf = leaf.with(Key::Pc, commitment::payload(payload));
        let payload = Some(sealed.ok_or(StartFault::Ended("a payload cannot be encrypted".to_owned()))?);
        Ok(Draft { payload, ..Draft::new(rid, origin, leaf) })
    }

    /// Ends a shard of which the year is over, and opens the next: also after a gateway that was killed between the two.
    async fn turn(&self) -> Result<(), StartFault> {
        self.turn_by(Leap::Refused).await
    }

    /// The same, where the clock stands far beyond the last entry and an operator says that it is right.
    pub async fn turn_confirmed(&self) -> Result<(), StartFault> {
        self.turn_by(Leap::Confirmed).await
    }

    async fn turn_by(&self, leap: Leap) -> Result<(), StartFault> {
        let turned = turn(self.log.as_ref(), &self.signer, self.now(), leap).await;
        turned.map_err(|error| if error == LEAPT { StartFault::ClockLeapt } else { error.into() })?;
        let shards = Shards::of(&self.log.shards().await?, &self.signer.public_key())?;
        self.shards.store(Arc::new(shards));
        Ok(())
    }

    async fn append(&self, draft: Draft) -> Result<u64, StartFault> {
        let left = self.log.left_in_flight().await?;
        let committed = self.log.append(vec![draft]).await?;
        let Some(Outcome::Recorded { index, .. }) = committed.outcomes().first() else {
            return Err(StartFault::Ended("the log refused the entry: nothing was done".to_owned()));
        };
        // What the gateway left in flight when it was killed stays so: its next start gives it an outcome.
        if left.is_empty() {
            self.log.delivered_below(committed.head().end());
        }
        let signed = sign(committed.head(), &self.signer);
        self.log.keep_checkpoint(committed.head().end(), &signed.note, self.now()).await?;
        let what = || format!("cannot write the anchor `{}`", self.anchor.name());
        self.anchor.keep(&signed.note).map_err(|source| StartFault::Io { what: what(), source })?;
        Ok(*index)
    }
}
