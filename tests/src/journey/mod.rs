//! Journeys with the real binary: started, asked, killed and started again as people do it, never in process.
//!
//! `place` is a folder with a gateway of its own, `program` the binary in it. What a client keeps is `evidence`.

mod disk_faults;
mod evidence;
mod kill;
mod load;
mod place;
mod program;
mod refusal;
mod start_databases;
mod start_files;
