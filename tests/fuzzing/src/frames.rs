//! What an agent writes on its connection. Whatever it is: each answer is to something that was asked, the next
//! question is answered, the connection ends when the agent goes, and nothing that people must agree to happens.

use crate::must;
use async_trait::async_trait;
use interlock::{
    Config, Host,
    authority::{
        Forecast, Grant, Permitted, PermittedEffect, Planned, Revision, catalogue::CatalogueSource,
    },
    desk::{Askers, Wish},
    helper::Helper,
    install::{Install, install},
    pipeline::Control,
    providers::{
        Forecasted, Forecaster, Performed, Performer, Provider, ProviderFault, Reader, StillAllowed,
    },
    sandbox::PluginBytes,
};
use interlock_surface::mcp::serve_over;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf};

type Answers = Lines<BufReader<ReadHalf<DuplexStream>>>;

const WIT: &str = "package fuzz:box@1.0.0;
interface shelf {
  look: func(key: string) -> result<string, string>;
  put: func(key: string) -> result<_, string>;
}
";

const CATALOGUE: &str = r#"wit = "fuzz-box.wit"
[interface."fuzz:box/shelf@1.0.0"]
provider = "box"
[interface."fuzz:box/shelf@1.0.0".function.look]
class = "read"
resource = "box/a/{key}"
[interface."fuzz:box/shelf@1.0.0".function.put]
class = "change"
resource = "box/a/{key}"
"#;

/// Reading is free; putting needs one of `ops`, and nobody here is.
const POLICIES: &str = r#"
@id("everybody") permit (principal, action == Action::"invoke", resource);
@id("reads") permit (principal, action in Action::"read", resource);
@id("plans") permit (principal, action == Action::"apply-plan", resource);
@id("changes") @approvals("1") @approvers("ops") permit (principal, action in Action::"change", resource);
"#;

/// Hands the key of its caller on to the capability, and gives back whether that said yes.
const PLUGIN: &str = r#"(component
  (import "fuzz:box/shelf@1.0.0" (instance $shelf
    (export "look" (func (param "key" string) (result (result string (error string)))))
    (export "put" (func (param "key" string) (result (result (error string)))))))
  (core module $Libc
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $look (canon lower (func $shelf "look") (memory $mem) (realloc (func $realloc))))
  (core func $put (canon lower (func $shelf "put") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "look" (func $look (param i32 i32 i32)))
    (import "host" "put" (func $put (param i32 i32 i32)))
    (func (export "look") (param i32 i32) (result i32)
      (call $look (local.get 0) (local.get 1) (i32.const 64)) (i32.load8_u (i32.const 64)))
    (func (export "put") (param i32 i32) (result i32)
      (call $put (local.get 0) (local.get 1) (i32.const 64)) (i32.load8_u (i32.const 64))))
  (core instance $i (instantiate $m (with "libc" (instance $libc))
    (with "host" (instance (export "look" (func $look)) (export "put" (func $put))))))
  (func (export "look") (param "key" string) (result u32)
    (canon lift (core func $i "look") (memory $mem) (realloc (func $realloc))))
  (func (export "put") (param "key" string) (result u32)
    (canon lift (core func $i "put") (memory $mem) (realloc (func $realloc)))))"#;

/// Inputs for one deployment: what they leave in its journal must not fill a disk.
const INPUTS: usize = 4096;
/// More than any answer takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What an input calls the request that waits for people.
const WAITING: &[u8; 26] = b"01JD8Z5T3K9QW2M4X6Y8A0B1C2";
/// What is asked next, and what is asked last.
const NEXT: &str = "the next";
const LAST: &str = "the last";

/// Counts what it did.
#[derive(Debug, Default)]
struct Shelf(AtomicUsize);

#[async_trait]
impl Reader for Shelf {
    async fn read(&self, _: &Permitted) -> Result<Value, ProviderFault> {
        Ok(json!({"ok": "a thing"}))
    }
}

#[async_trait]
impl Forecaster for Shelf {
    async fn forecast(&self, call: &Permitted, _: &[Planned]) -> Result<Forecasted, ProviderFault> {
        Ok(Forecasted::Exact(Forecast {
            verb: "put".into(),
            counts: BTreeMap::new(),
            touches: vec![call.call().resource().clone()],
            revision: Revision::new("1"),
            result: json!({"ok": null}),
            note: None,
        }))
    }
}

