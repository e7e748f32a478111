//! Hosts, gates and grants for tests.

use async_trait::async_trait;
use interlock_authority::{
    Authorized, Catalogue, Grant, Invocation, Mode, Principal, authorize,
    catalogue::CatalogueSource,
};
use interlock_sandbox::{
    AdmissionError, Admitted, Compiler, Gate, GateAnswer, GuestCall, Inspection, Interrupt,
    LimitKind, Limits, PluginBytes, RunOutcome, RunReport, RunSettings, Sandbox, SandboxSettings,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant, SystemTime},
};

pub(crate) const OBSERVE: &str = "interlock:environment/observe@0.1.0";
pub(crate) const REMEDIATE: &str = "interlock:environment/remediate@0.1.0";
pub(crate) const TEARDOWN: &str = "interlock:environment/teardown@0.1.0";
pub(crate) const PLAIN: &str = "acme:plain/calls@1.0.0";

const ENVIRONMENT: &str = r#"
wit = "environment.wit"
[interface."interlock:environment/observe@0.1.0"]
provider = "environment"
function.list-environments = { class = "read", resource = "environment" }
function.list-services = { class = "read", resource = "environment/{environment}" }
function.service-status = { class = "read", resource = "environment/{environment}/service/{service}" }
function.read-config = { class = "read", resource = "environment/{environment}/service/{service}" }
function.logs = { class = "read", resource = "environment/{environment}/service/{service}" }
[interface."interlock:environment/remediate@0.1.0"]
provider = "environment"
function.restart-service = { class = "change", resource = "environment/{environment}/service/{service}" }
function.set-config = { class = "change", resource = "environment/{environment}/service/{service}" }
function.rollback-config = { class = "change", resource = "environment/{environment}/service/{service}" }
function.scale-service = { class = "change", resource = "environment/{environment}/service/{service}" }
[interface."interlock:environment/teardown@0.1.0"]
provider = "environment"
function.stop-service = { class = "destroy", resource = "environment/{environment}/service/{service}" }
function.delete-service = { class = "destroy", resource = "environment/{environment}/service/{service}" }
function.delete-environment = { class = "destroy", resource = "environment/{environment}" }
function.recreate-environment = { class = "destroy", resource = "environment/{environment}" }
"#;

const PLAIN_TOML: &str = r#"
wit = "plain.wit"
[interface."acme:plain/calls@1.0.0"]
provider = "plain"
function.ping = { class = "read", resource = "plain" }
function.put = { class = "change", resource = "plain" }
function.weigh = { class = "read", resource = "plain" }
function.bare = { class = "change", resource = "plain" }
"#;

const PLAIN_WIT: &str = "package acme:plain@1.0.0;
interface calls {
  variant oops { denied, other(string) }
  ping: func() -> u32;
  put: func(data: string);
  weigh: func(x: f64) -> f64;
  bare: func() -> result<_, oops>;
}";

pub(crate) fn catalogue() -> Catalogue {
    let environment = include_str!("../../../../guest-sdk/wit/environment/environment.wit");
    let source = |file: &str, text: &str, name: &str, wit: &str| CatalogueSource {
        file: file.into(),
        text: text.into(),
        wit: vec![(name.into(), wit.into())],
    };
    Catalogue::load(&[
        source("environment.toml", ENVIRONMENT, "environment.wit", environment),
        source("plain.toml", PLAIN_TOML, "plain.wit", PLAIN_WIT),
    ])
    .expect("the test catalogues fit their WIT")
}

/// One sandbox for the whole binary: a limit that broke the engine would break every later test.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let compiler = Compiler::InProcess;
        Sandbox::new(SandboxSettings { cache: None, compiler }).expect("the sandbox starts")
    })
}

pub(crate) fn grant(interface: &str) -> Grant {
    let resources = ["environment", "plain"].map(|r| r.parse().expect("a resource")).to_vec();
    Grant::standing(interface.parse().expect("an interface"), None, resources)
}

