//! Our own acceptor: TCP in, proven connections out.
//!
//! One task accepts; every handshake is a task of its own under a deadline, so that a slow or hostile caller holds up nobody.
//! Above the bound on open connections or on handshakes a connection is closed at once, before any cryptography, and counted.
//! Whoever connects and says nothing holds no place of either: a place is taken when the first bytes have come.
//! A refused or broken handshake never stops the loop.
//!
//! Where several runtimes serve ([`super::lanes`]), each connection goes to the one that has the fewest, before its handshake,
//! and stays there. The bounds are of the listener, over all of them.

use super::connection::TlsConnection;
use super::counters::{Counters, Refusal};
use super::trust::Trust;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

/// Proven connections that wait for the server to take them; it takes them at once, so few.
const WAITING_MAX: usize = 16;
/// Sockets that may wait for the first bytes of their caller. They cost a file descriptor and no cryptography.
const SILENT_MAX: usize = 1024;
/// How long the first bytes may be underway; TLS has its caller speak first, at once.
const FIRST_BYTES_MAX: Duration = Duration::from_secs(1);
/// Rest after the operating system refused to accept, typically for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Bounds of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time for a handshake, from the accept, of which a second at most for its first bytes; and again for the first frames of HTTP/2 after it.
    pub handshake_max: Duration,
    /// Handshakes at the same time.
    pub handshakes_max: usize,
    /// Open connections, those in handshake included.
    pub connections_max: usize,
    /// Greatest age of a connection, after which it is cut even within a call; the server in front should close politely
    /// before that. `None`: no bound.
    pub connection_age_max: Option<Duration>,
    /// Longest that the other end may take no bytes at all while there are some for it.
    pub writing_max: Duration,
    /// Longest that the other end may give a reply no room (flow control).
    pub reply_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_max: Duration::from_secs(5),
            handshakes_max: 64,
            connections_max: 1024,
            connection_age_max: None,
            writing_max: Duration::from_secs(60),
            reply_max: Duration::from_secs(75),
        }
    }
}

/// The connections of one listener, in the order in which they were proven.
pub type Incoming = ReceiverStream<io::Result<TlsConnection>>;

/// Starts to accept on this listener. Accepting ends when the stream that is returned is dropped.
///
/// The stream never yields an error; the `Result` is what `serve_with_incoming` asks for.
#[must_use]
pub fn accept(listener: TcpListener, trust: Arc<Trust>, limits: Limits, counters: Arc<Counters>) -> Incoming {
    let (lane, incoming) = Lane::on(Handle::current());
    tokio::spawn(Door::new(trust, limits, counters).keep(listener, vec![lane]));
    incoming
}

/// Starts to accept on this listener for several runtimes, and gives the connections of each, in their order. They are to be
/// served there: that is where their sockets and timers live. Accepting ends when one of the streams is dropped.
#[must_use]
pub fn accept_on(
    runtimes: &[Handle],
    listener: TcpListener,
    trust: Arc<Trust>,
    limits: Limits,
    counters: Arc<Counters>,
) -> Vec<Incoming> {
    let (lanes, incoming) = runtimes.iter().cloned().map(Lane::on).unzip();
    tokio::spawn(Door::new(trust, limits, counters).keep(listener, lanes));
    incoming
}

/// A runtime, and the way to who serves there.
struct Lane {
    runtime: Handle,
    proven: mpsc::Sender<io::Result<TlsConnection>>,
    /// One more holder for each connection that is there.
    kept: Arc<()>,
}

impl Lane {
    fn on(runtime: Handle) -> (Self, Incoming) {
        let (proven, incoming) = mpsc::channel(WAITING_MAX);
        (Self { runtime, proven, kept: Arc::default() }, ReceiverStream::new(incoming))
    }
}

/// The place of a connection among all, and in its lane; free again when it is dropped.
pub(super) struct Place {
    _among_all: OwnedSemaphorePermit,
    _in_lane: Arc<()>,
}

/// What the accept loop and its handshakes share.
struct Door {
    trust: Arc<Trust>,
    limits: Limits,
    counters: Arc<Counters>,
    silent: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// Why a connection came to nothing.
enum Away {
    /// There was no room.
    Shed,
    /// It was not proven.
    Refused(Refusal),
}

impl Door {
    fn new(trust: Arc<Trust>, limits: Limits, counters: Arc<Counters>) -> Self {
        Self {
            trust,
            limits,
            counters,
            silent: Arc::new(Semaphore::new(SILENT_MAX)),
            handshakes: Arc::new(Semaphore::new(limits.handshakes_max)),
            places: Arc::new(Semaphore::new(limits.connections_max)),
        }
    }

