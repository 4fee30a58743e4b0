//! How long we wait for the other end of a connection: for its first frames, for it to take bytes, for it to take a reply.
//!
//! Handshakes are bounded by the acceptor and calls by the server; this is for what lies between them. It costs nothing while
//! a connection works: one timer that looks round a few times in a bound.

use super::acceptor::Limits;
use super::counters::Cut;
use super::unread::Unread;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How often in its bound a waiting reply is looked at.
const LOOKS: u32 = 4;

/// The patience with one connection.
pub(super) struct Patience {
    greeting: Option<Pin<Box<Sleep>>>,
    writing_max: Duration,
    writing: Option<Pin<Box<Sleep>>>,
    reply_max: Duration,
    round: Pin<Box<Sleep>>,
    unread: Arc<Unread>,
}

impl Patience {
    /// `greets`: whether the other end must speak first, and we can tell when it has.
    pub(super) fn new(limits: &Limits, greets: bool) -> Self {
        Self {
            greeting: greets.then(|| Box::pin(sleep(limits.handshake_max))),
            writing_max: limits.writing_max,
            writing: None,
            reply_max: limits.reply_max,
            round: Box::pin(sleep(limits.reply_max / LOOKS)),
            unread: Arc::default(),
        }
    }

    /// The replies of this connection.
    pub(super) fn unread(&self) -> &Arc<Unread> {
        &self.unread
    }

    /// The other end has spoken.
    pub(super) fn greeted(&mut self) {
        self.greeting = None;
    }

    /// Before bytes are read: whether the patience has ended.
    pub(super) fn ended(&mut self, context: &mut Context<'_>) -> Option<Cut> {
        if self.greeting.as_mut().is_some_and(|greeting| greeting.as_mut().poll(context).is_ready()) {
            return Some(Cut::Silent);
        }
        while self.round.as_mut().poll(context).is_ready() {
            if self.unread.longest().is_some_and(|longest| longest > self.reply_max) {
                return Some(Cut::ReplyNotRead);
            }
            self.round.as_mut().reset(Instant::now() + self.reply_max / LOOKS);
        }
        None
    }

    /// After an attempt to write: whether the other end has taken nothing for too long.
    pub(super) fn wrote<T>(&mut self, polled: &Poll<T>, context: &mut Context<'_>) -> Option<Cut> {
        if polled.is_ready() {
            self.writing = None;
            return None;
        }
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep(self.writing_max)));
        writing.as_mut().poll(context).is_ready().then_some(Cut::NotReading)
    }
}
