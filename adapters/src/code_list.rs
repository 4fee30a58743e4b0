//! The code lists of iJw 3.2 that this program knows: what a declaration may say, and a holder's database.

/// A closed list of codes, as Zorginstituut Nederland publishes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodeList {
    /// Its name: `WJ756`.
    name: &'static str,
    /// The codes.
    codes: &'static [&'static str],
    /// The codes and what they mean, for people.
    words: &'static str,
}

impl CodeList {
    /// Whether this is one of the codes.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }

    /// The codes with their meaning and the name of the list.
    pub(crate) fn words(&self) -> String {
        format!("{} ({})", self.words, self.name)
    }

    /// One of the codes, for an example.
    pub(crate) fn example(&self) -> &'static str {
        self.codes.last().copied().unwrap_or_default()
    }
}

/// Gender (geslacht).
pub(crate) const GENDER: CodeList =
    CodeList { name: "COD046", codes: &["0", "1", "2"], words: "0 unknown, 1 male, 2 female" };

/// Who referred (verwijzer).
pub(crate) const REFERRER: CodeList = CodeList {
    name: "COD327",
    codes: &["01", "02", "03", "04", "05", "06", "08"],
    words: "01 municipality, 02 GP, 03 youth doctor, 04 certified institution, 05 medical specialist, 06 nobody, 08 judge \
            or public prosecutor",
};

/// Why the care ended (reden beëindiging).
pub(crate) const END_REASON: CodeList = CodeList {
    name: "JZ588",
    codes: &["02", "20", "31", "32", "33", "34", "35", "36", "37", "38", "39"],
    words: "02 died, 20 for a time, 31 as planned, 32 by the client, 33 by the provider, 34 by both, 35 outside cause, 36 \
            by the municipality, 37 request for a change, 38 to another provider, 39 to another law",
};

/// Product category (productcategorie).
pub(crate) const CATEGORY: CodeList = CodeList {
    name: "JZ020",
    codes: &[
        "31", "32", "33", "34", "35", "36", "37", "38", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49",
        "50", "51", "52", "53", "54", "55",
    ],
    words: "31 to 38, 40 to 55",
};

/// Unit (eenheid) of a volume.
pub(crate) const UNIT: CodeList = CodeList {
    name: "WJ756",
    codes: &["01", "04", "14", "16", "82", "83", "84"],
    words: "01 minute, 04 hour, 14 day and night, 16 four hours, 82 piece (output), 83 euro, 84 piece (effort)",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_of_the_list_and_the_words_name_each() {
        for list in [GENDER, REFERRER, END_REASON, UNIT] {
            for code in list.codes {
                let begins = list.words.split(", ").any(|words| words.split(' ').next() == Some(code));
                assert!(list.has(code) && begins, "{} {code}", list.name);
            }
            assert_eq!(list.words.split(", ").count(), list.codes.len(), "{}", list.name);
        }
        assert!(CATEGORY.has("38") && !CATEGORY.has("39") && CATEGORY.has("40") && !CATEGORY.has("56"));
        assert!(!UNIT.has("1") && !UNIT.has("99") && !GENDER.has("9") && !GENDER.has(""));
    }
}
