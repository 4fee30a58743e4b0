//! Sluis: the gateway at the edge of the organisation that holds the dossiers.
//!
//! Surfaces (`grpc`, `token`, `cli`) speak the wire; conduct (one file per promise) keeps the order of steps; the
//! core decides and proves; adapters hold engines. One request walks down once and up once.

pub mod admission;
pub mod anchor;
pub mod audit;
pub mod brake;
pub mod cli;
pub mod client;
pub mod compose;
pub mod condition;
pub mod config;
pub mod demo;
pub mod disclosure;
pub mod enrolling;
pub mod enrolment;
pub mod entry;
pub mod explain;
pub mod fault;
pub mod fsc;
pub mod gateway;
pub mod gather;
pub mod grpc;
pub mod in_flight;
pub mod operation;
pub mod origin;
pub mod payload;
pub mod quota;
pub mod recorder;
pub mod release;
pub mod repeat;
pub mod scrubber;
pub mod shards;
pub mod slot;
pub mod standing;
pub mod sweeper;
pub mod token;
pub mod transport;
