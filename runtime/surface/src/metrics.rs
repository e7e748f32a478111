//! The numbers of a host, for a monitoring system, on a listener of their own: agents have no way to them, and
//! whoever watches needs no token of an agent. They name tools, principals and codes, and nothing else; still,
//! the address is to be one that only the monitoring system reaches.

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue},
};
use interlock::{
    BoxFuture,
    desk::Askers,
    telemetry::{Standing, Telemetry},
};
use interlock_protocol::http::{Answer, connection};
use std::{
    future::pending,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::Semaphore};

/// Where the numbers are.
const PATH: &str = "/metrics";
/// The content type of OpenMetrics 1.0 text.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long one connection may live: a monitoring system asks in a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what was seen is good for another who asks.
const FRESH: Duration = Duration::from_secs(1);
/// The most connections at the same time.
const MAX_CONNECTIONS: usize = 16;

/// How the deployment stood when somebody looked last: looking takes the journal's reader from calls, so it is done
/// by one at a time, and not for each of those who ask.
#[derive(Default)]
struct Looked(Mutex<Option<(Instant, Standing)>>);

impl Looked {
    fn at(&self, askers: &Askers) -> Standing {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((when, standing)) if when.elapsed() < FRESH => standing.clone(),
            _ => {
                let standing = askers.standing();
                *last = Some((Instant::now(), standing.clone()));
                standing
            }
        }
    }
}

/// The listener.
pub struct Metrics {
    listener: TcpListener,
    address: SocketAddr,
    numbers: Numbers,
}

/// Where the numbers come from.
#[derive(Clone)]
struct Numbers {
    askers: Askers,
    telemetry: Telemetry,
    /// How many lines of the program's log were lost.
    lost: fn() -> u64,
    looked: Arc<Looked>,
}

impl Metrics {
    /// Listens. `lost` says how many lines of the program's log were lost so far: the log is the program's.
    ///
    /// # Errors
    /// An address that cannot be had.
    pub async fn bind(
        address: SocketAddr,
        askers: Askers,
        telemetry: Telemetry,
        lost: fn() -> u64,
    ) -> Result<Self, String> {
        let failed = |e| format!("cannot listen on {address}: {e}");
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let numbers = Numbers { askers, telemetry, lost, looked: Arc::default() };
        Ok(Self { listener, address, numbers })
    }

    /// Where to read them.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Answers, until it is dropped.
    #[inline(never)]
    pub fn run(self) -> BoxFuture<'static, ()> {
        Box::pin(self.answer_all())
    }

    async fn answer_all(self) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of files, most likely: wait for some to be given back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let numbers = self.numbers.clone();
            tokio::spawn(async move {
                let answers = Box::new(move |request| -> BoxFuture<'_, Answer> {
                    let numbers = numbers.clone();
                    Box::pin(async move { answer(&request, numbers).await.map(Full::boxed) })
                });
                let serving = connection(stream, PATIENCE, answers, Box::pin(pending()));
                let _ = tokio::time::timeout(PATIENCE, serving).await;
                drop(place);
            });
        }
    }
}

/// Whether a request names an address: a web page in somebody's browser comes with a name that it made lead here.
fn is_for_this_host<B>(request: &Request<B>) -> bool {
    let Some(host) = request.headers().get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let is_address = |name: &str| {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok()
    };
    is_address(host) || host.rsplit_once(':').is_some_and(|(name, _)| is_address(name))
}

async fn answer(request: &Request<Incoming>, numbers: Numbers) -> Response<Full<Bytes>> {
    let say = |status, text: &str| {
        let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    };
    if !is_for_this_host(request) {
        return say(StatusCode::FORBIDDEN, "ask for an address, or localhost");
    }
    if request.uri().path() != PATH {
        return say(StatusCode::NOT_FOUND, "the numbers are at /metrics");
    }
    if request.method() != Method::GET {
        let mut response = say(StatusCode::METHOD_NOT_ALLOWED, "numbers are read, with GET");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    // The journal is read, which may wait for the disk.
    let text = tokio::task::spawn_blocking(move || {
        let Numbers { askers, telemetry, lost, looked } = numbers;
        telemetry.lost_lines(lost());
        telemetry.text(&looked.at(&askers))
    })
    .await;
    match text {
        Ok(Ok(text)) => {
            let mut response = Response::new(Full::new(Bytes::from(text)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
            response
        }
        _ => say(StatusCode::INTERNAL_SERVER_ERROR, "the numbers cannot be told"),
    }
}
