//! The five organisations that give care as Kracht (SEED-K), with made-up numbers.

/// One of the five.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Partner {
    /// Its name.
    pub name: &'static str,
    /// Its OIN, of the range for tests.
    pub oin: &'static str,
    /// Its AGB code, made up.
    pub agb: &'static str,
    /// How the names of its workers begin: `fs-0012`.
    pub worker_prefix: &'static str,
}

/// The five partners.
pub const PARTNERS: [Partner; 5] = [
    Partner { name: "Family Supporters", oin: "00000099000000002001", agb: "98410001", worker_prefix: "fs" },
    Partner { name: "Incluzio", oin: "00000099000000002002", agb: "98410002", worker_prefix: "in" },
    Partner { name: "Yoep", oin: "00000099000000002003", agb: "98410003", worker_prefix: "yo" },
    Partner { name: "impegno", oin: "00000099000000002004", agb: "98410004", worker_prefix: "im" },
    Partner { name: "Mentaal Beter", oin: "00000099000000002005", agb: "98410005", worker_prefix: "mb" },
];

/// Workers per partner.
pub(super) const WORKERS: u32 = 90;

impl Partner {
    /// The name of one of its workers, `1..=90`.
    pub(super) fn worker(&self, number: u32) -> String {
        format!("{}-{number:04}", self.worker_prefix)
    }
}
