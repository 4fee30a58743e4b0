//! What is wrong with a declaration, where, and by which rule.

/// A fault in a JW323 file. The text never repeats a value, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {path}: {text} ({rule})")]
pub struct Jw323Fault {
    /// Line of the file, from 1.
    pub line: u64,
    /// The element, from the root: `/Bericht/Header/Afzender`.
    pub path: String,
    /// The rule of iJw (`TR358`), or `XML`, `XSD`, `SIZE` for form.
    pub rule: &'static str,
    /// What to do.
    pub text: String,
}
