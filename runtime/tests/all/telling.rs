//! What a run that plans can carry out through a real endpoint: the built-in catalogue and provider behind a gate,
//! and a server that counts what reached it.

use crate::fixture::Memory;
use interlock::{
    authority::{
        Catalogue, Digest, Grant, InterfaceName, Invocation, Mode, Policies, Principal, authorize,
    },
    freeze::Freeze,
    gate::{EffectTasks, GateParts, RunGate},
    providers::{
        Provider,
        http::{Endpoint, EndpointSettings, HttpProvider, Private, SystemResolver, catalogue},
        secrets::Secrets,
    },
    sandbox::{Gate, GateAnswer, GuestCall},
    seal::Seal,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// Answers each request, and keeps its first line.
fn server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = seen.clone();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.extend_from_slice(&byte);
            }
            let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
            kept.lock().unwrap().push(line);
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, seen)
}

fn gate(port: u16, mode: Mode, state: &std::path::Path) -> RunGate {
    let catalogue = Arc::new(Catalogue::load(&[catalogue()]).unwrap());
    let principal: Principal = "Agent::bot".parse().unwrap();
    let fetch: InterfaceName = "interlock:http/fetch@0.1.0".parse().unwrap();
    let imports: BTreeMap<_, BTreeSet<String>> = [(fetch.clone(), ["get".into()].into())].into();
    let asked = Invocation {
        principal: &principal,
        known_principals: &[principal.clone()].into(),
        plugin: "talker",
        digest: Digest::from_bytes([7; 32]),
        publisher: None,
        imports: &imports,
        grants: &[Grant::standing(fetch, None, vec!["http".parse().unwrap()])],
        tool: "talk",
        uses: None,
        mode,
    };
    let policies = Policies::where_granted(&catalogue).unwrap();
    let settings = EndpointSettings {
        methods: vec!["GET".into()],
        paths: vec!["{any...}".into()],
        query: [("q".into(), 64)].into(),
        plan: true,
        private: Private::Own,
        ..EndpointSettings::at(format!("http://127.0.0.1:{port}"))
    };
    let endpoints = [("s".to_owned(), Endpoint::new(settings).unwrap())].into();
    let provider =
        HttpProvider::new(endpoints, Secrets::default(), state, Arc::new(SystemResolver));
    let parts = GateParts {
        invocation: "01TEST".into(),
        authorized: authorize(&asked, &catalogue, &policies).unwrap(),
        catalogue,
        policies: Arc::new(policies),
        applying: None,
        recorder: Arc::new(Memory::default()),
        freeze: Freeze::in_state(state),
        seal: Seal::none(),
        host_calls: 10_000,
        host_bytes: 16 << 20,
        recording: 0,
        plan_bytes: interlock::config::RunLimits::default().plan_bytes,
        deadline: Instant::now() + Duration::from_secs(60),
        tasks: EffectTasks::default(),
    };
    RunGate::new(parts, &[("http".to_owned(), Provider::new(Arc::new(provider)))].into())
}

/// Tells one piece; the code where it was not told.
async fn tell(gate: &RunGate, piece: &str) -> Result<(), String> {
    let call = GuestCall {
        interface: "interlock:http/fetch@0.1.0".parse().unwrap(),
        function: "get".into(),
        arguments: Ok(vec![
            json!("s"),
            json!("a"),
            json!([{"name": "q", "value": piece}]),
            json!([]),
        ]),
        bytes: 100,
    };
    match gate.call(call).await {
        GateAnswer::Result(_) => Ok(()),
        GateAnswer::End { code, .. } | GateAnswer::Denied { code, .. } => Err(code.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kibibyte_through_queries_stops_at_the_budget() {
    let state = tempfile::tempdir().unwrap();
    let pieces: Vec<String> = (0..16).map(|n| format!("{n:064x}")).collect();
    let (port, seen) = server();
    let planning = gate(port, Mode::Plan, state.path());
    let mut stopped = None;
    for piece in &pieces {
        if let Err(code) = tell(&planning, piece).await {
            stopped = Some(code);
            break;
        }
    }
    assert_eq!(stopped.as_deref(), Some("plan-bytes"));
    // Each piece is charged with its path and the name that it has.
    assert_eq!(seen.lock().unwrap().len(), 1024 / (64 + 2));
    let told: usize =
        seen.lock().unwrap().iter().map(|l| l.split("q=").nth(1).unwrap().len() - 9).sum();
    assert!(told < 1024, "{told}");
    // Refused by the endpoint's own bound: a piece that is longer.
    assert_eq!(
        tell(&gate(port, Mode::Plan, state.path()), &pieces.concat()).await,
        Err("query-too-long".to_owned())
    );
    // A run that acts was decided on, and has the run's other budgets.
    let calling = gate(port, Mode::Call, state.path());
    for piece in &pieces {
        assert_eq!(tell(&calling, piece).await, Ok(()));
    }
}
