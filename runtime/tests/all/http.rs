//! The door of `serve`, from inside the process: what one client may hold of it, by what it sends, by what it
//! leaves unsent, and by going away.

use crate::client::*;
use interlock::{config::Serving, tokens::Tokens};
use interlock_surface::mcp::http::Server;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

struct Door {
    scene: Scene,
    address: SocketAddr,
    token: String,
}

/// An answer: its status, and all of it as text.
type Answer = (u16, String);

async fn door(limits: &str) -> Door {
    let scene = scene_with(POLICIES, limits).await;
    let config = scene.host.config();
    let tokens = Tokens::in_state(&config.state);
    let bot = "Agent::bot".parse().unwrap();
    let (_, token) = tokens.create(&bot, "a test", 3600).unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let serving = Serving { listen, ..config.serving.clone() };
    let (askers, telemetry) = (scene.askers.clone(), scene.host.telemetry().clone());
    let server = Server::bind(askers, tokens, serving, telemetry).await.unwrap();
    let address = server.address();
    tokio::spawn(server.run(Box::pin(std::future::pending())));
    Door { scene, address, token }
}

impl Door {
    fn head(&self, method: &str, session: &str, more: &str) -> String {
        let session = match session {
            "" => String::new(),
            id => format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-11-25\r\n"),
        };
        let (address, token) = (self.address, &self.token);
        format!(
            "{method} /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{session}{more}\r\n"
        )
    }

    /// Sends a message, and gives the connection on which its answer comes.
    async fn send(&self, session: &str, message: &str) -> TcpStream {
        let more = format!("Connection: close\r\nContent-Length: {}\r\n", message.len());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = self.head("POST", session, &more);
        stream.write_all(head.as_bytes()).await.unwrap();
        // A refusal may come before the rest of the message was taken.
        let _ = stream.write_all(message.as_bytes()).await;
        stream
    }

    async fn post(&self, session: &str, message: &Value) -> Answer {
        answer(self.send(session, &message.to_string()).await).await
    }

    /// Opens a session; gives its id.
    async fn session(&self) -> String {
        let (status, text) = self.post("", &hello(json!({}))).await;
        assert_eq!(status, 200, "{text}");
        let id = text.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        id.unwrap().to_owned()
    }

    /// Waits until so many calls are under way.
    async fn under_way(&self, calls: usize) {
        for _ in 0..400 {
            if self.scene.askers.under_way() == calls {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} calls are under way", self.scene.askers.under_way());
    }
}

/// All that comes until the connection ends.
async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let _ = tokio::time::timeout(Duration::from_secs(60), read).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {text}")), text)
}

fn message(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn hello(capabilities: Value) -> Value {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"}});
    message(1, "initialize", params)
}

fn spin(id: u64) -> Value {
    message(id, "tools/call", json!({"name": "spinner__spin", "arguments": {}}))
}

/// A client that hangs up in a session does not end its calls, so they go on to count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_counts_until_it_has_ended_whoever_hung_up() {
    let door = door("time = \"3s\"\n[serve]\nconcurrent = 2").await;
    let session = door.session().await;
    let calls = [
        door.send(&session, &spin(2).to_string()).await,
        door.send(&session, &spin(3).to_string()).await,
    ];
    door.under_way(2).await;
    drop(calls);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(door.scene.askers.under_way(), 2);
    for message in [spin(4), message(5, "tools/list", json!({}))] {
        let (status, text) = door.post(&session, &message).await;
        assert!(status == 429 && text.contains("too-many-at-once"), "{text}");
    }
    door.under_way(0).await;
    let listed = async || door.post(&session, &message(6, "tools/list", json!({}))).await;
    let mut last = listed().await;
    for _ in 0..40 {
        if last.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        last = listed().await;
    }
    panic!("no place was given back: {last:?}");
}

/// What is kept of a client is bounded more closely than what is forgotten; who is too long or too slow is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_introduction_is_short_and_other_messages_may_be_longer() {
    let door = door("time = \"3s\"").await;
    let long = json!({"experimental": {"a": {"b": "x".repeat(70 << 10)}}});
    let (status, text) = door.post("", &hello(long.clone())).await;
    assert!(status == 413 && text.contains("body-too-large"), "{text}");
    let session = door.session().await;
    // Nor can a session be made to keep more later.
    assert_eq!(door.post(&session, &hello(long)).await.0, 413);
    let call = json!({"name": "spinner__none", "arguments": {"x": "x".repeat(1 << 20)}});
    let (status, text) = door.post(&session, &message(2, "tools/call", call)).await;
    assert!(status == 200 && text.contains("no tool of this name"), "{text}");
    // What says that it will be too long is refused before it comes.
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    let head = door.head("POST", &session, "Content-Length: 4194305\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (status, text) = answer(stream).await;
    assert!(status == 413 && text.contains("body-too-large"), "{text}");
}

