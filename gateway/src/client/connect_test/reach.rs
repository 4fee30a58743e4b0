//! Steps of the network: a name becomes an address, and something listens there.

use super::Failed;
use crate::transport::connector::Address;
use crate::transport::profile::Profile;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Time for a name, and again for a connection.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Located = ((Address, Vec<SocketAddr>), String);

pub async fn token_address(profile: &Profile) -> Result<Located, Failed> {
    let wrong = || {
        let why = format!("`token_endpoint` is `{}`, which is no https address", profile.token_endpoint);
        Failed::new(why, "write `https://host:port/token`, as the holder gave it to you")
    };
    let uri: http::Uri = profile.token_endpoint.parse().map_err(|_| wrong())?;
    if uri.scheme_str() != Some("https") {
        return Err(wrong());
    }
    let authority = uri.authority().ok_or_else(wrong)?;
    locate(&Address::parse(authority.as_str()).map_err(|_| wrong())?, "token_endpoint").await
}

pub async fn gateway_address(profile: &Profile) -> Result<Located, Failed> {
    let wrong = |_| {
        let why = format!("`endpoint` is `{}`, which is no host and port", profile.endpoint);
        Failed::new(why, "write `host:port`, without https, as the holder gave it to you")
    };
    locate(&Address::parse(&profile.endpoint).map_err(wrong)?, "endpoint").await
}

async fn locate(address: &Address, setting: &str) -> Result<Located, Failed> {
    let unknown = |why: String| {
        let why = format!("the host of `{setting}`, `{}`, has no address: {why}", address.host);
        Failed::new(why, format!("check the spelling of `{setting}` and the name servers of this machine"))
    };
    let looked_up = tokio::net::lookup_host((address.host.as_str(), address.port));
    let found = tokio::time::timeout(WAIT_MAX, looked_up).await.map_err(|_| unknown(slow()))?;
    let found: Vec<SocketAddr> = found.map_err(|e| unknown(e.to_string()))?.collect();
    let list = found.iter().map(|a| a.ip().to_string()).collect::<Vec<_>>().join(", ");
    let text = format!("`{}` is {list}", address.host);
    Ok(((address.clone(), found), text))
}

fn slow() -> String {
    format!("no answer within {} s", WAIT_MAX.as_secs())
}

pub async fn tcp(address: &Address, at: &[SocketAddr], setting: &str) -> Result<(TcpStream, String), Failed> {
    let to_do = format!("check `{setting}`, that the gateway runs, and that your firewall lets you out to this port");
    let failed = |why: String| Failed::new(format!("cannot connect to `{}`: {why}", address.authority), to_do.clone());
    let connected = tokio::time::timeout(WAIT_MAX, TcpStream::connect(at)).await.map_err(|_| failed(slow()))?;
    let stream = connected.map_err(|e| failed(e.to_string()))?;
    stream.set_nodelay(true).map_err(|e| failed(e.to_string()))?;
    let peer = stream.peer_addr().map_or_else(|_| address.authority.clone(), |a| a.to_string());
    Ok((stream, format!("connected to {peer}")))
}
