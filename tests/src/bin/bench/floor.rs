//! The floor of a release: the barest tonic server behind the same acceptor, with a reply of the same size.
//!
//! It verifies no token, decides nothing, fetches nothing, logs nothing. Its first line on stdout is its port.

use super::Fault;
use sluis::config::Config;
use sluis::transport::acceptor::{Limits, accept};
use sluis::transport::counters::Counters;
use sluis::transport::install_cryptography;
use sluis::transport::trust::{Files, Material, Protocol, Trust};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use sluis_proto::v1::release_service_server::{ReleaseService, ReleaseServiceServer};
use std::path::Path;
use std::sync::Arc;
use tonic::{Request, Response, Status};

struct Floor {
    body: bytes::Bytes,
}

#[tonic::async_trait]
impl ReleaseService for Floor {
    async fn release(&self, _: Request<v1::ReleaseRequest>) -> Result<Response<v1::ReleaseResponse>, Status> {
        Ok(Response::new(reply(self.body.clone())))
    }

    async fn explain(&self, _: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainResponse>, Status> {
        Err(Status::unimplemented("the floor releases only"))
    }
}

fn reply(body: bytes::Bytes) -> v1::ReleaseResponse {
    let released = v1::Released { body, ..Default::default() };
    v1::ReleaseResponse { outcome: Some(Outcome::Released(released)) }
}

/// A reply whose encoding has so many bytes, or one byte less where no encoding has exactly as many.
fn sized(bytes: usize) -> bytes::Bytes {
    let fits = |body: &usize| prost::Message::encoded_len(&reply(vec![0; *body].into())) <= bytes;
    let length = (0..=bytes).rev().find(fits).unwrap_or_default();
    vec![b'x'; length].into()
}

/// Serves until the process is ended, with the certificates of this configuration.
pub fn run(config: &str, bytes: &str) -> Result<(), Fault> {
    let config = Config::read(Path::new(config))?;
    let body = sized(bytes.parse()?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(config, body))
}

async fn serve(config: Config, body: bytes::Bytes) -> Result<(), Fault> {
    install_cryptography();
    let files = Files {
        authorities: config.tls.authorities,
        revocation: config.tls.revocation,
        certificate: config.tls.certificate,
        key: config.tls.key,
    };
    let trust = Arc::new(Trust::new(&Material::read(&files)?, Protocol::Grpc)?);
    let listener = tokio::net::TcpListener::bind((config.listen.grpc.ip(), 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let incoming = accept(listener, trust, Limits::default(), Arc::new(Counters::default()));
    let service = ReleaseServiceServer::new(Floor { body });
    tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn replies_have_the_size_asked_for() {
        for bytes in [200, 1000, 2345] {
            let length = prost::Message::encoded_len(&super::reply(super::sized(bytes)));
            assert!(length == bytes || length == bytes - 1, "{length} for {bytes}");
        }
    }
}
