//! A machine whose clock is off beside the database's: it writes nothing, says so, and stops nobody else (A7).

use super::{Site, Told, named};
use crate::world::postgres::Cluster;
use sluis_adapters::postgres::PostgresLog;
use sluis_adapters::system::SystemClock;
use sluis_core::log::Millis;
use sluis_core::ports::{Clock, Ledger};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// More than the two seconds that two clocks may stand apart, in milliseconds.
const APART: i64 = 3_500;

/// The time, and so many milliseconds.
struct Off(AtomicI64);

impl Clock for Off {
    fn now(&self) -> Millis {
        SystemClock.now().saturating_add_signed(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_clock_is_off_writes_nothing_and_stops_nobody() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let open = async |replica: i16, off: &Arc<Off>| {
        let clock = Arc::<Off>::clone(off);
        PostgresLog::open(&site.place(cluster.server.port()), replica, false, &site.master, clock).await.unwrap()
    };
    let (off, exact) = (Arc::new(Off(AtomicI64::new(0))), Arc::new(Off(AtomicI64::new(0))));
    let (one, two) = (open(1, &off).await, open(2, &exact).await);
    let mut told = Told::from([(0, site.insist(&one, 0).await)]);
    for (number, apart) in (1u64..).zip([APART, -APART]) {
        off.0.store(apart, Ordering::SeqCst);
        let (right, wrong) = (10 * number, 10 * number + 1);
        assert_eq!(site.append(&one, wrong).await.unwrap_err(), named("CLOCK_APART"), "{apart} ms");
        assert_eq!(one.probe().await.unwrap_err(), named("CLOCK_APART"), "{apart} ms");
        told.insert(right, site.insist(&two, right).await);
        let found = site.check(cluster.server.port(), &told).await;
        assert_eq!(found.len(), told.len(), "{apart} ms: it was written");
        // A second is not apart.
        off.0.store(-1_000, Ordering::SeqCst);
        told.insert(wrong, site.insist(&one, wrong).await);
    }
    site.check(cluster.server.port(), &told).await;
}
