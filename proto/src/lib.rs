//! The wire contract of Sluis, package `sluis.v1`, generated from `proto/sluis/v1/*.proto`.
//!
//! Only surfaces see this crate. The code under `gen/` is checked in; `tests/bootstrap.rs` proves it current.

/// Package `sluis.v1`.
pub mod v1 {
    include!("gen/sluis.v1.rs");
}

/// The encoded file descriptor set, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptor.bin");
