//! Why a token is not accepted. Closed: the wire maps it exhaustively.

/// The reasons, in the order in which they are looked at. Texts say what to do and repeat nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// There is no token.
    #[error(
        "no access token; fetch one at the token endpoint and send it as `authorization: Bearer …` or `fsc-authorization`"
    )]
    Missing,
    /// Not a token, too large, or without a required claim.
    #[error(
        "the access token is malformed; send a signed JWT of at most 8 KiB with the claims gth, gid, sub, iss, svc, aud, \
         exp, nbf and cnf"
    )]
    Malformed,
    /// Not an algorithm that is accepted, or not the one of the key.
    #[error(
        "the access token's algorithm is not accepted; the issuer must sign with ES256, ES384, ES512, RS256, RS384 or RS512, \
         each with a key of that kind"
    )]
    Algorithm,
    /// The header names a key that is not ours to trust.
    #[error("the access token names no known signing key; fetch a new one, the issuer may have changed its keys")]
    UnknownKey,
    /// The signature is not by the key that the header names.
    #[error("the access token's signature is wrong; fetch a new one and send it unchanged")]
    Signature,
    /// Past its end.
    #[error("the access token has expired; fetch a new one, and fetch it before the old one ends")]
    Expired,
    /// Before its beginning.
    #[error("the access token is not valid yet; set your clock and the issuer's")]
    NotYetValid,
    /// Valid for longer than we accept.
    #[error("the access token is valid for too long; the issuer must shorten it")]
    Lifetime,
    /// By another issuer.
    #[error("the access token is by another issuer; fetch one from the issuer that this gateway names")]
    Issuer,
    /// For another gateway.
    #[error("the access token is for another address; fetch one with this gateway as its audience")]
    Audience,
    /// For another group.
    #[error("the access token is for another group; fetch one in the group of this gateway")]
    Group,
    /// For another service.
    #[error("the access token is for another service; fetch one for the service that you call")]
    Service,
    /// For another organisation than the certificate says.
    #[error(
        "the access token belongs to another organisation than your certificate; use your own token with your own certificate"
    )]
    Subject,
    /// Bound to another certificate.
    #[error(
        "the access token is bound to another certificate; fetch a new one over a connection with the certificate that you use"
    )]
    Binding,
    /// Delegation, which this gateway does not accept.
    #[error("the access token is delegated (act, pdi), which this gateway does not accept; ask for a direct grant")]
    Delegated,
    /// The certificate of the connection has expired since it was opened.
    #[error("the certificate of this connection has expired; connect again with a valid one")]
    CertificateExpired,
}

impl TokenError {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Missing,
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Expired,
        Self::NotYetValid,
        Self::Lifetime,
        Self::Issuer,
        Self::Audience,
        Self::Group,
        Self::Service,
        Self::Subject,
        Self::Binding,
        Self::Delegated,
        Self::CertificateExpired,
    ];

    /// The label in metrics and log lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Lifetime => "token_lifetime",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Group => "token_group",
            Self::Service => "token_service",
            Self::Subject => "token_subject",
            Self::Binding => "token_binding",
            Self::Delegated => "token_delegated",
            Self::CertificateExpired => "certificate_expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_and_texts_are_distinct_and_say_what_to_do() {
        let codes: HashSet<_> = TokenError::ALL.iter().map(|error| error.code()).collect();
        let texts: HashSet<_> = TokenError::ALL.iter().map(ToString::to_string).collect();
        assert_eq!((codes.len(), texts.len()), (16, 16));
        assert!(texts.iter().all(|text| text.contains("; ") && !text.contains("  ")), "{texts:?}");
    }
}
