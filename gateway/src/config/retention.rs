//! For how long the log keeps its entries (A30).

use serde::{Deserialize, Serialize};

/// Years that the logging of a care provider's system is kept at least, from writing (Besluit van 27 juni 2019,
/// Stcrt 2019-38007).
const YEARS_MIN: u8 = 5;
/// Years after which a youth care dossier ends: a log is not kept for longer than what it is about (Jeugdwet 7.3.8(3)).
const YEARS_MAX: u8 = 20;

/// The term of a closed shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Years from the last entry of a shard, 1 to 20.
    pub years: u8,
    /// Why fewer than five years are enough: outside the scope of Stcrt 2019-38007 the end of the dossier wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shorter_because: Option<String>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { years: YEARS_MIN, shorter_because: None }
    }
}

impl Retention {
    /// Whether it is a term that may be set.
    ///
    /// # Errors
    /// The setting and what to do.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let reason = self.shorter_because.as_deref().unwrap_or_default().trim();
        match self.years {
            0 => Err("`log.retention.years` must lie between 1 and 20"),
            1..YEARS_MIN if reason.is_empty() => Err(
                "`log.retention.years` below 5 needs `log.retention.shorter_because`: logging of a care provider's system \
                 is kept for at least five years (Stcrt 2019-38007)",
            ),
            YEARS_MIN..=YEARS_MAX if !reason.is_empty() => {
                Err("`log.retention.shorter_because` says why fewer than 5 years are enough: leave it out")
            }
            1..=YEARS_MAX => Ok(()),
            _ => Err("`log.retention.years` must lie between 1 and 20: the log does not outlive the dossier"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_term_needs_a_reason() {
        let check = |text: &str| toml::from_str::<Retention>(text).unwrap().check();
        assert_eq!(Retention::default().check(), Ok(()));
        assert_eq!(check("years = 20"), Ok(()));
        assert_eq!(check("years = 2\nshorter_because = \"advice line, no dossier is kept\""), Ok(()));
        for (text, words) in [
            ("years = 0", "between 1 and 20"),
            ("years = 21", "does not outlive the dossier"),
            ("years = 4", "needs `log.retention.shorter_because`"),
            ("years = 4\nshorter_because = \" \"", "needs `log.retention.shorter_because`"),
            ("years = 5\nshorter_because = \"because\"", "leave it out"),
        ] {
            assert!(check(text).unwrap_err().contains(words), "{text}");
        }
    }
}
