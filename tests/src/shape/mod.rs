//! All four shapes of call pass the door alike: without a token, with a wrong one, over a limit, and in order.
//!
//! No service of ours has every shape, so one of the tests has them, behind the real acceptor and the real door.

mod service;

use super::world::desk::{Desk, said};
use super::world::{Options, World};
use service::{SHAPES, Shape, call, hold_open, serve};
use sluis::demo::organisations::partners;
use sluis::quota::refused::{Counts, Refused};
use sluis::transport::connector::connect;
use sluis::transport::lanes::Lanes;
use sluis::transport::profile::Profile;
use sluis_core::organisation::Oin;
use tokio::runtime::Handle;
use tonic::Code;

/// A gateway with these limits, the service of four shapes beside it, and an organisation that is connected to that.
async fn open(limits: &'static str) -> (World, Desk) {
    let world = World::open(Options { limits, ..Options::default() }).await;
    let desk = world.desk(&partners().next().unwrap()).await;
    let endpoint = serve(&world, &[Handle::current()]).await.to_string();
    let profile = Profile { endpoint, ..desk.profile };
    let channel = connect(&profile).await.unwrap();
    (world, Desk { profile, channel, ..desk })
}

fn counted(world: &World, desk: &Desk) -> Counts {
    let account = world.listening.gateway.quotas.account(&Oin::parse(desk.profile.oin.as_str()).unwrap()).unwrap();
    account.refused().read()
}

#[tokio::test]
async fn each_shape_is_served_to_who_is_proven_and_to_nobody_else() {
    let (world, desk) = open("").await;
    for shape in SHAPES {
        assert_eq!(call(&desk, shape).await.unwrap(), shape.answers(), "{shape:?}");
        for (token, reason) in [("", "TOKEN_MISSING"), ("no-token", "TOKEN_MALFORMED")] {
            let error = call(&Desk { token: token.to_owned(), ..desk.clone() }, shape).await.unwrap_err();
            assert_eq!(said(&error), (Code::Unauthenticated, reason.to_owned(), String::new()), "{shape:?}");
        }
    }
    let each = [("TOKEN_MALFORMED", 4), ("TOKEN_MISSING", 4)];
    assert_eq!(counted(&world, &desk), each.map(|(reason, n)| (Refused::not_proven(reason), n)).into());
}

/// Lanes are threads beside this test's own; three connections are dealt to two of them.
#[tokio::test]
async fn each_shape_is_served_in_every_lane_and_limits_hold_over_all() {
    let world = World::open(Options { limits: "calls_at_once = 4", ..Options::default() }).await;
    let desk = world.desk(&partners().next().unwrap()).await;
    let lanes = Lanes::begin(2).unwrap();
    let endpoint = serve(&world, lanes.runtimes()).await.to_string();
    let mut desks = Vec::new();
    for _ in 0..3 {
        let profile = Profile { endpoint: endpoint.clone(), ..desk.profile.clone() };
        let channel = connect(&profile).await.unwrap();
        desks.push(Desk { profile, channel, ..desk.clone() });
    }
    let mut open = Vec::new();
    for desk in desks.iter().cycle().take(4) {
        open.push(hold_open(desk, Shape::ServerStream).await);
    }
    for desk in &desks {
        assert_eq!(said(&call(desk, Shape::Unary).await.unwrap_err()).1, "CALLS_AT_ONCE_EXCEEDED");
    }
    drop(open);
    for (desk, shape) in desks.iter().flat_map(|desk| SHAPES.map(|shape| (desk, shape))) {
        let answers = async {
            loop {
                match call(desk, shape).await {
                    Err(error) if said(&error).1 == "CALLS_AT_ONCE_EXCEEDED" => {}
                    answers => return answers,
                }
            }
        };
        let answers = tokio::time::timeout(crate::world::PATIENCE, answers).await.expect("places do not come back");
        assert_eq!(answers.unwrap(), shape.answers(), "{shape:?}");
    }
    drop(lanes);
    let ended = async { while call(&desks[0], Shape::Unary).await.is_ok() {} };
    tokio::time::timeout(crate::world::PATIENCE, ended).await.expect("a lane outlives its end");
}

#[tokio::test]
async fn each_shape_counts_for_the_rate() {
    for shape in SHAPES {
        let (world, desk) = open("calls_per_second = 1\ncalls_burst = 1").await;
        assert!(call(&desk, shape).await.is_ok(), "{shape:?}");
        let error = call(&desk, shape).await.unwrap_err();
        assert_eq!(said(&error), (Code::ResourceExhausted, "RATE_EXCEEDED".to_owned(), String::new()), "{shape:?}");
        assert_eq!(counted(&world, &desk), Counts::from([(Refused::RATE, 1)]), "{shape:?}");
    }
}

/// A call keeps its place while its caller still sends or has not read the end, and gives it back when he is gone.
#[tokio::test]
async fn each_shape_keeps_its_place_as_long_as_it_lasts() {
    let (_world, desk) = open("calls_at_once = 1\ncalls_per_second = \"none\"").await;
    for shape in [Shape::ClientStream, Shape::ServerStream, Shape::Both] {
        let open = hold_open(&desk, shape).await;
        let error = call(&desk, Shape::Unary).await.unwrap_err();
        assert_eq!(said(&error).1, "CALLS_AT_ONCE_EXCEEDED", "{shape:?}");
        drop(open);
        let free = async { while call(&desk, Shape::Unary).await.is_err() {} };
        tokio::time::timeout(crate::world::PATIENCE, free).await.expect("the place does not come back");
    }
}

/// What is no message gets one answer in every shape.
#[tokio::test]
async fn each_shape_refuses_what_is_no_message() {
    let (_world, desk) = open("").await;
    for shape in SHAPES {
        let headers = [("authorization", format!("Bearer {}", desk.token))];
        let cut = vec![0, 0, 0, 0, 9, 1];
        let raw = crate::world::raw::call(&desk.channel, shape.path(), &headers, cut).await;
        assert_eq!(raw.value("grpc-status"), Some("3"), "{shape:?}: {}", raw.metadata);
        assert_eq!(raw.reason().as_deref(), Some("MESSAGE_MALFORMED"), "{shape:?}");
    }
}
