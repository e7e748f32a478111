//! One request and its answer over one connection, which is then closed. The answer is bounded while it comes: a
//! server that never stops, or never starts, costs its bound and its time and nothing more. Nobody follows a redirect
//! and nothing is decompressed, so what is bounded is what is kept.

use super::{connect::Stream, endpoint::Endpoint, request::Request, trouble::Trouble};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
        HeaderMap, HeaderName, HeaderValue, USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};

/// The most bytes of an answer's head.
const HEAD: usize = 64 << 10;
/// The most headers of an answer.
const HEADERS: usize = 128;

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Its body, or why there is none. What a status says holds without it.
    pub(super) body: Result<Vec<u8>, Trouble>,
}

/// Ends the connection with whoever waits for the answer.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request as hyper takes it, with the headers that the host adds. `own` are the endpoint's credential and the
/// condition of an effect.
pub(super) fn message(
    endpoint: &Endpoint,
    request: &Request,
    own: Vec<(HeaderName, HeaderValue)>,
) -> Result<hyper::Request<Full<Bytes>>, Trouble> {
    let body = request.body.as_ref().map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    let host = HeaderValue::from_str(&endpoint.place.authority());
    let mut message = hyper::Request::builder()
        .method(request.method.clone())
        .uri(request.target.as_str())
        .body(Full::new(body))
        .map_err(|_| Trouble::BadAnswer)?;
    let headers = message.headers_mut();
    headers.insert(HOST, host.map_err(|_| Trouble::Resolve)?);
    headers.insert(USER_AGENT, HeaderValue::from_static("interlock"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    match &request.body {
        Some((content_type, _)) => _ = headers.insert(CONTENT_TYPE, content_type.clone()),
        // Where a request ends is said, also where it could be guessed.
        None if !request.method.is_safe() => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        None => {}
    }
    // In place of whatever stands there: a header that is there twice has two readings. The host's own are last.
    for (name, value) in request.headers.iter().cloned().chain(own) {
        headers.insert(name, value);
    }
    Ok(message)
}

fn trouble(error: &hyper::Error) -> Trouble {
    if error.is_parse() { Trouble::BadAnswer } else { Trouble::ClosedEarly }
}

/// Sends a request and takes its answer. From here on the request may have reached its server.
pub(super) async fn exchange(
    endpoint: &Endpoint,
    stream: Box<dyn Stream>,
    message: hyper::Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<Answer, Trouble> {
    let late = |_| Trouble::Late(endpoint.time);
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS).max_buf_size(HEAD);
    let shaking = timeout_at(deadline, builder.handshake(TokioIo::new(stream)));
    let (mut sender, connection) = shaking.await.map_err(late)?.map_err(|e| trouble(&e))?;
    let _connection = Connection(tokio::spawn(async move {
        // What goes wrong on it is told to whoever waits for the answer.
        let _told_there = connection.await;
    }));
    let sending = timeout_at(deadline, sender.send_request(message));
    let answer = sending.await.map_err(late)?.map_err(|e| trouble(&e))?;
    let (head, body) = answer.into_parts();
    let body = match encoded(&head.headers) {
        true => Err(Trouble::Encoded),
        false => timeout_at(deadline, read(body, endpoint.response))
            .await
            .unwrap_or(Err(Trouble::Late(endpoint.time))),
    };
    Ok(Answer { status: head.status, headers: head.headers, body })
}

fn encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| value != "identity")
}

async fn read(mut body: Incoming, most: u64) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|e| trouble(&e))?.into_data() else { continue };
        if (bytes.len() + data.len()) as u64 > most {
            return Err(Trouble::TooLarge(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
