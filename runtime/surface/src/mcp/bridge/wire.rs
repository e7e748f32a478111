//! The HTTP side of the bridge: where the token goes, and where it does not. Over a network it goes in the
//! clear only to this machine; elsewhere a tunnel that encrypts is put in between.

use super::{Envelope, events::Events, held};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{net::IpAddr, sync::Mutex, time::Duration};
use tokio::{net::TcpStream, sync::mpsc};

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
/// What a client is told when its tools may be others.
const CHANGED: &str = "notifications/tools/list_changed";
/// How soon a host that hung up is asked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Connections that are kept for later.
const MAX_IDLE: usize = 8;

/// Where the host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    authority: String,
    path: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// One that the token must not be sent to.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(format!(
                "`{url}`: the bridge speaks HTTP to this machine; to a host elsewhere, open a tunnel that encrypts (such as `ssh -L 7420:127.0.0.1:7420 HOST`) and name its end here"
            ));
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "/")),
            None => (rest, "/mcp"),
        };
        let (name, port) = split_port(authority);
        let loopback = name == "localhost" || address(name).is_some_and(|ip| ip.is_loopback());
        if !loopback {
            return Err(format!(
                "`{url}` is not on this machine, and a token sent there could be read on the way; open a tunnel that encrypts and name its end here"
            ));
        }
        let port = match port {
            None => "80",
            Some(port) if port.parse::<u16>().is_ok_and(|n| n > 0 && n.to_string() == port) => port,
            Some(_) => return Err(format!("`{url}` has no port that is a number")),
        };
        let authority = format!("{name}:{port}");
        Ok(Self { authority, path: path.to_owned() })
    }
}

/// Host and port of an authority, the brackets of an IPv6 address with the host.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    }
}

/// An address in its own notation, an IPv6 one in brackets. What only looks like one would be looked up as a name, and
/// a name leads wherever somebody's server says.
fn address(name: &str) -> Option<IpAddr> {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = inner.unwrap_or(name).parse().ok()?;
    let own = address.to_string() == inner.unwrap_or(name);
    (own && address.is_ipv6() == inner.is_some()).then_some(address)
}

/// The connection to one host.
pub(super) struct Wire {
    target: Target,
    token: HeaderValue,
    agreed: Mutex<Agreed>,
    /// The message with which the client opened its session.
    opening: Mutex<Option<Bytes>>,
    /// Held while a session is opened again: a second one would be nobody's.
    reopening: tokio::sync::Mutex<()>,
    /// Connections that wait for their next request.
    idle: Mutex<Vec<Sender>>,
}

type Sender = http1::SendRequest<Full<Bytes>>;

/// What both sides agreed on.
#[derive(Default, Clone)]
struct Agreed {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

impl Wire {
    pub(super) fn new(target: Target, token: String) -> Result<Self, String> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        token.set_sensitive(true);
        Ok(Self {
            target,
            token,
            agreed: Mutex::default(),
            opening: Mutex::default(),
            reopening: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
        })
    }

    fn agreed(&self) -> Agreed {
        held(&self.agreed).clone()
    }

    /// Sends one message and passes on what comes back.
    ///
    /// # Errors
    /// Why there is no answer, in a sentence for the agent.
    pub(super) async fn post(
        &self,
        envelope: &Envelope,
        line: Vec<u8>,
        say: &mpsc::Sender<String>,
    ) -> Result<(), String> {
        let line = Bytes::from(line);
        if envelope.method == "initialize" {
            *held(&self.opening) = Some(line.clone());
        }
        let session = self.agreed().session;
        let (mut response, mut sender) = self.send(self.message(envelope, line.clone())?).await?;
        // A host that was started again knows no sessions of before; nothing of this message was done.
        if response.status() == StatusCode::NOT_FOUND
            && !envelope.stands_alone()
            && self.reopen(session).await
        {
            (response, sender) = self.send(self.message(envelope, line)?).await?;
        }
        self.answer(response, sender, envelope, say).await
    }