    async fn keep(self, listener: TcpListener, lanes: Vec<Lane>) {
        let door = Arc::new(self);
        let mut closed = JoinSet::new();
        for lane in &lanes {
            let proven = lane.proven.clone();
            closed.spawn(async move { proven.closed().await });
        }
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = closed.join_next() => return,
            };
            let emptiest = lanes.iter().min_by_key(|lane| Arc::strong_count(&lane.kept));
            match (accepted, emptiest) {
                (Ok((tcp, _address)), Some(lane)) => door.admit(tcp, lane),
                (Ok(_), None) => return,
                (Err(_), _) => {
                    door.counters.count_accept_error();
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// Waits for the first bytes when there is room, and closes the connection when there is not.
    fn admit(self: &Arc<Self>, tcp: TcpStream, lane: &Lane) {
        let silent = Arc::clone(&self.silent).try_acquire_owned();
        let (Ok(silent), true) = (silent, self.places.available_permits() > 0) else {
            self.counters.count_shed();
            return;
        };
        // A socket is woken by the runtime that it was made in: this one is made again where it will be served.
        let Ok(tcp) = tcp.into_std() else {
            self.counters.count_accept_error();
            return;
        };
        let (door, proven, in_lane) = (Arc::clone(self), lane.proven.clone(), Arc::clone(&lane.kept));
        lane.runtime.spawn(async move {
            match door.meet_in_time(tcp, silent, in_lane).await {
                Ok(connection) => {
                    door.counters.count_accepted();
                    // A closed channel means that the server stops; the connection closes with it.
                    let _ = proven.send(Ok(connection)).await;
                }
                Err(Away::Shed) => door.counters.count_shed(),
                Err(Away::Refused(reason)) => {
                    if door.counters.count_refused(reason) {
                        let count = door.counters.refused(reason);
                        tracing::info!(reason = reason.code(), count, "connections refused");
                    }
                }
            }
        });
    }

    async fn meet_in_time(
        &self,
        tcp: std::net::TcpStream,
        silent: OwnedSemaphorePermit,
        in_lane: Arc<()>,
    ) -> Result<TlsConnection, Away> {
        let tcp = TcpStream::from_std(tcp).map_err(|_| Away::Refused(Refusal::BrokenOff))?;
        let met = tokio::time::timeout(self.limits.handshake_max, self.meet(tcp, silent, in_lane)).await;
        met.unwrap_or(Err(Away::Refused(Refusal::Deadline)))
    }

    /// The handshake, for which room is asked when the caller has begun to speak.
    async fn meet(
        &self,
        tcp: TcpStream,
        silent: OwnedSemaphorePermit,
        in_lane: Arc<()>,
    ) -> Result<TlsConnection, Away> {
        let spoken = tokio::time::timeout(FIRST_BYTES_MAX, tcp.peek(&mut [0])).await;
        drop(silent);
        match spoken {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return Err(Away::Refused(Refusal::BrokenOff)),
            Err(_) => return Err(Away::Refused(Refusal::Deadline)),
        }
        let handshake = self.handshakes.try_acquire();
        let place = Arc::clone(&self.places).try_acquire_owned();
        let (Ok(_handshake), Ok(among_all)) = (handshake, place) else { return Err(Away::Shed) };
        self.prove(tcp, Place { _among_all: among_all, _in_lane: in_lane }).await.map_err(Away::Refused)
    }

    async fn prove(&self, tcp: TcpStream, place: Place) -> Result<TlsConnection, Refusal> {
        tcp.set_nodelay(true).map_err(|_| Refusal::BrokenOff)?;
        let belief = self.trust.belief();
        let acceptor = TlsAcceptor::from(Arc::clone(&belief.config));
        let stream = acceptor.accept(tcp).await.map_err(|error| Refusal::from_handshake(&error))?;
        let (trust, counters) = (Arc::clone(&self.trust), Arc::clone(&self.counters));
        TlsConnection::new(stream, trust, belief.version, counters, &self.limits, place)
    }
}

#[cfg(test)]
mod tests;
