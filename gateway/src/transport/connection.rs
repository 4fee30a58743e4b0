//! One proven connection: bytes in both directions and the peer they come from.
//!
//! Before bytes are read it looks whether the trust was replaced since the certificate was last judged, and if so judges it
//! again; a certificate that was revoked meanwhile gets nothing more in. A connection past its greatest age, or past its
//! certificate's last moment, is cut too. Between these moments no clock is read and nothing is locked.

use super::counters::{Counters, Open, Refusal};
use super::peer::Peer;
use super::trust::Trust;
use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

/// A connection whose peer is proven. Dropping it frees its place among the open connections.
pub struct TlsConnection {
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    trust: Arc<Trust>,
    judged_under: u64,
    counters: Arc<Counters>,
    age: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
    _open: Open,
}

impl TlsConnection {
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        trust: Arc<Trust>,
        judged_under: u64,
        counters: Arc<Counters>,
        age_max: Option<std::time::Duration>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, Refusal> {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().ok_or(Refusal::NoCertificate)?;
        let peer = Arc::new(Peer::from_certificate(chain.first().ok_or(Refusal::NoCertificate)?)?);
        let age = age_max.map(|age| Box::pin(tokio::time::sleep(age)));
        let open = counters.opened();
        Ok(Self { stream, peer, trust, judged_under, counters, age, _place: place, _open: open })
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Judges the certificate again when the trust was replaced.
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
            Err(reason) => {
                self.counters.count_withdrawn();
                tracing::warn!(reason = reason.code(), "connection cut: its certificate is no longer trusted");
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the certificate is no longer trusted"))
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

    fn too_old(&mut self, context: &mut Context<'_>) -> bool {
        self.age.as_mut().is_some_and(|age| age.as_mut().poll(context).is_ready())
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.too_old(context) {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the connection reached its greatest age",
            )));
        }
        this.judge()?;
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl tonic::transport::server::Connected for TlsConnection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.peer)
    }
}
