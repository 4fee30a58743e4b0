//! One proven connection: bytes in both directions and the peer they come from.
//!
//! Before bytes are read or written it looks whether the trust changed since the certificate was last judged, one comparison
//! of a number, and if so judges it again. A connection on which nothing moves is woken by the change, so that a certificate
//! that was revoked gets nothing more in or out, whatever call is under way. It is also cut at the end of its certificate
//! and past its greatest age. Between these moments no clock is read and nothing is locked.
//!
//! One task reads and writes, as HTTP servers do: the change wakes the task that polled last.

use super::counters::{Counters, Refusal};
use super::peer::Peer;
use super::trust::Trust;
use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
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
    _place: OwnedSemaphorePermit,
}

impl TlsConnection {
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        trust: Arc<Trust>,
        judged_under: u64,
        counters: Arc<Counters>,
        age_max: Option<Duration>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, Refusal> {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().ok_or(Refusal::NoCertificate)?;
        let peer = Arc::new(Peer::from_certificate(chain.first().ok_or(Refusal::NoCertificate)?)?);
        let now = DefaultTimeProvider.current_time().ok_or(Refusal::Expired)?;
        let left = Duration::from_millis(peer.not_after).saturating_sub(Duration::from_secs(now.as_secs()));
        let ends_by_age = age_max.is_some_and(|age| age < left);
        let end = Box::pin(tokio::time::sleep(age_max.map_or(left, |age| age.min(left))));
        let changes = WatchStream::from_changes(trust.changes());
        Ok(Self { stream, peer, trust, judged_under, changes, counters, end, ends_by_age, cut: false, _place: place })
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
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
        self.get_mut().while_standing(context, |stream, context| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().while_standing(context, |stream, context| stream.poll_write(context, buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().while_standing(context, |stream, context| stream.poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().while_standing(context, |stream, context| stream.poll_flush(context))
    }

    /// Says goodbye, unless the connection was cut: then what is still in our buffers stays here.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.cut {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl tonic::transport::server::Connected for TlsConnection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.peer)
    }
}
