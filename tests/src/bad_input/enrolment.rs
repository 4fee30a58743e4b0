//! Organisations that are not admitted: unknown, suspended, past their agreement, or with a token of an earlier enrolment.

use super::{Bench, due, partner};
use crate::world::desk::Desk;
use crate::world::tokens::{claims_of, peer, signed};
use sluis::enrolment::EnrolmentFile;
use sluis::token::claims::Confirmation;
use sluis::token::client::{FetchError, fetch_token};
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::Enrolment;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use tonic::Code;

/// A test OIN with a good certificate that nobody enrolled.
const STRANGER: &str = "00000099000000009001";

impl Bench {
    async fn enrolments(&self) -> Vec<Enrolment> {
        let oin = Oin::parse(partner().oin).unwrap();
        self.world.listening.gateway.register.enrolments(&oin).await.unwrap().state
    }

    /// Changes the enrolment of the partner.
    async fn re_enrol(&self, change: impl Fn(&mut Enrolment)) {
        let mut organisation = self.enrolments().await;
        organisation.iter_mut().for_each(change);
        assert_eq!(self.world.listening.gateway.enrol(EnrolmentFile { organisation }).await.unwrap(), 1);
    }

    /// The partner with a token for the enrolment as it stands now, which the token endpoint may not give.
    async fn with_current_grant(&self) -> Desk {
        let oin = Oin::parse(partner().oin).unwrap();
        let mut claims = claims_of(&self.desk.token);
        claims.gth = sluis::enrolment::grant_hash(&oin, &self.enrolments().await);
        Desk { token: signed(&self.world.folder, &claims), ..self.desk.clone() }
    }
}

#[tokio::test]
async fn a_stranger_gets_no_token_and_a_forged_grant_helps_nothing() {
    let bench = Bench::open().await;
    let folder = &bench.world.folder;
    folder.keep("stranger", &folder.good(STRANGER));
    let (grpc, token) = bench.world.addresses();
    let profile = folder.profile("stranger", STRANGER, grpc, token);
    let refused = fetch_token(&profile, SystemClock.now()).await;
    assert!(matches!(refused, Err(FetchError::Refused { .. })), "{refused:?}");
    let mut claims = claims_of(&bench.desk.token);
    let peer = peer(folder, "stranger");
    (claims.sub, claims.cnf) = (STRANGER.to_owned(), Confirmation { thumbprint: peer.thumbprint_text });
    let unenrolled = sluis::enrolment::grant_hash(&peer.oin, &[]);
    for (grant, code, reason) in [
        (claims.gth.clone(), Code::PermissionDenied, "CALLER_NOT_ENROLLED"),
        (unenrolled, Code::PermissionDenied, "CALLER_NOT_ENROLLED"),
    ] {
        claims.gth = grant;
        let desk = Desk::with_token(profile.clone(), signed(folder, &claims)).await;
        let error = bench.error("stranger", 0, desk.release(bench.good())).await;
        assert_eq!(error, due(code, reason, ""));
    }
    bench.serves(&bench.desk).await;
}

#[tokio::test]
async fn a_changed_enrolment_ends_the_tokens_of_the_earlier_one() {
    let bench = Bench::open().await;
    bench.re_enrol(|e| e.unit = "another unit".to_owned()).await;
    let error = bench.error("changed", 0, bench.desk.release(bench.good())).await;
    assert_eq!(error, due(Code::Unauthenticated, "TOKEN_GRANT", ""));
    bench.serves(&bench.world.desk(&partner()).await).await;
}

#[tokio::test]
async fn a_suspended_organisation_is_refused_at_once_and_gets_no_token() {
    let bench = Bench::open().await;
    bench.re_enrol(|e| e.suspended = true).await;
    let error = bench.error("old token", 0, bench.desk.release(bench.good())).await;
    assert_eq!(error, due(Code::Unauthenticated, "TOKEN_GRANT", ""));
    let current = bench.with_current_grant().await;
    let error = bench.error("current grant", 0, current.release(bench.good())).await;
    assert_eq!(error, due(Code::PermissionDenied, "CALLER_NOT_ENROLLED", ""));
    let refused = fetch_token(&bench.desk.profile, SystemClock.now()).await;
    assert!(matches!(refused, Err(FetchError::Refused { .. })), "{refused:?}");
    bench.re_enrol(|e| e.suspended = false).await;
    bench.serves(&bench.world.desk(&partner()).await).await;
}

#[tokio::test]
async fn an_agreement_that_has_ended_shuts_out() {
    let bench = Bench::open().await;
    bench.re_enrol(|e| e.agreement.until = jiff::civil::date(2020, 1, 1)).await;
    let current = bench.with_current_grant().await;
    let error = bench.error("ended", 0, current.release(bench.good())).await;
    assert_eq!(error, due(Code::PermissionDenied, "CALLER_NOT_ENROLLED", ""));
}
