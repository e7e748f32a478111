//! The bridge: MCP on standard input and output, passed on to a host over HTTP. It has a token and nothing
//! else, so an agent that takes the whole process over has what it had before: the right to ask. Messages go
//! through as they are; the bridge reads of them only what HTTP wants to know.

mod events;
mod wire;

use interlock::BoxFuture;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};
use wire::{Target, Wire};

/// The longest message that is passed on.
const MAX_MESSAGE: u64 = 16 << 20;
/// JSON-RPC: what the host's answer could not be had for.
const UNREACHABLE: i64 = -32000;
/// From this version on a request stands alone, and ends when its connection does.
const ALONE: &str = "2026-07-28";
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// A bridge to one host.
pub struct Bridge {
    wire: Arc<Wire>,
}

/// What the bridge knows of a message.
struct Envelope {
    id: Option<Value>,
    method: String,
    /// The version that the message itself names.
    version: Option<String>,
    name: Option<String>,
}

impl Envelope {
    fn of(message: &Value) -> Self {
        let params = message.get("params");
        let at = |name: &str| params.and_then(|params| params.get(name));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            id: message.get("id").cloned(),
            method: message.get("method").and_then(text).unwrap_or_default(),
            version: at("_meta").and_then(|meta| meta.get(VERSION_KEY)).and_then(text),
            name: at("name").or_else(|| at("uri")).or_else(|| at("taskId")).and_then(text),
        }
    }

    fn stands_alone(&self) -> bool {
        self.version.as_deref().is_some_and(|version| version >= ALONE)
    }
}

impl Bridge {
    /// A bridge to the host at a URL.
    ///
    /// # Errors
    /// A URL that a token must not be sent to.
    pub fn to(url: &str, token: String) -> Result<Self, String> {
        let wire = Wire::new(Target::parse(url)?, token)?;
        Ok(Self { wire: Arc::new(wire) })
    }

    /// Passes messages on until the client goes away, or until told to stop.
    ///
    /// # Errors
    /// Standard input or output that cannot be used.
    #[inline(never)]
    pub fn run(self, stop: BoxFuture<'_, ()>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.run_until(stop))
    }

    async fn run_until(self, mut stop: BoxFuture<'_, ()>) -> Result<(), String> {
        let (say, said) = mpsc::channel::<String>(64);
        let (read, write) = rmcp::transport::stdio_pipes();
        let writing = tokio::spawn(write_all(write, said));
        let mut lines = BufReader::new(read);
        let mut passing = JoinSet::new();
        let running = Arc::new(Mutex::new(BTreeMap::<String, AbortHandle>::new()));
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut lines).take(MAX_MESSAGE);
            let read = tokio::select! {
                read = bounded.read_until(b'\n', &mut line) => read,
                () = &mut stop => break,
            };
            match read {
                Ok(0) => break,
                Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 >= MAX_MESSAGE => {
                    return Err(format!("a message is longer than {MAX_MESSAGE} bytes"));
                }
                Ok(_) => {}
                Err(error) => return Err(format!("cannot read: {error}")),
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Ok(message) = serde_json::from_slice::<Value>(&line) else {
                let _ = say.send(failure(&Value::Null, -32700, "the message is not JSON")).await;
                continue;
            };
            let envelope = Envelope::of(&message);
            // A request that stands alone is cancelled by hanging up.
            if envelope.method == "notifications/cancelled"
                && let Some(id) = message.pointer("/params/requestId")
                && let Some(call) = held(&running).remove(&id.to_string())
            {
                call.abort();
                continue;
            }
            // In order, until both sides agreed on a version and a session.
            if envelope.method == "initialize" || envelope.method == "notifications/initialized" {
                let opened = envelope.method == "notifications/initialized";
                pass(&self.wire, envelope, line, &say).await;
                if opened {
                    let (wire, say) = (self.wire.clone(), say.clone());
                    passing.spawn(async move { wire.listen(&say).await });
                }
                continue;
            }
            let key =
                envelope.id.as_ref().filter(|_| envelope.stands_alone()).map(Value::to_string);
            let (wire, say, done, ended) =
                (self.wire.clone(), say.clone(), running.clone(), key.clone());
            let call = passing.spawn(async move {
                pass(&wire, envelope, line, &say).await;
                if let Some(key) = ended {
                    held(&done).remove(&key);
                }
            });
            if let Some(key) = key
                && !call.is_finished()
            {
                held(&running).insert(key, call);
            }
            while passing.try_join_next().is_some() {}
        }
        passing.abort_all();
        self.wire.close().await;
        drop(say);
        let _ = writing.await;
        Ok(())
    }
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes one message on, and what comes back.
async fn pass(wire: &Wire, envelope: Envelope, line: Vec<u8>, say: &mpsc::Sender<String>) {
    if let Err(problem) = wire.post(&envelope, line, say).await
        && let Some(id) = &envelope.id
    {
        let _ = say.send(failure(id, UNREACHABLE, &problem)).await;
    }
}

fn failure(id: &Value, code: i64, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}

async fn write_all(mut write: rmcp::transport::StdioWriter, mut said: mpsc::Receiver<String>) {
    while let Some(mut line) = said.recv().await {
        line.push('\n');
        if write.write_all(line.as_bytes()).await.is_err() || write.flush().await.is_err() {
            return;
        }
    }
}