pub(crate) fn plugin(text: &str) -> PluginBytes {
    PluginBytes::from_file_bytes(text.as_bytes().to_vec()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub(crate) async fn admit(text: &str, grants: &[&str]) -> Result<Admitted, AdmissionError> {
    let grants: Vec<Grant> = grants.iter().map(|name| grant(name)).collect();
    sandbox().admit(&plugin(text), "test", &grants, &catalogue()).await
}

pub(crate) async fn inspect(text: &str) -> Result<Inspection, AdmissionError> {
    sandbox().inspect(&plugin(text), &catalogue()).await
}

/// An authorization of a tool, with all interfaces granted that the plugin imports.
pub(crate) fn authorized(admitted: &Admitted, tool: &str, mode: Mode) -> Authorized {
    let grants: Vec<Grant> = admitted.imports.keys().map(|name| grant(name.as_str())).collect();
    authorized_with(admitted, tool, mode, &grants, &admitted.imports.clone())
}

pub(crate) fn authorized_with(
    admitted: &Admitted,
    tool: &str,
    mode: Mode,
    grants: &[Grant],
    imports: &interlock_authority::authorize::Imports,
) -> Authorized {
    let principal: Principal = "Agent::test".parse().expect("a principal");
    let known = BTreeSet::from([principal.clone()]);
    let uses = admitted.tool(tool).and_then(|tool| tool.uses.clone());
    let invocation = Invocation {
        principal: &principal,
        known_principals: &known,
        plugin: "test",
        digest: admitted.digest,
        publisher: None,
        imports,
        grants,
        tool,
        uses: uses.as_deref(),
        mode,
    };
    let catalogue = std::sync::Arc::new(catalogue());
    let policies =
        interlock_authority::Policies::where_granted(&catalogue).expect("the policies load");
    authorize(&invocation, &catalogue, &policies).expect("it is authorized")
}

/// A gate that keeps the calls and answers by a function.
pub(crate) struct TestGate {
    pub(crate) calls: Mutex<Vec<GuestCall>>,
    answer: Box<dyn Fn(&GuestCall) -> GateAnswer + Send + Sync>,
    delay: Duration,
}

impl TestGate {
    pub(crate) fn new(
        answer: impl Fn(&GuestCall) -> GateAnswer + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (calls, answer) = (Mutex::default(), Box::new(answer));
        Arc::new(Self { calls, answer, delay: Duration::ZERO })
    }
    pub(crate) fn slow(delay: Duration) -> Arc<Self> {
        let answer = Box::new(|_: &GuestCall| GateAnswer::Result(json!({"ok": null})));
        Arc::new(Self { calls: Mutex::default(), answer, delay })
    }
    /// Answers `{"ok": null}`.
    pub(crate) fn ok() -> Arc<Self> {
        Self::new(|_| GateAnswer::Result(json!({"ok": null})))
    }
    pub(crate) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

#[async_trait]
impl Gate for TestGate {
    async fn call(&self, call: GuestCall) -> GateAnswer {
        let answer = (self.answer)(&call);
        self.calls.lock().unwrap().push(call);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        answer
    }
}

pub(crate) fn settings(limits: Limits) -> RunSettings {
    RunSettings {
        limits,
        preopens: Vec::new(),
        clock_base: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        seed: [7; 32],
        deadline: None,
        interrupt: Interrupt::default(),
    }
}

pub(crate) fn quick() -> Limits {
    Limits { time: Duration::from_millis(500), ..Limits::default() }
}

pub(crate) async fn run_with(
    admitted: &Admitted,
    tool: &str,
    arguments: Value,
    settings: RunSettings,
    gate: Arc<TestGate>,
) -> RunReport {
    let authorized = authorized(admitted, tool, Mode::Call);
    sandbox().run(admitted, &authorized, &arguments, settings, gate).await
}

pub(crate) async fn run(admitted: &Admitted, tool: &str, arguments: Value) -> RunReport {
    run_with(admitted, tool, arguments, settings(Limits::default()), TestGate::ok()).await
}

/// Admits a plain component, runs one tool under quick limits, and checks that it ends in time by the
/// limit, and that the next call of another plugin is served.
pub(crate) async fn hits(
    text: &str,
    grants: &[&str],
    tool: &str,
    limits: Limits,
    gate: Arc<TestGate>,
    expected: LimitKind,
) -> String {
    let admitted = admit(text, grants).await.unwrap();
    let time = limits.time;
    let started = Instant::now();
    let report = run_with(&admitted, tool, json!({}), settings(limits), gate).await;
    // Generous, because tests share two cores; without the limit these runs never end.
    assert!(started.elapsed() < time + Duration::from_secs(3), "late: {:?}", started.elapsed());
    let RunOutcome::Limit { limit, message } = report.outcome else {
        panic!("not a limit: {report:?}")
    };
    assert_eq!(limit, expected, "{message}");
    next_call_is_served().await;
    message
}

pub(crate) async fn next_call_is_served() {
    let admitted = admit(crate::text::ADD, &[]).await.unwrap();
    let report = run(&admitted, "add", json!({"a": 20, "b": 22})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!(42)));
}
