//! Which list may take the place of which.

use super::*;
use crate::demo::certificates::Authority;
use crate::transport::rehearsal::{FAR_AHEAD, LONG_AGO, authority, material};
use jiff::civil::{Date, date};

const LATER: Date = date(2021, 1, 1);
/// 2025-01-01.
const NOW: Millis = 1_735_689_600_000;

fn read(authority: &Authority, lists: &[&str]) -> Result<Revocation, String> {
    Revocation::read(&material(authority, lists)).map_err(|error| error.to_string())
}

#[test]
fn a_list_says_who_issued_it_and_until_when() {
    let ours = authority();
    let revocation = read(&ours, &[&ours.revocation_list(&[], LONG_AGO, LATER).unwrap()]).unwrap();
    let [list] = revocation.lists() else { panic!("one list") };
    assert!(list.issuer.contains("sluis rehearsal authority"), "{}", list.issuer);
    assert_eq!((list.this_update, list.next_update), (1_577_836_800_000, 1_609_459_200_000));
    assert!(list.is_stale(1_609_459_200_000) && !list.is_stale(1_609_459_199_999));
}

#[test]
fn a_list_that_no_authority_of_ours_signed_is_refused() {
    let ours = authority();
    let strangers = Authority::new("sluis other authority", LONG_AGO, FAR_AHEAD).unwrap();
    // The second has the name of ours, and another key.
    for other in [strangers, authority()] {
        let refused = read(&ours, &[&other.revocation_list(&[], LONG_AGO, FAR_AHEAD).unwrap()]).unwrap_err();
        assert!(refused.contains("`crl.pem`") && refused.contains("no authority in `ca.pem` signed"), "{refused}");
    }
}

#[test]
fn der_is_read_as_well_and_half_of_it_is_not() {
    let ours = authority();
    let pem = ours.revocation_list(&[], LONG_AGO, FAR_AHEAD).unwrap();
    let der = Pem::new("crl.der", &pem).revocation_lists().unwrap().remove(0);
    let of = |der: &[u8]| {
        let list = Pem::of_bytes("crl.der", zeroize::Zeroizing::new(der.to_vec()));
        Revocation::read(&Material { revocation: vec![list], ..material(&ours, &[]) })
    };
    assert_eq!(of(&der).unwrap().lists().len(), 1);
    let half = of(&der[..der.len() / 2]).unwrap_err().to_string();
    assert!(half.contains("`crl.der`"), "{half}");
    assert!(of(&[&*der, b"x"].concat()).is_err());
}

/// By number where both have one: the clock of an authority may step back, its numbers may not (RFC 5280, 5.2.3).
#[test]
fn an_older_list_replaces_nothing_and_a_newer_one_does() {
    let ours = authority();
    let at = |number, begin: Date| {
        let begin = begin.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        let end = FAR_AHEAD.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        read(&ours, &[&ours.revocation_list_at(&[], number, begin, end).unwrap()]).unwrap()
    };
    let (low, high) = (at(255, LATER), at(256, LONG_AGO));
    high.may_replace(&low, NOW).unwrap();
    low.may_replace(&low, NOW).unwrap();
    let refused = low.may_replace(&high, NOW).unwrap_err().to_string();
    assert!(
        refused.contains("`crl.pem`")
            && refused.contains("it is number 255 of 2021-01-01T00:00:00Z, older than number 256 of 2020-"),
        "{refused}"
    );
    let (earlier, later) = (at(255, LONG_AGO), at(255, LATER));
    later.may_replace(&earlier, NOW).unwrap();
    earlier.may_replace(&later, NOW).unwrap_err();
}

/// An authority's newer list may be appended to the file, or put in front; an older one beside it must not hide it.
#[test]
fn of_two_lists_of_one_authority_the_newest_is_kept_wherever_it_stands() {
    let ours = authority();
    let [old, new] = [LONG_AGO, LATER].map(|begin| ours.revocation_list(&[], begin, FAR_AHEAD).unwrap());
    for lists in [&[&*old, &*new][..], &[&*new, &*old], &[&*format!("{old}{new}")], &[&*format!("{new}{old}")]] {
        let revocation = read(&ours, lists).unwrap();
        let [kept] = revocation.lists() else { panic!("one list") };
        assert_eq!(kept.this_update, 1_609_459_200_000);
    }
}

#[test]
fn a_list_that_has_ended_replaces_nothing_but_itself() {
    let ours = authority();
    let ended = read(&ours, &[&ours.revocation_list(&[], LONG_AGO, LATER).unwrap()]).unwrap();
    let refused = ended.may_replace(&Revocation::default(), NOW).unwrap_err().to_string();
    assert!(refused.contains("it ended at 2021-01-01T00:00:00Z"), "{refused}");
    // An authority may still be removed while the list of another has ended.
    ended.may_replace(&ended, NOW).unwrap();
}

#[test]
fn a_list_may_go_only_with_its_authority() {
    let (ours, others) = (authority(), Authority::new("sluis other authority", LONG_AGO, FAR_AHEAD).unwrap());
    let of = |authority: &Authority| authority.revocation_list(&[], LONG_AGO, FAR_AHEAD).unwrap();
    let trusting = |authorities: &str, lists: &[&str]| {
        Revocation::read(&Material { authorities: Pem::new("ca.pem", authorities), ..material(&ours, lists) }).unwrap()
    };
    let both = format!("{}{}", ours.cert_pem(), others.cert_pem());
    let before = trusting(&both, &[&of(&ours), &of(&others)]);
    let refused = trusting(&both, &[&of(&ours)]).may_replace(&before, NOW).unwrap_err().to_string();
    assert!(refused.contains("the list of CN=sluis other authority is gone"), "{refused}");
    trusting(ours.cert_pem(), &[&of(&ours)]).may_replace(&before, NOW).unwrap();
}
