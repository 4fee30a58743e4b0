//! A good file is read to the last line; every fault is named with its line, element and rule.

use super::*;
use jiff::civil::date;
use sluis_core::claim::ClaimLine;
use sluis_core::subject::Bsn;

fn line(bsn: &str, reference: &str, unit: &str, volume: u32, tariff: Option<u32>) -> DeclaredLine {
    let line = ClaimLine {
        reference: reference.to_owned(),
        provider_agb: "98410001".to_owned(),
        allocation_number: 5_000_010,
        product_category: "45".to_owned(),
        product_code: "45A04".to_owned(),
        begin: date(2026, 10, 1),
        end: date(2026, 10, 31),
        volume,
        unit: unit.to_owned(),
        tariff,
        amount: tariff.map_or(volume, |t| t * volume),
        credit: false,
    };
    DeclaredLine { bsn: Bsn::parse(bsn).unwrap(), line, previous_reference: None }
}

fn lines() -> Vec<DeclaredLine> {
    let mut credit = line("999900018", "3 & <3>", "04", 2, Some(8650));
    credit.line.credit = true;
    credit.previous_reference = Some("0-1".to_owned());
    vec![line("999900006", "1", "01", 120, Some(142)), line("999900006", "2", "83", 25_000, None), credit]
}

fn header(lines: &[DeclaredLine]) -> Header {
    Header {
        sender_agb: "98410001".to_owned(),
        municipality_code: "0518".to_owned(),
        identification: "FS202610".to_owned(),
        sent: date(2026, 11, 1),
        number: "DFS202610".to_owned(),
        begin: date(2026, 10, 1),
        end: date(2026, 10, 31),
        signed: date(2026, 11, 1),
        total: signed_total(lines),
    }
}

fn good() -> String {
    let lines = lines();
    String::from_utf8(write_jw323(&header(&lines), &lines).unwrap()).unwrap()
}

fn read(file: &[u8]) -> Result<(Header, Vec<DeclaredLine>), Jw323Fault> {
    let mut reader = Jw323Reader::open(file)?;
    let header = reader.header().clone();
    let lines = reader.by_ref().collect::<Result<_, _>>()?;
    assert!(reader.next().is_none());
    Ok((header, lines))
}

/// The fault of the good file with one replacement.
fn fault(from: &str, to: &str) -> (u64, String, &'static str) {
    let file = good().replacen(from, to, 1);
    assert_ne!(file, good(), "the file does not hold `{from}`");
    let fault = read(file.as_bytes()).unwrap_err();
    for secret in ["999900006", "999900018", "3 & <3>"] {
        assert!(!fault.to_string().contains(secret), "{fault}");
    }
    (fault.line, fault.path, fault.rule)
}

fn rule(from: &str, to: &str) -> &'static str {
    fault(from, to).2
}

const SERVICE: &str = "/Bericht/Declaratie/Clienten/Client/Prestaties/Prestatie";

#[test]
fn what_is_written_is_read_again() {
    assert_eq!(read(good().as_bytes()).unwrap(), (header(&lines()), lines()));
    assert_eq!(signed_total(&lines()), 120 * 142 + 25_000 - 2 * 8650);
    let other_prefixes = good().replace("jw323:", "").replace("xmlns:jw323", "xmlns");
    assert_eq!(read(other_prefixes.replace(":jw323=", "=").as_bytes()).unwrap().1, lines());
    let comment = good().replacen("<jw323:Header>", "<!-- made by hand --><jw323:Header>", 1);
    assert!(read(comment.as_bytes()).is_ok());
}

#[test]
fn what_is_not_plain_xml_is_refused() {
    assert_eq!(read(b"").unwrap_err().rule, "XML");
    assert_eq!(read(b"bsn;amount\r\n1;2\r\n").unwrap_err().rule, "XSD");
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(good().bytes());
    assert_eq!(read(&marked).unwrap_err().rule, "OP192");
    assert_eq!(rule("UTF-8", "ISO-8859-1"), "OP192");
    let mut latin = good().replacen("45A04", "45A0#", 1).into_bytes();
    for byte in latin.iter_mut().filter(|b| **b == b'#') {
        *byte = 0xe9;
    }
    assert_eq!(read(&latin).unwrap_err().rule, "OP192");
    let root = "<jw323:Bericht xmlns:ijw";
    assert_eq!(fault(root, &format!("<!DOCTYPE x [<!ENTITY e \"9\">]>{root}")), (2, "/".to_owned(), "XML"));
    assert_eq!(rule(root, &format!("<?php x ?>{root}")), "XML");
    assert_eq!(rule("&amp;", "&secret;"), "XML");
    assert_eq!(rule("<jw323:Header>", "<jw323:Header colour=\"red\">"), "XSD");
    assert_eq!(rule("</jw323:Header>", "</jw323:Heading>"), "XML");
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let file = good();
    for end in 0..file.trim_end().len() {
        assert!(read(&file.as_bytes()[..end]).is_err(), "accepted when cut at byte {end}");
    }
    assert_eq!(read(format!("{file}<more/>").as_bytes()).unwrap_err().rule, "XSD");
}

