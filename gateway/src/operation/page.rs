//! The metrics page: everything that is counted and everything that is read at the moment of asking, as OpenMetrics text.

use super::coarse::Coarse;
use super::encode::{Shown, encode};
use super::histogram::Shot;
use super::series::Labels;
use super::watch::Surroundings;
use crate::gateway::Gateway;
use crate::token::verify::Verifier;
use crate::transport::counters::Counters;
use sluis_core::log::Millis;
use sluis_core::organisation::RecipientType;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the numbers of the page come from.
pub struct Page {
    /// The gateway with its own counts.
    pub gateway: Arc<Gateway>,
    /// The door of both listeners.
    pub connections: Arc<Counters>,
    /// Who judges tokens.
    pub verifier: Arc<Verifier>,
    /// What lies around the gateway.
    pub surroundings: Arc<dyn Surroundings>,
    /// When the process started.
    pub started: Millis,
    /// What is shown of numbers that tell too much by their moment.
    pub steps: Mutex<Steps>,
}

/// The numbers that move in steps.
#[derive(Debug)]
pub struct Steps {
    entries: Coarse<1>,
    decisions: Coarse<4>,
    organisations: Coarse<2>,
    calls: Coarse<3>,
    call_seconds: Coarse<2, Shot>,
}

impl Steps {
    /// Nothing shown yet.
    #[must_use]
    pub const fn new(now: Millis) -> Self {
        Self {
            entries: Coarse::new(now),
            decisions: Coarse::new(now),
            organisations: Coarse::new(now),
            calls: Coarse::new(now),
            call_seconds: Coarse::new(now),
        }
    }
}

/// Recipients that ask so often that the hour of a question tells nothing: organisations with many clients.
const ASK_DAILY: &[RecipientType] = &[RecipientType::Municipality, RecipientType::CarePartner];

/// The service whose every call tells that somebody was told something: its rows move with the hour, as MANUAL does.
const TELLING_SERVICE: &str = "sluis.v1.DisclosureService";

impl Page {
    /// The page now.
    ///
    /// # Errors
    /// When a number cannot be written as text, which is a defect.
    pub async fn text(&self) -> Result<String, std::fmt::Error> {
        let head = self.gateway.ledger.head().await.ok();
        let now = self.gateway.clock.now();
        let held = self.gateway.conditions.watch().borrow().keys().copied().collect();
        let (entries, decisions, organisations) = self.steps(now);
        let (calls, call_seconds) = self.calls(now);
        encode(Shown {
            now,
            started: self.started,
            gateway: Arc::clone(&self.gateway),
            connections: Arc::clone(&self.connections),
            verifier: Arc::clone(&self.verifier),
            head: head.map(|head| (head.size(), head.last_time)),
            held,
            entries,
            decisions,
            organisations,
            calls,
            call_seconds,
            disk: self.surroundings.disk(),
            usage: self.surroundings.usage(),
            expiries: self.surroundings.expiries(),
        })
    }

    fn steps(&self, now: Millis) -> (Rows<1>, Rows<4>, Rows<2>) {
        let counts = self.gateway.recorder.counts();
        // No code panics while it holds this lock, so a poisoned one is whole.
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = steps.entries.show(now, counts.entries.numbers(), |_| true).clone();
        let often = |code: &str| RecipientType::from_code(code).is_some_and(|r| ASK_DAILY.contains(&r));
        let decisions = counts.decisions.numbers();
        let decisions = steps.decisions.show(now, decisions, |[.., recipient]| often(recipient)).clone();
        let organisations = self.gateway.metrics.organisations.numbers();
        let organisations = steps.organisations.show(now, organisations, |_| false).clone();
        (entries, decisions, organisations)
    }

    fn calls(&self, now: Millis) -> (Rows<3>, Rows<2, Shot>) {
        let metrics = &self.gateway.metrics;
        let seconds = metrics.call_seconds.rows();
        let seconds = seconds.iter().map(|(labels, histogram)| (labels.clone(), histogram.shot())).collect();
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = mostly_live(&mut steps.calls, now, metrics.calls.numbers());
        (calls, mostly_live(&mut steps.call_seconds, now, seconds))
    }
}

/// Rows by service, live but for those of the service that tells too much by its moment.
fn mostly_live<const N: usize, T: Clone>(coarse: &mut Coarse<N, T>, now: Millis, rows: Rows<N, T>) -> Rows<N, T> {
    let tells = |labels: &Labels<N>| labels.first().is_some_and(|service| service == TELLING_SERVICE);
    let (telling, mut shown): (Rows<N, T>, Rows<N, T>) = rows.into_iter().partition(|(labels, _)| tells(labels));
    shown.extend(coarse.show(now, telling, |_| true).clone());
    shown
}

/// Numbers by label.
pub(super) type Rows<const N: usize, T = u64> = BTreeMap<Labels<N>, T>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_about_a_disclosure_stands_still_until_its_hour_is_over() {
        const HOUR: Millis = 3600 * 1000;
        let served = sluis_proto::v1::disclosure_service_server::SERVICE_NAME;
        let rows = |n| BTreeMap::from([([served.into()], n), (["sluis.v1.ReleaseService".into()], n)]);
        let live = |n| BTreeMap::from([(["sluis.v1.ReleaseService".into()], n)]);
        let mut coarse = Coarse::<1>::new(21 * HOUR);
        assert_eq!(mostly_live(&mut coarse, 21 * HOUR + 1, rows(1)), live(1));
        assert_eq!(mostly_live(&mut coarse, 22 * HOUR, rows(2)), rows(2));
        assert_eq!(mostly_live(&mut coarse, 22 * HOUR + 1, rows(3)).get(&[served.into()]), Some(&2));
    }
}
