//! What a token says: the claims of FSC (Logius, FSC core) with the certificate binding of RFC 8705.

use serde::{Deserialize, Serialize};

/// The claims. Every one without `Option` is required: a token without it is malformed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Hash of the grant under which the caller may call.
    pub gth: String,
    /// The FSC group.
    pub gid: String,
    /// For whom: the caller's peer id, an OIN.
    pub sub: String,
    /// By whom: the peer id of the issuer.
    pub iss: String,
    /// The service.
    pub svc: String,
    /// Where: the address of the gateway.
    pub aud: Audience,
    /// Last second of validity (Unix time).
    pub exp: u64,
    /// First second of validity (Unix time).
    pub nbf: u64,
    /// Which certificate the token is bound to.
    pub cnf: Confirmation,
    /// On behalf of whom, when the connection is delegated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Who delegated the publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdi: Option<String>,
    /// Properties of the grant: data for the policy, never a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prp: Option<serde_json::Value>,
}

/// One audience or several (RFC 7519, 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A text.
    One(String),
    /// A list.
    Several(Vec<String>),
}

impl Audience {
    /// Whether we are meant.
    #[must_use]
    pub fn means(&self, us: &str) -> bool {
        match self {
            Self::One(only) => only == us,
            Self::Several(all) => all.iter().any(|one| one == us),
        }
    }
}

/// The certificate that the token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of the certificate in DER, base64url without padding.
    #[serde(rename = "x5t#S256")]
    pub thumbprint: String,
}

/// The other party of a delegation, as FSC has it. A chain of actors (RFC 8693, 4.1) is malformed: nothing is delegated twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Its peer id.
    pub sub: String,
}
