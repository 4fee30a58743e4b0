//! Journeys with the real binary: started, asked, killed and started again as people do it, never in process.
//!
//! `place` is a folder with a gateway of its own, `program` the binary in it. What a client keeps is `evidence`.

mod evidence;
mod kill;
mod load;
mod place;
mod program;
