//! Enrolment at work: the grant that a token names, and bringing the register in line with the operator's file.

use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use sluis_core::enrolment::Enrolment;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Effect, GuardState, Versioned};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::Oin;
use sluis_core::policy::Policy;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The grant hash of an organisation: it changes with every change of its enrolments, so that a token of an older
/// enrolment is refused on the next call. Form after FSC: `$1$3$` and base64url of a SHA3-512.
#[must_use]
pub fn grant_hash(oin: &Oin, enrolments: &[Enrolment]) -> String {
    let content = serde_json::to_vec(&(oin, enrolments)).unwrap_or_default();
    let mut bytes = b"sluis-grant/1\0".to_vec();
    bytes.extend_from_slice(&content);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_512, &bytes);
    format!("$1$3${}", data_encoding::BASE64URL_NOPAD.encode(hash.as_ref()))
}

/// Grant hashes by organisation and version of its row: computed once per change of an enrolment.
pub struct GrantCache(moka::sync::Cache<(Oin, u64), Arc<str>>);

impl Default for GrantCache {
    fn default() -> Self {
        const ORGANISATIONS_MAX: u64 = 4096;
        Self(moka::sync::Cache::new(ORGANISATIONS_MAX))
    }
}

impl GrantCache {
    /// The grant hash of these enrolments.
    #[must_use]
    pub fn grant(&self, oin: &Oin, enrolments: &Versioned<Vec<Enrolment>>) -> Arc<str> {
        let hash = || grant_hash(oin, &enrolments.state).into();
        self.0.get_with((oin.clone(), enrolments.version), hash)
    }
}

/// The operator's file of organisations.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentFile {
    /// One entry per admitted role.
    #[serde(default)]
    pub organisation: Vec<Enrolment>,
}

impl EnrolmentFile {
    /// The enrolments by organisation.
    #[must_use]
    pub fn by_organisation(self) -> BTreeMap<Oin, Vec<Enrolment>> {
        let mut by_oin: BTreeMap<Oin, Vec<Enrolment>> = BTreeMap::new();
        for enrolment in self.organisation {
            by_oin.entry(enrolment.oin.clone()).or_default().push(enrolment);
        }
        by_oin
    }
}

impl Gateway {
    /// Brings the register in line with the file: every organisation that differs is replaced, each a leaf.
    /// Organisations that are absent from the file, or were changed by signature, are left as they are.
    ///
    /// # Errors
    /// A store that does not answer. What was recorded before it stands.
    pub async fn enrol(&self, file: EnrolmentFile) -> Result<u32, Fault> {
        let mut changed = 0;
        for (oin, enrolments) in file.by_organisation() {
            if self.register.enrolments(&oin).await?.state == enrolments {
                continue;
            }
            // What persons signed for, a file does not undo: a suspension would end with the next start.
            if self.is_signed_for(&oin).await? {
                tracing::warn!(
                    organisation = oin.as_str(),
                    "signed changes hold: the file of enrolments is not followed"
                );
                continue;
            }
            let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin.as_str()).with(Key::Rs, "ENROLLED");
            // What was admitted stands in the payload: the register can be rebuilt from the log (A14).
            let said = serde_json::json!({
                "v": "sluis-payload/1",
                "salt": data_encoding::HEXLOWER.encode(&self.salt()),
                "enrolments": enrolments,
            });
            let effects = [Effect::Organisation { oin, enrolments }];
            self.record_own(leaf, Some(said.to_string().as_bytes()), &effects).await?;
            changed += 1;
        }
        Ok(changed)
    }

    /// Makes a policy active: a leaf, unless exactly this policy is active already.
    ///
    /// # Errors
    /// [`Fault::PolicyTooOld`] when a higher number was active before; a store that does not answer.
    pub async fn activate(&self, policy: Arc<Policy>) -> Result<(), Fault> {
        let _activating = self.activating.lock().await;
        let (digest, number) = (policy.digest(), policy.number());
        let current = self.register.active_policy().await?;
        let is_active = |v: &Versioned<GuardState>| v.state == GuardState::Policy { digest, number };
        if !current.as_ref().is_some_and(is_active) {
            let leaf = LeafDraft::new(LeafKind::Policy)
                .with(Key::Po, digest.to_hex())
                .with(Key::N, number)
                .with(Key::Ca, policy.catalogue());
            self.record_own(leaf, None, &[Effect::Policy { digest, number }]).await?;
        }
        let version =
            self.register.active_policy().await?.ok_or(Fault::Defect("the active policy cannot be read back"))?.version;
        self.active.store(Arc::new(ActivePolicy { policy, version }));
        Ok(())
    }
}
