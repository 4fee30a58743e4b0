//! Connections over several runtimes: dealt evenly, served where they were dealt, ended with their lane.

use super::*;
use crate::transport::lanes::Lanes;

/// The next proven connection of a lane.
async fn next(incoming: &mut Incoming) -> TlsConnection {
    let next = tokio::time::timeout(Duration::from_secs(10), incoming.next()).await;
    next.expect("no connection came").unwrap().unwrap()
}

async fn meet(address: SocketAddr, config: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.unwrap()
}

#[tokio::test]
async fn each_connection_goes_to_the_lane_with_the_fewest_and_is_served_there() {
    let ours = authority();
    let good = client(&ours, Some(&ours.issue(&subject(&[GOOD])).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trust = Arc::new(Trust::new(&material(&ours, &[]), Protocol::Grpc).unwrap());
    let lanes = Lanes::begin(2).unwrap();
    let mut incoming = accept_on(lanes.runtimes(), listener, trust, Limits::default(), Arc::default());
    let (mut callers, mut served) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..2 {
        for (incoming, served) in incoming.iter_mut().zip(&mut served) {
            callers.push(meet(address, &good).await);
            served.push(next(incoming).await);
        }
    }
    // Both places of the second lane are free: the next two go there.
    served[1].clear();
    for _ in 0..2 {
        callers.push(meet(address, &good).await);
        served[1].push(next(&mut incoming[1]).await);
    }
    for (number, (runtime, mut connections)) in lanes.runtimes().iter().zip(served).enumerate() {
        let mut connection = connections.pop().unwrap();
        let echo = runtime.spawn(async move {
            let byte = connection.read_u8().await?;
            connection.write_u8(byte).await?;
            connection.flush().await?;
            std::io::Result::Ok(std::thread::current().name().map(str::to_owned))
        });
        let caller = if number == 0 { 2 } else { 5 };
        assert_eq!(echoed(&mut callers[caller]).await.unwrap(), b'x');
        assert_eq!(echo.await.unwrap().unwrap(), Some(format!("sluis-lane-{number}")));
    }
}

#[tokio::test]
async fn accepting_ends_with_the_first_lane_that_is_no_longer_served() {
    let ours = authority();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trust = Arc::new(Trust::new(&material(&ours, &[]), Protocol::Grpc).unwrap());
    let lanes = Lanes::begin(2).unwrap();
    let mut incoming = accept_on(lanes.runtimes(), listener, trust, Limits::default(), Arc::default());
    drop(incoming.pop());
    let ended = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it still accepts");
}
