//! A status page as its server sees it: a real one, on a loopback port, that keeps what it was asked.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;

/// The token that the page wants.
pub(crate) const CANARY: &str = "canary-4d1c0de5-88/a+b=";

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and target: `GET /api/v1/incidents`.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The page. Dropping it ends its server.
pub(crate) struct Page {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The status of every effect, instead of 200.
    pub(crate) refuses: Arc<Mutex<Option<u16>>>,
    over: Arc<AtomicBool>,
}

fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Page {
    pub(crate) fn serve() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let page = Self {
            port: listener.local_addr()?.port(),
            asked: Arc::default(),
            refuses: Arc::default(),
            over: Arc::default(),
        };
        let (asked, refuses, over) = (page.asked.clone(), page.refuses.clone(), page.over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, refuses) = (asked.clone(), refuses.clone());
                std::thread::spawn(move || answer(stream, &asked, &refuses));
            }
        });
        Ok(page)
    }

    /// Everything that it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        whole(&self.asked).clone()
    }

    /// The requests that are no looks, as `METHOD TARGET`.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.asked().into_iter().map(|a| a.line).filter(|line| !line.starts_with("GET")).collect()
    }

    pub(crate) fn refuse(&self, status: Option<u16>) {
        *whole(&self.refuses) = status;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request and its answer. The page is a gossip: it echoes the token wherever it can.
fn answer(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, refuses: &Mutex<Option<u16>>) {
    let _best_effort = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|n| n.parse().ok()).unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let line = head.lines().next().unwrap_or_default();
    let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line).to_owned();
    let token = head.contains(&format!("authorization: Bearer {CANARY}\r\n"));
    let seven = format!(r#"{{"id":"7","title":"api is down, says {CANARY}","open":true}}"#);
    let path = line.split(['?']).next().unwrap_or_default();
    let (status, text) = match (token, path, *whole(refuses)) {
        (false, ..) => (401, "who are you?".to_owned()),
        (_, "GET /api/v1/incidents", _) => (200, format!("[{seven}]")),
        (_, "GET /api/v1/incidents/7", _) => (200, seven),
        (_, path, _) if path.starts_with("GET") => (404, String::new()),
        (.., Some(status)) => (status, format!("not with {CANARY}")),
        _ => (200, "{}".to_owned()),
    };
    whole(asked).push(Asked { line, head, body: String::from_utf8_lossy(&body).into_owned() });
    let length = text.len();
    // It can only echo what it was sent.
    let echo = if token { CANARY } else { "none" };
    let _gone = stream.write_all(
        format!("HTTP/1.1 {status} Said\r\nx-request-id: {echo}\r\ncontent-length: {length}\r\n\r\n{text}")
            .as_bytes(),
    );
}
