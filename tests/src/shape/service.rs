//! A service of the tests with one method of every shape, its server and its client. It counts messages.

use crate::world::World;
use crate::world::desk::Desk;
use crate::world::folder::{AUDIENCE, GROUP, SERVICE};
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::HOLDER_OIN;
use sluis::grpc::{Door, DoorLimits};
use sluis::token::issue::{LIFETIME_S, Realm};
use sluis::token::keys::{KeySet, SigningKey};
use sluis::token::verify::{Expectation, IssuedBy, Verifier};
use sluis::transport::acceptor::{Limits, accept_on};
use sluis::transport::counters::Counters;
use sluis::transport::trust::{Files, Material, Protocol, Trust};
use sluis_proto::v1::Receipt as Number;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// A shape of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Unary,
    ClientStream,
    ServerStream,
    Both,
}

/// Every shape.
pub const SHAPES: [Shape; 4] = [Shape::Unary, Shape::ClientStream, Shape::ServerStream, Shape::Both];

impl Shape {
    /// The path of its method.
    pub fn path(self) -> &'static str {
        match self {
            Self::Unary => "/sluis.v1.ShapeService/Unary",
            Self::ClientStream => "/sluis.v1.ShapeService/ClientStream",
            Self::ServerStream => "/sluis.v1.ShapeService/ServerStream",
            Self::Both => "/sluis.v1.ShapeService/Both",
        }
    }

    /// What three messages with the numbers 1, 2 and 3 are answered by; a shape of one message sends the first.
    pub fn answers(self) -> Vec<u64> {
        match self {
            Self::Unary => vec![1],
            Self::ClientStream => vec![6],
            Self::ServerStream => vec![1, 1, 1],
            Self::Both => vec![1, 2, 3],
        }
    }
}

/// The server's side.
#[derive(Clone)]
struct Shapes;

impl NamedService for Shapes {
    const NAME: &'static str = "sluis.v1.ShapeService";
}

type Answers = Pin<Box<dyn Stream<Item = Result<Number, Status>> + Send>>;

async fn sum(request: Request<Streaming<Number>>) -> Result<Response<Number>, Status> {
    let (mut sent, mut index) = (request.into_inner(), 0);
    while let Some(number) = sent.message().await? {
        index += number.index;
    }
    Ok(Response::new(Number { index, ..Number::default() }))
}

/// Three times the same; and for 0 no end.
async fn repeat(request: Request<Number>) -> Result<Response<Answers>, Status> {
    let number = request.into_inner();
    if number.index == 0 {
        return Ok(Response::new(Box::pin(tokio_stream::once(Ok(number)).chain(tokio_stream::pending()))));
    }
    Ok(Response::new(Box::pin(tokio_stream::iter(vec![Ok(number); 3]))))
}

async fn echo(request: Request<Streaming<Number>>) -> Result<Response<Answers>, Status> {
    Ok(Response::new(Box::pin(request.into_inner())))
}

