//! The first call under a signed change is flagged once: an insider who enrols himself is seen when he begins (T34).
//!
//! The entry in the log is what counts, so that a restart flags nothing twice; what this process has seen is remembered
//! by version, so that a call costs one look into a table in memory.

use super::{FIRST_USE, Trace};
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::recorder::Verdict;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::GuardKey;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::Oin;

/// Organisations and versions that need no flag any more.
pub struct FirstUses {
    flagged: moka::sync::Cache<(Oin, u64), ()>,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Default for FirstUses {
    fn default() -> Self {
        const ORGANISATIONS_MAX: u64 = 4096;
        Self { flagged: moka::sync::Cache::new(ORGANISATIONS_MAX), one_at_a_time: tokio::sync::Mutex::default() }
    }
}

impl Gateway {
    /// Records that a signed change of `organisation` is used for the first time, before the call that uses it is
    /// answered. `thumbprint` is of the certificate that called: of a delegated call it is not the organisation's own.
    ///
    /// # Errors
    /// A store that does not answer, or [`Fault::TryAgain`] when the enrolment changed meanwhile: the call then ends.
    pub(crate) async fn flag_first_use(
        &self,
        organisation: &Oin,
        thumbprint: &str,
        enrolment: &Enrolment,
        version: u64,
    ) -> Result<(), Fault> {
        let uses = &self.enrolling.first_uses;
        let used = (organisation.clone(), version);
        if uses.flagged.contains_key(&used) {
            return Ok(());
        }
        let _alone = uses.one_at_a_time.lock().await;
        if uses.flagged.contains_key(&used) {
            return Ok(());
        }
        let set = self.register.enrolled_by(organisation).await?.as_ref().map(Trace::read).transpose()?;
        let Some(set) = set.filter(|set| set.signed) else {
            uses.flagged.insert(used, ());
            return Ok(());
        };
        if self.register.recipient_entry_after(organisation, set.index).await?.is_none() {
            self.record_first_use(organisation, thumbprint, enrolment, version).await?;
        }
        uses.flagged.insert(used, ());
        Ok(())
    }

    async fn record_first_use(
        &self,
        organisation: &Oin,
        thumbprint: &str,
        enrolment: &Enrolment,
        version: u64,
    ) -> Result<(), Fault> {
        let leaf = LeafDraft::new(LeafKind::Recipient)
            .with(Key::Rp, organisation.as_str())
            .with(Key::Rs, FIRST_USE)
            .with(Key::Rt, enrolment.recipient.code())
            .with(Key::X5, thumbprint);
        let said = serde_json::json!({
            "v": "sluis-payload/1",
            "salt": data_encoding::HEXLOWER.encode(&self.salt()),
            "version": version,
            "unit": enrolment.unit,
        });
        let verdict = loop {
            let mut draft = self.own_draft(leaf.clone(), said.to_string().as_bytes()).await?;
            draft.relies_on = vec![(GuardKey::Organisation(organisation.clone()), version)];
            if let Some(verdict) = self.record_made(draft).await? {
                break verdict;
            }
        };
        match verdict {
            Verdict::Recorded(receipt) => {
                // Who, in which role and at which moment tells too much together (A23): the entry says it to who may read it.
                tracing::warn!(index = receipt.index(), "first use of a new enrolment: is this expected?");
                Ok(())
            }
            Verdict::Stale => Err(Fault::TryAgain),
            _ => Err(Fault::Defect("the ledger refused the entry of a first use")),
        }
    }
}