#[test]
fn elements_in_another_order_or_unknown_are_refused_with_their_place() {
    let versions = "\t\t<jw323:BerichtVersie>3</jw323:BerichtVersie>\r\n";
    assert_eq!(fault(versions, ""), (5, "/Bericht/Header/BerichtSubversie".to_owned(), "XSD"));
    let (_, path, rule_name) = fault("<jw323:Bsn>", "<jw323:Naam>Jansen</jw323:Naam><jw323:Bsn>");
    assert_eq!((path.as_str(), rule_name), ("/Bericht/Declaratie/Clienten/Client/Naam", "XSD"));
    assert_eq!(rule("<jw323:IngediendBedrag>", "<jw323:IngediendBedrag><ijw:Extra>1</ijw:Extra>"), "XSD");
    assert_eq!(rule("<jw323:Clienten>", "<jw323:Clienten>text"), "XSD");
    // The right name in the other namespace.
    let (from, to) =
        ("<ijw:Dagtekening>2026-11-01</ijw:Dagtekening>", "<jw323:Dagtekening>2026-11-01</jw323:Dagtekening>");
    assert_eq!(fault(from, to).1, "/Bericht/Header/BerichtIdentificatie/Dagtekening");
    assert_eq!(rule("ijw/3_2/jw323/schema", "ijw/3_3/jw323/schema"), "XSD");
}

#[test]
fn values_follow_the_schema() {
    for (from, to, rule_name) in [
        (">490<", ">491<", "XSD"),
        (">98410001<", ">9841001<", "XSD"),
        (">0518<", ">'s-Gravenhage<", "XSD"),
        (">FS202610<", ">FS2026101234567<", "XSD"),
        (">DFS202610<", ">DFS-202610<", "XSD"),
        (">0.1.0<", ">0.01.0<", "XSD"),
        (">2026-11-01<", ">2026-11-01Z<", "RS032"),
        (">2026-11-01<", ">2026-02-30<", "RS032"),
        (">999900006<", ">999900007<", "CS002"),
        (">999900006<", ">99990006<", "CS002"),
        (">5000010<", ">1000000000<", "XSD"),
        (">5000010<", ">-1<", "XSD"),
        (">45<", ">39<", "XSD"),
        (">45A04<", ">45A045<", "XSD"),
        (">45A04<", "> <", "XSD"),
        (">01<", ">02<", "XSD"),
        (">D<", ">d<", "XSD"),
    ] {
        assert_eq!(rule(from, to), rule_name, "{from} {to}");
    }
}

#[test]
fn rules_across_elements_hold() {
    assert_eq!(fault(">24740<", ">24741<").2, "TR358");
    assert_eq!(fault(">17040<", ">17041<").1, format!("{SERVICE}/IngediendBedrag"));
    assert_eq!(rule(">17040<", ">17041<"), "TR346");
    assert_eq!(rule("<ijw:Bedrag>25000<", "<ijw:Bedrag>25001<"), "CS339");
    assert_eq!(rule("<jw323:ProductTarief>142</jw323:ProductTarief>", ""), "CD087");
    assert_eq!(rule("<ijw:VorigReferentieNummer>0-1</ijw:VorigReferentieNummer>", ""), "CD060");
    let debit = "<ijw:ReferentieNummer>1</ijw:ReferentieNummer>";
    assert_eq!(rule(debit, &format!("{debit}<ijw:VorigReferentieNummer>9</ijw:VorigReferentieNummer>")), "CD060");
    assert_eq!(rule("<ijw:Einddatum>2026-10-31<", "<ijw:Einddatum>2026-10-30<"), "CS340");
    let late = good().replace(
        "<jw323:ProductPeriode>\r\n\t\t\t\t\t\t\t<ijw:Begindatum>2026-10",
        "<jw323:ProductPeriode>\r\n\t\t\t\t\t\t\t<ijw:Begindatum>2026-09",
    );
    assert_eq!(read(late.as_bytes()).unwrap_err().rule, "CS337");
    assert_eq!(rule("<ijw:ReferentieNummer>2<", "<ijw:ReferentieNummer>1<"), "sluis-unique-reference");
    assert_eq!(rule("<jw323:DeclaratieDagtekening>2026", "<jw323:DeclaratieDagtekening>2036"), "TR335");
}

#[test]
fn the_writer_gives_out_nothing_the_reader_refuses() {
    let mut wrong = lines();
    wrong[0].line.amount += 1;
    assert_eq!(write_jw323(&header(&wrong), &wrong).unwrap_err().rule, "TR346");
    assert_eq!(write_jw323(&header(&[]), &[]).unwrap_err().rule, "XSD");
}

/// A file that never ends inside one element, and one that has too many of them.
#[test]
fn a_file_without_end_is_given_up() {
    let start = good().split("<jw323:Bsn>").next().unwrap().to_owned();
    let endless =
        std::io::Read::chain(start.as_bytes(), std::io::Read::chain(&b"<jw323:Bsn>"[..], std::io::repeat(b'9')));
    let fault = Jw323Reader::open(std::io::BufReader::new(endless)).unwrap().next().unwrap().unwrap_err();
    assert_eq!(fault.rule, "SIZE");

    let many: Vec<_> = (0..40_000).map(|n| line("999900006", &format!("{n}"), "01", 1, Some(1))).collect();
    assert_eq!(write_jw323(&header(&many), &many).unwrap_err().rule, "SIZE");
}
