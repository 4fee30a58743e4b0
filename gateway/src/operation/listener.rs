//! Metrics and readiness over plain HTTP, on an address of their own: loopback unless the operator says otherwise.
//!
//! Few connections, each for one request and a few seconds: whoever reaches this address cannot tie up the gateway with it.

use super::page::Page;
use crate::condition::Conditions;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The type of the page (OpenMetrics 1.0).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Connections at one time.
const CONNECTIONS_MAX: usize = 16;
/// Time for one connection, from its first byte to its last.
const CONNECTION_MAX: Duration = Duration::from_secs(10);
/// Rest after the operating system refused to accept.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// The routes: `/metrics`, `/healthz` (the process answers), `/readyz` (callers may be sent here; names of conditions).
pub fn router(page: Arc<Page>) -> Router {
    let conditions = Arc::clone(&page.gateway.conditions);
    Router::new()
        .route("/metrics", get(metrics).with_state(page))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readiness).with_state(conditions))
}

async fn metrics(State(page): State<Arc<Page>>) -> axum::response::Response {
    match page.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// 200 or 503; then a line for each condition that holds, also for those under which calls still come in.
async fn readiness(State(conditions): State<Arc<Conditions>>) -> impl IntoResponse {
    let held = conditions.watch().borrow().clone();
    let ready = held.keys().all(|condition| condition.ready());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut text = if ready { "ready\n" } else { "not ready\n" }.to_owned();
    for (condition, told) in held {
        text.push_str(&format!("{}: {told}\n", condition.code()));
    }
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}

/// Serves the routes until told to end.
pub async fn serve(listener: TcpListener, router: Router, ended: impl Future<Output = ()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(ended);
    loop {
        let accepted = tokio::select! {
            () = &mut ended => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        // No room: closed at once.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(CONNECTION_MAX).keep_alive(false);
            // However it ends, only this reader is concerned.
            let _ = tokio::time::timeout(CONNECTION_MAX, http.serve_connection(TokioIo::new(tcp), service)).await;
            drop(place);
        });
    }
}
