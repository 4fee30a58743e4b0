//! How long one decision takes under the shipped policy: over permits, and over the whole space of facts.
//!
//! The floor is what no decision can do without: finding the one rule for recipient type and purpose. Both are timed
//! call by call with the same clock, so the cost of reading the clock is in both.

use super::Fault;
use super::report::{Line, median, micros, peak_rss_mib};
use hdrhistogram::Histogram;
use serde_json::json;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::policy::{Policy, Sources, load};
use sluis_core::release::{Decision, Question};
use sluis_core::subject::SubjectId;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;
const DECISIONS_PER_ROUND: usize = 200_000;
const CASES_MAX: usize = 4096;
const TRIES: usize = 2_000_000;

type Case = (Question, Facts);

/// Measures and prints two lines. `rest` may name the folder of the policy.
pub fn run(rest: &[&str]) -> Result<(), Fault> {
    let folder = rest.first().copied().unwrap_or("gateway/policy");
    let policy = shipped(folder)?;
    let (permits, all) = cases(&policy)?;
    eprintln!("{} permits, {} cases of {} rules", permits.len(), all.len(), policy.rules().count());
    measure(&policy, &permits, "permits")?;
    measure(&policy, &all, "whole space")
}

fn shipped(folder: &str) -> Result<Policy, Fault> {
    let read = |name: &str| {
        let path = format!("{folder}/{name}.toml");
        std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    };
    let (catalog, ceiling, policy) = (read("catalog")?, read("ceiling")?, read("kracht")?);
    let sources = Sources { catalog: &catalog, ceiling: &ceiling, policy: &policy };
    load(&sources).map_err(|faults| {
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        texts.join("; ").into()
    })
}

/// Reproducible numbers (xorshift64); nothing here is a secret.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or(0)
    }
}

/// Cases that are permitted, and cases of any outcome, evenly over the rules.
fn cases(policy: &Policy) -> Result<(Vec<Case>, Vec<Case>), Fault> {
    let pairs: Vec<_> = policy.rules().map(|rule| (rule.recipient(), rule.purpose())).collect();
    let subject = SubjectId::client_number("BENCH-1").ok_or("no client number")?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut permits, mut all) = (Vec::new(), Vec::new());
    for attempt in 0..TRIES {
        let (recipient, purpose) = *pairs.get(attempt % pairs.len().max(1)).ok_or("the policy has no rule")?;
        let question = Question { recipient, purpose, subject: subject.clone(), mask: None, record_id: None };
        let facts = Fact::ALL
            .iter()
            .fold(Facts::default(), |facts, fact| facts.with_position(*fact, dice.below(fact.values().len())));
        if permits.len() < CASES_MAX && matches!(decide(policy, question.clone(), facts), Decision::Permit(_)) {
            permits.push((question.clone(), facts));
        }
        if all.len() < CASES_MAX {
            all.push((question, facts));
        }
        if permits.len() == CASES_MAX {
            break;
        }
    }
    if permits.is_empty() {
        Err("no case is permitted: the bench would measure refusals only".into())
    } else {
        Ok((permits, all))
    }
}

fn measure(policy: &Policy, cases: &[Case], name: &str) -> Result<(), Fault> {
    let (mut values, mut floors, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let floor =
            timed(cases, |(question, _)| policy.rule_for(question.recipient, question.purpose).map(|r| r.id().len()))?;
        let decided = timed(cases, |(question, facts)| decide(policy, question, facts))?;
        eprintln!("{name}, round {round} of {ROUNDS}: {:.3} us", micros(&decided, 50.0));
        floors.push(micros(&floor, 50.0));
        values.push(micros(&decided, 50.0));
        p99s.push(micros(&decided, 99.0));
    }
    Line {
        bench: "decide",
        engine: "none",
        value: median(&values),
        unit: "us",
        floor: median(&floors),
        floor_name: "finding the rule for the pair",
        p50_us: median(&values),
        p99_us: median(&p99s),
        peak_rss_mib: peak_rss_mib("self"),
        settings: json!({ "policy": policy.name(), "facts": name, "cases": cases.len(), "rounds": ROUNDS,
            "decisions_per_round": DECISIONS_PER_ROUND, "bound_us": 1 }),
    }
    .print();
    Ok(())
}

/// Times every call on its own. Making the question and dropping the answer are outside.
#[expect(clippy::disallowed_methods, reason = "a bench measures durations")]
fn timed<T>(cases: &[Case], call: impl Fn(Case) -> T) -> Result<Histogram<u64>, Fault> {
    let mut histogram = Histogram::<u64>::new_with_max(60_000_000_000, 3)?;
    for case in cases.iter().cycle().take(DECISIONS_PER_ROUND) {
        let case = black_box(case.clone());
        let start = Instant::now();
        let answer = black_box(call(case));
        let nanoseconds = start.elapsed().as_nanos();
        drop(answer);
        histogram.saturating_record(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
    }
    Ok(histogram)
}
