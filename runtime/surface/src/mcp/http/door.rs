//! Who a request is from, and whether there is room for it. Sessions belong to a principal: each has a
//! service of its own, and the session of another is, there, none at all. The token goes no further than
//! this file.

use super::{
    super::{agent::Agent, server::AgentServer},
    Answer,
    asked::Asked,
    body::Place,
    limits::Bucket,
    say,
    strangers::Stranger,
};
use hyper::{HeaderMap, Method, Request, StatusCode, body::Incoming, header::AUTHORIZATION};
use interlock::{config::Serving, desk::Askers, tokens::Tokens};
use interlock_authority::Principal;
use interlock_protocol::{Handler, http::Sessions};
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;

/// The most sessions of one principal at the same time.
const MAX_SESSIONS: usize = 64;
/// The most streams of one principal that wait for what the host says.
const MAX_STREAMS: usize = 64;
/// The most connections of one principal that are not closed when others come.
const MAX_CONNECTIONS: usize = 256;
/// The header of a session.
pub(super) const SESSION: &str = "mcp-session-id";

/// The door.
pub(super) struct Door {
    askers: Askers,
    tokens: Tokens,
    settings: StreamableHttpServerConfig,
    serving: Serving,
    rooms: Mutex<BTreeMap<Principal, Arc<Room>>>,
    /// What ends the answers of each token, by its id.
    ends: Mutex<BTreeMap<String, CancellationToken>>,
    told: AtomicU64,
    start: Instant,
}

/// What one principal has here.
struct Room {
    bucket: Mutex<Bucket>,
    places: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    sessions: OnceCell<Arc<Sessions>>,
    asked: Arc<Asked>,
}

/// A request that may go on.
pub(super) struct Entered {
    pub(super) request: Request<Incoming>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) asked: Arc<Asked>,
    pub(super) place: Place,
    pub(super) revoked: CancellationToken,
}

impl Door {
    pub(super) fn new(
        askers: Askers,
        tokens: Tokens,
        settings: StreamableHttpServerConfig,
        serving: Serving,
    ) -> Self {
        Self {
            askers,
            tokens,
            settings,
            serving,
            rooms: Mutex::default(),
            ends: Mutex::default(),
            told: AtomicU64::new(0),
            start: Instant::now(),
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(super) async fn enter(
        &self,
        mut request: Request<Incoming>,
        stranger: &Stranger,
    ) -> Result<Entered, Box<Answer>> {
        let (principal, token) = self.who(request.headers())?;
        // Nothing behind this line sees the token: not a handler, a plugin or a log.
        request.headers_mut().remove(AUTHORIZATION);
        let room = self.room(&principal);
        stranger.known(&room.connections);
        let taken = room.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if let Err(wait) = taken {
            let seconds = wait.as_secs().saturating_add(1);
            let most = format!(
                "at most {} requests in {} seconds",
                self.serving.rate, self.serving.rate_seconds
            );
            return Err(Box::new(say::too_many("rate-limited", &most, seconds)));
        }
        let waits = request.method() == Method::GET;
        let places = if waits { &room.streams } else { &room.places };
        let Ok(place) = places.clone().try_acquire_owned() else {
            let most = format!("at most {} requests at the same time", self.serving.concurrent);
            return Err(Box::new(say::too_many("too-many-at-once", &most, 1)));
        };
        let place = Place::of(place);
        request.extensions_mut().insert(place.clone());
        let sessions = room
            .sessions
            .get_or_init(|| async {
                let agent = Agent::open(self.askers.asker(principal.clone())).await;
                let server = AgentServer::of(agent);
                let make = move || -> Arc<dyn Handler> { Arc::new(server.another()) };
                Arc::new(Sessions::new(Box::new(make), self.settings.clone()))
            })
            .await
            .clone();
        // Only a request without a session can begin one.
        if !request.headers().contains_key(SESSION) && sessions.count().await >= MAX_SESSIONS {
            let most = format!(
                "at most {MAX_SESSIONS} sessions; end one, or wait until one is idle for 5 minutes"
            );
            return Err(Box::new(say::too_many("too-many-sessions", &most, 60)));
        }
        let revoked = self
            .ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(token)
            .or_default()
            .clone();
        Ok(Entered { request, sessions, asked: room.asked.clone(), place, revoked })
    }

    /// Ends the streams of tokens that are good no more.
    pub(super) fn sweep(&self) {
        let now = jiff::Timestamp::now().as_second();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let good: Vec<String> = match self.tokens.all() {
            Ok(all) => all.into_iter().filter(|t| t.state(now) == "good").map(|t| t.id).collect(),
            // INVARIANT FAIL-CLOSED: what cannot be read is no token.
            Err(error) => {
                tracing::error!(%error, "tokens cannot be read");
                Vec::new()
            }
        };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.retain(|token, end| {
            let good = good.contains(token);
            if !good {
                end.cancel();
            }
            good
        });
    }

    /// Whose token a request carries.
    fn who(&self, headers: &HeaderMap) -> Result<(Principal, String), Box<Answer>> {
        let unauthorized = || Box::new(say::unauthorized());
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let presented = match (all.next(), all.next()) {
            (Some(one), None) => one.to_str().ok(),
            // Two could be read as one here and as the other elsewhere.
            _ => None,
        };
        let presented = presented.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let Some(presented) = presented else { return Err(unauthorized()) };
        match self.tokens.holder(presented) {
            Ok(Some(token)) if self.askers.knows(&token.principal) => {
                Ok((token.principal, token.id))
            }
            Ok(Some(token)) => {
                self.tell(format!(
                    "token {} is of {}, who is not configured",
                    token.id, token.principal
                ));
                Err(unauthorized())
            }
            Ok(None) => {
                self.tell("a token was refused: unknown, over or revoked".to_owned());
                Err(unauthorized())
            }
            Err(error) => {
                self.tell(format!("tokens cannot be read: {error}"));
                let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "tokens-unreadable");
                Err(Box::new(say::refused(status, code, "the host cannot read its tokens")))
            }
        }
    }

    /// Logs at most once a second: whoever has no token must not fill the disk.
    fn tell(&self, text: String) {
        let second = self.start.elapsed().as_secs() + 1;
        if self.told.swap(second, Ordering::Relaxed) != second {
            tracing::warn!("{text}");
        }
    }

    fn room(&self, principal: &Principal) -> Arc<Room> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(principal.clone()).or_insert_with(|| {
            Arc::new(Room {
                bucket: Mutex::new(Bucket::new(
                    self.serving.rate,
                    self.serving.rate_seconds,
                    Instant::now(),
                )),
                places: Arc::new(Semaphore::new(self.serving.concurrent as usize)),
                streams: Arc::new(Semaphore::new(MAX_STREAMS)),
                connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
                sessions: OnceCell::new(),
                asked: Arc::default(),
            })
        });
        room.clone()
    }
}
