//! Keys, facts and fields: a store that does not answer is an error with its reason, and no entry.

use super::{Code, Ward};
use crate::world::ports::Fetch;
use sluis_core::field::Field;
use sluis_core::ports::{DossierError, StoreError};
use sluis_core::release::ExtractRefused;

fn silent(store: &'static str) -> StoreError {
    StoreError::Unavailable { store, state: "UNREACHABLE" }
}

#[tokio::test]
async fn keys_that_do_not_answer_release_nothing() {
    let ward = Ward::open().await;
    ward.broken.keys.set(Some(silent("key database")));
    ward.fails(Code::Unavailable, "KEYS_UNAVAILABLE").await;
    ward.broken.keys.set(None);
    ward.releases().await;
}

#[tokio::test]
async fn facts_that_do_not_come_release_nothing() {
    let ward = Ward::open().await;
    ward.broken.facts.set(Some(silent("holder database")));
    ward.fails(Code::Unavailable, "SOURCE_UNAVAILABLE").await;
    ward.broken.facts.set(None);
    ward.releases().await;
}

#[tokio::test]
async fn fields_that_do_not_come_or_contradict_themselves_release_nothing() {
    let ward = Ward::open().await;
    let corrupt = StoreError::Corrupt { store: "holder database", table: "client" };
    for (error, code, reason) in [
        (DossierError::Store(silent("holder database")), Code::Unavailable, "SOURCE_UNAVAILABLE"),
        (DossierError::Store(corrupt), Code::Internal, "INTERNAL"),
        (DossierError::OtherSubject, Code::Internal, "INTERNAL"),
        (DossierError::Absent, Code::Internal, "INTERNAL"),
        (DossierError::Changed, Code::Aborted, "TRY_AGAIN"),
        (DossierError::Extract(ExtractRefused::NotPermitted(Field::Plan)), Code::Internal, "INTERNAL"),
    ] {
        ward.broken.dossier.set(Some(Fetch::Fails(error)));
        ward.fails(code, reason).await;
        ward.broken.dossier.set(None);
        ward.releases().await;
    }
}
