//! The connections of a listener, as far as their organisations have room for them.
//!
//! Who has too many sees a connection that closes; it is counted on the organisation's account. Others notice nothing.

use super::acceptor::Incoming;
use super::connection::TlsConnection;
use crate::quota::Quotas;
use std::io;
use std::sync::Arc;
use tokio_stream::{Stream, StreamExt};

/// Gives each connection its place, and drops those for which there is none.
pub fn within(incoming: Incoming, quotas: Arc<Quotas>) -> impl Stream<Item = io::Result<TlsConnection>> + Send {
    incoming.filter_map(move |proven| {
        let placed = proven.map(|mut connection| {
            let account = quotas.account(&connection.peer().oin).ok()?;
            connection.keep(account.connect().ok()?);
            Some(connection)
        });
        placed.transpose()
    })
}
