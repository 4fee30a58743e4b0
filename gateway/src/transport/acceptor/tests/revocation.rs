//! What a revocation list does to connections: new, open, silent, writing.

use super::*;

#[tokio::test]
async fn a_silent_connection_is_cut_within_a_second_of_the_revocation() {
    let ours = authority();
    let greeter = Greeter::start(&material(&ours, &[]), Limits::default()).await;
    let revoked = ours.issue(&subject(&[OTHER])).unwrap();
    let (mut silent, _) = greeter.meet(client(&ours, Some(&revoked))).await.unwrap();
    let list = ours.revocation_list(&[&revoked.serial], LONG_AGO, FAR_AHEAD).unwrap();
    greeter.trust.replace(&material(&ours, &[&list])).unwrap();
    ended(&mut silent).await;
    assert_eq!(greeter.counters.withdrawn(), 1);
}

/// A caller who does not read keeps the gateway writing; it waits for room, and is woken all the same.
#[tokio::test]
async fn a_connection_that_waits_to_write_is_cut_too() {
    let ours = authority();
    let revoked = ours.issue(&subject(&[OTHER])).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trust = Arc::new(Trust::new(&material(&ours, &[]), Protocol::Grpc).unwrap());
    let mut incoming = accept(listener, Arc::clone(&trust), Limits::default(), Arc::default());
    let written = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let writes = Arc::clone(&written);
    let writer = tokio::spawn(async move {
        let mut connection = incoming.next().await.unwrap().unwrap();
        loop {
            if let Err(error) = connection.write_all(&[7; 16 * 1024]).await {
                return error.kind();
            }
            writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let _unread = TlsConnector::from(client(&ours, Some(&revoked))).connect(name, tcp).await.unwrap();
    let list = ours.revocation_list(&[&revoked.serial], LONG_AGO, FAR_AHEAD).unwrap();
    // Every buffer on the way is full when nothing more is written.
    let stands_still = async {
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = written.load(std::sync::atomic::Ordering::Relaxed);
            if now > 0 && std::mem::replace(&mut before, now) == now {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), stands_still).await.unwrap();
    trust.replace(&material(&ours, &[&list])).unwrap();
    let end = tokio::time::timeout(Duration::from_secs(1), writer).await.expect("it still waits");
    assert_eq!(end.unwrap(), std::io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_list_that_ends_under_an_open_connection_cuts_it_when_it_is_judged_again() {
    let ours = authority();
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    let begin = now();
    let list = ours.revocation_list_at(&[], 1, begin, begin + Duration::from_secs(2)).unwrap();
    let greeter = Greeter::start(&material(&ours, &[&list]), Limits::default()).await;
    let (mut open, _) = greeter.meet(client(&ours, Some(&good))).await.unwrap();
    assert_eq!(echoed(&mut open).await.unwrap(), b'x');
    let until_cut = async {
        while greeter.counters.withdrawn() == 0 {
            greeter.trust.judge_again();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), until_cut).await.unwrap();
    ended(&mut open).await;
    assert!(now() >= begin + Duration::from_secs(1), "cut while the list still spoke");
}

#[tokio::test]
async fn a_connection_ends_with_its_certificate() {
    let ours = authority();
    let end = now() + Duration::from_secs(2);
    let brief = ours.issue_until(&subject(&[GOOD]), end).unwrap();
    let greeter = Greeter::start(&material(&ours, &[]), Limits::default()).await;
    let (mut open, _) = greeter.meet(client(&ours, Some(&brief))).await.unwrap();
    let ending = tokio::time::timeout(Duration::from_secs(10), open.read(&mut [0])).await.unwrap();
    assert!(ending.map_or(true, |count| count == 0));
    assert!(now() >= end - Duration::from_secs(1), "cut while the certificate held");
    assert_eq!(greeter.counters.withdrawn(), 1);
}

#[tokio::test]
async fn an_outdated_revocation_list_refuses_everyone() {
    let ours = authority();
    let list = ours.revocation_list(&[], LONG_AGO, date(2020, 2, 1)).unwrap();
    let greeter = Greeter::start(&material(&ours, &[&list]), Limits::default()).await;
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    assert!(greeter.meet(client(&ours, Some(&good))).await.is_err());
    assert_eq!(greeter.counters.refused(Refusal::RevocationUnknown), 1);
}

#[test]
fn a_list_of_another_authority_says_nothing_and_so_no_listener_starts_with_it() {
    let (ours, theirs) = (authority(), Authority::new("sluis other authority", LONG_AGO, FAR_AHEAD).unwrap());
    let list = theirs.revocation_list(&[], LONG_AGO, FAR_AHEAD).unwrap();
    let refused = Trust::new(&material(&ours, &[&list]), Protocol::Grpc).err().unwrap().to_string();
    assert!(refused.contains("no authority in `ca.pem` signed"), "{refused}");
}

#[tokio::test]
async fn a_newer_list_beside_an_older_one_of_the_same_authority_revokes() {
    let ours = authority();
    let revoked = ours.issue(&subject(&[OTHER])).unwrap();
    let old = ours.revocation_list(&[], LONG_AGO, FAR_AHEAD).unwrap();
    let new = ours.revocation_list(&[&revoked.serial], date(2021, 1, 1), FAR_AHEAD).unwrap();
    let greeter = Greeter::start(&material(&ours, &[&old, &new]), Limits::default()).await;
    assert!(greeter.meet(client(&ours, Some(&revoked))).await.is_err());
    assert_eq!(greeter.counters.refused(Refusal::Revoked), 1);
}
