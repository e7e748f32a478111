//! Runs that are done again: from the journal alone, step by step, and told apart from what another build does.

use crate::{
    fixture::{Cache, Mood, POLICIES, grant, host_of},
    pipeline::CALLER,
};
use interlock::{
    Host, HostError, Outcome, Request,
    install::{Install, install},
    record::{Asked, Recording},
    replay::{Difference, Player, Replayed, Verdict, recordings},
    sandbox::PluginBytes,
};
use serde_json::{Value, json};
use std::sync::Arc;

struct Scene {
    host: Host,
    cache: Arc<Cache>,
    folder: tempfile::TempDir,
}

fn bytes(text: &str) -> PluginBytes {
    PluginBytes::from_file_bytes(text.as_bytes().to_vec()).unwrap()
}

/// A host with `caller`, granted one cluster, and these limits.
async fn scene(plugin: &str, cluster: &str, limits: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    std::fs::write(folder.path().join("policies/test.cedar"), POLICIES).unwrap();
    let file = folder.path().join("interlock.toml");
    let text = format!("policies = \"policies\"\n[agents.bot]\n[limits]\n{limits}\n");
    std::fs::write(&file, text).unwrap();
    let cache = Arc::new(Cache::default());
    let build = || host_of(&file, &cache).build().unwrap_or_else(|e| panic!("{e}"));
    let wanted = |name: &str, preopens| Install {
        name: name.to_owned(),
        grants: Some(vec![grant("look", &[cluster]), grant("tune", &[cluster])]),
        preopens,
    };
    install(&build(), &bytes(plugin), &wanted("caller", None)).await.unwrap();
    let notes = ("notes".to_owned(), "/notes".to_owned());
    install(&build(), &bytes(plugin), &wanted("reader", Some(vec![notes]))).await.unwrap();
    Scene { host: build(), cache, folder }
}

impl Scene {
    async fn call_of(&self, plugin: &str, tool: &str) -> (String, Outcome) {
        let request = Request::new("Agent::bot".parse().unwrap(), plugin, tool, json!({}));
        let response = self.host.call(request).await.unwrap();
        (response.invocation, response.outcome)
    }
    async fn call(&self, tool: &str) -> String {
        self.call_of("caller", tool).await.0
    }
    fn seen(&self) -> usize {
        self.cache.seen.lock().unwrap().len()
    }
    async fn recorded(&self, invocation: &str) -> Vec<Recording> {
        recordings(&self.host, invocation).await.unwrap_or_else(|e| panic!("{e}"))
    }
    async fn replay(&self, invocation: &str, plugin: Option<&str>) -> Result<Replayed, HostError> {
        let run = self.recorded(invocation).await.remove(0);
        let plugin = plugin.map(bytes);
        Player::admit(&self.host, &run, plugin.as_ref()).await?.play(&run).await
    }
    async fn refusal(&self, invocation: &str) -> String {
        recordings(&self.host, invocation).await.unwrap_err().to_string()
    }
}

