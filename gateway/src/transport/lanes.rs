//! Lanes: runtimes of one thread each. A connection, its handshake and the calls on it stay in one lane, so that nothing of a
//! small call is handed from processor to processor.
//!
//! What it costs: a caller with one connection has one processor, and a long computation in a lane (the judging of an
//! audit's page) holds up the calls beside it. So it is a setting, and none is the default: then the runtime of the program
//! serves, whose threads take work from each other.
//!
//! Everything that calls share is shared between lanes too: limits, trust, revocation, stores, counts, the stages of the end.

use std::io;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// The lanes of a gateway. They end when this is dropped: what is still under way in them is given up.
pub struct Lanes {
    runtimes: Vec<Handle>,
    _end: watch::Sender<()>,
}

impl Lanes {
    /// Starts so many; for none the runtime that this is called in is the only one.
    ///
    /// # Errors
    /// When the operating system gives no thread or no file descriptor.
    pub fn begin(count: u8) -> io::Result<Self> {
        let (end, ending) = watch::channel(());
        let runtimes: io::Result<Vec<_>> = (0..count).map(|number| lane(number, ending.clone())).collect();
        let mut runtimes = runtimes?;
        if runtimes.is_empty() {
            runtimes.push(Handle::current());
        }
        Ok(Self { runtimes, _end: end })
    }

    /// The runtimes that serve, one at least.
    #[must_use]
    pub fn runtimes(&self) -> &[Handle] {
        &self.runtimes
    }
}

/// Starts a runtime in a thread of its own, until the end is told by nobody being left to tell it.
fn lane(number: u8, mut ending: watch::Receiver<()>) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name(format!("sluis-lane-{number}")).spawn(move || {
        // Nothing is ever sent: this ends with an error, when the sender is dropped.
        let _ = runtime.block_on(ending.changed());
        // A look at a disk that hangs holds up no end.
        runtime.shutdown_background();
    })?;
    Ok(handle)
}
