//! Onboarding: the holder's system records what already holds, over the wire, each change an entry in the log.

use super::folder::Folder;
use super::organisations::DOSSIER_SYSTEM;
use super::people;
use crate::cli::{Failure, connect};
use crate::client::ask::by_client_number;
use crate::client::standing::on_wire;
use indicatif::ProgressBar;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Calls under way at once.
const CALLS_MAX: usize = 128;

/// Records the standing of every client. Gives the number of changes.
///
/// # Errors
/// The first call that gives an error.
pub async fn onboard(folder: &Folder) -> Result<u64, Failure> {
    let changes: Vec<_> = people::standing_of(&folder.holder()?)?.collect();
    let connection = connect(&folder.profile(&DOSSIER_SYSTEM)).await?;
    let bar = ProgressBar::new(changes.len() as u64);
    let room = Arc::new(Semaphore::new(CALLS_MAX));
    let (mut calls, count) = (JoinSet::new(), changes.len() as u64);
    for (client, change) in changes {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let connection = connection.clone();
        calls.spawn(async move {
            let (kind, on) = on_wire(&change);
            let subject = by_client_number(&client);
            let done =
                if on { connection.record(subject, kind).await } else { connection.withdraw(subject, kind).await };
            drop(permit);
            done.map(drop)
        });
        while let Some(done) = calls.try_join_next() {
            done??;
            bar.inc(1);
        }
    }
    while let Some(done) = calls.join_next().await {
        done??;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(count)
}
