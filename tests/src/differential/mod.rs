//! Other implementations of the same standards, held against ours: what we prove they accept, what they prove we accept,
//! and what is changed both refuse. A slip that our tree, our proofs and our verifier share shows here.
//!
//! [`tree`] and [`receipt`]: `ct-merkle` (RFC 6962). [`note`]: `signed_note` (C2SP). The second implementation of leaf and
//! commitments is `tests/verify.py`.

mod note;
mod receipt;
pub mod tree;
