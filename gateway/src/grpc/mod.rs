//! The gRPC surface: convert, call conduct, convert. The only room of the server that sees tonic and the wire.

mod audit_service;
mod convert;
mod deadline;
mod disclosure_service;
mod door;
mod enrolment_service;
mod fsc_code;
mod held;
mod log_service;
mod observe;
mod release_service;
mod reply;
mod serve;
mod standing_service;
mod status;

pub use door::{Door, DoorLimits};
pub use reply::serialize_extract;
pub use serve::{GrpcLimits, Services, services};
