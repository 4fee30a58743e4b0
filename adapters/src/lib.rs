//! Engines and formats behind the ports of `sluis-core`.

pub mod holder;
pub mod ijw;
