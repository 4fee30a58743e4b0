//! Limits hold, exceptions hold, everything comes back, and every refusal is counted once.

use super::*;
use crate::quota::refused::{Counts, since};

fn oin(last: usize) -> Oin {
    Oin::parse(&format!("00000099{last:012}")).unwrap()
}

fn quotas(text: &str) -> Quotas {
    Quotas::new(&toml::from_str(text).unwrap())
}

#[test]
fn one_organisation_at_its_limit_is_told_when_to_come_back_and_others_are_not() {
    let quotas =
        quotas("calls_per_second = 2\ncalls_burst = 3\n[[exception]]\noin = \"00000099000000000002\"\ncalls_burst = 5");
    let calls = |organisation| {
        let account = quotas.account(&oin(organisation)).unwrap();
        (0..9).map(|_| account.enter().map(drop)).collect::<Vec<_>>()
    };
    for (organisation, burst) in [(1, 3), (2, 5), (3, 3)] {
        let came = calls(organisation);
        assert_eq!(came.iter().take_while(|c| c.is_ok()).count(), burst, "{came:?}");
        let over = came.last().unwrap().unwrap_err();
        assert!(over.refused == Refused::RATE && over.retry_after <= Duration::from_millis(500), "{over:?}");
        let account = quotas.account(&oin(organisation)).unwrap();
        assert_eq!(account.refused().read(), Counts::from([(Refused::RATE, 9 - burst as u64)]));
    }
    assert_eq!(quotas.refused().read(), Counts::from([(Refused::RATE, 6 + 4 + 6)]));
}

#[test]
fn places_come_back_when_they_are_left() {
    let quotas = quotas("calls_at_once = 2\nconnections = 1\ntokens_per_minute = 1");
    let account = quotas.account(&oin(1)).unwrap();
    let places = [account.enter().unwrap(), account.enter().unwrap()];
    assert_eq!(account.enter().unwrap_err().refused, Refused::CALLS_AT_ONCE);
    drop(places);
    assert!(account.enter().is_ok());
    let connection = account.connect().unwrap();
    assert_eq!(account.connect().unwrap_err().refused, Refused::CONNECTIONS);
    drop(connection);
    assert!(account.connect().is_ok() && account.ask_token().is_ok());
    assert_eq!(account.ask_token().unwrap_err().refused, Refused::TOKEN_RATE);
}

#[test]
fn accounts_are_bounded_and_closed_only_when_nothing_is_lost() {
    let quotas = quotas("calls_per_second = 1\ncalls_burst = 60");
    let all: Vec<_> = (0..ACCOUNTS_MAX).map(|n| quotas.account(&oin(n))).collect();
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(quotas.account(&oin(ACCOUNTS_MAX)).map(drop), Err(OverLimit::later(Refused::HOUSE_FULL)));
    let held = Arc::clone(all[7].as_ref().unwrap());
    all[9].as_ref().unwrap().count(Refused::RATE);
    drop(all);
    let untold = |_: &Oin, account: &Account| account.refused().read().is_empty();
    let round = Duration::from_secs(30);
    assert_eq!(quotas.close_unused(round, untold).len(), 0, "just used");
    assert_eq!(quotas.close_unused(round, untold).len(), 0, "the allowance is not whole before a minute");
    assert_eq!(quotas.close_unused(round, untold).len(), ACCOUNTS_MAX - 2, "one is held, one has something to say");
    assert!(Arc::ptr_eq(&held, &quotas.account(&oin(7)).unwrap()));
    assert!(quotas.account(&oin(ACCOUNTS_MAX)).is_ok());
}

#[test]
fn only_what_is_new_is_said() {
    let told = Counts::from([(Refused::RATE, 4), (Refused::CONNECTIONS, 2)]);
    let now = Counts::from([(Refused::RATE, 9), (Refused::CONNECTIONS, 2), (Refused::TOKEN_RATE, 1)]);
    assert_eq!(since(&now, &told), Counts::from([(Refused::RATE, 5), (Refused::TOKEN_RATE, 1)]));
}
