//! For tests only: an authority, certificates and profiles in a folder that goes away, and a peer without a connection.

use super::profile::Profile;
use super::trust::{Material, Pem};
use crate::demo::certificates::{Authority, Issued, Subject, Usage};
use jiff::civil::{Date, date};
use sluis_core::organisation::Oin;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const GOOD: &str = "00000099000000001000";
pub(crate) const OTHER: &str = "00000099000000002000";
pub(crate) const LONG_AGO: Date = date(2020, 1, 1);
pub(crate) const FAR_AHEAD: Date = date(2090, 1, 1);

/// A subject that is in order; tests spoil one thing of it.
pub(crate) fn subject<'a>(oins: &'a [&'a str]) -> Subject<'a> {
    Subject {
        organisation: "Gemeente Proefstad",
        oins,
        common_name: "proefstad.example",
        dns: &["localhost"],
        addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        not_before: LONG_AGO,
        not_after: FAR_AHEAD,
        usage: Usage::Both,
    }
}

pub(crate) fn authority() -> Authority {
    Authority::new("sluis rehearsal authority", LONG_AGO, FAR_AHEAD).unwrap()
}

/// What a gateway with this authority believes.
pub(crate) fn material(authority: &Authority, lists: &[&str]) -> Material {
    let own = authority.issue(&subject(&[GOOD])).unwrap();
    Material {
        authorities: Pem::new("ca.pem", authority.cert_pem()),
        revocation: lists.iter().map(|list| Pem::new("crl.pem", list)).collect(),
        certificate: Pem::new("gateway.pem", &own.cert_pem),
        key: Pem::new("gateway.key", &own.key_pem),
    }
}

/// The peer that this certificate proves.
pub(crate) fn peer(issued: &Issued) -> super::peer::Peer {
    let der = Pem::new("peer.pem", &issued.cert_pem).certificates("certificate").unwrap();
    super::peer::Peer::from_certificate(&der[0]).unwrap()
}

/// A folder with a profile in it; removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("sluis-rehearsal-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A profile of a caller with this certificate, for a gateway on this address.
    pub(crate) fn profile(&self, authority: &Authority, issued: &Issued, at: SocketAddr) -> Profile {
        self.write("ca.pem", authority.cert_pem());
        self.write("own.pem", &issued.cert_pem);
        self.write("own.key", &issued.key_pem);
        let text = format!(
            "endpoint = \"localhost:{port}\"\ntoken_endpoint = \"https://localhost:{port}/token\"\nscope = \"$1$3$grant\"\n\
             ca = \"ca.pem\"\ncert = \"own.pem\"\nkey = \"own.key\"\noin = \"{oin}\"\n",
            port = at.port(),
            oin = Oin::parse(GOOD).unwrap(),
        );
        Profile::load(&self.write("profile.toml", &text)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