/// Reads one answer of a connection that stays open.
async fn next_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    // Answers of these tests end with what JSON ends with.
    while !text.ends_with('}') {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await;
        let read = read.unwrap().unwrap();
        assert!(read > 0, "it was closed: {text}");
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    text
}

/// How long until a connection is closed, if it is within so many seconds.
async fn closed(stream: &mut TcpStream, seconds: u64) -> bool {
    let read = tokio::time::timeout(Duration::from_secs(seconds), stream.read(&mut [0; 1])).await;
    read.is_ok_and(|read| read.is_err() || read.is_ok_and(|read| read == 0))
}

/// Anybody can connect and say nothing. It keeps nobody out who has something to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_and_says_nothing_keeps_nobody_out() {
    let door = door("time = \"3s\"").await;
    let session = door.session().await;
    // No message, but a good token was shown.
    let ask = format!("{}{{", door.head("POST", "", "Content-Length: 1\r\n"));
    let mut known = TcpStream::connect(door.address).await.unwrap();
    known.write_all(ask.as_bytes()).await.unwrap();
    assert!(next_answer(&mut known).await.contains("not-a-message"));
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(TcpStream::connect(door.address).await.unwrap());
    }
    assert!(closed(&mut silent[0], 3).await, "the oldest has its place for ever");
    assert!(!closed(&mut silent[599], 1).await, "nobody is let in any more");
    assert_eq!(door.post(&session, &message(3, "tools/list", json!({}))).await.0, 200);
    known.write_all(ask.as_bytes()).await.unwrap();
    assert!(next_answer(&mut known).await.contains("not-a-message"));
    // Nor does one stay that is let in.
    assert!(closed(&mut silent[599], 15).await, "it has its place for ever");
    assert!(closed(&mut known, 15).await, "it has its place for ever");
}

/// Two questions with one id would have one answer, and what was kept for the other would stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_has_no_answer_yet_is_not_taken_again() {
    let door = door("time = \"3s\"").await;
    let (session, other) = (door.session().await, door.session().await);
    let list = message(2, "tools/list", json!({}));
    let first = door.send(&session, &spin(2).to_string()).await;
    door.under_way(1).await;
    for again in [spin(2), list.clone()] {
        let (status, text) = door.post(&session, &again).await;
        assert!(status == 409 && text.contains("id-in-use"), "{text}");
    }
    // Another id, and the same in another session.
    assert_eq!(door.post(&session, &message(3, "tools/list", json!({}))).await.0, 200);
    assert_eq!(door.post(&other, &list).await.0, 200);
    let (status, text) = answer(first).await;
    assert!(status == 200 && text.contains("\"time\""), "{text}");
    assert_eq!(door.post(&session, &list).await.0, 200);
    // Also where it was cancelled or nobody waits for it: it has its id until it has ended.
    let gone = door.send(&session, &spin(4).to_string()).await;
    door.under_way(1).await;
    drop(gone);
    assert_eq!(door.post(&session, &spin(4)).await.0, 409);
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}});
    assert_eq!(door.post(&session, &cancel).await.0, 202);
    door.under_way(0).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(door.post(&session, &message(4, "tools/list", json!({}))).await.0, 200);
}

/// The journal may wait for the disk. Here the one thread for what may wait is taken: who asks for what is in the
/// journal waits for it, and nobody else does.
#[test]
fn who_reads_the_journal_keeps_no_thread_from_others() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let door = door("time = \"3s\"").await;
        let mut client = door.scene.client("Agent::bot").await;
        let waits = client.call("caller__change", json!({})).await;
        let text = |name: &str| waits["structuredContent"][name].as_str().unwrap().to_owned();
        let request = format!("interlock://request/{}/document", text("request"));
        let receipt = format!("interlock://invocation/{}/receipt", text("invocation"));
        for (method, params) in [
            ("resources/list", json!({})),
            ("resources/read", json!({"uri": request})),
            ("resources/read", json!({"uri": receipt})),
        ] {
            let (free, taken) = std::sync::mpsc::channel::<()>();
            tokio::task::spawn_blocking(move || taken.recv());
            let asked = client.begin(method, params).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(client.tools().await.len(), 5);
            assert_eq!(client.told, Vec::<Value>::new(), "{method} was answered");
            drop(free);
            let answer = client.answer(asked).await;
            assert!(answer.get("result").is_some(), "{answer}");
        }
        let (free, taken) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || taken.recv());
        let get = async |path: &str| {
            let mut stream = TcpStream::connect(door.address).await.unwrap();
            let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream
        };
        let ready = get("/readyz").await;
        let came = tokio::time::timeout(Duration::from_millis(500), ready.peek(&mut [0; 1])).await;
        assert!(came.is_err(), "it was answered");
        assert_eq!(answer(get("/healthz").await).await.0, 200);
        drop(free);
        let (status, text) = answer(ready).await;
        assert!(status == 200 && text.contains("\"ready\""), "{text}");
    });
}
