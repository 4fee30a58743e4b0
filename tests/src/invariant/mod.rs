//! The invariants of core-design 7 by their numbers: what checks each, and what shows that the check can fail.

pub mod seen;
