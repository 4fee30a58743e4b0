//! Our own acceptor: TCP in, proven connections out.
//!
//! One task accepts; every handshake is a task of its own under a deadline, so that a slow or hostile caller holds up nobody.
//! Above the bound on open connections or on handshakes a connection is closed at once, before any cryptography, and counted.
//! Whoever connects and says nothing holds no place of either: a place is taken when the first bytes have come.
//! A refused or broken handshake never stops the loop.

use super::connection::TlsConnection;
use super::counters::{Counters, Refusal};
use super::trust::Trust;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
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
    let (proven, incoming) = mpsc::channel(WAITING_MAX);
    let door = Door {
        trust,
        limits,
        counters,
        silent: Arc::new(Semaphore::new(SILENT_MAX)),
        handshakes: Arc::new(Semaphore::new(limits.handshakes_max)),
        places: Arc::new(Semaphore::new(limits.connections_max)),
        proven,
    };
    tokio::spawn(door.keep(listener));
    ReceiverStream::new(incoming)
}

/// What the accept loop and its handshakes share.
struct Door {
    trust: Arc<Trust>,
    limits: Limits,
    counters: Arc<Counters>,
    silent: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    places: Arc<Semaphore>,
    proven: mpsc::Sender<io::Result<TlsConnection>>,
}

/// Why a connection came to nothing.
enum Away {
    /// There was no room.
    Shed,
    /// It was not proven.
    Refused(Refusal),
}

impl Door {
    async fn keep(self, listener: TcpListener) {
        let door = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = door.proven.closed() => return,
            };
            match accepted {
                Ok((tcp, _address)) => Arc::clone(&door).admit(tcp),
                Err(_) => {
                    door.counters.count_accept_error();
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// Waits for the first bytes when there is room, and closes the connection when there is not.
    fn admit(self: Arc<Self>, tcp: TcpStream) {
        let silent = Arc::clone(&self.silent).try_acquire_owned();
        let (Ok(silent), true) = (silent, self.places.available_permits() > 0) else {
            self.counters.count_shed();
            return;
        };
        tokio::spawn(async move {
            let proven = tokio::time::timeout(self.limits.handshake_max, self.meet(tcp, silent)).await;
            match proven.unwrap_or(Err(Away::Refused(Refusal::Deadline))) {
                Ok(connection) => {
                    self.counters.count_accepted();
                    // A closed channel means that the server stops; the connection closes with it.
                    let _ = self.proven.send(Ok(connection)).await;
                }
                Err(Away::Shed) => self.counters.count_shed(),
                Err(Away::Refused(reason)) => {
                    if self.counters.count_refused(reason) {
                        let count = self.counters.refused(reason);
                        tracing::info!(reason = reason.code(), count, "connections refused");
                    }
                }
            }
        });
    }

    /// The handshake, for which room is asked when the caller has begun to speak.
    async fn meet(&self, tcp: TcpStream, silent: OwnedSemaphorePermit) -> Result<TlsConnection, Away> {
        let spoken = tokio::time::timeout(FIRST_BYTES_MAX, tcp.peek(&mut [0])).await;
        drop(silent);
        match spoken {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return Err(Away::Refused(Refusal::BrokenOff)),
            Err(_) => return Err(Away::Refused(Refusal::Deadline)),
        }
        let handshake = self.handshakes.try_acquire();
        let place = Arc::clone(&self.places).try_acquire_owned();
        let (Ok(_handshake), Ok(place)) = (handshake, place) else { return Err(Away::Shed) };
        self.prove(tcp, place).await.map_err(Away::Refused)
    }

    async fn prove(&self, tcp: TcpStream, place: OwnedSemaphorePermit) -> Result<TlsConnection, Refusal> {
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
