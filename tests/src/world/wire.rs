//! A wire between a gateway and its PostgreSQL that can be cut or go silent, at any moment or exactly around a COMMIT.
//!
//! It reads the messages of the client (PostgreSQL, chapter "Message Formats") as far as it must to know a COMMIT, which the
//! writer of a log sends as a prepared statement. It changes no byte. It can be pointed at another server, as an address that
//! moves with the primary is.
//! What goes silent is still there, its kernel acknowledges what arrives; who vanishes does not even do that.

use super::PATIENCE;
use super::deaf::deafen;
use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Version 3.0 of the protocol: what a startup message says, and a request for TLS does not.
const VERSION: [u8; 4] = 196_608u32.to_be_bytes();
/// How the server says that a COMMIT is done: a message CommandComplete.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
const CHUNK: usize = 64 * 1024;

/// A moment of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing of the COMMIT has reached the server.
    Before,
    /// Half of it has.
    Half,
    /// All of it has.
    Sent,
    /// The server has answered, the client has not heard it.
    Answered,
    /// The client has heard it.
    Delivered,
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// This connection ends.
    Cut,
    /// Nothing passes on any connection until [`Wire::thaw`].
    Freeze,
    /// The same, and on this connection every packet is lost. It ends with the thaw.
    Vanish,
}

/// What a server answers that a trap waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// That a COMMIT is done.
    Committed,
    /// Anything.
    Any,
}

/// The messages of clients, counted from a moment on.
#[derive(Default)]
struct Count {
    passed: u64,
    /// What happens at which of them.
    at: Option<(u64, When, Then)>,
}

/// A listener that carries connections to a server.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

struct Shared {
    target: AtomicU16,
    trap: Mutex<Option<(When, Then)>>,
    count: Mutex<Count>,
    kind: AtomicU8,
    caught: watch::Sender<bool>,
    frozen: watch::Sender<bool>,
    cuts: watch::Sender<u32>,
}

