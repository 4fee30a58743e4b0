//! What decides: the policy with what bounds it, the organisations that are admitted, and who may admit them.

use super::files::Content;
use super::piece::{Piece, Refused, Taken};
use crate::enrolment::EnrolmentFile;
use crate::fault::Fault;
use crate::gateway::Gateway;
use async_trait::async_trait;
use sluis_core::enrolment::operator::Operators;
use sluis_core::policy::{self, Policy, Sources};
use std::sync::Arc;

/// Why conduct did not take over what stands in this file.
fn refused(file: &str, fault: &Fault) -> Refused {
    let text = format!("`{file}`: {fault}");
    if *fault == Fault::PolicyTooOld { Refused::Content(text) } else { Refused::ForNow(text) }
}

/// Catalogue, ceiling and policy, in this order.
pub(crate) struct Rules {
    pub(crate) gateway: Arc<Gateway>,
}

#[async_trait]
impl Piece for Rules {
    fn name(&self) -> &'static str {
        "policy"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let policy = Arc::new(load(contents).await?);
        if policy.digest() == self.gateway.active.load().policy.digest() {
            return Ok(Taken::AsBefore);
        }
        let what = format!("policy number {}, {}", policy.number(), policy.digest().to_hex());
        let file = contents.last().map(Content::file).unwrap_or_default();
        self.gateway.activate(policy).await.map_err(|fault| refused(&file, &fault))?;
        Ok(Taken::Changed(what))
    }
}

/// Reads, checks and enumerates a policy, which takes up to a second of one processor.
async fn load(contents: &[Content]) -> Result<Policy, Refused> {
    let [catalog, ceiling, policy] = contents else {
        return Err(Refused::ForNow("three files are expected".to_owned()));
    };
    let file = policy.file();
    let catalog = catalog.text("catalogue")?.to_owned();
    let (ceiling, policy) = (ceiling.text("ceiling")?.to_owned(), policy.text("policy")?.to_owned());
    let loaded = tokio::task::spawn_blocking(move || {
        policy::load(&Sources { catalog: &catalog, ceiling: &ceiling, policy: &policy })
    });
    let loaded =
        loaded.await.map_err(|_| Refused::Content(format!("`{file}` could not be checked: report this defect")))?;
    loaded.map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Refused::Content(format!("`{file}` cannot be used:\n{}", lines.join("\n")))
    })
}

/// The operator's file of organisations.
pub(crate) struct Enrolments {
    pub(crate) gateway: Arc<Gateway>,
}

#[async_trait]
impl Piece for Enrolments {
    fn name(&self) -> &'static str {
        "enrolments"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let [content] = contents else { return Err(Refused::ForNow("one file is expected".to_owned())) };
        let parsed = toml::from_str::<EnrolmentFile>(content.text("enrolments")?);
        let file = parsed.map_err(|error| Refused::Content(format!("`{}`: {error}", content.file())))?;
        match self.gateway.enrol(file).await.map_err(|fault| refused(&content.file(), &fault))? {
            0 => Ok(Taken::AsBefore),
            changed => Ok(Taken::Changed(format!("`{}`, {changed} organisations", content.file()))),
        }
    }
}

/// The register of operators: who leaves may not sign any more from the next submission on.
pub(crate) struct Persons {
    pub(crate) gateway: Arc<Gateway>,
}

#[async_trait]
impl Piece for Persons {
    fn name(&self) -> &'static str {
        "operators"
    }

    async fn take(&mut self, contents: &[Content]) -> Result<Taken, Refused> {
        let [content] = contents else { return Err(Refused::ForNow("one file is expected".to_owned())) };
        let operators = Operators::read(content.text("register of operators")?);
        let operators = operators.map_err(|fault| Refused::Content(format!("`{}`: {fault}", content.file())))?;
        let digest = operators.digest();
        if digest == self.gateway.enrolling.operators.load().digest() {
            return Ok(Taken::AsBefore);
        }
        self.gateway.enrolling.operators.store(Arc::new(operators));
        Ok(Taken::Changed(format!("`{}`, {digest}", content.file())))
    }
}