#[async_trait]
impl Performer for Shelf {
    async fn perform(
        &self,
        _: &PermittedEffect,
        _: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Performed::Done { result: json!({"ok": null}), revisions: BTreeMap::new() })
    }
}

/// A deployment that is served to one input after the other.
struct Scene {
    askers: Askers,
    done: Arc<Shelf>,
    /// A request that waits for people.
    waiting: String,
    inputs: usize,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

static SCENE: Mutex<Option<Scene>> = Mutex::new(None);
static HELPER: OnceLock<Helper> = OnceLock::new();

/// Whose program compiles the plugin; this one, where nothing is said.
pub fn helper(helper: Helper) {
    // The first one stays.
    let _ = HELPER.set(helper);
}

/// Takes down the deployment that stands between two inputs, and its folder.
pub fn tidy() {
    drop(SCENE.lock().unwrap_or_else(PoisonError::into_inner).take());
}

fn scene() -> Scene {
    let folder = must(tempfile::tempdir(), "a folder");
    let at = |name: &str| folder.path().join(name);
    must(std::fs::create_dir(at("policies")), "a folder");
    must(std::fs::write(at("policies/fuzz.cedar"), POLICIES), "policies");
    must(std::fs::write(at("signers"), crate::people::SIGNER), "signers");
    let somebody = crate::people::SIGNER.split_whitespace().next().unwrap_or_default();
    // An input may leave more calls under way than an agent should have; the last one is to be answered all the same.
    let text = format!(
        "policies = \"policies\"\n[agents.bot]\n[people.somebody]\nprincipals = [\"{somebody}\"]\n\
         [approvers]\nallowed_signers = \"signers\"\ngroups.ops = [\"{somebody}\"]\n[limits]\ntime = \"20s\"\n[serve]\nconcurrent = 100000\n"
    );
    must(std::fs::write(at("interlock.toml"), text), "a configuration");
    let done = Arc::new(Shelf::default());
    let host = || {
        let config = must(Config::load(&at("interlock.toml")), "the configuration");
        let source = CatalogueSource {
            file: "fuzz.toml".into(),
            text: CATALOGUE.into(),
            wit: vec![("fuzz-box.wit".into(), WIT.into())],
        };
        let mut host =
            Host::builder(config).catalogue(source).provider("box", Provider::new(done.clone()));
        if let Some(helper) = HELPER.get() {
            host = host.helper(helper.clone());
        }
        must(host.build(), "a host")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = must(runtime, "a runtime");
    let grant = Grant {
        interface: must("fuzz:box/shelf@1.0.0".parse(), "a name"),
        functions: None,
        resources: vec![must("box/a".parse(), "a resource")],
        budget: None,
        elevation: None,
    };
    let plugin = must(PluginBytes::from_file_bytes(PLUGIN.as_bytes().to_vec()), "a plugin");
    let wanted = Install { name: "box".into(), grants: Some(vec![grant]), preopens: None };
    must(runtime.block_on(install(&host(), &plugin, &wanted)), "an installation");
    let askers = Askers::of(Arc::new(host()));
    let asker = askers.asker(must("Agent::bot".parse(), "a principal"));
    let wish = Wish {
        plugin: "box".into(),
        tool: "put".into(),
        arguments: json!({"key": "k"}),
        request: None,
        said: None,
    };
    must(runtime.block_on(asker.call(wish, &Control::default())), "a call");
    let own = must(asker.requests(1), "what it asks for");
    let waiting = own.first().map(|own| own.request.clone()).unwrap_or_default();
    assert_eq!(waiting.len(), WAITING.len(), "it waits for people");
    Scene { askers, done, waiting, inputs: 0, runtime, _folder: folder }
}

/// The first byte says whether the agent has introduced itself; the rest is what it writes then.
pub(crate) fn mcp_frames(data: &[u8]) {
    let (introduced, written) = match data.split_first() {
        Some((first, rest)) => (first & 1 == 1, rest),
        None => (false, data),
    };
    // A finding leaves it poisoned; what stands there is as good as before.
    let mut kept = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.as_ref().is_some_and(|scene| scene.inputs >= INPUTS) {
        *kept = None;
    }
    let scene = kept.get_or_insert_with(scene);
    scene.inputs += 1;
    let mut written = written.to_vec();
    while let Some(at) = written.windows(WAITING.len()).position(|some| some == WAITING) {
        written.splice(at..at + WAITING.len(), scene.waiting.bytes());
    }
    scene.runtime.block_on(connection(&scene.askers, introduced, &written));
    assert_eq!(scene.done.0.load(Ordering::SeqCst), 0, "it happened, and nobody agreed");
}

async fn connection(askers: &Askers, introduced: bool, written: &[u8]) {
    let mut lines = Vec::new();
    if introduced {
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}}});
        lines.extend_from_slice(format!("{hello}\n").as_bytes());
        let there = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        lines.extend_from_slice(format!("{there}\n").as_bytes());
    }
    lines.extend_from_slice(written);
    let next = json!({"jsonrpc": "2.0", "id": NEXT, "method": "ping"});
    lines.extend_from_slice(format!("\n{next}\n").as_bytes());
    let mut asked: Vec<Value> = lines.split(|byte| *byte == b'\n').filter_map(asks).collect();

    let (near, far) = tokio::io::duplex(1 << 16);
    let asker = askers.asker(must("Agent::bot".parse(), "a principal"));
    let (read, write) = tokio::io::split(far);
    let stop = Box::pin(std::future::pending());
    let server = tokio::spawn(serve_over(asker, Box::new(read), Box::new(write), stop));
    let (read, mut write) = tokio::io::split(near);
    let writing = tokio::spawn(async move {
        // A server that has gone away reads no more.
        let _ = write.write_all(&lines).await;
        write
    });
    let mut answers = BufReader::new(read).lines();
    let served = until(&mut answers, &mut asked, NEXT).await.is_some();
    let mut write = must(writing.await, "the writing");
    if introduced {
        assert!(served, "the next question was not answered");
        // Whatever was called before has had its turn when this is answered.
        let call = json!({"jsonrpc": "2.0", "id": LAST, "method": "tools/call",
            "params": {"name": "box__look", "arguments": {"key": "k"}}});
        asked.push(json!(LAST));
        must(write.write_all(format!("{call}\n").as_bytes()).await, "it reads on");
        let answer = until(&mut answers, &mut asked, LAST).await.unwrap_or_default();
        assert_eq!(answer.pointer("/result/structuredContent/result"), Some(&json!(0)), "{answer}");
    }
    // The agent goes away.
    drop((write, answers));
    let ended = must(tokio::time::timeout(PATIENCE, server).await, "it does not end");
    // Whoever never introduced itself is told so by the end of the connection.
    let ended = must(ended, "the server");
    assert!(ended.is_ok() || !introduced, "{ended:?}");
}

