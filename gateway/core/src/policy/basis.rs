//! Legal bases: their spelling, and which a controller may use (B20).

use crate::field::FieldClass;
use crate::field::FieldSet;
use crate::organisation::Purpose;

/// The laws a basis may cite, as they are abbreviated in texts.
const LAWS: [&str; 14] =
    ["AVG", "UAVG", "Jw", "RJ", "BJ", "BW", "Wmo", "Zvw", "Wmg", "Wabvpz", "Awb", "CBSW", "WvSr", "WvSv"];

/// Grounds of AVG 6(1) that a controller's privacy statement names; `d` only in an emergency.
struct Controller {
    code: &'static str,
    grounds: &'static [char],
    emergency: &'static [char],
}

/// Kracht: 6(1)(e) and (c) and consent (SEED-K), vital interests in the note of emergencies. AKJ: 6(1)(f) (SEED-A).
const CONTROLLERS: [Controller; 2] = [
    Controller { code: "KRACHT", grounds: &['a', 'c', 'e'], emergency: &['d'] },
    Controller { code: "AKJ", grounds: &['a', 'c', 'f'], emergency: &['d'] },
];

/// Purposes in which vital interests (AVG 6(1)(d)) can be the ground.
const EMERGENCIES: [Purpose; 3] = [Purpose::SeriousDanger, Purpose::Crisis, Purpose::TrustSafetyException];

/// Whether some controller has this code.
pub(super) fn is_controller(code: &str) -> bool {
    CONTROLLERS.iter().any(|c| c.code == code)
}

/// The codes of all controllers, for a message.
pub(super) fn controller_codes() -> String {
    CONTROLLERS.iter().map(|c| c.code).collect::<Vec<_>>().join(", ")
}

/// What is wrong with one basis of a rule, or `None`.
pub(super) fn fault(basis: &str, controller: &str, purpose: Purpose) -> Option<String> {
    let Some((law, article)) = basis.split_once(' ') else {
        return Some(format!("`{basis}` is no basis: write the law, one space and the article, `Jw 7.3.11(2)(a)`"));
    };
    if !LAWS.contains(&law) {
        return Some(format!("unknown law `{law}`: use one of {}", LAWS.join(", ")));
    }
    if !is_article(article) {
        return Some(format!("`{article}` is no article: write it as `7.3.11(2)(a)`"));
    }
    let ground = ground(basis)?;
    let controller = CONTROLLERS.iter().find(|c| c.code == controller)?;
    let allowed = controller.grounds.contains(&ground)
        || (controller.emergency.contains(&ground) && EMERGENCIES.contains(&purpose));
    (!allowed).then(|| {
        format!(
            "{} may not rely on AVG 6(1)({ground}) for this purpose: choose a ground of its own (B20)",
            controller.code
        )
    })
}

/// What is missing in the bases of a rule as a whole: a ground of AVG 6(1), and for special categories AVG 9(2).
pub(super) fn missing(bases: &[String], fields: FieldSet) -> Option<&'static str> {
    if !bases.iter().any(|b| ground(b).is_some()) {
        return Some("no ground of AVG 6(1): add one, `AVG 6(1)(e)`");
    }
    let special = fields.iter().any(|f| f.class() == FieldClass::Content);
    if special && !bases.iter().any(|b| b.starts_with("AVG 9(2)(")) {
        return Some("fields of class content are special categories: add the exception, `AVG 9(2)(h)`");
    }
    None
}

/// The letter of a ground of AVG 6(1).
fn ground(basis: &str) -> Option<char> {
    let letter = basis.strip_prefix("AVG 6(1)(")?.strip_suffix(')')?;
    let mut letters = letter.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// Number, then parts after `.` or `:`, then members in brackets: `7.3.11(2)(a)`, `6a.1`, `1:377c`.
fn is_article(text: &str) -> bool {
    let (number, members) = text.find('(').map_or((text, ""), |n| text.split_at_checked(n).unwrap_or((text, "")));
    let part = |p: &str| {
        let letters = p.trim_start_matches(|c: char| c.is_ascii_digit());
        letters.len() < p.len() && letters.len() <= 1 && letters.chars().all(|c| c.is_ascii_lowercase())
    };
    let member =
        |m: &str| (1..=2).contains(&m.len()) && m.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    let members_hold = members.is_empty()
        || members.strip_prefix('(').and_then(|m| m.strip_suffix(')')).is_some_and(|m| m.split(")(").all(member));
    number.split(['.', ':']).all(part) && members_hold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_a_basis_is_strict() {
        for good in ["Jw 7.3.11(2)(a)", "RJ 6a.1", "BW 1:377c", "UAVG 46(1)", "AVG 6(1)(e)", "WvSr 40"] {
            assert_eq!(fault(good, "KRACHT", Purpose::Treatment), None, "{good}");
        }
        for bad in [
            "Jw",
            "Jw  7",
            "jw 7.3",
            "Jw 7.3.",
            "Jw 7(",
            "Jw 7()",
            "Jw 7(1)x",
            "Jw art. 7",
            "Grondwet 10",
            "Jw 7.3.11 (2)",
        ] {
            assert!(fault(bad, "KRACHT", Purpose::Treatment).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_controller_has_grounds_of_its_own() {
        assert!(fault("AVG 6(1)(f)", "KRACHT", Purpose::Treatment).is_some());
        assert!(fault("AVG 6(1)(e)", "AKJ", Purpose::TrustSupport).is_some());
        assert!(fault("AVG 6(1)(d)", "KRACHT", Purpose::Treatment).is_some());
        assert!(fault("AVG 6(1)(d)", "KRACHT", Purpose::SeriousDanger).is_none());
    }
}
