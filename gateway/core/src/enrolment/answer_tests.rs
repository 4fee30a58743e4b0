//! What an enrolment answers about the caller and the client: own insured, own GP, own referrer.

use super::*;
use crate::holder_fact::HeldFacts;

fn enrolled(uzovi: Option<&str>, agb: Option<&str>) -> Enrolment {
    let text = format!(
        "oin = \"00000099000000006001\"\nname = \"x\"\nrecipient = \"INSURER\"\n{}{}\n[agreement]\nreference = \"r\"\nuntil = \"2099-01-01\"",
        uzovi.map(|u| format!("uzovi = \"{u}\"\n")).unwrap_or_default(),
        agb.map(|a| format!("agb = \"{a}\"\n")).unwrap_or_default(),
    );
    toml::from_str(&text).unwrap()
}

fn holder(kept: &[(HeldFact, &str)]) -> HolderFacts {
    let mut held = HeldFacts::default();
    kept.iter().for_each(|(fact, text)| held.set_text(*fact, Some((*text).to_owned())));
    HolderFacts {
        identifiers: Vec::new(),
        birth_date: None,
        municipality_code: None,
        active_case: true,
        residence_secret: false,
        held,
    }
}

#[test]
fn what_the_holder_does_not_say_stays_unknown() {
    let own =
        |enrolment: &Enrolment, holder: &HolderFacts, fact| enrolment.answer_own(Facts::UNKNOWN, holder).value(fact);
    let insurer = enrolled(Some("9001"), None);
    assert_eq!(own(&insurer, &holder(&[(HeldFact::InsurerUzovi, "9001")]), Fact::OwnInsured), Some("true"));
    assert_eq!(own(&insurer, &holder(&[(HeldFact::InsurerUzovi, "9002")]), Fact::OwnInsured), Some("false"));
    assert_eq!(own(&insurer, &holder(&[]), Fact::OwnInsured), None);
    assert_eq!(
        own(&enrolled(None, None), &holder(&[(HeldFact::InsurerUzovi, "9001")]), Fact::OwnInsured),
        Some("false")
    );
    let gp = enrolled(None, Some("01000001"));
    assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000001")]), Fact::OwnGp), Some("true"));
    // One code that is another's was outweighed by one that is ours. A dossier that names two doctors does not say which
    // of them is the client's own, and what is not sure must not open it.
    let ours = (HeldFact::GpOin, "00000099000000006001");
    let theirs = (HeldFact::GpOin, "00000099000000006002");
    for (kept, said) in [
        (vec![(HeldFact::GpAgb, "x"), ours], "false"),
        (vec![(HeldFact::GpAgb, "01000001"), theirs], "false"),
        (vec![(HeldFact::GpAgb, "01000001"), ours], "true"),
        (vec![ours], "true"),
        (vec![theirs], "false"),
    ] {
        assert_eq!(own(&gp, &holder(&kept), Fact::OwnGp), Some(said), "{kept:?}");
    }
    // A code that we do not have can neither agree nor contradict.
    let unnumbered = enrolled(None, None);
    assert_eq!(own(&unnumbered, &holder(&[(HeldFact::GpAgb, "x"), ours]), Fact::OwnGp), Some("true"));
    assert_eq!(own(&unnumbered, &holder(&[(HeldFact::GpAgb, "x")]), Fact::OwnGp), Some("false"));
    assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000002")]), Fact::OwnGp), Some("false"));
    assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000001")]), Fact::OwnReferrer), None);
}

/// A row or a grant of before these codes existed stays what it was, byte for byte.
#[test]
fn an_enrolment_without_codes_is_written_as_before() {
    let written = serde_json::to_string(&enrolled(None, None)).unwrap();
    assert!(!written.contains("uzovi") && !written.contains("agb"), "{written}");
}
