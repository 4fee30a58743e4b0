//! FSC (Logius), as its public test-suite names it: one test per id that concerns an Inway or a transaction log, against
//! the real binary over the wire.

mod ground;
mod integration;
mod inway;
mod start;
mod table;
mod transaction_log;
