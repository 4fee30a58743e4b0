//! Every metric by name, as one visible list. Names, labels and meaning stand in `docs/operator-guide.md`; a test compares.

use super::histogram::{Histogram, Shot};
use super::lines;
use super::page::Rows;
use super::series::Series;
use super::watch::{Disk, Expiry, Usage};
use crate::condition::Condition;
use crate::gateway::Gateway;
use crate::token::verify::Verifier;
use crate::transport::counters::{Counters, Cut, Refusal};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use sluis_core::log::Millis;
use std::collections::BTreeSet;
use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Everything that one page shows.
pub(super) struct Shown {
    pub now: Millis,
    pub started: Millis,
    pub gateway: Arc<Gateway>,
    pub connections: Arc<Counters>,
    pub verifier: Arc<Verifier>,
    /// Size and time of the last entry.
    pub head: Option<(u64, Millis)>,
    pub held: BTreeSet<Condition>,
    pub entries: Rows<1>,
    pub decisions: Rows<4>,
    pub organisations: Rows<2>,
    pub calls: Rows<3>,
    pub call_seconds: Rows<2, Shot>,
    pub disk: Option<Disk>,
    pub usage: Option<Usage>,
    pub expiries: Vec<Expiry>,
}

/// The page as text.
pub(super) fn encode(shown: Shown) -> Result<String, Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(shown));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl Collector for Shown {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut to = To(encoder);
        self.process(&mut to)?;
        self.connections(&mut to)?;
        self.calls(&mut to)?;
        self.log(&mut to)?;
        self.decided(&mut to)?;
        self.states(&mut to)
    }
}

impl Shown {
    fn process(&self, to: &mut To<'_>) -> Result<(), Error> {
        to.gauge("sluis_build", "The version that runs", &["version"], [([env!("CARGO_PKG_VERSION")], 1.0)])?;
        to.gauge(
            "process_start_time_seconds",
            "When the process started, Unix time",
            &[],
            [([], seconds(self.started))],
        )?;
        if let Some(usage) = self.usage {
            to.gauge("process_resident_memory_bytes", "Memory in use", &[], [([], float(usage.resident))])?;
            to.gauge("process_open_fds", "Open file descriptors", &[], [([], float(usage.files))])?;
            to.gauge("process_max_fds", "How many may be open; 0 is unlimited", &[], [([], float(usage.files_max))])?;
        }
        let metrics = &self.gateway.metrics;
        to.counter("sluis_log_lines_dropped", "Log lines nobody took in time", lines::dropped())?;
        let left_out = metrics.calls.left_out() + metrics.organisations.left_out() + metrics.events.left_out();
        to.counter("sluis_series_left_out", "Counts that found no row because there were too many", left_out)
    }

    fn connections(&self, to: &mut To<'_>) -> Result<(), Error> {
        let counters = &self.connections;
        to.gauge("sluis_connections_open", "Connections open now", &[], [([], float(counters.open()))])?;
        to.counter("sluis_connections_accepted", "Connections that were proven", counters.accepted())?;
        let refused = Refusal::ALL.iter().map(|r| ([r.code()], counters.refused(*r)));
        to.counters("sluis_connections_refused", "Handshakes refused", &["reason"], refused)?;
        to.counter(
            "sluis_connections_shed",
            "Connections closed at once because a bound was reached",
            counters.shed(),
        )?;
        to.counter("sluis_connections_withdrawn", "Open connections cut because of revocation", counters.withdrawn())?;
        to.counter("sluis_accept_errors", "Times the system did not hand over a connection", counters.accept_errors())?;
        let cut = Cut::ALL.iter().map(|c| ([c.code()], counters.cut(*c)));
        to.counters("sluis_connections_cut", "Open connections cut by us", &["reason"], cut)?;
        let refused = self.gateway.quotas.refused().read();
        let refused = refused.iter().map(|(refused, count)| ([refused.class.code(), refused.reason], *count));
        to.counters("sluis_turned_away", "Calls turned away at the door", &["class", "reason"], refused)?;
        to.series("sluis_tokens", "Tokens judged on calls", &["result"], self.verifier.judged())?;
        let requests = &self.gateway.metrics.token_requests;
        to.series("sluis_token_requests", "Answers of the token endpoint", &["status"], requests)
    }

