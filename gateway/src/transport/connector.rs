//! The calling side: a profile in, an HTTP/2 channel over mutual TLS 1.3 out.

use super::MaterialError;
use super::profile::Profile;
use super::trust::Protocol;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

/// Time for TCP and TLS together.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A ping after this much silence, so that a dead gateway is noticed.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Time for the answer to a ping.
const PING_ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The profile or its files do not serve.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The address in the profile is none.
    #[error("`{0}` is no address; write `host:port` for `endpoint` and `https://host:port/token` for `token_endpoint`")]
    Address(String),
    /// Nobody answered there.
    #[error("cannot reach `{0}`: {1}; check that the gateway runs and the address in the profile")]
    Unreachable(String, String),
    /// TLS was refused by either side.
    #[error(
        "`{0}` and we do not trust each other: {1}; check `ca`, `cert` and `key` in the profile and the certificate's dates"
    )]
    Untrusted(String, String),
    /// Not within the time.
    #[error("`{0}` did not answer within {seconds} s; try again later", seconds = CONNECT_MAX.as_secs())]
    Deadline(String),
}

/// Connects to the gateway of this profile.
///
/// # Errors
/// [`ConnectError`] says whether the profile, the network or the trust is at fault. In TLS 1.3 a gateway may refuse our
/// certificate only after this returned; the first call then fails.
pub async fn connect(profile: &Profile) -> Result<Channel, ConnectError> {
    // The first connection is dialled by hand, so that the fault is ours to name; tonic would wrap it beyond recognition.
    let address = Address::parse(&profile.endpoint)?;
    let tls = profile.tls(Protocol::Grpc)?;
    let first = dial(&address, &tls).await?;
    channel(&address, tls, Some(first))
}

/// A channel that connects when it is first used, and again after a connection is lost.
///
/// # Errors
/// [`ConnectError::Material`] and [`ConnectError::Address`]; the network is not touched.
pub fn connect_lazily(profile: &Profile) -> Result<Channel, ConnectError> {
    channel(&Address::parse(&profile.endpoint)?, profile.tls(Protocol::Grpc)?, None)
}

fn channel(
    address: &Address,
    tls: Arc<ClientConfig>,
    first: Option<TlsStream<TcpStream>>,
) -> Result<Channel, ConnectError> {
    let endpoint = Endpoint::from_shared(format!("https://{}", address.authority))
        .map_err(|_| ConnectError::Address(address.authority.clone()))?
        .connect_timeout(CONNECT_MAX)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_ANSWER_MAX)
        .keep_alive_while_idle(true);
    let address = address.clone();
    let first = Arc::new(Mutex::new(first));
    let connector = tower::service_fn(move |_: Uri| {
        let (address, tls, first) = (address.clone(), Arc::clone(&tls), Arc::clone(&first));
        async move {
            let dialled = first.lock().await.take();
            match dialled {
                Some(stream) => Ok(TokioIo::new(stream)),
                None => dial(&address, &tls).await.map(TokioIo::new),
            }
        }
    });
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// Host and port, with the name that the certificate of the other side must carry.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) authority: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: ServerName<'static>,
}

impl Address {
    /// Parses `host:port`, IPv6 in brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, ConnectError> {
        let wrong = || ConnectError::Address(text.to_owned());
        let authority: http::uri::Authority = text.parse().map_err(|_| wrong())?;
        let port = authority.port_u16().ok_or_else(wrong)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
        Ok(Self { authority: text.to_owned(), host, port, name })
    }
}

/// TCP and TLS, within the time.
pub(crate) async fn dial(address: &Address, tls: &Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, ConnectError> {
    let both = async {
        let unreachable =
            |error: std::io::Error| ConnectError::Unreachable(address.authority.clone(), error.to_string());
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        let untrusted = |error: std::io::Error| ConnectError::Untrusted(address.authority.clone(), error.to_string());
        connector.connect(address.name.clone(), tcp).await.map_err(untrusted)
    };
    tokio::time::timeout(CONNECT_MAX, both).await.map_err(|_| ConnectError::Deadline(address.authority.clone()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::acceptor::{Limits, accept};
    use crate::transport::connection::Link;
    use crate::transport::counters::Counters;
    use crate::transport::rehearsal::{Folder, GOOD, authority, material, subject};
    use crate::transport::trust::Trust;
    use tokio::net::TcpListener;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    /// A health service that answers only to the peer that it sees in the request.
    async fn gateway(trust: Trust) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = accept(listener, Arc::new(trust), Limits::default(), Arc::new(Counters::default()));
        let (_, health) = tonic_health::server::health_reporter();
        let seen = |request: http::Request<tonic::body::Body>| {
            assert_eq!(request.extensions().get::<Link>().unwrap().peer.oin.as_str(), GOOD);
            request
        };
        let server =
            tonic::transport::Server::builder().layer(tower::util::MapRequestLayer::new(seen)).add_service(health);
        tokio::spawn(server.serve_with_incoming(incoming));
        address
    }

    #[tokio::test]
    async fn a_channel_reaches_the_gateway_which_sees_the_peer() {
        let (ours, folder) = (authority(), Folder::new());
        let at = gateway(Trust::new(&material(&ours, &[]), Protocol::Grpc).unwrap()).await;
        let profile = folder.profile(&ours, &ours.issue(&subject(&[GOOD])).unwrap(), at);
        for channel in [connect(&profile).await.unwrap(), connect_lazily(&profile).unwrap()] {
            let mut client = HealthClient::new(channel);
            assert!(client.check(HealthCheckRequest::default()).await.is_ok());
            assert!(client.check(HealthCheckRequest::default()).await.is_ok());
        }
        // The token listener's protocol is not spoken here.
        let tls = profile.tls(Protocol::Token).unwrap();
        assert!(dial(&Address::parse(&profile.endpoint).unwrap(), &tls).await.is_err());
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["localhost:1", "127.0.0.1:8443", "[::1]:8443"] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "localhost", "localhost:x", "https://localhost:1", "a b:1", ":1"] {
            assert!(matches!(Address::parse(bad), Err(ConnectError::Address(_))), "{bad}");
        }
    }
}
