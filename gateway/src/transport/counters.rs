//! What happened at the door, as numbers: who was refused is not kept, why is counted (A25).

use crate::quota::refused::Refused;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Defines reasons together with their codes and their number, so that none can be forgotten in the counters.
macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$meta])* $variant),+ }

        impl $name {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label in metrics and log lines.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

reasons! {
    /// Why a connection was refused. Coarse on purpose: it goes to logs and metrics.
    Refusal {
        /// No client certificate was shown.
        NoCertificate = "no_certificate",
        /// The issuer is not one of ours.
        UnknownIssuer = "unknown_issuer",
        /// The certificate has expired.
        Expired = "expired",
        /// The certificate is not valid yet.
        NotYetValid = "not_yet_valid",
        /// The certificate is on a revocation list.
        Revoked = "revoked",
        /// No revocation list, or only an outdated one, speaks about the certificate.
        RevocationUnknown = "revocation_unknown",
        /// Any other fault of the certificate: signature, purpose, encoding.
        BadCertificate = "bad_certificate",
        /// The subject has no serialNumber.
        OinMissing = "oin_missing",
        /// The subject has more than one serialNumber.
        OinRepeated = "oin_repeated",
        /// The serialNumber is not an OIN.
        OinInvalid = "oin_invalid",
        /// Older than TLS 1.3, no common protocol, or not TLS at all.
        Protocol = "protocol",
        /// The other end went away or broke off, for instance because it does not trust our certificate.
        BrokenOff = "broken_off",
        /// The handshake was not done in time.
        Deadline = "deadline",
    }
}

reasons! {
    /// Why an open connection was cut by us.
    Cut {
        /// The first frames of HTTP/2 did not come in time.
        Silent = "cut_silent",
        /// The other end took no bytes for too long.
        NotReading = "cut_not_reading",
        /// A reply was not taken for too long: no room was given for it (flow control).
        ReplyNotRead = "cut_reply_not_read",
        /// Frames that carry no request came in a flood.
        Flood = "cut_flood",
    }
}

impl Refusal {
    /// The reason behind a failed handshake.
    #[must_use]
    pub fn from_handshake(error: &std::io::Error) -> Self {
        use rustls::Error as Tls;
        let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) else {
            return Self::BrokenOff;
        };
        match tls {
            Tls::NoCertificatesPresented => Self::NoCertificate,
            Tls::InvalidCertificate(fault) => Self::from_certificate_fault(fault),
            Tls::AlertReceived(_) => Self::BrokenOff,
            _ => Self::Protocol,
        }
    }

    /// The reason behind a certificate that was not accepted.
    #[must_use]
    pub fn from_certificate_fault(fault: &rustls::CertificateError) -> Self {
        use rustls::CertificateError as Fault;
        match fault {
            Fault::UnknownIssuer => Self::UnknownIssuer,
            Fault::Expired | Fault::ExpiredContext { .. } => Self::Expired,
            Fault::NotValidYet | Fault::NotValidYetContext { .. } => Self::NotYetValid,
            Fault::Revoked => Self::Revoked,
            Fault::UnknownRevocationStatus
            | Fault::ExpiredRevocationList
            | Fault::ExpiredRevocationListContext { .. } => Self::RevocationUnknown,
            _ => Self::BadCertificate,
        }
    }
}

/// Counts since the start of the process. Read by metrics, written by the acceptor and its connections.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    shed: AtomicU64,
    withdrawn: AtomicU64,
    accept_errors: AtomicU64,
    open: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    cut: [AtomicU64; Cut::ALL.len()],
}

impl Counters {
    /// Connections that were proven and handed on.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections closed at once because a bound was reached, before any cryptography.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// Open connections that were cut because the trust was replaced and no longer covers their certificate.
    #[must_use]
    pub fn withdrawn(&self) -> u64 {
        self.withdrawn.load(Ordering::Relaxed)
    }

    /// Times the operating system did not hand over a connection, for instance for want of file descriptors.
    #[must_use]
    pub fn accept_errors(&self) -> u64 {
        self.accept_errors.load(Ordering::Relaxed)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a connection as open until what is returned is dropped.
    #[must_use]
    pub(super) fn opened(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Connections refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused.get(reason as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Connections refused for any reason.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Open connections cut for this reason.
    #[must_use]
    pub fn cut(&self, reason: Cut) -> u64 {
        self.cut.get(reason as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Every connection that was turned away or cut, by reason, for the report to the log (A25).
    pub fn turned_away(&self) -> impl Iterator<Item = (Refused, u64)> {
        let refused = Refusal::ALL.iter().map(|r| (Refused::not_proven(r.code()), self.refused(*r)));
        let cut = Cut::ALL.iter().map(|c| (Refused::over(c.code()), self.cut(*c)));
        let withdrawn = (Refused::not_proven("withdrawn"), self.withdrawn());
        let shed = (Refused::over("shed"), self.shed());
        refused.chain(cut).chain([withdrawn, shed]).filter(|(_, count)| *count > 0)
    }

    pub(super) fn count_cut(&self, reason: Cut) {
        if let Some(count) = self.cut.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_withdrawn(&self) {
        self.withdrawn.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_accept_error(&self) {
        self.accept_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts, and says whether this one is worth a log line: the first and every hundredth, so that nobody fills the log.
    pub(super) fn count_refused(&self, reason: Refusal) -> bool {
        let before = self.refused.get(reason as usize).map_or(0, |count| count.fetch_add(1, Ordering::Relaxed));
        before.is_multiple_of(100)
    }
}

/// An open connection, counted as long as this lives.
#[derive(Debug)]
pub(super) struct Open(Arc<Counters>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
