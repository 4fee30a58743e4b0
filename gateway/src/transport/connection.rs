//! One proven connection: bytes in both directions and the peer they come from.
//!
//! Before bytes are read or written it looks whether the trust changed since the certificate was last judged, one comparison
//! of a number, and if so judges it again. A connection on which nothing moves is woken by the change, so that a certificate
//! that was revoked gets nothing more in or out, whatever call is under way. It is also cut at the end of its certificate
//! and past its greatest age, when it floods us with frames, and when it does not take what it asked for.
//!
//! One task reads and writes, as HTTP servers do: the change wakes the task that polled last.

use super::acceptor::{Limits, Place};
use super::counters::{Counters, Cut, Open, Refusal};
use super::frames::Meter;
use super::patience::Patience;
use super::peer::Peer;
use super::trust::{Protocol, Trust};
use super::unread::Unread;
use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;

/// A connection whose peer is proven. Dropping it frees its place among the open connections.
pub struct TlsConnection {
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    trust: Arc<Trust>,
    judged_under: u64,
    changes: WatchStream<()>,
    counters: Arc<Counters>,
    end: Pin<Box<Sleep>>,
    ends_by_age: bool,
    cut: bool,
    patience: Patience,
    meter: Option<Meter>,
    own_place: Option<OwnedSemaphorePermit>,
    _place: Place,
    _open: Open,
}

/// What a call knows of its connection.
#[derive(Debug, Clone)]
pub struct Link {
    /// Who is at the other end.
    pub peer: Arc<Peer>,
    /// The replies that wait for the other end.
    pub unread: Arc<Unread>,
}

impl TlsConnection {
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        trust: Arc<Trust>,
        judged_under: u64,
        counters: Arc<Counters>,
        limits: &Limits,
        place: Place,
    ) -> Result<Self, Refusal> {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().ok_or(Refusal::NoCertificate)?;
        let peer = Arc::new(Peer::from_certificate(chain.first().ok_or(Refusal::NoCertificate)?)?);
        let now = DefaultTimeProvider.current_time().ok_or(Refusal::Expired)?;
        let left = Duration::from_millis(peer.not_after).saturating_sub(Duration::from_secs(now.as_secs()));
        let age_max = limits.connection_age_max;
        let ends_by_age = age_max.is_some_and(|age| age < left);
        let end = Box::pin(tokio::time::sleep(age_max.map_or(left, |age| age.min(left))));
        let changes = WatchStream::from_changes(trust.changes());
        let open = counters.opened();
        let meter = (trust.protocol() == Protocol::Grpc).then(Meter::new);
        Ok(Self {
            stream,
            peer,
            trust,
            judged_under,
            changes,
            counters,
            end,
            ends_by_age,
            cut: false,
            patience: Patience::new(limits, meter.is_some()),
            meter,
            own_place: None,
            _place: place,
            _open: open,
        })
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Keeps the connection's place among those of its organisation until it is dropped.
    pub(super) fn keep(&mut self, place: Option<OwnedSemaphorePermit>) {
        self.own_place = place;
    }

    /// Whether bytes may still pass.
    fn stand(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut {
            return Err(cut("the connection was cut before"));
        }
        if self.end.as_mut().poll(context).is_ready() {
            if !self.ends_by_age {
                return Err(self.withdraw(Refusal::Expired));
            }
            self.cut = true;
            return Err(cut("the connection reached its greatest age"));
        }
        if let Some(reason) = self.patience.ended(context) {
            return Err(self.end_for(reason));
        }
        self.judge()
    }

    /// Judges the certificate again when the trust changed.
    fn judge(&mut self) -> io::Result<()> {
        if self.trust.version() == self.judged_under {
            return Ok(());
        }
        let belief = self.trust.belief();
        let now = DefaultTimeProvider.current_time();
        match self.verify(&belief.verifier, now) {
            Ok(()) => {
                self.judged_under = belief.version;
                Ok(())
            }
            Err(reason) => Err(self.withdraw(reason)),
        }
    }

    fn withdraw(&mut self, reason: Refusal) -> io::Error {
        self.cut = true;
        self.counters.count_withdrawn();
        tracing::warn!(oin = %self.peer.oin, reason = reason.code(), "connection cut: its certificate is no longer trusted");
        cut("the certificate is no longer trusted")
    }

    /// Polls the stream while bytes may pass. When it must wait, a change of the trust wakes it too.
    fn while_standing<T>(
        &mut self,
        context: &mut Context<'_>,
        mut step: impl FnMut(Pin<&mut TlsStream<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            self.stand(context)?;
            match step(Pin::new(&mut self.stream), context) {
                Poll::Ready(done) => return Poll::Ready(done),
                // The trust outlives its connections, so that the stream of its changes does not end.
                Poll::Pending => match Pin::new(&mut self.changes).poll_next(context) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Ends the connection for what the other end does. It is counted; the report to the log says how many (A25).
    fn end_for(&mut self, reason: Cut) -> io::Error {
        self.cut = true;
        self.counters.count_cut(reason);
        cut(reason.code())
    }

    /// Looks at what was read: heads of frames, never their content.
    fn measure(&mut self, read: &[u8]) -> io::Result<()> {
        let Some(meter) = &mut self.meter else { return Ok(()) };
        let flooded = meter.read(read).is_err();
        if meter.greeted() {
            self.patience.greeted();
        }
        if flooded { Err(self.end_for(Cut::Flood)) } else { Ok(()) }
    }

    /// Looks at an attempt to write: whether the other end still takes bytes.
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match self.patience.wrote(&polled, context) {
            Some(reason) => Poll::Ready(Err(self.end_for(reason))),
            None => polled,
        }
    }

    /// Bytes that went out give credit for the frames that acknowledge them.
    fn sent(&mut self, polled: &Poll<io::Result<usize>>) {
        if let (Poll::Ready(Ok(bytes)), Some(meter)) = (polled, &mut self.meter) {
            meter.wrote(*bytes);
        }
    }

    fn verify(
        &self,
        verifier: &Arc<dyn rustls::server::danger::ClientCertVerifier>,
        now: Option<UnixTime>,
    ) -> Result<(), Refusal> {
        let now = now.ok_or(Refusal::Expired)?;
        let (_, session) = self.stream.get_ref();
        let (own, others) = session.peer_certificates().and_then(<[_]>::split_first).ok_or(Refusal::NoCertificate)?;
        match verifier.verify_client_cert(own, others, now) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InvalidCertificate(fault)) => Err(Refusal::from_certificate_fault(&fault)),
            Err(_) => Err(Refusal::BadCertificate),
        }
    }
}

fn cut(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

impl AsyncRead for TlsConnection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buffer.filled().len());
        ready!(this.while_standing(context, |stream, context| stream.poll_read(context, buffer)))?;
        Poll::Ready(this.measure(buffer.filled().get(before..).unwrap_or_default()))
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = this.while_standing(context, |stream, context| stream.poll_write(context, buffer));
        this.sent(&polled);
        this.wrote(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = this.while_standing(context, |stream, context| stream.poll_write_vectored(context, buffers));
        this.sent(&polled);
        this.wrote(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.while_standing(context, |stream, context| stream.poll_flush(context));
        this.wrote(polled, context)
    }

    /// Says goodbye, unless the connection was cut: then what is still in our buffers stays here.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.cut {
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.wrote(polled, context)
    }
}

impl tonic::transport::server::Connected for TlsConnection {
    type ConnectInfo = Link;

    fn connect_info(&self) -> Link {
        Link { peer: Arc::clone(&self.peer), unread: Arc::clone(self.patience.unread()) }
    }
}
