//! Checkpoints and receipts as text: the forms of C2SP, and every change of them found.

use super::fixture::{FixedSigner, MemoryLog, NOW, ORIGIN, draft, empty_head, rid};
use crate::log::LeafKind;
use crate::log::checkpoint::{NoteError, OpenedCheckpoint, open, sign};
use crate::log::receipt::{Receipt, ReceiptError, verify_text};
use crate::log::tree::leaf_hash;
use crate::ports::Signer as _;
use data_encoding::BASE64;

/// The example of the C2SP signed-note specification is checked for the key; the checkpoint is the one of an
/// empty log, whose root is SHA-256 of nothing.
#[test]
fn a_checkpoint_has_the_form_of_the_specification() {
    let signer = FixedSigner::new();
    assert!(signer.vkey().ends_with("ASFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS"), "{}", signer.vkey());
    let note = sign(&empty_head(), &signer).note;
    let text = format!("{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u{2014} {ORIGIN} ");
    assert!(note.starts_with(&text) && note.ends_with('\n'), "{note}");
    let opened = open(&note, &signer.vkey()).unwrap();
    assert_eq!(opened, OpenedCheckpoint { origin: ORIGIN.to_owned(), size: 0, root: empty_head().root() });
}

/// core-design 1.2 gives a checkpoint made by another implementation; only its strings have another prefix.
#[test]
fn the_checkpoint_of_another_implementation_opens() {
    let vkey = "gw.jeugd.example/00000001234567890000/2026-1+57e4824c+ASFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS";
    let note = "gw.jeugd.example/00000001234567890000/2026-1\n1\nGjcOKMs3NXm/1prhVI5bwxTQolifvwM2EOPOKDU2WkU=\n\n\
        \u{2014} gw.jeugd.example/00000001234567890000/2026-1 V+SCTNSNBl7mokSpiItAkhGHbwn+MU5xYuCxn/FO9O2/P81K7S3k/y+Ycp9erk+6yj2JORyCx7z8I8OUCaVROdig0wg=\n";
    assert_eq!(open(note, vkey).unwrap().size, 1);
}

#[test]
fn lines_of_witnesses_are_passed_over_and_do_not_count() {
    let signer = FixedSigner::new();
    let note = sign(&empty_head(), &signer).note;
    let witness = "\u{2014} witness.example AAAAAAAAAAAAAAAAAAAAAAAA\n";
    assert!(open(&format!("{note}{witness}"), &signer.vkey()).is_ok());
    let (text, _) = note.rsplit_once('\u{2014}').unwrap();
    assert_eq!(open(&format!("{text}{witness}"), &signer.vkey()), Err(NoteError::NotSigned));
}

#[test]
fn every_changed_byte_of_a_checkpoint_is_found() {
    let log = MemoryLog::default();
    log.grow(3, 3);
    let (note, vkey) = (log.checkpoint().note, FixedSigner::new().vkey());
    for at in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(open(&changed, &vkey).is_err(), "byte {at}: {changed}");
        }
    }
    let more = note.replacen("\n\n", "\nextension\n\n", 1);
    assert_eq!(open(&more, &vkey), Err(NoteError::NotACheckpoint));
    assert_eq!(open(note.trim_end(), &vkey), Err(NoteError::NotANote));
}

#[test]
fn a_verifier_key_with_another_id_or_type_is_refused() {
    let signer = FixedSigner::new();
    let (note, vkey) = (sign(&empty_head(), &signer).note, signer.vkey());
    let (name, rest) = vkey.split_once('+').unwrap();
    let (id, key) = rest.split_once('+').unwrap();
    for other in [
        format!("{name}+00000000+{key}"),
        format!("{name}+{id}+Ag{}", &key[2..]),
        format!("x+{id}+{key}"),
        String::new(),
    ] {
        assert_eq!(open(&note, &other), Err(NoteError::VerifierKey), "{other}");
    }
    let elsewhere = crate::log::checkpoint::verifier_key("sluis-log.other.example/1/2026-1", &signer.public_key());
    assert_eq!(open(&note, &elsewhere), Err(NoteError::OtherOrigin));
}

#[test]
fn every_changed_byte_of_a_receipt_is_found() {
    let log = MemoryLog::default();
    log.grow(5, 5);
    let committed = log.append_at(NOW, vec![draft(LeafKind::Release, 5)]).unwrap();
    let (text, vkey) = (committed.receipts(&log.checkpoint())[0].as_ref().unwrap().text(), FixedSigner::new().vkey());
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    assert!(verify_text(&text, &vkey).is_ok());
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 2;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(verify_text(&changed, &vkey).is_err(), "byte {at}: {changed}");
        }
    }
}

/// A note with this text, truly signed by the log's key.
fn signed(text: &str) -> String {
    let signer = FixedSigner::new();
    let note = sign(&empty_head(), &signer).note;
    let line = note.rsplit(' ').next().unwrap().trim_end();
    let mut signature = BASE64.decode(line.as_bytes()).unwrap();
    signature.truncate(4);
    signature.extend(signer.sign(text.as_bytes()));
    format!("{text}\n\u{2014} {ORIGIN} {}\n", BASE64.encode(&signature))
}

#[test]
fn a_signed_text_in_another_form_is_no_checkpoint() {
    let (root, vkey) = (BASE64.encode(&[1; 32]), FixedSigner::new().vkey());
    assert_eq!(open(&signed(&format!("{ORIGIN}\n12\n{root}\n")), &vkey).unwrap().size, 12);
    for text in [
        format!("{ORIGIN}\n012\n{root}\n"),
        format!("{ORIGIN}\n+12\n{root}\n"),
        format!("{ORIGIN}\n12\n{}\n", &root[..40]),
        format!("{ORIGIN}\n12\n{root}\nextension\n"),
        format!("{ORIGIN}\n12\n"),
    ] {
        assert_eq!(open(&signed(&text), &vkey), Err(NoteError::NotACheckpoint), "{text}");
    }
}

/// Whoever holds the log's key could sign a leaf at a place that it does not name.
#[test]
fn a_leaf_that_names_another_place_than_its_own_is_refused() {
    let text = draft(LeafKind::Release, 1).leaf.encode(rid(1), 7, NOW).unwrap();
    let mut head = empty_head();
    head.frontier.push(leaf_hash(text.as_bytes()));
    let note = sign(&head, &FixedSigner::new()).note;
    let receipt = Receipt::new(text.into(), LeafKind::Release, 0, Vec::new(), note.into()).text();
    assert_eq!(
        verify_text(&receipt, &FixedSigner::new().vkey()),
        Err(ReceiptError::OtherIndex { leaf: 7, receipt: 0 })
    );
}

#[test]
fn a_receipt_for_another_index_is_refused() {
    let log = MemoryLog::default();
    let committed = log.append_at(NOW, vec![draft(LeafKind::Release, 0), draft(LeafKind::Release, 1)]).unwrap();
    let receipts = committed.receipts(&log.checkpoint());
    let text = receipts[0].as_ref().unwrap().text();
    let moved = text.replacen("\nindex 0\n", "\nindex 1\n", 1);
    assert_eq!(verify_text(&moved, &FixedSigner::new().vkey()), Err(ReceiptError::NotIncluded));
}
