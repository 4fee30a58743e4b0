//! The deadline of a call: the caller's own (`grpc-timeout`) or ours, whichever is earlier.
//!
//! The library ends such a call too, and calls it CANCELLED, which tells a caller that he did it himself: he would not ask
//! again. Here it is DEADLINE_EXCEEDED, as every other server says it (gRPC over HTTP/2, "Responses"). Our timer is set before
//! the library's and looked at before it, so it comes first. What was decided by then stands in the log: the same
//! transaction id finds it.

use super::status;
use http::{HeaderMap, Request, Response};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tower::{Layer, Service};

/// The layer that ends calls.
#[derive(Clone)]
pub struct Deadline {
    most: Duration,
}

impl Deadline {
    /// Ends a call that has no answer after this long.
    #[must_use]
    pub const fn new(most: Duration) -> Self {
        Self { most }
    }
}

impl<S> Layer<S> for Deadline {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner, most: self.most }
    }
}

/// A service whose calls end in time.
#[derive(Clone)]
pub struct Timed<S> {
    inner: S,
    most: Duration,
}

impl<S> Service<Request<Body>> for Timed<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Set now and not when it is first looked at: the library sets its own when this returns.
        let late = tokio::time::sleep(asked(request.headers()).map_or(self.most, |asked| asked.min(self.most)));
        let answer = self.inner.call(request);
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = answer => answer,
                () = late => Ok(status::late().into_http()),
            }
        })
    }
}

/// How long the caller waits; `None` when he does not say, or says it in no form that there is.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = number.parse::<u64>().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn a_deadline_is_read_as_the_protocol_writes_it() {
        let read = |text: &'static str| {
            asked(&HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                http::HeaderValue::from_static(text),
            )]))
        };
        for (text, micros) in [("1H", 3_600_000_000), ("2M", 120_000_000), ("3S", 3_000_000), ("4m", 4_000), ("5u", 5)]
        {
            assert_eq!(read(text), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(asked(&HeaderMap::new()), None);
    }

    /// Also when the library's timer, which is set later for the same moment, is looked at in the same breath.
    #[tokio::test]
    async fn a_call_without_an_answer_in_time_is_told_that_its_deadline_passed() {
        let never = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, std::convert::Infallible>>()
        });
        for (header, millis) in [(Some("20m"), 20), (Some("20S"), 30), (None, 30)] {
            let mut service = Deadline::new(Duration::from_millis(30)).layer(never);
            let mut request = Request::new(Body::empty());
            if let Some(text) = header {
                request.headers_mut().insert("grpc-timeout", http::HeaderValue::from_static(text));
            }
            let called = service.call(request);
            let library = tokio::time::sleep(Duration::from_millis(millis));
            let answer = tokio::select! {
                biased;
                answer = called => answer.unwrap(),
                () = library => panic!("the library ended it"),
            };
            let code = answer.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
            assert_eq!(code, Some(Code::DeadlineExceeded), "{header:?}");
        }
    }
}