impl Wire {
    /// A wire to the server at this port of loopback.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let shared = Arc::new(Shared {
            target: AtomicU16::new(port),
            trap: Mutex::default(),
            count: Mutex::default(),
            kind: AtomicU8::new(0),
            caught: watch::Sender::new(false),
            frozen: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
        });
        let port = listener.local_addr().unwrap().port();
        Self { port, listening: tokio::spawn(listen(listener, Arc::clone(&shared))), shared }
    }

    /// Where it is reached, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection; new ones go to the server at this port.
    pub fn point_at(&self, port: u16) {
        self.shared.target.store(port, Ordering::SeqCst);
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits for the next COMMIT of a log, once.
    pub fn trap(&self, when: When, then: Then) {
        self.shared.caught.send_replace(false);
        *self.shared.trap.lock().unwrap() = Some((when, then));
    }

    /// Counts the messages of clients from now on, after those that begin a connection. At the one with this number, from 0,
    /// something happens, once: before the server sees it, or when the server has answered and nobody has heard it.
    pub fn trap_message(&self, at: Option<(u64, When, Then)>) {
        self.shared.caught.send_replace(false);
        *self.shared.count.lock().unwrap() = Count { passed: 0, at };
    }

    /// The kind of the message that was counted out, as the protocol names it: `S` is a Sync.
    pub fn kind(&self) -> char {
        char::from(self.shared.kind.load(Ordering::SeqCst))
    }

    /// Whether the trap has caught what it waits for.
    pub fn has_caught(&self) -> bool {
        *self.shared.caught.borrow()
    }

    /// Returns when the trap has caught a COMMIT.
    pub async fn caught(&self) {
        let mut caught = self.shared.caught.subscribe();
        let caught = tokio::time::timeout(PATIENCE, caught.wait_for(|caught| *caught)).await;
        drop(caught.expect("no COMMIT came").unwrap());
    }

    /// Lets pass what was held back, and everything after it.
    pub fn thaw(&self) {
        self.shared.frozen.send_replace(false);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    /// The moment has come, on the connection between these two ends.
    async fn spring(&self, then: Then, ends: [&TcpStream; 2]) -> io::Result<()> {
        if then == Then::Vanish {
            ends.into_iter().try_for_each(deafen)?;
        }
        if then != Then::Cut {
            self.frozen.send_replace(true);
        }
        self.caught.send_replace(true);
        if then == Then::Vanish {
            self.thawed().await?;
        }
        if then == Then::Freeze { Ok(()) } else { Err(io::Error::other("cut")) }
    }

    async fn thawed(&self) -> io::Result<()> {
        self.frozen.subscribe().wait_for(|frozen| !frozen).await.map(drop).map_err(io::Error::other)
    }

    /// Counts a message; gives what is to happen at it.
    fn counted(&self, kind: u8) -> Option<(When, Then)> {
        let mut count = self.count.lock().unwrap();
        count.passed += 1;
        let (at, when, then) = count.at?;
        if count.passed != at + 1 {
            return None;
        }
        count.at = None;
        self.kind.store(kind, Ordering::SeqCst);
        Some((when, then))
    }

    async fn pass(&self, to: &mut OwnedWriteHalf, bytes: &[u8]) -> io::Result<()> {
        self.thawed().await?;
        to.write_all(bytes).await
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until either side ends it or the wire is cut.
async fn carry(client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let carried = async {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.target.load(Ordering::SeqCst))).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let answer = Mutex::default();
        tokio::select! {
            ended = up(from_client, to_server, &shared, &answer) => ended,
            ended = down(from_server, to_client, &shared, &answer) => ended,
        }
    };
    tokio::select! {
        _ended = carried => {}
        _cut = cuts.changed() => {}
    }
}

/// A trap for the answer to the COMMIT that this connection sent.
type Awaited = Mutex<Option<(When, Then, Answer)>>;

/// From the client to the server, message by message.
async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, answer: &Awaited) -> io::Result<()> {
    loop {
        let message = message(&mut from, 0).await?;
        shared.pass(&mut to, &message).await?;
        if message[4..].starts_with(&VERSION) {
            break;
        }
    }
    let (mut commits, mut sent) = (HashSet::new(), None);
    loop {
        let mut message = message(&mut from, 1).await?;
        let kind = message[0];
        let mut texts = message[5..].split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        if kind == b'P' && second == b"COMMIT" {
            commits.insert(first.to_vec());
        }
        let counted = shared.counted(kind);
        let answers = if counted.is_some() { Answer::Any } else { Answer::Committed };
        let trap = (kind == b'B' && commits.contains(second)).then(|| shared.trap.lock().unwrap().take()).flatten();
        match counted.or(trap) {
            Some((When::Before, then)) => shared.spring(then, [from.as_ref(), to.as_ref()]).await?,
            Some((When::Half, then)) => {
                let rest = message.split_off(message.len() / 2);
                shared.pass(&mut to, &message).await?;
                shared.spring(then, [from.as_ref(), to.as_ref()]).await?;
                message = rest;
            }
            Some((When::Sent, then)) => sent = Some(then),
            Some((when, then)) => *answer.lock().unwrap() = Some((when, then, answers)),
            None => {}
        }
        shared.pass(&mut to, &message).await?;
        // The server acts on what it got when it gets a Sync.
        if let (b'S', Some(then)) = (kind, sent) {
            sent = None;
            shared.spring(then, [from.as_ref(), to.as_ref()]).await?;
        }
    }
}

/// From the server to the client, as it comes.
async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, answer: &Awaited) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let bytes = &chunk[..length];
        let committed = bytes.windows(COMMITTED.len()).any(|window| window == COMMITTED);
        let trap = answer.lock().unwrap().take_if(|(_, _, waits_for)| committed || *waits_for == Answer::Any);
        if let Some((When::Answered, then, _)) = trap {
            shared.spring(then, [from.as_ref(), to.as_ref()]).await?;
        }
        shared.pass(&mut to, bytes).await?;
        if let Some((When::Delivered, then, _)) = trap {
            shared.spring(then, [from.as_ref(), to.as_ref()]).await?;
        }
    }
}

/// One message whole: a kind, which the first messages lack, and a length that counts itself.
async fn message(from: &mut OwnedReadHalf, kind: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; kind + 4];
    from.read_exact(&mut bytes).await?;
    let length = u32::from_be_bytes(bytes[kind..].try_into().unwrap()) as usize;
    bytes.resize(kind + length.max(4), 0);
    from.read_exact(&mut bytes[kind + 4..]).await?;
    Ok(bytes)
}
