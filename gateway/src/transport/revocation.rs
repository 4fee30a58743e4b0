//! Revocation lists (RFC 5280, 5) as documents: who issued them, which number, until when.
//!
//! TLS itself consults the lists (see [`super::trust`]); this room says whether one may take the place of the one in force.
//! A list counts only when an authority of ours signed it. A list that has ended, that is older than the one in force, or
//! that is missing where there was one, replaces nothing: a certificate that was revoked would be trusted again.
//!
//! Of each authority and part only the newest list counts. TLS asks the first that it finds, so an older one beside it would
//! hide what the newer one revoked; it is therefore given the lists that were kept here, and no others.

use super::MaterialError;
use super::pem::{Pem, millis};
use super::trust::Material;
use rustls::pki_types::CertificateRevocationListDer;
use sluis_core::log::Millis;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT;
use x509_parser::revocation_list::CertificateRevocationList;

/// What is said of a piece that does not serve.
const WHAT: &str = "revocation list";

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The file it came from.
    pub file: String,
    /// Who issued it, for people.
    pub issuer: String,
    /// When it was issued.
    pub this_update: Millis,
    /// When the next one is due at the latest; from then on this one says nothing.
    pub next_update: Millis,
    signer: Signer,
    /// The part of the certificates that it speaks about, where the issuer cut its list in parts.
    part: Vec<u8>,
    /// `cRLNumber`: its length in bytes and its bytes, so that greater is later.
    number: Option<(usize, Vec<u8>)>,
    /// Number and moment of issue, for people.
    issue: String,
    /// The list itself, for TLS.
    der: CertificateRevocationListDer<'static>,
}

impl RevocationList {
    /// Whether it has ended at this moment.
    #[must_use]
    pub const fn is_stale(&self, now: Millis) -> bool {
        now >= self.next_update
    }

    fn is_older_than(&self, other: &Self) -> bool {
        match (&self.number, &other.number) {
            (Some(own), Some(others)) if own != others => own < others,
            _ => self.this_update < other.this_update,
        }
    }

    fn speaks_for_the_same_as(&self, other: &Self) -> bool {
        self.signer == other.signer && self.part == other.part
    }

    fn is_same_issue(&self, other: &Self) -> bool {
        self.number == other.number && self.this_update == other.this_update && self.next_update == other.next_update
    }
}

/// Name and public key of an authority, in DER: a name alone may have had several keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signer {
    name: Vec<u8>,
    key: Vec<u8>,
}

/// The lists of a listener with the authorities that may sign them.
#[derive(Debug, Clone, Default)]
pub struct Revocation {
    lists: Vec<RevocationList>,
    authorities: Vec<Signer>,
}

impl Revocation {
    /// Reads the lists, proves who signed each, and keeps the newest of each authority and part.
    ///
    /// # Errors
    /// [`MaterialError`] names the file that cannot be parsed, or that none of the authorities signed.
    pub fn read(material: &Material) -> Result<Self, MaterialError> {
        let chain = material.authorities.certificates("authority certificate")?;
        let parsed: Result<Vec<_>, _> = chain.iter().map(|der| x509_parser::parse_x509_certificate(der)).collect();
        let broken =
            |_| material.authorities.unusable("authority certificate", "one of its certificates cannot be parsed");
        let authorities: Vec<X509Certificate<'_>> = parsed.map_err(broken)?.into_iter().map(|(_, c)| c).collect();
        let mut lists = Vec::new();
        for pem in &material.revocation {
            for der in pem.revocation_lists()? {
                keep_newest(&mut lists, list(pem, der, &authorities, material.authorities.name())?);
            }
        }
        Ok(Self { lists, authorities: authorities.iter().map(signer).collect() })
    }

