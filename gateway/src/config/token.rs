//! Access tokens: what one must be for, and who issues it: our own endpoint, or the FSC Manager of the organisation.

use crate::token::algorithm::JwsAlgorithm;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Access tokens. Either `key` is there (and `listen.token`), or `external` is (and nothing listens for token requests).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `aud`: the address of this gateway, scheme and port included.
    pub audience: String,
    /// `gid`: the FSC group.
    pub group: String,
    /// `svc`: the service.
    pub service: String,
    /// P-256 key that signs tokens, PEM: the built-in endpoint issues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The FSC Manager of the holder issues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalIssuer>,
}

/// The FSC Manager of the holder as the issuer of tokens. Their `iss` must be `organisation.oin`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalIssuer {
    /// PEM files with the certificates that the Manager signs tokens with; the header `x5t#S256` of a token must name one.
    pub certificates: Vec<PathBuf>,
    /// Accepted algorithms; all that FSC allows when absent.
    #[serde(default = "every_algorithm")]
    pub algorithms: Vec<JwsAlgorithm>,
    /// The longest life of a token, `nbf` to `exp`, in seconds; at most an hour.
    #[serde(default = "default_lifetime_s")]
    pub lifetime_max_s: u64,
}

/// The longest life that may be configured, in seconds: a token is all that a thief of a key needs besides the key.
const LIFETIME_S_MOST: u64 = 3600;

fn every_algorithm() -> Vec<JwsAlgorithm> {
    JwsAlgorithm::ALL.to_vec()
}

const fn default_lifetime_s() -> u64 {
    crate::token::issue::LIFETIME_S
}

impl Token {
    /// Who issues: exactly one must be configured, and whole.
    ///
    /// # Errors
    /// What is wrong with which setting, and what to do. `listens` says whether `listen.token` is there.
    pub fn issuer(&self, listens: bool) -> Result<TokenIssuer<'_>, &'static str> {
        // The forms are those of FSC core; a longer service would also make the payloads of refusals differ in length.
        let is_name = |text: &str, more: &[u8]| {
            let legal = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
            (1..=100).contains(&text.len()) && text.bytes().all(legal)
        };
        if !is_name(&self.group, b"./_-") {
            return Err("`token.group` must be 1 to 100 letters, digits, or `.`, `/`, `_`, `-`");
        }
        if !is_name(&self.service, b"._-") {
            return Err("`token.service` must be 1 to 100 letters, digits, or `.`, `_`, `-`");
        }
        match (&self.key, &self.external) {
            (None, None) => Err("no issuer of tokens: set `token.key` and `listen.token`, or `[token.external]`"),
            (Some(_), Some(_)) => Err("two issuers of tokens: remove `token.key` or `[token.external]`"),
            (Some(_), None) if !listens => Err("`token.key` issues tokens at an endpoint: set `listen.token`"),
            (Some(key), None) => Ok(TokenIssuer::Endpoint(key)),
            (None, Some(_)) if listens => Err("`[token.external]` replaces the token endpoint: remove `listen.token`"),
            (None, Some(external)) if external.certificates.is_empty() => {
                Err("`token.external.certificates` is empty: name the Manager's signing certificate")
            }
            (None, Some(external)) if external.algorithms.is_empty() => {
                Err("`token.external.algorithms` is empty: remove it, or name what the Manager signs with")
            }
            (None, Some(external)) if !(1..=LIFETIME_S_MOST).contains(&external.lifetime_max_s) => {
                Err("`token.external.lifetime_max_s` must lie between 1 and 3600")
            }
            (None, Some(external)) => Ok(TokenIssuer::Manager(external)),
        }
    }
}

/// Who issues the tokens of a configuration.
#[derive(Debug, Clone, Copy)]
pub enum TokenIssuer<'a> {
    /// The built-in endpoint, with this key.
    Endpoint(&'a PathBuf),
    /// The FSC Manager of the holder.
    Manager(&'a ExternalIssuer),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str, listens: bool) -> Result<&'static str, String> {
        let names = if text.contains("group") { "" } else { "group = \"g\"\nservice = \"s\"\n" };
        let token: Token = toml::from_str(&format!("audience = \"a\"\n{names}{text}")).map_err(|e| e.to_string())?;
        Ok(match token.issuer(listens)? {
            TokenIssuer::Endpoint(_) => "endpoint",
            TokenIssuer::Manager(external) => {
                assert_eq!((external.lifetime_max_s, external.algorithms.len()), (300, 6));
                "manager"
            }
        })
    }

    #[test]
    fn exactly_one_issues_and_only_the_endpoint_listens() {
        let (key, manager) = ("key = \"k\"", "[external]\ncertificates = [\"m.pem\"]");
        assert_eq!(issuer(key, true).unwrap(), "endpoint");
        assert_eq!(issuer(manager, false).unwrap(), "manager");
        let both = format!("{key}\n{manager}");
        for (text, listens, says) in [
            ("", true, "set `token.key`"),
            ("", false, "set `token.key`"),
            (&both, true, "two issuers"),
            (key, false, "set `listen.token`"),
            (manager, true, "remove `listen.token`"),
            ("[external]\ncertificates = []", false, "`token.external.certificates` is empty"),
            (&format!("{manager}\nalgorithms = []"), false, "`token.external.algorithms` is empty"),
            (&format!("{manager}\nlifetime_max_s = 0"), false, "between 1 and 3600"),
            (&format!("{manager}\nlifetime_max_s = 3601"), false, "between 1 and 3600"),
            (&format!("{manager}\nalgorithms = [\"HS256\"]"), false, "HS256"),
            (&format!("{manager}\nalgorithms = [\"none\"]"), false, "none"),
            (&format!("{manager}\nissuer = \"me\""), false, "issuer"),
            ("group = \"g\"\nservice = \"a b\"\nkey = \"k\"", true, "`token.service`"),
            ("group = \"\"\nservice = \"s\"\nkey = \"k\"", true, "`token.group`"),
        ] {
            let fault = issuer(text, listens).expect_err(text);
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }
}
