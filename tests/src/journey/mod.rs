//! Journeys with the real binary: started, asked, killed and started again as people do it, never in process.
//!
//! `place` is a folder with a gateway of its own, `program` the binary in it. What a client keeps is `evidence`.

mod anchor;
mod audit_files;
mod conditions;
mod connect_test;
pub mod consistency;
mod disk_faults;
mod disk_full;
mod disk_keys;
mod doctor;
mod ending;
mod erasure;
pub mod evidence;
mod fsc;
mod help;
pub mod kill;
mod kill_server;
mod kill_steps;
mod load;
mod log_command;
mod log_policy;
mod manual;
mod metrics;
mod new_year;
mod organisation;
mod pasted;
pub mod place;
mod policy_command;
pub mod program;
mod refusal;
mod reload;
mod retention;
mod schemas;
mod small_disk;
mod source_check;
mod start_databases;
mod start_files;
mod watchtower;
mod wrapping;
