//! Integration: consuming the service directly, as a delegatee, and as offered by a delegatee; and what is refused between.

use super::ground::{Inway, consumer, delegatee, direct, fsc_error, grants_of, hash};
use super::transaction_log::{acting, is_released, offered, offered_on_behalf, oin, on_behalf};
use crate::world::desk::transaction;
use serde_json::Value;
use sluis::demo::organisations::{Organisation, ROTTERDAM};
use sluis_core::enrolment::FscGrant;
use sluis_core::organisation::Purpose;
use sluis_proto::v1;

#[tokio::test]
async fn integration_consume_service_1_a_contract_gives_the_service() {
    let inway = Inway::new("fsc-use-1", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    assert!(is_released(&inway.outway(&consumer(), &inway.good()).await.release(question).await.unwrap()));
}

/// The Outway of the suite finds no contract; here the Manager erred and signed a token nevertheless.
#[tokio::test]
async fn integration_consume_service_2_without_a_contract_there_is_none() {
    let inway = Inway::new("fsc-use-2", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    let claims = inway.claims(&delegatee(), &hash(3, 7));
    let status = inway.outway(&delegatee(), &claims).await.release(question).await.unwrap_err();
    let due = ("TOKEN_GRANT".to_owned(), "ERROR_CODE_ACCESS_TOKEN_INVALID".to_owned(), true);
    assert_eq!(fsc_error(&status), due);
}

/// The delegatee has no caseload of its own: what it is given, it is given as the delegator.
#[tokio::test]
async fn integration_consume_service_as_delegatee_1_is_judged_as_the_delegator() {
    let own = super::ground::grant(&hash(3, 8));
    let inway = Inway::new("fsc-use-3", |file| grants_of(file, &delegatee()).extend([on_behalf(), own]));
    let _running = inway.serve();
    let question = inway.caseload().await;
    let direct = inway.outway(&delegatee(), &inway.claims(&delegatee(), &hash(3, 8))).await;
    assert!(!is_released(&direct.release(question.clone()).await.unwrap()), "released without delegation");
    let claims = acting(inway.claims(&delegatee(), &hash(4, 1)), consumer().oin);
    assert!(is_released(&inway.outway(&delegatee(), &claims).await.release(question).await.unwrap()));
}

#[tokio::test]
async fn integration_consume_delegated_service_1_names_the_publication_delegator() {
    let inway = Inway::new("fsc-use-4", |file| grants_of(file, &consumer()).push(offered_on_behalf()));
    let _running = inway.serve();
    let question = inway.caseload().await;
    let claims = offered(inway.claims(&consumer(), &hash(3, 5)), ROTTERDAM.oin);
    assert!(is_released(&inway.outway(&consumer(), &claims).await.release(question).await.unwrap()));
}

#[tokio::test]
async fn integration_consume_delegated_service_2_delegated_on_both_sides() {
    let both = FscGrant { publication_delegator: Some(oin(&ROTTERDAM)), ..on_behalf() };
    let inway = Inway::new("fsc-use-5", |file| grants_of(file, &delegatee()).push(both));
    let _running = inway.serve();
    let question = inway.caseload().await;
    let claims = offered(acting(inway.claims(&delegatee(), &hash(4, 1)), consumer().oin), ROTTERDAM.oin);
    assert!(is_released(&inway.outway(&delegatee(), &claims).await.release(question).await.unwrap()));
    let record = &inway.records(&["--grant", &hash(4, 1)])[0];
    assert_eq!(record["source"]["delegator_peer_id"], consumer().oin);
    assert_eq!(record["destination"]["delegator_peer_id"], ROTTERDAM.oin);
}

/// What the consumer keeps is its receipt; both sides name the transaction by the same id.
#[tokio::test]
async fn integration_transaction_log_1_both_sides_have_the_same_id() {
    let inway = Inway::new("fsc-use-6", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    let outway = inway.outway(&consumer(), &inway.good()).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        let reply = outway.release_under(question.clone(), transaction()).await.unwrap();
        kept.push(Value::from(crate::world::receipt_of(&reply).transaction_id.clone()));
    }
    let ours: Vec<Value> =
        inway.records(&["--grant", &direct()]).into_iter().map(|r| r["transaction_id"].clone()).collect();
    assert_eq!(ours, kept);
}

/// A token that says anything else about delegation than its grant is refused, whoever gains by it.
#[tokio::test]
async fn delegation_is_what_the_grant_says_and_nothing_else() {
    let inway = Inway::new("fsc-delegation", |file| {
        grants_of(file, &delegatee()).push(on_behalf());
        grants_of(file, &consumer()).push(offered_on_behalf());
    });
    let _running = inway.serve();
    let question = inway.caseload().await;
    let (on, off) = (inway.claims(&delegatee(), &hash(4, 1)), inway.claims(&consumer(), &hash(3, 5)));
    let (one, other) = (consumer().oin, ROTTERDAM.oin);
    let cases: [(&str, Organisation, Value); 7] = [
        ("delegated grant used directly", delegatee(), on.clone()),
        ("for another delegator", delegatee(), acting(on.clone(), other)),
        ("offered by a delegatee beside", delegatee(), offered(acting(on, one), other)),
        ("offered directly", consumer(), off.clone()),
        ("offered for another", consumer(), offered(off.clone(), one)),
        ("called for another beside", consumer(), acting(offered(off, other), delegatee().oin)),
        ("direct grant used for another", consumer(), acting(inway.good(), delegatee().oin)),
    ];
    for (case, organisation, claims) in cases {
        let status = inway.outway(&organisation, &claims).await.release(question.clone()).await.unwrap_err();
        let due = ("DELEGATION_NOT_GRANTED".to_owned(), "ERROR_CODE_ACCESS_TOKEN_INVALID".to_owned(), true);
        assert_eq!(fsc_error(&status), due, "{case}");
    }
    let nobody = acting(inway.claims(&delegatee(), &hash(4, 1)), "a person");
    let status = inway.outway(&delegatee(), &nobody).await.release(question).await.unwrap_err();
    assert_eq!(fsc_error(&status).0, "TOKEN_MALFORMED");
}

/// Both must be admitted, and for the purpose; and nobody records standing on behalf of another.
#[tokio::test]
async fn a_delegated_call_needs_both_to_be_admitted() {
    let inway = Inway::new("fsc-delegation-ends", |file| {
        let system = sluis::demo::organisations::DOSSIER_SYSTEM;
        grants_of(file, &system)
            .push(FscGrant { delegator: Some(oin(&consumer())), ..super::ground::grant(&hash(4, 2)) });
        grants_of(file, &delegatee()).push(on_behalf());
    });
    let mut running = inway.serve();
    let question = inway.caseload().await;
    let system = sluis::demo::organisations::DOSSIER_SYSTEM;
    let claims = acting(inway.claims(&system, &hash(4, 2)), consumer().oin);
    let kind =
        v1::standing::Kind::Caseload(v1::Caseload { partner_oin: consumer().oin.to_owned(), worker: "w".to_owned() });
    let subject = question.subject.clone().unwrap();
    let status = inway.outway(&system, &claims).await.record(subject, kind, true).await.unwrap_err();
    assert_eq!(fsc_error(&status).0, "CALLER_MAY_NOT_RECORD");

    let of = |organisation: &Organisation| oin(organisation);
    type Change = Box<dyn Fn(&mut sluis_core::enrolment::Enrolment)>;
    let steps: [(Organisation, Change, Result<bool, &str>); 4] = [
        (consumer(), Box::new(|e| e.suspended = true), Err("DELEGATOR_NOT_ENROLLED")),
        (consumer(), Box::new(|e| e.suspended = false), Ok(true)),
        (delegatee(), Box::new(|e| e.purposes = vec![Purpose::SeriousDanger]), Ok(false)),
        (delegatee(), Box::new(|e| e.suspended = true), Err("CALLER_NOT_ENROLLED")),
    ];
    for (organisation, change, due) in steps {
        running.signal("TERM");
        assert_eq!(running.end().status, Some(0));
        inway.enrol(|file| file.organisation.iter_mut().filter(|e| e.oin == of(&organisation)).for_each(&change));
        running = inway.serve();
        let claims = acting(inway.claims(&delegatee(), &hash(4, 1)), consumer().oin);
        let reply = inway.outway(&delegatee(), &claims).await.release(question.clone()).await;
        let came = reply.map(|reply| is_released(&reply)).map_err(|status| fsc_error(&status).0);
        assert_eq!(came, due.map_err(str::to_owned), "{}", organisation.slug);
    }
}
