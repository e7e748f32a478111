//! The whole flow through a host, with a component that calls a capability of this test's own: limits
//! that a provider meets, and who may ask.

use crate::fixture::{Cache, Memory, Mood, grant, host_of};
use interlock::{
    Host, Outcome, PlanEnd, Request, Response,
    install::{Install, install},
    response::EffectStatus,
    sandbox::PluginBytes,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// `look` and `change` call the capability and return 0 where its result is `ok`, else 1. `look-then-change`
/// evicts another key where the look was no good.
pub(crate) const CALLER: &str = concat!(
    crate::fixture::calls_the_cache!(),
    r#"    (data (i32.const 16) "akz")
    (func (export "look") (result i32)
      (call $stats (i32.const 16) (i32.const 1) (i32.const 64)) (i32.load8_u (i32.const 64)))
    (func (export "change") (result i32)
      (call $evict (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 1) (i32.const 64))
      (i32.load8_u (i32.const 64)))
    (func (export "look-then-change") (result i32)
      (call $stats (i32.const 16) (i32.const 1) (i32.const 64))
      (call $evict (i32.const 16) (i32.const 1)
        (i32.add (i32.const 17) (i32.load8_u (i32.const 64))) (i32.const 1) (i32.const 64))
      (i32.load8_u (i32.const 64)))
    (func (export "change-then-look") (result i32)
      (call $evict (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 1) (i32.const 64))
      (call $stats (i32.const 16) (i32.const 1) (i32.const 64)) (i32.load8_u (i32.const 64))))
"#,
    crate::fixture::and_is_one_instance!(),
    r#"  (func (export "look") (result u32) (canon lift (core func $i "look")))
  (func (export "change") (result u32) (canon lift (core func $i "change")))
  (func (export "look-then-change") (result u32) (canon lift (core func $i "look-then-change")))
  (func (export "change-then-look") (result u32) (canon lift (core func $i "change-then-look"))))"#
);

struct Deployment {
    host: Host,
    cache: Arc<Cache>,
    memory: Arc<Memory>,
    _folder: tempfile::TempDir,
}

async fn deployment(resource: &str) -> Deployment {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("interlock.toml");
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    std::fs::write(folder.path().join("policies/test.cedar"), crate::fixture::POLICIES).unwrap();
    let text = "policies = \"policies\"\n[agents.bot]\n[limits]\ntime = \"2s\"\n";
    std::fs::write(&file, text).unwrap();
    let seen = Arc::default();
    let cache = Arc::new(Cache { seen: Arc::clone(&seen), ..Cache::default() });
    let memory = Arc::new(Memory { seen, ..Memory::default() });
    let build = || {
        host_of(&file, &cache).recorder(memory.clone()).build().unwrap_or_else(|e| panic!("{e}"))
    };
    let plugin = PluginBytes::from_file_bytes(CALLER.as_bytes().to_vec()).unwrap();
    let wanted = Install {
        name: "caller".into(),
        grants: Some(vec![grant("look", &[resource]), grant("tune", &[resource])]),
        preopens: None,
    };
    install(&build(), &plugin, &wanted).await.unwrap();
    Deployment { host: build(), cache, memory, _folder: folder }
}

