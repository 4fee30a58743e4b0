//! How a gateway ends, stage by stage, for those whose calls are still in progress.

use tokio::sync::watch;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Calls in progress finish.
    Serving,
    /// Streams end after what they are at: they close what they opened, and say UNAVAILABLE.
    StreamsEnd,
    /// Whatever is still in progress is given up.
    AllEnds,
}

/// The stage, and the way to wait for one.
#[derive(Debug)]
pub struct Ending(watch::Sender<Stage>);

impl Default for Ending {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Serving))
    }
}

impl Ending {
    /// Goes on to a stage; never back.
    pub fn reach(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let further = stage > *now;
            *now = stage.max(*now);
            further
        });
    }

    /// Waits until this stage is reached.
    pub fn reached(&self, stage: Stage) -> impl Future<Output = ()> + Send + 'static {
        let mut stages = self.0.subscribe();
        async move {
            // The gateway that is gone has ended too.
            let _ = stages.wait_for(|now| *now >= stage).await;
        }
    }
}