    /// Whether these lists may take the place of those in force.
    ///
    /// # Errors
    /// [`MaterialError`] names the file and why not: ended, older than the one in force, or none any more of an authority
    /// that is still trusted.
    pub fn may_replace(&self, in_force: &Self, now: Millis) -> Result<(), MaterialError> {
        for list in &self.lists {
            let mut before = in_force.lists.iter().filter(|old| old.speaks_for_the_same_as(list));
            let known = before.clone().any(|old| list.is_same_issue(old));
            if !known && list.is_stale(now) {
                let reason = format!("it ended at {}: fetch the present one", moment(list.next_update));
                return Err(unusable(&list.file, &reason));
            }
            if !known && let Some(newer) = before.find(|old| list.is_older_than(old)) {
                let (this, newer) = (&list.issue, &newer.issue);
                let reason = format!("it is {this}, older than {newer}, which is in force: fetch the present one");
                return Err(unusable(&list.file, &reason));
            }
        }
        let still = |old: &&RevocationList| self.authorities.contains(&old.signer);
        let gone = in_force.lists.iter().filter(still).find(|old| !self.lists.iter().any(|l| l.signer == old.signer));
        match gone {
            None => Ok(()),
            Some(old) => {
                let reason =
                    format!("the list of {} is gone, and its authority is still trusted: put it back", old.issuer);
                Err(unusable(&old.file, &reason))
            }
        }
    }

    /// The lists that count: the newest of each authority and part.
    #[must_use]
    pub fn lists(&self) -> &[RevocationList] {
        &self.lists
    }

    /// The same lists for TLS.
    pub(super) fn into_ders(self) -> impl Iterator<Item = CertificateRevocationListDer<'static>> {
        self.lists.into_iter().map(|list| list.der)
    }
}

fn keep_newest(lists: &mut Vec<RevocationList>, list: RevocationList) {
    match lists.iter_mut().find(|kept| kept.speaks_for_the_same_as(&list)) {
        Some(kept) if kept.is_older_than(&list) => *kept = list,
        Some(_) => {}
        None => lists.push(list),
    }
}

fn list(
    pem: &Pem,
    der: CertificateRevocationListDer<'static>,
    authorities: &[X509Certificate<'_>],
    trusted: &str,
) -> Result<RevocationList, MaterialError> {
    use x509_parser::prelude::FromDer;
    let (rest, list) = CertificateRevocationList::from_der(&der)
        .map_err(|_| pem.unusable(WHAT, "one of its lists cannot be parsed"))?;
    if !rest.is_empty() {
        return Err(pem.unusable(WHAT, "bytes follow after the list"));
    }
    let issuer = list.issuer().to_string();
    let of_issuer = |authority: &&X509Certificate<'_>| authority.subject().as_raw() == list.issuer().as_raw();
    let signed = |authority: &&X509Certificate<'_>| list.verify_signature(authority.public_key()).is_ok();
    let Some(authority) = authorities.iter().filter(of_issuer).find(signed) else {
        let reason = format!(
            "no authority in `{trusted}` signed the list of {issuer}: fetch the right one, or add the authority"
        );
        return Err(pem.unusable(WHAT, &reason));
    };
    let next_update =
        list.next_update().ok_or_else(|| pem.unusable(WHAT, "it does not say when the next one is due"))?;
    let part = list.extensions().iter().find(|e| e.oid == OID_X509_EXT_ISSUER_DISTRIBUTION_POINT);
    let (this_update, number) = (millis(list.last_update().timestamp()), list.crl_number());
    let numbered = number.map_or_else(|| "a list without number".to_owned(), |number| format!("number {number}"));
    let part = part.map(|extension| extension.value.to_vec()).unwrap_or_default();
    Ok(RevocationList {
        file: pem.name().to_owned(),
        issuer,
        this_update,
        next_update: millis(next_update.timestamp()),
        signer: signer(authority),
        part,
        issue: format!("{numbered} of {}", moment(this_update)),
        number: number.map(|number| number.to_bytes_be()).map(|bytes| (bytes.len(), bytes)),
        der,
    })
}

fn signer(authority: &X509Certificate<'_>) -> Signer {
    Signer { name: authority.subject().as_raw().to_vec(), key: authority.public_key().raw.to_vec() }
}

fn unusable(file: &str, reason: &str) -> MaterialError {
    MaterialError::Unusable { what: WHAT, name: file.to_owned(), reason: reason.to_owned() }
}

/// A moment for people.
fn moment(at: Millis) -> String {
    let at = i64::try_from(at).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "an impossible moment".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests;
