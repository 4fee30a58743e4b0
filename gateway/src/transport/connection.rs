//! One proven connection: bytes in both directions and the peer they come from.
//!
//! Before bytes are read it looks whether the trust was replaced since the certificate was last judged, and if so judges it
//! again; a certificate that was revoked meanwhile gets nothing more in. A connection past its greatest age, or past its
//! certificate's last moment, is cut too; so is one that floods us with frames or does not take what it asked for.

use super::acceptor::Limits;
use super::counters::{Counters, Cut, Refusal};
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
    patience: Patience,
    meter: Option<Meter>,
    _place: OwnedSemaphorePermit,
    own_place: Option<OwnedSemaphorePermit>,
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
        place: OwnedSemaphorePermit,
    ) -> Result<Self, Refusal> {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().ok_or(Refusal::NoCertificate)?;
        let peer = Arc::new(Peer::from_certificate(chain.first().ok_or(Refusal::NoCertificate)?)?);
        let age = limits.connection_age_max.map(|age| Box::pin(tokio::time::sleep(age)));
        let meter = (trust.protocol() == Protocol::Grpc).then(Meter::new);
        let patience = Patience::new(limits, meter.is_some());
        let (_place, own_place) = (place, None);
        Ok(Self { stream, peer, trust, judged_under, counters, age, patience, meter, _place, own_place })
    }

    /// Keeps the connection's place among those of its organisation until it is dropped.
    pub(super) fn keep(&mut self, place: Option<OwnedSemaphorePermit>) {
        self.own_place = place;
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

    /// Counts why we end the connection. Its organisation is not named in log lines: the report to the log counts it (A25).
    fn cut(&self, reason: Cut) -> io::Error {
        self.counters.count_cut(reason);
        io::Error::new(io::ErrorKind::ConnectionAborted, reason.code())
    }

    /// Looks at what was read: heads of frames, never their content.
    fn measure(&mut self, read: &[u8]) -> io::Result<()> {
        let Some(meter) = &mut self.meter else { return Ok(()) };
        let flooded = meter.read(read).is_err();
        if meter.greeted() {
            self.patience.greeted();
        }
        if flooded { Err(self.cut(Cut::Flood)) } else { Ok(()) }
    }

    /// Looks at an attempt to write: whether the other end still takes bytes.
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match self.patience.wrote(&polled, context) {
            Some(reason) => Poll::Ready(Err(self.cut(reason))),
            None => polled,
        }
    }

    /// Bytes that went out give credit for the frames that acknowledge them.
    fn sent(&mut self, polled: &Poll<io::Result<usize>>) {
        if let (Poll::Ready(Ok(bytes)), Some(meter)) = (polled, &mut self.meter) {
            meter.wrote(*bytes);
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
        if let Some(reason) = this.patience.ended(context) {
            return Poll::Ready(Err(this.cut(reason)));
        }
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        Poll::Ready(this.measure(buffer.filled().get(before..).unwrap_or_default()))
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, buffer);
        this.sent(&polled);
        this.wrote(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, buffers);
        this.sent(&polled);
        this.wrote(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.wrote(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
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