    fn calls(&self, to: &mut To<'_>) -> Result<(), Error> {
        let metrics = &self.gateway.metrics;
        let open = float(metrics.calls_open.load(Ordering::Relaxed));
        to.gauge("sluis_calls_open", "Calls in progress, streams included", &[], [([], open)])?;
        to.counters("sluis_calls", "Calls that ended", &["service", "method", "code"], texts(&self.calls))?;
        to.histograms("sluis_call_seconds", "How long calls took", &["service", "method"], &self.call_seconds)?;
        to.series("sluis_events", "What happens now and then", &["event"], &metrics.events)?;
        let made_at = metrics.wrapping_made_at.load(Ordering::Relaxed);
        if made_at > 0 {
            let age = seconds(self.now.saturating_sub(made_at));
            to.gauge("sluis_wrapping_key_age_seconds", "Age of the newest wrapping generation", &[], [([], age)])?;
        }
        to.series("sluis_store_errors", "What a store did not do", &["store", "state"], &metrics.store_errors)
    }

    fn log(&self, to: &mut To<'_>) -> Result<(), Error> {
        let recorder = &self.gateway.recorder;
        let counts = recorder.counts();
        if let Some((size, time)) = self.head {
            to.gauge("sluis_log_size", "Entries in the log", &[], [([], float(size))])?;
            let age = seconds(self.now.saturating_sub(time));
            to.gauge(
                "sluis_checkpoint_age_seconds",
                "Time since the last entry, under the newest checkpoint",
                &[],
                [([], age)],
            )?;
        }
        let waiting = u32::try_from(recorder.waiting()).unwrap_or(u32::MAX);
        to.gauge("sluis_log_waiting", "Entries waiting to be appended", &[], [([], f64::from(waiting))])?;
        let open = u32::try_from(recorder.in_flight().open()).unwrap_or(u32::MAX);
        to.gauge("sluis_deliveries_open", "Releases recorded and not handed over yet", &[], [([], f64::from(open))])?;
        to.counter("sluis_append_errors", "Appends that failed", counts.append_errors.load(Ordering::Relaxed))?;
        let scrub = &self.gateway.metrics.scrub;
        to.gauge("sluis_scrub_part", "Part of the log that this pass recomputed, 0 to 1", &[], [([], scrub.part())])?;
        to.counter("sluis_scrub_passes", "Passes that recomputed the whole log", scrub.passes())?;
        to.counter("sluis_scrub_findings", "What the scrubber found to be other than written", scrub.findings())?;
        let since = scrub.passed_at().map(|at| ([], seconds(self.now.saturating_sub(at))));
        to.gauge("sluis_scrub_age_seconds", "Time since the whole log was recomputed last", &[], since)?;
        to.histogram("sluis_append_seconds", "How long an append took, the flush included", &counts.append_seconds)?;
        to.histogram("sluis_append_entries", "Entries per append", &counts.batch)
    }

    fn decided(&self, to: &mut To<'_>) -> Result<(), Error> {
        let policy = Arc::clone(&self.gateway.active.load().policy);
        let (number, digest) = (policy.number().to_string(), policy.digest().to_hex());
        let labels = [number.as_str(), digest.as_str()];
        to.gauge("sluis_policy", "The policy in force", &["number", "digest"], [(labels, 1.0)])?;
        let entries = "Entries by kind; moves when the hour is over";
        to.counters("sluis_entries", entries, &["kind"], texts(&self.entries))?;
        let (decisions, names) =
            ("Answers; moves when the hour or day is over", ["kind", "rule", "purpose", "recipient"]);
        to.counters("sluis_decisions", decisions, &names, texts(&self.decisions))?;
        let organisations = "Calls by organisation; moves when the day is over";
        to.counters("sluis_organisation_calls", organisations, &["oin", "result"], texts(&self.organisations))
    }

