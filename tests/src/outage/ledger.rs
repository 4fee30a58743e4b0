//! The log: while it cannot be written nothing leaves; when nobody knows what was written, the gateway halts.

use super::{Code, ServingStatus, Ward};
use crate::world::desk::{said, transaction};
use crate::world::ports::Append;
use sluis::recorder::LogState;
use sluis_core::ports::StoreError;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_log_that_cannot_be_written_releases_nothing_until_it_can() {
    let ward = Ward::open().await;
    for state in ["LOCKED", "READ_ONLY", "DISK_FULL"] {
        let error = StoreError::Unavailable { store: "log database", state };
        ward.broken.log.set(Some(Append::Fails(error)));
        ward.fails(Code::Unavailable, "LOG_UNAVAILABLE").await;
        assert_eq!(*ward.broken.gateway.recorder.state().borrow(), LogState::Failing(state));
        ward.becomes(ServingStatus::NotServing).await;
        ward.broken.log.set(None);
        ward.releases().await;
        ward.becomes(ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn a_refusal_that_cannot_be_written_is_no_reply_either() {
    let mut ward = Ward::open().await;
    ward.question.actor = "fs-0099".to_owned();
    let error = StoreError::Unavailable { store: "log database", state: "LOCKED" };
    ward.broken.log.set(Some(Append::Fails(error)));
    ward.fails(Code::Unavailable, "LOG_UNAVAILABLE").await;
}

#[tokio::test]
async fn a_write_of_unknown_outcome_releases_nothing_and_halts() {
    let ward = Ward::open().await;
    let before = ward.broken.size().await;
    ward.broken.log.set(Some(Append::ForgetsThatItWrote));
    let id = transaction();
    let status = ward.desk.release_under(ward.question.clone(), id).await.unwrap_err();
    assert_eq!(said(&status), (Code::Unavailable, "LOG_UNAVAILABLE".to_owned(), String::new()));
    // It was written, and yet nothing left: the entry stands, as the restart will find.
    assert_eq!(ward.broken.size().await, before + 1);
    assert_eq!(*ward.broken.gateway.recorder.state().borrow(), LogState::Halted);
    ward.becomes(ServingStatus::NotServing).await;
}

/// Once halted, always halted: the process ends, whatever the store says later.
#[tokio::test]
async fn a_halted_log_does_not_recover_by_itself() {
    let ward = Ward::open().await;
    ward.broken.log.set(Some(Append::ForgetsThatItWrote));
    ward.desk.release(ward.question.clone()).await.unwrap_err();
    ward.broken.log.set(None);
    ward.fails(Code::Unavailable, "LOG_UNAVAILABLE").await;
    assert_eq!(*ward.broken.gateway.recorder.state().borrow(), LogState::Halted);
}

#[tokio::test]
async fn a_clock_that_goes_back_writes_nothing_until_it_has_caught_up() {
    let ward = Ward::open().await;
    ward.broken.clock.0.store(-10_000, Ordering::SeqCst);
    ward.fails(Code::Unavailable, "LOG_UNAVAILABLE").await;
    assert_eq!(*ward.broken.gateway.recorder.state().borrow(), LogState::Failing("CLOCK_BEHIND"));
    ward.becomes(ServingStatus::NotServing).await;
    ward.broken.clock.0.store(0, Ordering::SeqCst);
    ward.releases().await;
    ward.becomes(ServingStatus::Serving).await;
}
