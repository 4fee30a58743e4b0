//! The service connection that a token stands for: the grant of a contract, the service, and on whose behalf.

use crate::token::claims::Claims;
use crate::token::fault::TokenError;
use crate::token::verify::IssuedBy;
use serde::Serialize;
use sluis_core::organisation::Oin;

/// What a verified token says about the connection. Stands in the encrypted payload of every entry, never in a leaf; the
/// names of the members are part of the payload's format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceConnection {
    /// `gth`: the grant.
    pub grant: String,
    /// `svc`: the service.
    pub service: String,
    /// `act.sub`: on whose behalf the holder of the certificate calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegator: Option<Oin>,
    /// `pdi`: on whose behalf the service is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publication_delegator: Option<Oin>,
    /// Who issued the token, and so where the grant is looked up.
    #[serde(skip)]
    pub issued_by: IssuedBy,
}

impl ServiceConnection {
    /// A direct connection under a grant of our own endpoint.
    #[must_use]
    pub fn own(grant: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            grant: grant.into(),
            service: service.into(),
            delegator: None,
            publication_delegator: None,
            issued_by: IssuedBy::Endpoint,
        }
    }

    /// The connection of verified claims.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] when a delegator is named by anything but an organisation's number.
    pub fn of_claims(claims: &Claims, issued_by: IssuedBy) -> Result<Self, TokenError> {
        let peer = |id: &String| Oin::parse(id).map_err(|_| TokenError::Malformed);
        Ok(Self {
            grant: claims.gth.clone(),
            service: claims.svc.clone(),
            delegator: claims.act.as_ref().map(|actor| peer(&actor.sub)).transpose()?,
            publication_delegator: claims.pdi.as_ref().map(peer).transpose()?,
            issued_by,
        })
    }
}