impl Service<http::Request<Body>> for Shapes {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Number, Number>::default());
            let shape = SHAPES.into_iter().find(|shape| shape.path() == request.uri().path());
            let same = |request: Request<Number>| async { Ok(Response::new(request.into_inner())) };
            Ok(match shape {
                Some(Shape::Unary) => grpc.unary(service_fn(same), request).await,
                Some(Shape::ClientStream) => grpc.client_streaming(service_fn(sum), request).await,
                Some(Shape::ServerStream) => grpc.server_streaming(service_fn(repeat), request).await,
                Some(Shape::Both) => grpc.streaming(service_fn(echo), request).await,
                None => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// Serves it behind an acceptor and a door of its own, with the keys and quotas of this world, in these runtimes.
pub async fn serve(world: &World, runtimes: &[Handle]) -> SocketAddr {
    let (config, gateway) = (&world.folder.config, &world.listening.gateway);
    let files = Files {
        authorities: config.tls.authorities.clone(),
        revocation: Vec::new(),
        certificate: config.tls.certificate.clone(),
        key: config.tls.key.clone(),
    };
    let trust = Arc::new(Trust::new(&Material::read(&files).unwrap(), Protocol::Grpc).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = accept_on(runtimes, listener, trust, Limits::default(), Arc::new(Counters::default()));
    let text = str::to_owned;
    let realm =
        Realm { issuer: text(HOLDER_OIN), audience: text(AUDIENCE), group: text(GROUP), service: text(SERVICE) };
    let expectation = Expectation { realm, lifetime_max_s: LIFETIME_S, issued_by: IssuedBy::Endpoint };
    let keys = KeySet::new().with_own(&SigningKey::load(config.token.key.as_ref().unwrap()).unwrap());
    let limits = DoorLimits { calls_max: 64, transaction_id_required: false };
    let verifier = Arc::new(Verifier::new(expectation, keys));
    let door = Door::new(verifier, Arc::clone(&gateway.clock), Arc::clone(&gateway.quotas), limits);
    let server = tonic::transport::Server::builder().layer(door).add_service(Shapes);
    for (runtime, incoming) in runtimes.iter().zip(incoming) {
        runtime.spawn(server.clone().serve_with_incoming(incoming));
    }
    address
}

fn number(index: u64) -> Number {
    Number { index, ..Number::default() }
}

fn request<T>(desk: &Desk, message: T) -> Request<T> {
    let mut request = with_metadata(message, &desk.token, crate::world::desk::transaction()).unwrap();
    if desk.token.is_empty() {
        request.metadata_mut().remove("authorization");
    }
    request
}

async fn client(desk: &Desk) -> tonic::client::Grpc<tonic::transport::Channel> {
    let mut client = tonic::client::Grpc::new(desk.channel.clone());
    client.ready().await.unwrap();
    client
}

/// Calls a shape with 1, 2 and 3 and gives the answers.
pub async fn call(desk: &Desk, shape: Shape) -> Result<Vec<u64>, Status> {
    let (mut client, codec) = (client(desk).await, ProstCodec::<Number, Number>::default());
    let path = http::uri::PathAndQuery::from_static(shape.path());
    let all = || tokio_stream::iter([1, 2, 3].map(number));
    let mut answers = match shape {
        Shape::Unary => return Ok(vec![client.unary(request(desk, number(1)), path, codec).await?.into_inner().index]),
        Shape::ClientStream => {
            return Ok(vec![client.client_streaming(request(desk, all()), path, codec).await?.into_inner().index]);
        }
        Shape::ServerStream => client.server_streaming(request(desk, number(1)), path, codec).await?.into_inner(),
        Shape::Both => client.streaming(request(desk, all()), path, codec).await?.into_inner(),
    };
    let mut read = Vec::new();
    while let Some(answer) = answers.message().await? {
        read.push(answer.index);
    }
    Ok(read)
}

/// A call of a shape that has begun on the server and does not end before this is dropped.
pub async fn hold_open(desk: &Desk, shape: Shape) -> Box<dyn std::any::Any + Send> {
    let (mut client, codec) = (client(desk).await, ProstCodec::<Number, Number>::default());
    let path = http::uri::PathAndQuery::from_static(shape.path());
    let (sender, sent) = mpsc::channel(1);
    sender.send(number(1)).await.unwrap();
    if shape == Shape::ServerStream {
        let mut answers = client.server_streaming(request(desk, number(0)), path, codec).await.unwrap().into_inner();
        answers.message().await.unwrap();
        return Box::new(answers);
    }
    if shape == Shape::Both {
        let sent = request(desk, ReceiverStream::new(sent));
        let mut answers = client.streaming(sent, path, codec).await.unwrap().into_inner();
        answers.message().await.unwrap();
        return Box::new((sender, answers));
    }
    // A client stream answers at its end only: that it has begun is seen by its first message being taken.
    let sent = request(desk, ReceiverStream::new(sent));
    let pending = tokio::spawn(async move { client.client_streaming(sent, path, codec).await });
    sender.reserve().await.unwrap();
    let taken = async { while call(desk, Shape::Unary).await.is_ok() {} };
    tokio::time::timeout(crate::world::PATIENCE, taken).await.expect("the call does not begin");
    struct Aborts(tokio::task::JoinHandle<Result<Response<Number>, Status>>);
    impl Drop for Aborts {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    Box::new((sender, Aborts(pending)))
}
