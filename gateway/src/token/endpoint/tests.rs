//! The token endpoint over real TLS: what it issues, and every way to be refused.

use super::*;
use crate::demo::certificates::Authority;
use crate::token::claims::Claims;
use crate::token::client::{FetchError, TokenKeeper, fetch_token};
use crate::token::issue::Realm;
use crate::token::keys::{KeySet, SigningKey};
use crate::token::verify::{Expectation, IssuedBy, Verifier};
use crate::transport::acceptor::{Limits, accept};
use crate::transport::connector::{Address, dial};
use crate::transport::counters::Counters;
use crate::transport::profile::Profile;
use crate::transport::rehearsal::{Folder, GOOD, OTHER, authority, material, peer, subject};
use crate::transport::trust::{Protocol, Trust};
use sluis_core::log::Millis;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const NOW: Millis = 1_800_000_000_000;
const GRANT: &str = "$1$3$grant";

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// One grant, for one organisation; other scopes stand for what else can happen.
struct OneGrant;

#[async_trait]
impl Grants for OneGrant {
    async fn grant(&self, oin: &Oin, scope: &str) -> Result<Option<Grant>, GrantError> {
        match scope {
            "outage" => Err(GrantError::Unavailable),
            "suspended" => Err(GrantError::NotAdmitted),
            GRANT if oin.as_str() == GOOD => Ok(Some(Grant { hash: GRANT.to_owned() })),
            _ => Ok(None),
        }
    }
}

fn realm() -> Realm {
    Realm {
        issuer: GOOD.to_owned(),
        audience: "https://localhost".to_owned(),
        group: "g".to_owned(),
        service: "s".to_owned(),
    }
}

/// A token endpoint on loopback and a caller with a good profile.
struct Stage {
    authority: Authority,
    address: SocketAddr,
    verifier: Verifier,
    clock: Arc<Hands>,
    folder: Folder,
    profile: Profile,
    peer: Peer,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
}

