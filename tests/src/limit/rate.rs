//! Calls in a second and tokens in a minute.

use super::{partner, question, released, world};
use crate::world::desk::{Desk, said};
use sluis::token::client::{FetchError, fetch_token};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A hundred calls at once; how many were answered, and the errors of the others.
async fn hundred(desk: &Desk, child: &crate::world::people::Client) -> (usize, Vec<Status>) {
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (desk, question) = (desk.clone(), question(child));
            tokio::spawn(async move { desk.release(question).await })
        })
        .collect();
    let (mut answered, mut errors) = (0, Vec::new());
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(error) => errors.push(error),
        }
    }
    (answered, errors)
}

#[tokio::test]
async fn over_the_rate_says_when_to_come_back_and_others_are_served() {
    let (world, child) = world("calls_per_second = 1\ncalls_burst = 20").await;
    let (desk, other) = (world.desk(&partner(0)).await, world.desk(&partner(1)).await);
    let before = world.size().await;
    let (answered, errors) = hundred(&desk, &child).await;
    assert!((20..40).contains(&answered), "{answered} of a hundred were answered");
    assert_eq!(world.size().await, before + answered as u64, "only what is answered has an entry");
    for error in errors {
        assert_eq!(said(&error), (Code::ResourceExhausted, "RATE_EXCEEDED".to_owned(), String::new()));
        let after = error.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(after > Duration::ZERO && after <= Duration::from_secs(1), "{after:?}");
    }
    released(&other, &child).await;
}

/// Health and reflection need no token, but they cost; and a wrong token is not looked at.
#[tokio::test]
async fn every_call_counts_before_its_token_is_looked_at() {
    let (world, child) = world("calls_per_second = 1\ncalls_burst = 3").await;
    let desk = Desk { token: "no-token".to_owned(), ..world.desk(&partner(0)).await };
    let mut health = tonic_health::pb::health_client::HealthClient::new(desk.channel.clone());
    let asked = tonic_health::pb::HealthCheckRequest::default;
    assert!(health.check(asked()).await.is_ok());
    for _ in 0..2 {
        let error = desk.release(question(&child)).await.unwrap_err();
        assert_eq!(said(&error).1, "TOKEN_MALFORMED");
    }
    for _ in 0..2 {
        let error = desk.release(question(&child)).await.unwrap_err();
        assert_eq!(said(&error).1, "RATE_EXCEEDED");
    }
    assert_eq!(said(&health.check(asked()).await.unwrap_err()).1, "RATE_EXCEEDED");
}

#[tokio::test]
async fn an_exception_gives_one_organisation_more() {
    let limits = "calls_per_second = 1\ncalls_burst = 5\n[[exception]]\noin = \"OIN\"\ncalls_burst = 200";
    let limits = Box::leak(limits.replace("OIN", partner(0).oin).into_boxed_str());
    let (world, child) = world(limits).await;
    let (desk, other) = (world.desk(&partner(0)).await, world.desk(&partner(1)).await);
    assert_eq!(hundred(&desk, &child).await.0, 100);
    assert!(hundred(&other, &child).await.0 < 20);
}

#[tokio::test]
async fn tokens_have_a_rate_of_their_own() {
    let (world, child) = world("tokens_per_minute = 3").await;
    let (desk, other) = (world.desk(&partner(0)).await, world.desk(&partner(1)).await);
    let ask = |desk: &Desk| {
        let profile = desk.profile.clone();
        async move { fetch_token(&profile, SystemClock.now()).await.map(drop) }
    };
    let mut came = Vec::new();
    for _ in 0..6 {
        came.push(ask(&desk).await.is_ok());
    }
    assert_eq!(came, [true, true, false, false, false, false], "one was fetched to connect");
    assert!(matches!(ask(&desk).await, Err(FetchError::Unavailable)));
    assert!(ask(&other).await.is_ok());
    released(&desk, &child).await;
}
