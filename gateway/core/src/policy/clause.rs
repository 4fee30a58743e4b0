//! One clause: facts that must all have one of the named values, compiled to one word.

use crate::fact::{Fact, Facts};

/// One fact of a clause and the values that satisfy it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom {
    /// The fact.
    pub fact: Fact,
    /// The bits of the values that satisfy it.
    pub bits: u64,
}

impl Atom {
    /// The names of the values that satisfy it, in the order of the fact.
    pub fn values(self) -> impl Iterator<Item = &'static str> {
        let fact = self.fact;
        fact.values().iter().copied().filter(move |v| fact.bit_of(v).is_some_and(|bit| bit & self.bits != 0))
    }

    /// Whether these facts satisfy it; unknown never does.
    #[must_use]
    pub const fn holds(self, facts: Facts) -> bool {
        facts.bits() & self.bits != 0
    }
}

/// A conjunction `fact = value | [values]`, matched with one `and` and one count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    atoms: Vec<Atom>,
    wanted: u64,
    count: u32,
}

impl Clause {
    /// A clause of these atoms, at most one per fact; they are put in the order of the facts.
    #[must_use]
    pub(super) fn new(mut atoms: Vec<Atom>) -> Self {
        atoms.sort_by_key(|a| a.fact);
        let wanted = atoms.iter().fold(0, |word, a| word | a.bits);
        let count = u32::try_from(atoms.len()).unwrap_or(u32::MAX);
        Self { atoms, wanted, count }
    }

    /// Whether every atom holds. A fact has one value at most, so as many bits remain as atoms hold.
    #[must_use]
    pub const fn matches(&self, facts: Facts) -> bool {
        (facts.bits() & self.wanted).count_ones() == self.count
    }

    /// The atoms in the order of the facts.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// The atom about this fact, if the clause has one.
    #[must_use]
    pub fn atom(&self, fact: Fact) -> Option<Atom> {
        self.atoms.iter().copied().find(|a| a.fact == fact)
    }

    /// How many atoms fall short.
    #[must_use]
    pub const fn distance(&self, facts: Facts) -> u32 {
        self.count - (facts.bits() & self.wanted).count_ones()
    }

    /// The masks of all its facts.
    #[must_use]
    pub fn mentions(&self) -> u64 {
        self.atoms.iter().fold(0, |word, a| word | a.fact.mask())
    }

    /// Whether everything that matches `other` matches this clause too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.atoms.iter().all(|a| other.atom(a.fact).is_some_and(|o| o.bits & !a.bits == 0))
    }

    /// Whether some facts match both clauses.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.atoms.iter().all(|a| other.atom(a.fact).is_none_or(|o| o.bits & a.bits != 0))
    }
}
