//! A peer that is gone without a word: what is sent to it is lost, and it says nothing, not even that a connection ended.

use socket2::{SockFilter, SockRef};
use std::io;
use tokio::net::TcpStream;

/// BPF `ret #0`: of each packet nothing is kept (Linux, Documentation/networking/filter).
const NOTHING: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// Drops whatever arrives at a socket before its kernel has seen it: data, acknowledgements, probes, ends. The other end sees a
/// network that swallows packets.
pub fn deafen(socket: &TcpStream) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&NOTHING)
}
