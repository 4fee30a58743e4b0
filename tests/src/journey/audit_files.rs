//! `sluis audit FILE`: its exit status, and files that are no declaration: refused with line and path, nothing sent.

use super::place::Place;
use super::program::{Said, sluis};
use sluis::demo::organisations::THE_HAGUE;
use sluis::demo::people::{self, PARTNERS};
use sluis_adapters::ijw::write_jw323;
use std::path::Path;

fn audit(place: &Place, file: &Path) -> Said {
    let profile = place.profile_file(&THE_HAGUE);
    sluis([Path::new("audit"), file, Path::new("--profile"), &profile])
}

#[test]
fn the_status_says_whether_lines_were_rejected() {
    let place = Place::new("audit");
    let _gateway = place.serve();
    let wrong = audit(&place, &place.file("declaration.xml"));
    assert_eq!(wrong.status, Some(1), "{wrong:#?}");
    assert!(
        wrong.out.ends_with("40 lines agree, 8 do not; every page verified against its receipt\n"),
        "{}",
        wrong.out
    );

    let month = std::fs::read_to_string(place.file("declaration.xml")).unwrap();
    let month = month.split("Begindatum>").nth(1).unwrap()[..10].parse().unwrap();
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let invoice = people::declaration(&holder, PARTNERS[0], month, false).unwrap();
    let file = place.file("right.xml");
    std::fs::write(&file, write_jw323(&invoice.header, &invoice.lines).unwrap()).unwrap();
    let right = audit(&place, &file);
    assert_eq!(right.status, Some(0), "{right:#?}");
    assert!(right.out.ends_with(" lines agree, 0 do not; every page verified against its receipt\n"), "{}", right.out);
}

/// Name, change of the good text, words of the error. No gateway runs: whatever were sent would be another error.
type Case = (&'static str, fn(&str) -> Vec<u8>, &'static [&'static str]);

const CASES: &[Case] = &[
    ("no-xml", |_| b"name;bsn;amount\nA;1;2\n".to_vec(), &["text does not belong here"]),
    ("empty", |_| Vec::new(), &["line 1", "the file ends too early"]),
    ("byte-order-mark", |t| [b"\xef\xbb\xbf", t.as_bytes()].concat(), &["line 1", "byte order mark", "(OP192)"]),
    (
        "entity",
        |t| {
            let dtd = "<!DOCTYPE x [<!ENTITY all SYSTEM \"file:///etc/hostname\">]>\n<jw323:Bericht ";
            t.replacen("<jw323:Bericht ", dtd, 1).replacen(">0518<", ">&all;<", 1).into_bytes()
        },
        &["line 2", "DTD"],
    ),
    (
        "reference",
        |t| t.replacen(">0518<", ">&all;<", 1).into_bytes(),
        &["line 8, /Bericht/Header/Ontvanger", "entities are not accepted"],
    ),
    (
        "total",
        |t| t.replacen("<ijw:TotaalBedrag>", "<ijw:TotaalBedrag>1", 1).into_bytes(),
        &["TotaalIngediendBedrag: the total is not the sum of the lines", "(TR358)"],
    ),
    ("truncated", |t| t.as_bytes()[..t.len() / 2].to_vec(), &["/Bericht/Declaratie/Clienten", "(XML)"]),
    (
        "unknown-element",
        |t| t.replacen("<jw323:ToewijzingNummer>", "<jw323:Kleur>rood</jw323:Kleur><jw323:ToewijzingNummer>", 1).into(),
        &["/Prestatie/Kleur: this element does not belong here", "(XSD)"],
    ),
    ("bsn", |t| t.replacen("<jw323:Bsn>9999", "<jw323:Bsn>9998", 1).into(), &["line 31", "/Client/Bsn: ", "(CS002)"]),
    ("short-bsn", |t| t.replacen("<jw323:Bsn>9", "<jw323:Bsn>", 1).into(), &["line 31", "/Client/Bsn: ", "(CS002)"]),
    ("empty-bsn", |t| t.replacen("<jw323:Bsn>9", "<jw323:Bsn/><!-- ", 1).into(), &["line 31"]),
];

#[test]
fn what_is_no_declaration_is_refused_with_line_and_path() {
    let place = Place::new("no-declaration");
    let good = std::fs::read_to_string(place.file("declaration.xml")).unwrap();
    let bsn = good.split("<jw323:Bsn>").nth(1).unwrap()[..9].to_owned();
    let mut missing = Vec::new();
    for (name, change, words) in CASES {
        let (file, bytes) = (place.file(&format!("{name}.xml")), change(&good));
        assert_ne!(bytes, good.as_bytes(), "{name} changes nothing");
        std::fs::write(&file, bytes).unwrap();
        let said = audit(&place, &file);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{name}: {said:#?}");
        assert!(said.err.contains(&format!("{name}.xml`: line ")), "{name}: {}", said.err);
        let unsaid = words.iter().filter(|word| !said.err.contains(**word));
        missing.extend(unsaid.map(|word| format!("{name}: `{word}` is not in: {}", said.err)));
        let told = said.err.split_once("`: line ").map_or("", |(_, text)| text);
        assert!(!told.contains(&bsn[4..]) && !told.contains("rood"), "{name} repeats a value: {told}");
    }
    assert!(missing.is_empty(), "{missing:#?}");
    let absent = audit(&place, &place.file("absent.xml"));
    assert_eq!(absent.status, Some(2), "{absent:#?}");
    assert!(absent.err.contains("cannot read `") && absent.err.contains("absent.xml"), "{}", absent.err);
    // The good file gets further: to the gateway that is not there.
    let unsent = audit(&place, &place.file("declaration.xml"));
    assert_eq!(unsent.status, Some(2), "{unsent:#?}");
    assert!(unsent.err.contains("127.0.0.1:") && !unsent.err.contains("declaration.xml"), "{}", unsent.err);
}