impl Stage {
    async fn new() -> Self {
        let authority = authority();
        let key = SigningKey::generate().unwrap();
        let expectation = Expectation { realm: realm(), lifetime_max_s: 300, issued_by: IssuedBy::Endpoint };
        let verifier = Verifier::new(expectation, KeySet::new().with_own(&key));
        let clock = Arc::new(Hands(AtomicU64::new(NOW)));
        let endpoint = Endpoint {
            issuer: Issuer::new(key, realm()),
            grants: Arc::new(OneGrant),
            clock: Arc::clone(&clock) as _,
            quotas: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let trust = Arc::new(Trust::new(&material(&authority, &[]), Protocol::Token).unwrap());
        let incoming = accept(listener, trust, Limits::default(), Arc::new(Counters::default()));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let served = tokio::spawn(serve(incoming, router(Arc::new(endpoint)), shutdown));
        let issued = authority.issue(&subject(&[GOOD])).unwrap();
        let (folder, peer) = (Folder::new(), peer(&issued));
        let profile = folder.profile(&authority, &issued, address);
        Self { authority, address, verifier, clock, folder, profile, peer, stop: Some(stop), served }
    }

    /// The whole answer to these bytes, sent over a connection of the good caller.
    async fn say(&self, request: &str) -> String {
        let tls = self.profile.tls(Protocol::Token).unwrap();
        let mut stream = dial(&Address::parse(&self.profile.endpoint).unwrap(), &tls).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn post(&self, form: &str) -> String {
        let kind = "content-type: application/x-www-form-urlencoded";
        self.say(&format!(
            "POST /token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{kind}\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        ))
        .await
    }
}

#[tokio::test]
async fn a_good_client_gets_a_token_that_holds_on_its_certificate_and_no_other() {
    let stage = Stage::new().await;
    let token = fetch_token(&stage.profile, NOW).await.unwrap();
    assert_eq!((token.renew_at, token.expires_at), (NOW + 240_000, NOW + 300_000));
    let claims: Arc<Claims> = stage.verifier.verify(&token.access_token, &stage.peer, NOW).unwrap();
    assert_eq!((claims.gth.as_str(), claims.sub.as_str()), (GRANT, GOOD));
    let other = peer(&stage.authority.issue(&subject(&[GOOD])).unwrap());
    assert!(stage.verifier.verify(&token.access_token, &other, NOW).is_err());
}

#[tokio::test]
async fn every_fault_of_the_form_has_its_error() {
    let stage = Stage::new().await;
    let fine = format!("grant_type=client_credentials&scope={GRANT}&client_id={GOOD}");
    let cases = [
        ("400", "invalid_request", format!("scope={GRANT}&client_id={GOOD}")),
        ("400", "unsupported_grant_type", format!("grant_type=password&scope={GRANT}&client_id={GOOD}")),
        ("400", "invalid_request", format!("grant_type=client_credentials&scope={GRANT}")),
        ("401", "invalid_client", format!("grant_type=client_credentials&scope={GRANT}&client_id={OTHER}")),
        ("400", "invalid_scope", format!("grant_type=client_credentials&client_id={GOOD}")),
        ("400", "invalid_scope", format!("grant_type=client_credentials&scope=&client_id={GOOD}")),
        ("400", "invalid_scope", format!("grant_type=client_credentials&scope=a+b&client_id={GOOD}")),
        ("400", "invalid_scope", format!("grant_type=client_credentials&scope=nothing&client_id={GOOD}")),
        ("400", "unauthorized_client", format!("grant_type=client_credentials&scope=suspended&client_id={GOOD}")),
        ("503", "temporarily_unavailable", format!("grant_type=client_credentials&scope=outage&client_id={GOOD}")),
        ("400", "invalid_request", format!("{fine}&client_id={OTHER}")),
        ("413", "invalid_request", format!("{fine}&padding={}", "x".repeat(4096))),
    ];
    for (status, code, form) in cases {
        let answer = stage.post(&form).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{form}: {answer}");
        assert!(answer.contains(&format!("\"error\":\"{code}\"")), "{form}: {answer}");
        assert!(answer.contains("\"error_description\":\""), "{answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
        assert!(!answer.contains(GOOD) && !answer.contains(OTHER), "{answer}");
        assert_eq!(answer.contains("retry-after: 1"), status == "503");
    }
    assert!(stage.post(&fine).await.starts_with("HTTP/1.1 200 "));
    assert!(stage.post(&format!("{fine}&unknown=ignored")).await.contains("\"token_type\":\"Bearer\""));
}

#[tokio::test]
async fn only_a_form_by_post_is_answered() {
    let stage = Stage::new().await;
    let get = stage.say("GET /token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(get.starts_with("HTTP/1.1 405 ") && get.contains("allow: POST") && get.contains("no-store"), "{get}");
    let elsewhere = stage.say("POST /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    let json = "POST /token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    assert!(stage.say(json).await.contains("x-www-form-urlencoded"));
    assert!(!stage.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.contains("200"));
}

#[tokio::test]
async fn an_expired_certificate_on_an_open_connection_gets_no_token() {
    let stage = Stage::new().await;
    stage.clock.0.store(stage.peer.not_after + 1, Ordering::SeqCst);
    let answer = stage.post(&format!("grant_type=client_credentials&scope={GRANT}&client_id={GOOD}")).await;
    assert!(answer.contains("\"error\":\"invalid_client\""), "{answer}");
}

#[tokio::test]
async fn the_client_says_what_went_wrong() {
    let mut stage = Stage::new().await;
    let fetched = |profile: Profile| async move { fetch_token(&profile, NOW).await.unwrap_err() };
    let with_scope = |scope: &str| Profile { scope: scope.to_owned(), ..stage.profile.clone() };
    assert!(
        matches!(fetched(with_scope("nothing")).await, FetchError::Refused { code, .. } if code == "invalid_scope")
    );
    assert!(matches!(fetched(with_scope("outage")).await, FetchError::Unavailable));
    let plain =
        Profile { token_endpoint: format!("http://localhost:{}/token", stage.address.port()), ..stage.profile.clone() };
    assert!(fetched(plain).await.to_string().contains("https://host:port/token"));
    let elsewhere =
        Profile { token_endpoint: format!("https://localhost:{}/x", stage.address.port()), ..stage.profile.clone() };
    assert!(matches!(fetched(elsewhere).await, FetchError::Unintelligible(404)));

    // A certificate that the endpoint does not accept, and an endpoint that the client does not accept.
    let strangers = Authority::new(
        "sluis strangers",
        crate::transport::rehearsal::LONG_AGO,
        crate::transport::rehearsal::FAR_AHEAD,
    )
    .unwrap();
    let folder = Folder::new();
    let mut unknown = folder.profile(&strangers, &strangers.issue(&subject(&[GOOD])).unwrap(), stage.address);
    assert!(fetched(unknown.clone()).await.to_string().contains("do not trust each other"));
    unknown.ca = stage.profile.ca.clone();
    assert!(matches!(fetched(unknown).await, FetchError::BrokenOff));

    stage.stop.take().unwrap().send(()).unwrap();
    stage.served.await.unwrap();
    assert!(fetched(stage.profile.clone()).await.to_string().contains("cannot reach"));
}

#[tokio::test]
async fn a_kept_token_is_renewed_at_four_fifths_and_survives_an_outage_until_its_end() {
    let mut stage = Stage::new().await;
    let keeper = TokenKeeper::new(stage.profile.clone(), Arc::clone(&stage.clock) as _);
    let first = keeper.token().await.unwrap();
    stage.clock.0.store(NOW + 239_999, Ordering::SeqCst);
    assert_eq!(keeper.token().await.unwrap(), first);
    stage.clock.0.store(NOW + 240_000, Ordering::SeqCst);
    let second = keeper.token().await.unwrap();
    assert_eq!(second.expires_at, NOW + 540_000);
    stage.stop.take().unwrap().send(()).unwrap();
    stage.served.await.unwrap();
    stage.clock.0.store(NOW + 539_999, Ordering::SeqCst);
    assert_eq!(keeper.token().await.unwrap(), second);
    stage.clock.0.store(NOW + 540_000, Ordering::SeqCst);
    assert!(keeper.token().await.is_err());
}

#[tokio::test]
async fn a_profile_names_the_file_and_the_fault() {
    let stage = Stage::new().await;
    let path = stage.folder.write("bad.toml", "endpoint = \"x:1\"\nsurprise = 1\n");
    let error = Profile::load(&path).unwrap_err().to_string();
    assert!(error.contains("bad.toml") && error.contains("surprise"), "{error}");
    let absent = Profile { cert: "absent.pem".into(), ..stage.profile.clone() };
    let error = absent.tls(Protocol::Token).unwrap_err().to_string();
    assert!(error.contains("cannot read certificate `absent.pem`"), "{error}");
    let swapped = Profile { key: stage.profile.cert.clone(), ..stage.profile.clone() };
    assert!(swapped.tls(Protocol::Token).unwrap_err().to_string().contains("private key"));
}