const WIDE: &str = "time = \"20s\"";
const TOOLS: [&str; 4] = ["look", "change", "look-then-change", "change-then-look"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_door_a_replay_is_answered_from_the_journal_and_asks_no_provider() {
    let scene = scene(CALLER, "cache/a", WIDE).await;
    for mood in [Mood::Well, Mood::Sour, Mood::Faults, Mood::Reaches, Mood::Vague] {
        *scene.cache.mood.lock().unwrap() = mood;
        for tool in TOOLS {
            let id = scene.call(tool).await;
            // Whatever the provider would say now.
            *scene.cache.mood.lock().unwrap() = Mood::Panics;
            let before = scene.seen();
            for _ in 0..10 {
                let replayed = scene.replay(&id, None).await.unwrap();
                assert_eq!(replayed.verdict, Verdict::Same, "{mood:?} {tool}: {replayed:?}");
                assert!(replayed.calls >= 1 && replayed.answered == replayed.calls);
            }
            assert_eq!(scene.seen(), before);
            *scene.cache.mood.lock().unwrap() = mood;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_denied_is_denied_again() {
    let scene = scene(CALLER, "cache/b", WIDE).await;
    for tool in TOOLS {
        let id = scene.call(tool).await;
        assert_eq!(scene.replay(&id, None).await.unwrap().verdict, Verdict::Same, "{tool}");
        let run = scene.recorded(&id).await.remove(0);
        let told = serde_json::to_value(&run.calls[0].answer).unwrap();
        assert_eq!(told.pointer("/denied/code"), Some(&json!("outside-grant")), "{told}");
    }
    assert_eq!(scene.seen(), 0);
}

/// The arguments of the first call that differs: as recorded, and now.
fn parted(replayed: &Replayed) -> (usize, Option<Vec<Value>>, Option<Vec<Value>>) {
    let arguments = |asked: &Option<Box<Asked>>| asked.as_ref().map(|a| a.arguments.clone());
    match &replayed.verdict {
        Verdict::Differs(Difference::Call { at, recorded, replayed }) => {
            (*at, arguments(recorded), arguments(replayed))
        }
        other => panic!("not at a call: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_plugin_is_told_at_the_step_where_it_parts() {
    let scene = scene(CALLER, "cache/a", WIDE).await;
    let id = scene.call("look-then-change").await;
    let changed = |old: &str, new: &str| {
        assert!(CALLER.contains(old));
        CALLER.replace(old, new)
    };
    let (a, k, z) = (json!("a"), json!("k"), json!("z"));

    // It evicts another key.
    let other = changed("(i32.add (i32.const 17)", "(i32.add (i32.const 18)");
    let parts = parted(&scene.replay(&id, Some(&other)).await.unwrap());
    assert_eq!(parts, (2, Some(vec![a.clone(), k.clone()]), Some(vec![a.clone(), z])));
    // It does not look first.
    let swapped = changed(
        "(func (export \"look-then-change\") (result i32)\n      (call $stats (i32.const 16) (i32.const 1) (i32.const 64))",
        "(func (export \"look-then-change\") (result i32)",
    );
    let parts = parted(&scene.replay(&id, Some(&swapped)).await.unwrap());
    assert_eq!(parts, (1, Some(vec![a.clone()]), Some(vec![a.clone(), k.clone()])));
    // It ends early.
    let lazy = changed(
        "(canon lift (core func $i \"look-then-change\"))",
        "(canon lift (core func $i \"look\"))",
    );
    let replayed = scene.replay(&id, Some(&lazy)).await.unwrap();
    assert_eq!(parted(&replayed), (2, Some(vec![a.clone(), k.clone()]), None));
    assert_eq!(replayed.answered, 1);
    // It goes on after the end, with the same bytes of the old one under another tool's recording.
    let looked = scene.call("look").await;
    let eager = changed(
        "(canon lift (core func $i \"look\"))",
        "(canon lift (core func $i \"look-then-change\"))",
    );
    let parts = parted(&scene.replay(&looked, Some(&eager)).await.unwrap());
    assert_eq!(parts, (2, None, Some(vec![a, k])));
    // It returns something else.
    let liar = changed(
        "(call $stats (i32.const 16) (i32.const 1) (i32.const 64)) (i32.load8_u (i32.const 64)))\n    (func (export \"change\")",
        "(call $stats (i32.const 16) (i32.const 1) (i32.const 64)) (i32.const 7))\n    (func (export \"change\")",
    );
    let verdict = scene.replay(&looked, Some(&liar)).await.unwrap().verdict;
    let Verdict::Differs(Difference::End { recorded, replayed }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(
        (&recorded.outcome, &replayed.outcome),
        (&json!({"returned": 0}), &json!({"returned": 7}))
    );
    // Another build that does the same is the same, whatever fuel it takes.
    let slower =
        changed("(data (i32.const 16)", "(func $spare (nop) (nop))\n    (data (i32.const 16)");
    let replayed = scene.replay(&id, Some(&slower)).await.unwrap();
    assert_ne!(replayed.recorded_digest, replayed.replayed_digest);
    assert_eq!(replayed.verdict, Verdict::Same);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_not_denied_what_the_recorded_run_did_not_import_is_not_run() {
    let looker = r#"(component
      (import "acme:cache/look@1.0.0" (instance $look
        (export "stats" (func (param "cluster" string) (result (result string (error string)))))))
      (core module $m (func (export "look") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "look") (result u32) (canon lift (core func $i "look"))))"#;
    let scene = scene(looker, "cache/a", WIDE).await;
    let id = scene.call("look").await;
    let error = scene.replay(&id, Some(CALLER)).await.unwrap_err().to_string();
    assert!(
        error.contains("acme:cache/tune@1.0.0") && error.contains("nothing was run"),
        "{error}"
    );
    let toolless = looker
        .replace("(func (export \"look\") (result u32)", "(func (export \"gaze\") (result u32)");
    let error = scene.replay(&id, Some(&toolless)).await.unwrap_err().to_string();
    assert!(error.contains("no tool `look`"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_again_says_why() {
    let off = scene(CALLER, "cache/a", "recording = \"0\"").await;
    let id = off.call("look").await;
    let said = off.refusal(&id).await;
    assert!(said.contains("nothing of it ran, or"), "{said}");
    assert!(off.refusal("01JD8Z5T3K9QW2M4X6Y8A0B1C2").await.contains("no invocation"));
    assert!(off.refusal("../\u{1b}").await.contains("no invocation `../\\u{1b}`"));
    drop(off);

    let short = scene(CALLER, "cache/a", "recording = \"60B\"").await;
    let id = short.call("look-then-change").await;
    let said = short.refusal(&id).await;
    assert!(said.contains("more bytes than"), "{said}");
    drop(short);

    let scene = scene(CALLER, "cache/a", WIDE).await;
    let (id, _) = scene.call_of("reader", "look").await;
    let said = scene.refusal(&id).await;
    assert!(said.contains("could read folders"), "{said}");
    // A plugin that is not installed any more, or whose file is gone.
    let id = scene.call("look").await;
    std::fs::remove_dir_all(scene.folder.path().join("plugins")).unwrap();
    let error = scene.replay(&id, None).await.unwrap_err();
    assert!(matches!(error, HostError::PinnedBytes { .. }), "{error}");
    assert_eq!(scene.replay(&id, Some(CALLER)).await.unwrap().verdict, Verdict::Same);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_ended_from_outside_is_compared_as_far_as_it_went() {
    let spin = CALLER.replace(
        "(func (export \"look\") (result i32)\n",
        "(func (export \"look\") (result i32) (loop $l (br $l))\n",
    );
    let scene = scene(&spin, "cache/a", "time = \"300ms\"").await;
    let id = scene.call("look").await;
    assert_eq!(scene.replay(&id, None).await.unwrap().verdict, Verdict::SameSoFar);
    assert_eq!(scene.replay(&id, Some(CALLER)).await.unwrap().verdict, Verdict::SameSoFar);
}