    /// Opens the client's session again, without the client, where the host has forgotten this one. Says
    /// whether there is one now.
    async fn reopen(&self, forgotten: Option<HeaderValue>) -> bool {
        let _one_at_a_time = self.reopening.lock().await;
        if self.agreed().session != forgotten {
            return true;
        }
        let opening = held(&self.opening).clone();
        let (Some(opening), Some(_)) = (opening, forgotten) else { return false };
        // Without a session or a version: the message itself asks for them.
        let Ok(request) = self.request(Method::POST, opening, false) else { return false };
        let Ok((response, sender)) = self.send(request).await else { return false };
        let Some(session) = response.headers().get(SESSION).cloned() else { return false };
        if response.into_body().collect().await.is_err() {
            return false;
        }
        self.rests(sender);
        held(&self.agreed).session = Some(session);
        let opened =
            Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        match self.request(Method::POST, opened, true) {
            Ok(request) => self.send(request).await.is_ok(),
            Err(_) => false,
        }
    }

    fn message(&self, envelope: &Envelope, line: Bytes) -> Result<Request<Full<Bytes>>, String> {
        let mut request = self.request(Method::POST, line, !envelope.stands_alone())?;
        let headers = request.headers_mut();
        if let Some(version) = &envelope.version {
            let value = HeaderValue::from_str(version).map_err(|e| e.to_string())?;
            headers.insert(VERSION, value);
        }
        if envelope.stands_alone() {
            headers.insert("mcp-method", header(&envelope.method)?);
            if let Some(name) = &envelope.name {
                headers.insert("mcp-name", header(name)?);
            }
        }
        Ok(request)
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        sender: Sender,
        envelope: &Envelope,
        say: &mpsc::Sender<String>,
    ) -> Result<(), String> {
        let status = response.status();
        if envelope.method == "initialize"
            && let Some(session) = response.headers().get(SESSION)
        {
            let mut agreed = held(&self.agreed);
            agreed.session = Some(session.clone());
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait =
            wait.map(|seconds| format!("; try again in {seconds} seconds")).unwrap_or_default();
        let is = |kind: &str| {
            let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            value.is_some_and(|value| value.starts_with(kind))
        };
        if is("text/event-stream") && status.is_success() {
            self.events(response, envelope, say).await?;
            self.rests(sender);
            return Ok(());
        }
        let json = is("application/json");
        let body = response.into_body().collect().await.map_err(|e| broken(&e))?.to_bytes();
        self.rests(sender);
        let message = serde_json::from_slice::<Value>(&body).ok().filter(|_| json);
        match message {
            Some(message) if message.get("jsonrpc").is_some() => {
                self.pass_on(&message, envelope, say).await;
                Ok(())
            }
            _ if status.is_success() => Ok(()),
            _ if status == StatusCode::UNAUTHORIZED => {
                Err("the host does not take the token: it is unknown, over or revoked; its operator can make another".to_owned())
            }
            Some(message) => {
                let said = message.get("message").and_then(Value::as_str).unwrap_or("no reason");
                Err(format!("the host refused: {said}{wait}"))
            }
            None => {
                let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(format!("the host answered {status}: {text}{wait}"))
            }
        }
    }

    /// Passes on what the host says by itself, also when it was started again meanwhile.
    pub(super) async fn listen(&self, say: &mpsc::Sender<String>) {
        let (mut pause, mut again) = (FIRST_PAUSE, false);
        loop {
            let session = self.agreed().session;
            if session.is_none() {
                return;
            }
            let Ok(request) = self.request(Method::GET, Bytes::new(), true) else { return };
            if let Ok((response, _sender)) = self.send(request).await {
                let status = response.status();
                if status.is_success() {
                    if std::mem::replace(&mut again, true) {
                        // What changed while nobody listened is not known: the client is to look.
                        let changed = json!({"jsonrpc": "2.0", "method": CHANGED});
                        let _ = say.send(changed.to_string()).await;
                    }
                    let nothing =
                        Envelope { id: None, method: String::new(), version: None, name: None };
                    let began = std::time::Instant::now();
                    let _ = self.events(response, &nothing, say).await;
                    // One that ends at once is no sign that the next will not.
                    if began.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                } else if status == StatusCode::NOT_FOUND {
                    // Not asked again at once: a host that forgets each session would be given no rest.
                    self.reopen(session).await;
                } else if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
                    // A token that is good no more, or a host that says nothing by itself.
                    return;
                }
            }
            // It is being started, or is not there.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        if self.agreed().session.is_some()
            && let Ok(request) = self.request(Method::DELETE, Bytes::new(), true)
        {
            let ended = self.send(request);
            let _ = tokio::time::timeout(std::time::Duration::from_secs(2), ended).await;
        }
    }

    async fn events(
        &self,
        response: Response<Incoming>,
        envelope: &Envelope,
        say: &mpsc::Sender<String>,
    ) -> Result<(), String> {
        let (mut body, mut events) = (response.into_body(), Events::default());
        let mut answered = envelope.id.is_none();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|e| broken(&e))?.into_data() else { continue };
            for event in events.take(&piece)? {
                let Ok(message) = serde_json::from_str::<Value>(&event) else { continue };
                answered |=
                    message.get("id") == envelope.id.as_ref() && message.get("method").is_none();
                self.pass_on(&message, envelope, say).await;
            }
        }
        if answered { Ok(()) } else { Err("the host hung up without an answer".to_owned()) }
    }

    async fn pass_on(&self, message: &Value, envelope: &Envelope, say: &mpsc::Sender<String>) {
        if envelope.method == "initialize"
            && let Some(version) =
                message.pointer("/result/protocolVersion").and_then(Value::as_str)
            && let Ok(version) = HeaderValue::from_str(version)
        {
            let mut agreed = held(&self.agreed);
            agreed.version = Some(version);
        }
        let _ = say.send(message.to_string()).await;
    }

    fn request(
        &self,
        method: Method,
        body: Bytes,
        in_session: bool,
    ) -> Result<Request<Full<Bytes>>, String> {
        let accept = if method == Method::GET {
            "text/event-stream"
        } else {
            "application/json, text/event-stream"
        };
        let mut request = Request::builder()
            .method(method)
            .uri(&self.target.path)
            .header(HOST, &self.target.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(Full::new(body))
            .map_err(|e| e.to_string())?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.token.clone());
        if in_session {
            let agreed = self.agreed();
            if let Some(session) = agreed.session {
                headers.insert(SESSION, session);
            }
            if let Some(version) = agreed.version {
                headers.insert(VERSION, version);
            }
        }
        Ok(request)
    }

    /// A connection whose answer was read to its end may be used again.
    fn rests(&self, sender: Sender) {
        let mut idle = held(&self.idle);
        if !sender.is_closed() && idle.len() < MAX_IDLE {
            idle.push(sender);
        }
    }

    /// A connection that waits, if it is still there.
    async fn rested(&self) -> Option<Sender> {
        loop {
            let mut sender = held(&self.idle).pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    /// Sends a request. It is never sent twice: whether the host had it cannot be known.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Sender), String> {
        let unreachable = |e: &dyn std::fmt::Display| {
            format!("the host at {} cannot be reached: {e}", self.target.authority)
        };
        let mut sender = match self.rested().await {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(&self.target.authority)
                    .await
                    .map_err(|e| unreachable(&e))?;
                let _ = stream.set_nodelay(true);
                let (sender, connection) =
                    http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(&e))?;
                // Ends when its sender is dropped, with an answer under way or not.
                tokio::spawn(connection);
                sender
            }
        };
        let response = sender.send_request(request).await.map_err(|e| unreachable(&e))?;
        Ok((response, sender))
    }
}

fn header(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "a name has characters that no header takes".to_owned())
}

fn broken(error: &hyper::Error) -> String {
    format!("the host hung up: {error}")
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_token_goes_to_this_machine_only() {
        for url in [
            "http://127.0.0.1:7420/mcp",
            "http://localhost:7420",
            "http://[::1]:7420/mcp",
            "http://[::1]",
        ] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
        for url in [
            "https://host.example:7420/mcp",
            "http://10.0.0.7:7420/mcp",
            "http://localhost.example.com:7420/mcp",
            "http://127.0.0.1.example.com/mcp",
            "http://user@10.0.0.7/mcp",
            "http://127.0.0.1@10.0.0.7:80/mcp",
            "localhost:7420",
            "http://[localhost]:7420",
            "http://[127.0.0.1]:7420",
            "http://[[::1]]:7420",
            "http://::1:7420",
            "http://localhost:+80",
            "http://localhost:0",
            "http://localhost:",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert_eq!(Target::parse("http://localhost:7420").unwrap().path, "/mcp");
    }
}
