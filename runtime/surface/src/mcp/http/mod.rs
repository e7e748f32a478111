//! MCP over HTTP for agents, on a listener of its own: nothing for people is here, so a mistake in front of
//! it cannot expose an approval. Each request is somebody's or it is refused; there is no anonymous agent.
//!
//! The accept loop is ours and not a framework's, because what it does is the point: Nagle's delay is off
//! (with it, a call takes 44 ms), headers must come in time, connections are counted, and the end is orderly.

mod asked;
mod body;
mod door;
mod limits;
mod message;
mod ready;
mod say;
mod strangers;

use body::Held;
use door::{Door, Entered, SESSION};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, body::Incoming};
use interlock::{BoxFuture, config::Serving, desk::Askers, telemetry::Telemetry, tokens::Tokens};
use interlock_protocol::http::{Answer, connection};
use message::Message;
use ready::Ready;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use strangers::{Stranger, Strangers};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Where MCP is.
pub const PATH: &str = "/mcp";
/// Whether the process lives.
const HEALTH: &str = "/healthz";
/// Whether it can serve.
const READY: &str = "/readyz";
/// How long a client may take for its headers.
const HEADERS: Duration = Duration::from_secs(10);
/// The most connections at the same time.
const MAX_CONNECTIONS: usize = 1024;
/// The most of them on which no good token was shown yet.
const MAX_STRANGERS: usize = MAX_CONNECTIONS / 2;
/// How long what runs may go on after the host was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often streams are looked at for tokens that are good no more.
const SWEEP: Duration = Duration::from_secs(5);

/// The agents' listener.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    askers: Askers,
    ready: Ready,
    door: Door,
    telemetry: Telemetry,
    stopping: AtomicBool,
    /// Ends sessions and streams.
    ended: CancellationToken,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// An address that cannot be had.
    pub async fn bind(
        askers: Askers,
        tokens: Tokens,
        serving: Serving,
        telemetry: Telemetry,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind(serving.listen)
            .await
            .map_err(|e| format!("cannot listen on {}: {e}", serving.listen))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let ended = CancellationToken::new();
        let door = Door::new(askers.clone(), tokens, settings(&serving, address, &ended), serving);
        let stopping = AtomicBool::new(false);
        let ready = Ready::of(askers.clone());
        let shared = Arc::new(Shared { askers, ready, door, telemetry, stopping, ended });
        Ok(Self { listener, address, shared })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until told to stop; then lets what runs end, for a while, before it ends it.
    #[inline(never)]
    pub fn run(self, stop: BoxFuture<'_, ()>) -> BoxFuture<'_, ()> {
        Box::pin(self.run_until(stop))
    }

    async fn run_until(self, mut stop: BoxFuture<'_, ()>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let strangers = Strangers::at_most(MAX_STRANGERS);
        let closing = CancellationToken::new();
        let mut connections = JoinSet::new();
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = sweep.tick() => self.shared.door.sweep(),
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Dropped at once where there is no place: an open connection costs memory.
                        let Ok(place) = places.clone().try_acquire_owned() else { continue };
                        let (shared, closing) = (self.shared.clone(), closing.clone());
                        let stranger = strangers.come();
                        connections.spawn(async move {
                            let counted = shared.telemetry.connection();
                            serve(shared, stream, stranger, closing).await;
                            drop(counted);
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Out of files, most likely: wait for some to be given back.
                        tracing::error!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        }
        tracing::info!("stopping: nothing new is taken, what runs may end");
        self.shared.stopping.store(true, Ordering::Release);
        drop(self.listener);
        closing.cancel();
        if !self.shared.askers.quiet(GRACE).await {
            let calls = self.shared.askers.under_way();
            tracing::warn!(calls, "ending calls that have not ended");
        }
        self.shared.askers.stop();
        let _ = self.shared.askers.quiet(GRACE).await;
        // Answers go out; streams without an end get one.
        let answered = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(1), answered).await.is_err() {
            self.shared.ended.cancel();
            let rest = async { while connections.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
        }
    }
}

/// What the protocol's own side of the listener is held to.
fn settings(
    serving: &Serving,
    address: SocketAddr,
    ended: &CancellationToken,
) -> StreamableHttpServerConfig {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if !address.ip().is_unspecified() {
        hosts.push(address.ip().to_string());
    }
    hosts.extend(serving.hosts.iter().cloned());
    StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .with_allowed_origins(serving.origins.clone())
        // Also where none is named: then no browser may ask at all.
        .enforce_origin_validation()
        .with_legacy_session_mode(true)
        .with_json_response(true)
        .with_cancellation_token(ended.clone())
        .with_max_request_body_bytes(message::MAX_BODY)
}

async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    stranger: Stranger,
    closing: CancellationToken,
) {
    let (shared, stranger) = (&shared, &stranger);
    let answers = Box::new(move |request| -> BoxFuture<'_, Answer> {
        Box::pin(shared.answer(request, stranger))
    });
    let closing = Box::pin(closing.cancelled_owned());
    tokio::select! {
        () = connection(stream, HEADERS, answers, closing) => {}
        () = stranger.sent_away() => {}
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, stranger: &Stranger) -> Answer {
        let (route, answer) = match (request.method(), request.uri().path()) {
            (&Method::GET, HEALTH) => {
                (HEALTH, say::json(StatusCode::OK, &json!({"status": "alive"})))
            }
            (&Method::GET, READY) => (READY, self.ready().await),
            (_, PATH) => (PATH, self.mcp(request, stranger).await),
            _ => {
                let told = "agents are served at /mcp";
                ("other", say::refused(StatusCode::NOT_FOUND, "not-found", told))
            }
        };
        self.telemetry.answered(route, answer.status().as_u16());
        answer
    }

    async fn ready(&self) -> Answer {
        let no = |why: &str| {
            say::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not-ready", "why": why}))
        };
        if self.stopping.load(Ordering::Acquire) {
            return no("stopping");
        }
        if self.ready.now().await {
            say::json(StatusCode::OK, &json!({"status": "ready"}))
        } else {
            no("journal")
        }
    }

    async fn mcp(&self, request: Request<Incoming>, stranger: &Stranger) -> Answer {
        if self.stopping.load(Ordering::Acquire) {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return say::refused(status, "shutting-down", "the host is shutting down");
        }
        let entered = match self.door.enter(request, stranger).await {
            Ok(entered) => entered,
            Err(refused) => return *refused,
        };
        let Entered { request, sessions, asked, place, revoked } = entered;
        let (mut parts, body) = request.into_parts();
        let message = if parts.method == Method::POST {
            match message::read(body, message::PATIENCE).await {
                Ok(message) => message,
                Err(refused) => return *refused,
            }
        } else {
            Message::default()
        };
        if let (Some(id), Some(session)) = (message.asks, parts.headers.get(SESSION)) {
            let Some(asking) = asked.begin(session.clone(), id) else {
                let told = "a request with this id is under way in this session";
                return say::refused(StatusCode::CONFLICT, "id-in-use", told);
            };
            parts.extensions.insert(asking);
        }
        let body = Full::new(message.bytes).map_err(|never| match never {}).boxed_unsync();
        let response = sessions.answer(Request::from_parts(parts, body)).await;
        response.map(|body| Held::new(body, place, revoked).boxed())
    }
}
