//! The rounds: the holder's system withdraws and gives back while parents and a worker keep asking.

use crate::conduct::decorate::Overtaken;
use crate::conduct::{self, House, PARTNER, PORTAL, authority, caseload, consent, record};
use sluis::fault::Fault;
use sluis::gateway::Gateway;
use sluis::release::Answer;
use sluis_core::standing::Change;
use sluis_core::subject::SubjectId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How long a child's round waits at most for a release, before the next withdrawal.
const PAUSE_MS: u32 = 6;

/// What happened, as the callers saw it.
#[derive(Debug, Default)]
pub struct Played {
    pub released: u64,
    pub refused: u64,
    /// Questions that were overtaken three times, and told to try again.
    pub gave_up: u64,
}

#[derive(Default)]
struct Counts {
    released: AtomicU64,
    refused: AtomicU64,
    gave_up: AtomicU64,
}

/// What the tasks about one child tell each other.
#[derive(Default)]
struct AboutChild {
    released: AtomicU64,
    ended: AtomicBool,
}

/// Plays rounds, spread over the children, and gives the gateway back when all is quiet.
pub async fn play(house: &House, mut gateway: Gateway, rounds: u32) -> (Arc<Gateway>, Played) {
    gateway.dossier = Arc::new(Overtaken { inner: gateway.dossier, fetched: AtomicUsize::new(0) });
    let gateway = Arc::new(gateway);
    let counts = Arc::new(Counts::default());
    let children: Vec<_> = house.children().collect();
    let share = rounds.div_ceil(u32::try_from(children.len()).unwrap());
    let tasks: Vec<_> = children
        .into_iter()
        .map(|child| tokio::spawn(one_child(Arc::clone(&gateway), Arc::clone(&counts), child, share)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
    let played =
        Played { released: read(&counts.released), refused: read(&counts.refused), gave_up: read(&counts.gave_up) };
    (gateway, played)
}

async fn one_child(gateway: Arc<Gateway>, counts: Arc<Counts>, child: SubjectId, rounds: u32) {
    for change in [authority(), consent(true), caseload(true)] {
        record(&gateway, child.clone(), change).await;
    }
    let about = Arc::new(AboutChild::default());
    let asking = [false, true].map(|as_worker| {
        let shared = (Arc::clone(&gateway), Arc::clone(&counts), Arc::clone(&about));
        tokio::spawn(keep_asking(shared, child.clone(), as_worker))
    });
    for round in 0..rounds {
        let (withdraw, give_back) = match round % 3 {
            0 => (consent(false), consent(true)),
            1 => (caseload(false), caseload(true)),
            _ => (Change::Restriction { set: true }, Change::Restriction { set: false }),
        };
        record(&gateway, child.clone(), withdraw).await;
        record(&gateway, child.clone(), give_back).await;
        // Every other round the next withdrawal follows at once; else it waits for a release to race with.
        let before = about.released.load(Ordering::SeqCst);
        let mut pause = if round % 2 == 0 { 0 } else { PAUSE_MS };
        while pause > 0 && about.released.load(Ordering::SeqCst) == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
            pause -= 1;
        }
    }
    about.ended.store(true, Ordering::SeqCst);
    for task in asking {
        task.await.unwrap();
    }
}

async fn keep_asking(
    (gateway, counts, about): (Arc<Gateway>, Arc<Counts>, Arc<AboutChild>),
    child: SubjectId,
    as_worker: bool,
) {
    while !about.ended.load(Ordering::SeqCst) {
        let (oin, ask) = if as_worker {
            (PARTNER, conduct::workers_question(&gateway, child.clone()))
        } else {
            (PORTAL, conduct::parents_question(&gateway, child.clone()))
        };
        let count = match conduct::ask(&gateway, oin, &ask).await {
            Ok(Answer::Released(_, delivery)) => {
                delivery.handed_over();
                about.released.fetch_add(1, Ordering::SeqCst);
                &counts.released
            }
            Ok(Answer::Refused(_)) => &counts.refused,
            Err(Fault::TryAgain) => &counts.gave_up,
            other => panic!("{other:?}"),
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}
