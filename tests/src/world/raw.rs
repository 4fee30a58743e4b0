//! Calls below the gRPC client: bytes out, and headers, bytes and trailers back exactly as they came.

use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::transport::Channel;
use tonic_types::StatusExt;

/// Everything of one reply.
#[derive(Debug, Default)]
pub struct Raw {
    /// Headers and trailers as text, one a line.
    pub metadata: String,
    /// The bytes of the body, frames included.
    pub body: Vec<u8>,
}

impl Raw {
    /// The value of a header or trailer.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.metadata.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The reason of an error, from its details.
    pub fn reason(&self) -> Option<String> {
        let details = self.value("grpc-status-details-bin")?.trim_end_matches('=');
        let details = data_encoding::BASE64_NOPAD.decode(details.as_bytes()).ok()?;
        let status = tonic::Status::with_details(tonic::Code::Unknown, "", details.into());
        Some(status.get_details_error_info()?.reason)
    }

    /// The messages in the body.
    pub fn messages<M: prost::Message + Default>(&self) -> Vec<M> {
        let (mut rest, mut messages) = (self.body.as_slice(), Vec::new());
        while let [compressed, a, b, c, d, after @ ..] = rest {
            assert_eq!(*compressed, 0);
            let (message, next) = after.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
            messages.push(M::decode(message).unwrap());
            rest = next;
        }
        messages
    }
}

/// Messages in frames of gRPC: a zero, the length, the message.
pub fn frames<M: prost::Message>(messages: &[M]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        let encoded = message.encode_to_vec();
        bytes.push(0);
        bytes.extend(u32::try_from(encoded.len()).unwrap().to_be_bytes());
        bytes.extend(encoded);
    }
    bytes
}

/// Calls a method with these headers and bytes.
pub async fn call(channel: &Channel, path: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> Raw {
    let mut request = http::Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = Body::new(Full::new(Bytes::from(body)));
    let mut channel = channel.clone();
    std::future::poll_fn(|cx| Service::<http::Request<Body>>::poll_ready(&mut channel, cx)).await.unwrap();
    let response = channel.call(request.body(body).unwrap()).await.unwrap();
    let (parts, mut body) = response.into_parts();
    let mut raw = Raw::default();
    raw.note(&parts.headers);
    while let Some(frame) = body.frame().await {
        // A body that ends in an error of the transport has no more to say.
        let Ok(frame) = frame else { break };
        match frame.into_data() {
            Ok(bytes) => raw.body.extend(bytes),
            Err(frame) => frame.into_trailers().iter().for_each(|trailers| raw.note(trailers)),
        }
    }
    raw
}

impl Raw {
    fn note(&mut self, headers: &http::HeaderMap) {
        for (name, value) in headers {
            self.metadata.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
    }
}
