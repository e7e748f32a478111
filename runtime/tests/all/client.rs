//! A host with people and two plugins, and clients that speak to it line by line, as agents do: what the tests of
//! the agents' surface begin with.

use crate::{
    fixture::{Cache, grant, host_of},
    pipeline::CALLER,
};
use interlock::{
    Host,
    desk::{Approver, Askers},
    install::{Install, install},
    sandbox::PluginBytes,
};
use interlock_surface::mcp::serve_over;
use serde_json::{Value, json};
use ssh_key::{Algorithm, PrivateKey};
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

/// `spin` never ends.
pub(crate) const SPINNER: &str = r#"(component
  (core module $m (func (export "spin") (loop $l (br $l))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin"))))"#;

/// Reading is free, changing needs one of ops.
pub(crate) const POLICIES: &str = r#"
@id("everybody") permit (principal, action == Action::"invoke", resource)
  unless { principal == Agent::"stranger" && resource == Tool::"caller.change" };
@id("reads") permit (principal, action in Action::"read", resource);
@id("plans") permit (principal, action == Action::"apply-plan", resource);
@id("changes") @approvals("1") @approvers("ops")
permit (principal, action in Action::"change", resource);
"#;

pub(crate) struct Scene {
    pub(crate) host: Arc<Host>,
    pub(crate) askers: Askers,
    pub(crate) cache: Arc<Cache>,
    pub(crate) key: PrivateKey,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) async fn scene(policies: &str) -> Scene {
    scene_with(policies, "time = \"20s\"").await
}

/// As [`scene`], with other limits, and whatever tables come after them.
pub(crate) async fn scene_with(policies: &str, limits: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("policies")).unwrap();
    std::fs::write(at("policies/test.cedar"), policies).unwrap();
    let key = PrivateKey::random(&mut ssh_key::rand_core::OsRng, Algorithm::Ed25519).unwrap();
    let public = key.public_key().to_openssh().unwrap();
    std::fs::write(at("signers"), format!("amira@example.com {public}\n")).unwrap();
    let text = format!(
        "policies = \"policies\"\n[agents.bot]\n[agents.stranger]\n[people.amira]\nprincipals = [\"amira@example.com\"]\n[approvers]\nallowed_signers = \"signers\"\ngroups.ops = [\"amira@example.com\"]\n[limits]\n{limits}\n"
    );
    let file = at("interlock.toml");
    std::fs::write(&file, text).unwrap();
    let cache = Arc::new(Cache::default());
    let build = || host_of(&file, &cache).build().unwrap_or_else(|e| panic!("{e}"));
    let grants = vec![grant("look", &["cache/a"]), grant("tune", &["cache/a"])];
    for (name, text, grants) in [("caller", CALLER, grants), ("spinner", SPINNER, Vec::new())] {
        let plugin = PluginBytes::from_file_bytes(text.as_bytes().to_vec()).unwrap();
        let wanted = Install { name: name.into(), grants: Some(grants), preopens: None };
        install(&build(), &plugin, &wanted).await.unwrap();
    }
    let host = Arc::new(build());
    let askers = Askers::of(host.clone());
    Scene { host, askers, cache, key, folder }
}

/// A client that has introduced itself.
pub(crate) struct Client {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    next: u64,
    /// What came that was no answer.
    pub(crate) told: Vec<Value>,
}

impl Scene {
    /// Another host on what is there now takes the place of the one before.
    pub(crate) fn reload(&self) {
        let file = self.folder.path().join("interlock.toml");
        let host = host_of(&file, &self.cache).build().unwrap_or_else(|e| panic!("{e}"));
        self.askers.replace(Arc::new(host));
    }

    /// A client of a principal, of the generation that begins with `initialize`.
    pub(crate) async fn client(&self, principal: &str) -> Client {
        let mut client = self.raw(principal);
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let answer = client.ask("initialize", hello).await;
        assert_eq!(at(&answer, "/result/protocolVersion"), "2025-11-25", "{answer}");
        client.tell("notifications/initialized", json!({})).await;
        client
    }

    pub(crate) fn raw(&self, principal: &str) -> Client {
        let asker = self.askers.asker(principal.parse().unwrap());
        let (near, far) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(far);
            serve_over(asker, Box::new(read), Box::new(write), Box::pin(std::future::pending()))
                .await
                .unwrap();
        });
        let (read, write) = tokio::io::split(near);
        Client { read: BufReader::new(read), write, next: 0, told: Vec::new() }
    }

    pub(crate) async fn approve(&self, id: &str) {
        let desk = Approver::of(&self.host);
        let document = desk.case(id).unwrap().document;
        let signature =
            interlock::authority::signature::sign(&self.key, document.as_bytes()).unwrap();
        desk.approve(id, &signature).await.unwrap_or_else(|e| panic!("{e}"));
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.host.journal().last(200).unwrap().into_iter().map(|told| told.kind).collect()
    }

    /// How the newest run ended, once the journal says so.
    pub(crate) async fn ended(&self) -> String {
        self.askers.settle().await.unwrap();
        let all = self.host.journal().last(200).unwrap();
        let last = all.iter().rev().find(|told| told.kind == "ended").unwrap();
        last.text("code").unwrap().to_owned()
    }
}

impl Client {
    pub(crate) async fn say(&mut self, message: Value) {
        self.write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    pub(crate) async fn tell(&mut self, method: &str, params: Value) {
        self.say(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }
    pub(crate) async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }
    pub(crate) async fn hear(&mut self) -> Value {
        let mut line = String::new();
        let read = self.read.read_line(&mut line);
        let read = tokio::time::timeout(Duration::from_secs(30), read).await;
        assert!(read.unwrap_or_else(|_| panic!("the server is silent")).unwrap() > 0, "it is gone");
        serde_json::from_str(&line).unwrap()
    }
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.hear().await;
            if at(&message, "/id") == id && message.get("method").is_none() {
                return message;
            }
            self.told.push(message);
        }
    }
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await;
        answer.get("result").cloned().unwrap_or_else(|| panic!("no result: {answer}"))
    }
    pub(crate) async fn tools(&mut self) -> Vec<Value> {
        let answer = self.ask("tools/list", json!({})).await;
        at(&answer, "/result/tools").as_array().unwrap().clone()
    }
}

pub(crate) fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

pub(crate) fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(|tool| tool.get("name").and_then(Value::as_str).unwrap()).collect()
}
