//! Callers who ask without a pause while things change, and none of whose calls may fail.

use super::super::load::{World, dossier, transaction};
use super::scene::{PATIENCE, Scene, asker};
use sluis::client::ask::Reply;
use sluis::operation::stopwatch::Stopwatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Callers who ask without a pause until told to end; every question must be answered by a release.
pub struct Load {
    callers: JoinSet<u32>,
    end: Arc<AtomicBool>,
    /// Calls answered so far.
    pub answered: Arc<AtomicU32>,
}

impl Load {
    /// Starts so many callers, over two connections.
    pub fn begin(scene: &Scene, world: &World, callers: usize) -> Self {
        let (end, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let open = [scene.connect(&asker()), scene.connect(&asker())];
        let mut tasks = JoinSet::new();
        for number in 0..callers {
            let (connection, end, answered) = (open[number % 2].clone(), Arc::clone(&end), Arc::clone(&answered));
            let clients: Vec<String> = world.clients().cloned().collect();
            tasks.spawn_on(
                async move {
                    let mut asked = 0;
                    for client in clients.iter().cycle().skip(number * 7) {
                        if end.load(Ordering::Relaxed) {
                            break;
                        }
                        match connection.ask(&dossier(client), transaction()).await {
                            Ok(Reply::Released { .. }) => asked += 1,
                            other => panic!("a call failed after {asked}: {other:?}"),
                        }
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    asked
                },
                scene.runtime.handle(),
            );
        }
        Self { callers: tasks, end, answered }
    }

    /// Waits until so many more calls were answered.
    pub fn goes_on(&self, more: u32) {
        let (from, begin) = (self.answered.load(Ordering::Relaxed), Stopwatch::start());
        while self.answered.load(Ordering::Relaxed) < from + more {
            assert!(begin.elapsed() < PATIENCE, "the calls stand still");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends; gives how many calls were answered, all of them well.
    pub fn end(self, scene: &Scene) -> u32 {
        self.end.store(true, Ordering::Relaxed);
        scene.runtime.block_on(self.callers.join_all()).into_iter().sum()
    }
}