impl Deployment {
    fn mood(&self, mood: Mood) {
        *self.cache.mood.lock().unwrap() = mood;
    }
    fn request(tool: &str, principal: &str) -> Request {
        Request::new(principal.parse().unwrap(), "caller", tool, json!({}))
    }
    async fn call(&self, tool: &str) -> Response {
        self.host.call(Self::request(tool, "Agent::bot")).await.unwrap()
    }
    async fn is_served(&self) {
        self.mood(Mood::Well);
        let response = self.call("look").await;
        assert!(
            matches!(&response.outcome, Outcome::Done { result } if *result == json!(0)),
            "{response:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_past_the_deadline_is_a_limit_and_the_next_call_is_served() {
    let deployment = deployment("cache/a").await;
    for mood in [Mood::Hangs, Mood::Blocks] {
        deployment.mood(mood);
        let start = Instant::now();
        let response = deployment.call("look").await;
        assert_eq!(response.outcome.exit_code(), 5, "{mood:?}: {response:?}");
        assert_eq!(response.outcome.code(), "time");
        assert!(start.elapsed() < Duration::from_millis(4500), "{mood:?}");
        deployment.is_served().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_an_effect_past_the_deadline_is_told_as_unknown() {
    let deployment = deployment("cache/a").await;
    deployment.mood(Mood::Slow);
    let response = deployment.call("change").await;
    assert!(matches!(response.outcome, Outcome::Unknown { .. }), "{response:?}");
    assert_eq!(response.outcome.exit_code(), 5);
    assert_eq!(response.happened[0].status, EffectStatus::Unknown);
    assert!(deployment.host.drain(Duration::from_secs(30)).await);
    assert_eq!(deployment.memory.last()["event"], "outcome");
    assert_eq!(deployment.memory.last()["status"], "done");
    deployment.is_served().await;
}

#[tokio::test]
async fn a_run_is_told_from_request_to_end() {
    let deployment = deployment("cache/a").await;
    let response = deployment.call("change").await;
    assert!(matches!(&response.outcome, Outcome::Done { result } if *result == json!(0)));
    let kinds = deployment.memory.kinds();
    let run: Vec<&str> =
        kinds.iter().map(String::as_str).skip_while(|k| *k != "decision").collect();
    assert_eq!(run, ["decision", "intent", "outcome", "recording", "ended"]);
}

#[tokio::test]
async fn a_denied_call_is_told_to_the_guest_in_its_own_words_or_ends_the_run() {
    let deployment = deployment("cache/b").await;
    // `evict` can say `denied`: the tool gets its error and goes on.
    let response = deployment.call("change").await;
    assert!(
        matches!(&response.outcome, Outcome::Done { result } if *result == json!(1)),
        "{response:?}"
    );
    assert_eq!(response.denied[0].code, "outside-grant");
    // `stats` cannot: the run ends, refused.
    let response = deployment.call("look").await;
    assert!(matches!(&response.outcome, Outcome::Refused { code, .. } if code == "outside-grant"));
    assert_eq!(response.outcome.exit_code(), 3);
    assert_eq!(deployment.cache.count("read") + deployment.cache.count("forecast"), 0);
}

#[tokio::test]
async fn a_plan_performs_nothing_and_says_where_it_ends() {
    let deployment = deployment("cache/a").await;
    let plan = |tool| deployment.host.plan(Deployment::request(tool, "Agent::bot"));
    let response = plan("change").await.unwrap();
    let Outcome::Planned { effects, end, result } = response.outcome else { panic!("not a plan") };
    assert_eq!((effects.len(), end, result), (1, PlanEnd::Complete, Some(json!(0))));
    let response = plan("change-then-look").await.unwrap();
    let Outcome::Planned { effects, end, .. } = response.outcome else { panic!("not a plan") };
    assert_eq!(effects.len(), 1);
    assert!(matches!(end, PlanEnd::Horizon { reason } if reason.contains("cache/a")));
    assert_eq!(deployment.cache.count("perform"), 0);
}

#[tokio::test]
async fn fail_closed_nobody_unknown_is_served_and_no_record_means_no_run() {
    let deployment = deployment("cache/a").await;
    for nobody in ["Agent::other", "Person::bot"] {
        let response = deployment.host.call(Deployment::request("look", nobody)).await.unwrap();
        assert!(
            matches!(&response.outcome, Outcome::Refused { code, .. } if code == "unknown-principal")
        );
    }
    *deployment.memory.fails_at.lock().unwrap() = Some("decision");
    assert!(deployment.host.call(Deployment::request("look", "Agent::bot")).await.is_err());
    assert_eq!(deployment.cache.count("read"), 0);
}

/// What happened is told even where it cannot be written down any more.
#[tokio::test]
async fn a_run_whose_end_cannot_be_recorded_still_tells_its_effects() {
    let deployment = deployment("cache/a").await;
    *deployment.memory.fails_at.lock().unwrap() = Some("ended");
    let response = deployment.call("change").await;
    assert!(
        matches!(&response.outcome, Outcome::HostFault { message } if message.contains("ended `done`")),
        "{response:?}"
    );
    assert_eq!(response.happened[0].status, EffectStatus::Done);
    assert_eq!(response.outcome.exit_code(), 5);
}