/// Reads answers to the one that is wanted; nothing where the connection ends before.
async fn until(answers: &mut Answers, asked: &mut Vec<Value>, wanted: &str) -> Option<Value> {
    loop {
        let next = must(tokio::time::timeout(PATIENCE, answers.next_line()).await, "it is silent");
        let line = must(next, "what it writes is text")?;
        let answer: Value = must(serde_json::from_str(&line), "what it writes is JSON");
        assert_eq!(answer.get("jsonrpc"), Some(&json!("2.0")), "{line}");
        if answer.get("method").is_some() {
            assert!(answer.get("id").is_none(), "a server asks nothing: {line}");
            continue;
        }
        assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{line}");
        let id = answer.get("id").unwrap_or(&Value::Null);
        // What cannot be read has no number that an answer could have.
        if !id.is_null() {
            let place = asked.iter().position(|asked| same(asked, id));
            assert!(place.is_some(), "nobody asked, or it was answered before: {line}");
            place.map(|place| asked.swap_remove(place));
        }
        if id == wanted {
            return Some(answer);
        }
    }
}

/// Whether two numbers of questions are one: `1.0` is answered as `1`, and `-0` as `0`.
fn same(asked: &Value, answered: &Value) -> bool {
    let number = asked.as_f64();
    asked == answered || (number.is_some() && number == answered.as_f64())
}

/// The number of a question, where a line is one.
fn asks(line: &[u8]) -> Option<Value> {
    // A byte order mark is passed over by the reader.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let mut question: Value = serde_json::from_slice(line).ok()?;
    Some(question.get_mut("id")?.take())
}
