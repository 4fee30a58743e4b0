//! What is wrong with a policy text, and where: every fault has a file, a line, a column, a path and what to do.

use std::collections::HashMap;
use std::fmt;

/// Which of the three texts a fault stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyFile {
    /// The field catalogue.
    Catalog,
    /// The legal ceiling.
    Ceiling,
    /// The rules.
    Policy,
}

impl fmt::Display for PolicyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Catalog => "catalog",
            Self::Ceiling => "ceiling",
            Self::Policy => "policy",
        })
    }
}

/// One fault in a policy text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {path}: {reason}")]
pub struct PolicyFault {
    /// Which text.
    pub file: PolicyFile,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Where in the structure: `rule[3].fields[2]`, counted from 1 as people count.
    pub path: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// The faults of one text, and the places of everything that was read from it.
pub(super) struct Faults<'s> {
    file: PolicyFile,
    source: &'s str,
    places: HashMap<String, usize>,
    list: Vec<PolicyFault>,
}

impl<'s> Faults<'s> {
    pub(super) fn new(file: PolicyFile, source: &'s str) -> Self {
        Self { file, source, places: HashMap::new(), list: Vec::new() }
    }

    /// Remembers where a path begins, so that a later check can point at it.
    pub(super) fn place(&mut self, path: &str, offset: usize) {
        self.places.insert(path.to_owned(), offset);
    }

    /// A fault at a path that was read, or else at the nearest path around it.
    pub(super) fn add(&mut self, path: &str, reason: impl Into<String>) {
        let mut around = path;
        let offset = loop {
            if let Some(offset) = self.places.get(around) {
                break *offset;
            }
            match around.rfind(['.', '[']).and_then(|n| around.get(..n)) {
                Some(shorter) => around = shorter,
                None => break 0,
            }
        };
        self.add_at(path, offset, reason);
    }

    /// A fault at a byte of the text.
    pub(super) fn add_at(&mut self, path: &str, offset: usize, reason: impl Into<String>) {
        let before = self.source.get(..offset).unwrap_or(self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        self.list.push(PolicyFault {
            file: self.file,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            path: path.to_owned(),
            reason: reason.into(),
        });
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in the order of the text.
    pub(super) fn into_list(mut self) -> Vec<PolicyFault> {
        self.list.sort_by_key(|f| (f.line, f.column));
        self.list
    }
}
