//! Sessions over HTTP, and the connections that requests come on.

use crate::{BoxFuture, Handler, handler::Served};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// What is answered.
pub type Answer = Response<BoxBody<Bytes, Infallible>>;
/// The body of a request.
pub type RequestBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// The sessions of those who ask the same handlers.
pub struct Sessions {
    service: StreamableHttpService<Served, LocalSessionManager>,
    all: Arc<LocalSessionManager>,
}

impl Sessions {
    /// None yet. `make` gives the handler of a new one.
    pub fn new(
        make: Box<dyn Fn() -> Arc<dyn Handler> + Send + Sync>,
        settings: StreamableHttpServerConfig,
    ) -> Self {
        let all = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(Served(make())), all.clone(), settings);
        Self { service, all }
    }

    /// How many there are.
    pub async fn count(&self) -> usize {
        self.all.sessions.read().await.len()
    }

    /// Answers a request.
    #[inline(never)]
    pub fn answer(&self, request: Request<RequestBody>) -> BoxFuture<'_, Answer> {
        Box::pin(self.service.handle(request))
    }
}

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// What answers the requests of a connection.
pub type Answers<'a> = Box<dyn Fn(Request<Incoming>) -> BoxFuture<'a, Answer> + Send + Sync + 'a>;

/// Answers what comes on a connection until its client is gone, or takes longer than `headers` for the headers of a
/// request; once `closing` ends, until the request is answered that is under way. Nagle's delay is off: with it, an answer takes 40 ms.
#[inline(never)]
pub fn connection<'a>(
    stream: TcpStream,
    headers: Duration,
    answers: Answers<'a>,
    closing: BoxFuture<'a, ()>,
) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let answer = answers(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(headers).max_headers(MAX_HEADERS);
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // A client that breaks off, or speaks no HTTP, is its own affair.
            _ = &mut connection => return,
            () = closing => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    })
}