    fn states(&self, to: &mut To<'_>) -> Result<(), Error> {
        let ready = Condition::ALL.iter().all(|c| c.ready() || !self.held.contains(c));
        to.gauge("sluis_ready", "Whether callers may be sent here", &[], [([], f64::from(u8::from(ready)))])?;
        let held = Condition::ALL.iter().map(|c| ([c.code()], f64::from(u8::from(self.held.contains(c)))));
        to.gauge("sluis_condition", "Whether a named condition holds", &["name"], held)?;
        let left = self.expiries.iter().map(|e| ([e.what, e.file.as_str()], seconds(e.at) - seconds(self.now)));
        to.gauge("sluis_expiry_seconds", "Time until a certificate or list ends", &["what", "file"], left)?;
        if let Some(disk) = self.disk {
            to.gauge("sluis_disk_free_bytes", "Free on the disk of the log", &[], [([], float(disk.free))])?;
            to.gauge("sluis_disk_size_bytes", "Size of the disk of the log", &[], [([], float(disk.total))])?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number for a picture")]
fn float(number: u64) -> f64 {
    number as f64
}

fn seconds(millis: Millis) -> f64 {
    float(millis) / 1000.0
}

fn texts<const N: usize>(rows: &Rows<N>) -> impl Iterator<Item = ([&str; N], u64)> {
    rows.iter().map(|(labels, number)| (labels.each_ref().map(AsRef::as_ref), *number))
}

/// Writes metrics of one sort with the least words.
struct To<'a>(DescriptorEncoder<'a>);

impl To<'_> {
    fn describe(&mut self, name: &'static str, help: &str, sort: MetricType) -> Result<MetricEncoder<'_>, Error> {
        self.0.encode_descriptor(name, help, None, sort)
    }

    fn counter(&mut self, name: &'static str, help: &str, number: u64) -> Result<(), Error> {
        self.describe(name, help, MetricType::Counter)?.encode_counter::<NoLabelSet, _, u64>(&number, None)
    }

    fn counters<'r, const N: usize>(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[&str; N],
        rows: impl IntoIterator<Item = ([&'r str; N], u64)>,
    ) -> Result<(), Error> {
        let mut metric = self.describe(name, help, MetricType::Counter)?;
        for (values, number) in rows {
            let pairs: Vec<(&str, &str)> = labels.iter().copied().zip(values).collect();
            metric.encode_family(&pairs)?.encode_counter::<NoLabelSet, _, u64>(&number, None)?;
        }
        Ok(())
    }

    fn series<const N: usize>(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[&str; N],
        series: &Series<N>,
    ) -> Result<(), Error> {
        self.counters(name, help, labels, texts(&series.numbers()))
    }

    fn gauge<'r, const N: usize>(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[&str; N],
        rows: impl IntoIterator<Item = ([&'r str; N], f64)>,
    ) -> Result<(), Error> {
        let mut metric = self.describe(name, help, MetricType::Gauge)?;
        for (values, number) in rows {
            let pairs: Vec<(&str, &str)> = labels.iter().copied().zip(values).collect();
            if pairs.is_empty() {
                metric.encode_gauge(&number)?;
            } else {
                metric.encode_family(&pairs)?.encode_gauge(&number)?;
            }
        }
        Ok(())
    }

    fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) -> Result<(), Error> {
        let shot = histogram.shot();
        let mut metric = self.describe(name, help, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(shot.sum, shot.count, &shot.classes, None)
    }

    fn histograms<const N: usize>(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[&str; N],
        rows: &Rows<N, Shot>,
    ) -> Result<(), Error> {
        let mut metric = self.describe(name, help, MetricType::Histogram)?;
        for (values, shot) in rows {
            let pairs: Vec<(&str, &str)> = labels.iter().copied().zip(values.iter().map(AsRef::as_ref)).collect();
            let mut row = metric.encode_family(&pairs)?;
            row.encode_histogram::<NoLabelSet>(shot.sum, shot.count, &shot.classes, None)?;
        }
        Ok(())
    }
}
