//! The recipient's side: profile, connection, asking, auditing, receipts. It sees the wire and the formats, never conduct.

pub mod ask;
pub mod audit;
pub mod bundle;
pub mod chain;
pub mod connect_test;
pub mod connection;
pub mod consistency;
pub mod describe;
pub mod disclosure;
pub mod enrolment;
pub mod export;
pub mod policies;
pub mod receipts;
pub mod standing;
pub mod verify;
