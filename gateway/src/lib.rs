//! The gateway at the edge of the organisation that holds the dossiers.

pub mod demo;
