//! Pages: every item provable on its own, and found by the member's number.

use crate::log::page::{Item, PageBlob, PageError, body_hash, body_root, item_salt, verify_item};
use crate::log::proof::verify_inclusion;
use crate::log::tree::root_of;
use data_encoding::HEXLOWER;

fn item(number: u32) -> Item {
    let body = number.is_multiple_of(3).then(|| format!("{number:064x}"));
    Item { number, tag: format!("{number:032x}"), outcome: "AGREES".to_owned(), body }
}

fn page(count: u32) -> PageBlob {
    PageBlob::new(&(0..count).map(|at| item(7 + 2 * at)).collect::<Vec<_>>()).unwrap()
}

#[test]
fn an_item_has_one_form() {
    let text = item(3).encode().unwrap();
    let expected =
        format!("{{\"bc\":\"{:064x}\",\"n\":3,\"oc\":\"AGREES\",\"st\":\"{:032x}\",\"v\":\"sluis-item/1\"}}", 3, 3);
    assert_eq!(text, expected);
    assert_eq!(Item::decode(&text), Some(item(3)));
    for other in [
        text.replace("sluis-item/1", "sluis-item/2"),
        text.replace(":3,", ":03,"),
        text.replace("{\"bc\"", "{ \"bc\""),
        format!("{text} "),
    ] {
        assert_eq!(Item::decode(&other), None, "{other}");
    }
    let wrong = Item { outcome: "agrees".to_owned(), ..item(3) };
    assert_eq!(wrong.encode(), Err(PageError::Shape(3)));
    let wrong = Item { tag: "00".to_owned(), ..item(3) };
    assert_eq!(wrong.encode(), Err(PageError::Shape(3)));
}

#[test]
fn every_item_of_a_page_is_provable_and_no_other() {
    for count in 1..40 {
        let page = page(count);
        let sr = page.sub_root();
        for number in (0..count).map(|at| 7 + 2 * at) {
            let (text, position) = (page.item(number).unwrap(), page.position(number).unwrap());
            let proof = page.item_proof(number).unwrap();
            assert!(verify_item(text, position, u64::from(count), &proof, &sr));
            assert!(!verify_item(&item(number + 1).encode().unwrap(), position, u64::from(count), &proof, &sr));
            assert!(!verify_item(text, position + 1, u64::from(count), &proof, &sr));
            assert!(!verify_item(text, position, u64::from(count), &proof, &"0".repeat(64)));
        }
        assert_eq!(page.item_proof(8), None);
    }
}

#[test]
fn a_page_survives_storage_and_nothing_else_is_a_page() {
    let page = page(20);
    let bytes = page.to_bytes();
    assert_eq!(PageBlob::from_bytes(&bytes), Ok(page));
    assert!(PageBlob::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(PageBlob::from_bytes(&[bytes.clone(), bytes].concat()).is_err());
    assert_eq!(PageBlob::new(&[item(2), item(2)]), Err(PageError::Order(2)));
    assert_eq!(PageBlob::new(&[item(2), item(1)]), Err(PageError::Order(1)));
    assert!(PageBlob::from_bytes(&[]).unwrap().is_empty());
}

#[test]
fn a_body_is_provable_under_the_commitment_of_its_page() {
    let salts: Vec<[u8; 32]> = (0..5).map(|number| item_salt(&[6; 32], number)).collect();
    assert_ne!(salts[0], salts[1]);
    let hashes: Vec<_> = salts.iter().map(|salt| body_hash(salt, b"body")).collect();
    let bc = body_root(&hashes);
    assert_eq!(bc, HEXLOWER.encode(&root_of(&hashes)));
    let proof = [hashes[3], root_of(&hashes[..2]), hashes[4]];
    assert!(verify_inclusion(&body_hash(&salts[2], b"body"), 2, 5, &proof, &root_of(&hashes)));
    assert!(!verify_inclusion(&body_hash(&salts[2], b"other"), 2, 5, &proof, &root_of(&hashes)));
}
