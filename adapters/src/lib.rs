//! Engines and formats behind the ports of `sluis-core`.
//!
//! | port | module |
//! |---|---|
//! | `Ledger`, `Register` | [`sqlite::SqliteLog`], [`postgres::PostgresLog`] |
//! | `KeyStore` | [`sqlite::SqliteKeys`], [`postgres::PostgresKeys`] |
//! | `Signer` | [`signer::Ed25519Signer`] |
//! | `Clock`, `Entropy` | [`system`] |
//!
//! [`master`], [`wrapping`], [`state_row`] and [`segment`] say how rows are protected, whichever engine keeps them.
//! Where SQLite ends: it serves one gateway process on one machine. A power cut after a lying
//! disk, or a copy of the file put back, is found only by a witness or an anchor on other storage (A6).

pub mod anchor_file;
mod code_list;
pub mod disk;
pub mod halt_flag;
pub mod holder;
pub mod ijw;
pub mod master;
pub mod ntp;
pub mod postgres;
pub mod process;
pub mod secret_file;
pub mod segment;
pub mod signer;
pub mod sqlite;
pub mod state_row;
mod store;
pub mod system;
pub mod wrapping;
