//! Callers that never stop asking, and what they were told.

use super::{LOOK, Site, Told};
use crate::world::PATIENCE;
use sluis_adapters::postgres::PostgresLog;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// Requests of one caller are numbered from here times its number on.
const APART: u64 = 1_000_000;

/// Callers at work.
pub struct Load {
    told: Arc<Mutex<Told>>,
    over: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    /// Starts one caller per log given; each repeats a request until it is answered.
    pub fn start(site: &Arc<Site>, logs: &[Arc<PostgresLog>]) -> Self {
        let mut load = Self { told: Arc::default(), over: Arc::default(), callers: JoinSet::new() };
        for (caller, log) in (1u64..).zip(logs) {
            let (site, log) = (Arc::clone(site), Arc::clone(log));
            let (told, over) = (Arc::clone(&load.told), Arc::clone(&load.over));
            load.callers.spawn(async move {
                let mut number = caller * APART;
                while !over.load(Ordering::SeqCst) {
                    let index = site.insist(&log, number).await;
                    told.lock().unwrap().insert(number, index);
                    number += 1;
                }
            });
        }
        load
    }

    /// Returns when this many more requests are answered.
    pub async fn goes_on(&self, more: usize) {
        let answered = || self.told.lock().unwrap().len();
        let enough = answered() + more;
        let reached = tokio::time::timeout(PATIENCE, async {
            while answered() < enough {
                tokio::time::sleep(LOOK).await;
            }
        });
        reached.await.unwrap_or_else(|_| panic!("{} of {enough} requests are answered", answered()));
    }

    /// Lets every caller have its last answer; gives what they were told.
    pub async fn stop(mut self) -> Told {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut self.told.lock().unwrap())
    }
}
