//! The people of the demo: a deterministic database of a holder with 9,000 made-up clients, and what follows from it.
//!
//! [`create`] writes the database, [`standing_of`] gives what the holder's system records at the gateway when it
//! starts, [`declaration`] makes the invoice of one partner with known mistakes in it, and [`Cast`] finds the clients
//! the scenes need. Everyone is fictitious: every BSN lies in the range for tests, no telephone number can exist.

mod billing;
mod cast;
mod declaration;
mod dice;
mod dossier;
mod household;
mod names;
mod paid;
mod partner;
mod standing;
mod store;

pub use cast::{Cast, Client, Family, Involvement};
pub use declaration::{Invoice, Mistake, declaration};
pub use paid::{INSURER_UZOVI, PRACTICE_AGB};
pub use partner::{PARTNERS, Partner};
pub use standing::standing_of;
pub use store::create;

/// The table definitions of the holder's database, with a comment per column.
pub const SCHEMA: &str = include_str!("people/schema.sql");

/// How many clients [`create`] makes.
pub const CLIENTS: u32 = 9_000;

/// Closed calendar months with billing records.
pub const MONTHS: i64 = 3;

/// Why the people could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum PeopleFault {
    /// The database file could not be written or read.
    #[error("the demo's holder database cannot be used ({0}): remove the file and start again")]
    Database(#[from] rusqlite::Error),
    /// A row that is not as this module writes it.
    #[error("the demo's holder database was changed by hand in `{0}`: remove the file and start again")]
    Row(&'static str),
    /// A scene needs somebody the database does not have.
    #[error("the demo's holder database has nobody for the scene `{0}`: make it again with another seed")]
    Nobody(&'static str),
}

#[cfg(test)]
mod tests;
