//! The one door, driven directly: whatever a sandbox may hand it, the provider sees only what was
//! decided, recorded and in time.

mod applying; // a run that applies a decided plan: its tickets, and what stops it
mod intents; // what is written before and after an effect, and what becomes of it where it is not
mod limits; // how much a run may ask, and what it leaves behind when it is over

use crate::fixture::{Mood, Scene, call, scene, scene_until, state_of};
use interlock::{
    authority::Mode,
    gate::{Ended, MAX_PLANNED},
    journal::LogSigner,
    record::{Event, EventBody, Journal, Record, Recorder, WriteError, space},
    response::EffectStatus,
    sandbox::{Gate, GateAnswer, GuestCall},
    store::{Clock, Durability, Store},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub(super) const ALL: &[&str] = &["look", "tune", "wipe"];

pub(super) fn evict() -> GuestCall {
    call("tune", "evict", &["a", "k"])
}

pub(super) async fn code(scene: &Scene, call: GuestCall) -> String {
    match scene.gate.call(call).await {
        GateAnswer::Result(_) => "ok".to_owned(),
        GateAnswer::Denied { code, .. } => code.into_owned(),
        GateAnswer::End { code, .. } => code.into_owned(),
    }
}

/// Waits for something, and not for ever.
pub(super) async fn comes(what: &str, come: impl Fn() -> bool) {
    let start = Instant::now();
    while !come() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn moody(mode: Mode, mood: Mood) -> Scene {
    let deadline = match mood {
        Mood::Hangs | Mood::Blocks | Mood::Slow | Mood::Ponders => Duration::from_secs(1),
        _ => Duration::from_secs(60),
    };
    let scene = scene_until(mode, ALL, "cache/a", deadline);
    *scene.cache.mood.lock().unwrap() = mood;
    scene
}

#[tokio::test]
async fn one_door_what_is_not_permitted_never_reaches_a_provider() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    let calls = [
        (call("look", "stats", &["b"]), "outside-grant"),
        (call("look", "stats", &["a/b"]), "bad-resource"),
        (call("look", "stats", &[]), "malformed-call"),
        (call("look", "flush", &["a"]), "malformed-call"),
        (GuestCall { arguments: Err("NaN".into()), ..evict() }, "malformed-call"),
        (call("other", "flush", &["a"]), "malformed-call"),
        (call("tune", "evict", &["a", "../b"]), "bad-resource"),
        (call("tune", "evict", &["b", "k"]), "outside-grant"),
        (call("wipe", "flush", &["a"]), "needs-approval"),
    ];
    for (call, expected) in calls {
        assert_eq!(code(&scene, call.clone()).await, expected, "{call:?}");
    }
    assert_eq!(
        scene.cache.count("read") + scene.cache.count("forecast") + scene.cache.count("perform"),
        0
    );
    // Each was told to the operator, with what would permit it, and to the caller.
    let mut log = scene.gate.log();
    assert_eq!(log.denied.len(), 9);
    let (steps, dropped) = log.transcript.take();
    assert_eq!((steps.len(), dropped), (9, 0));
    let first = serde_json::to_value(&steps[0]).unwrap();
    assert_eq!(
        first["would_permit"],
        json!(
            "[[plugin.grant]] capability = \"acme:cache/look@1.0.0\", functions = [\"stats\"], resources = [\"cache/b\"]"
        )
    );
}

#[tokio::test]
async fn one_door_what_is_permitted_is_recorded() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "ok");
    assert_eq!(code(&scene, evict()).await, "ok");
    let order = ["read", "forecast", "intent", "perform", "performed", "outcome"];
    assert_eq!(*scene.cache.seen.lock().unwrap(), order);
    let effects = scene.gate.log().effects;
    assert_eq!(effects[0].status, EffectStatus::Done);
    assert_eq!(scene.memory.last()["revisions"], json!({"cache/a/key/k": "after"}));
}

#[tokio::test]
async fn absent_not_denied_a_run_without_a_live_function_holds_no_provider() {
    // `wipe` alone: withheld in a call, so nothing of the provider is held.
    let held = |mode, granted: &[&str]| {
        std::sync::Arc::strong_count(&scene(mode, granted, "cache/a").cache)
    };
    assert_eq!(held(Mode::Call, &["wipe"]), 1);
    assert_eq!(held(Mode::Call, &[]), 1);
    // A plan holds a reader and a forecaster, and nothing that performs; a call holds all three.
    assert_eq!(held(Mode::Plan, &["wipe"]), 3);
    assert_eq!(held(Mode::Call, &["tune"]), 4);
}

#[tokio::test]
async fn fail_closed_without_an_intent_there_is_no_effect() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    *scene.memory.fails_at.lock().unwrap() = Some("intent");
    assert_eq!(code(&scene, evict()).await, "host-fault");
    assert_eq!(scene.cache.count("perform"), 0);
    assert!(scene.gate.log().effects.is_empty());
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_is_unknown() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    *scene.memory.fails_at.lock().unwrap() = Some("outcome");
    assert_eq!(code(&scene, evict()).await, "unknown");
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Unknown);
}

#[tokio::test]
async fn a_freeze_stops_effects_and_not_reads() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    state_of(scene.state.path()).set("fire").unwrap();
    assert_eq!(code(&scene, evict()).await, "frozen");
    // Nobody is asked what would happen, and nothing is written of what does not.
    assert_eq!(*scene.cache.seen.lock().unwrap(), [""; 0]);
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "ok");
    assert_eq!(scene.cache.count("perform"), 0);
    assert!(state_of(scene.state.path()).clear().unwrap());
    assert_eq!(code(&scene, evict()).await, "ok");
}

#[tokio::test]
async fn fail_closed_a_freeze_that_cannot_be_read_stops_effects() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    let switch = scene.state.path().join("frozen");
    std::fs::create_dir(&switch).unwrap();
    assert_eq!(code(&scene, evict()).await, "frozen");
    std::fs::remove_dir(&switch).unwrap();
    std::os::unix::fs::symlink("/nonexistent", &switch).unwrap();
    assert_eq!(code(&scene, evict()).await, "frozen");
    // Without its folder, nobody could tell.
    std::fs::remove_dir_all(scene.state.path()).unwrap();
    assert_eq!(code(&scene, evict()).await, "frozen");
    std::fs::create_dir(scene.state.path()).unwrap();
    assert_eq!(code(&scene, evict()).await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_answer_ends_the_run_in_time() {
    for mood in [Mood::Hangs, Mood::Blocks] {
        let scene = moody(Mode::Call, mood);
        let start = Instant::now();
        assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "time", "{mood:?}");
        assert!(start.elapsed() < Duration::from_millis(3500), "{mood:?}");
    }
}

/// A forecaster that cannot be interrupted answers when nobody waits for it any more: past the deadline, or because
/// the call was given up. What it forecast is not done then.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn intent_before_effect_nothing_starts_once_the_run_is_over() {
    let over = async |scene: &Scene| {
        comes("the forecast", || scene.cache.count("forecasted") > 0).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(scene.cache.count("perform"), 0);
        assert_eq!(scene.memory.kinds(), [""; 0]);
        assert!(scene.gate.log().effects.is_empty());
        assert_eq!(scene.tasks.under_way(), 0);
    };
    let late = moody(Mode::Call, Mood::Ponders);
    assert_eq!(code(&late, evict()).await, "time");
    over(&late).await;

    let dropped = moody(Mode::Call, Mood::Ponders);
    let call = dropped.gate.call(evict());
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    over(&dropped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_an_effect_past_the_deadline_is_unknown_and_still_writes_its_outcome() {
    let scene = moody(Mode::Call, Mood::Slow);
    assert_eq!(code(&scene, evict()).await, "unknown");
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Unknown);
    assert_eq!(scene.tasks.under_way(), 1);
    assert_eq!(scene.memory.kinds(), ["intent"]);
    assert!(scene.tasks.drained(Duration::from_secs(30)).await);
    assert_eq!(scene.memory.kinds(), ["intent", "outcome"]);
    assert_eq!(scene.memory.last()["status"], "done");
    assert_eq!(scene.cache.count("perform"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_a_panicking_or_failing_provider_leaves_the_effect_unknown() {
    for mood in [Mood::Panics, Mood::Faults] {
        let scene = moody(Mode::Call, mood);
        assert_eq!(code(&scene, evict()).await, "unknown");
        assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Unknown);
        assert_eq!(scene.tasks.under_way(), 0);
        let scene = moody(Mode::Call, mood);
        assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "host-fault");
    }
}

#[tokio::test]
async fn an_effect_that_reaches_beyond_its_grant_is_denied() {
    for mode in [Mode::Call, Mode::Plan] {
        let scene = moody(mode, Mood::Reaches);
        assert_eq!(code(&scene, evict()).await, "touches-outside-grant");
        assert_eq!(scene.cache.count("perform"), 0);
        assert!(scene.gate.log().planned().is_empty());
    }
}

#[tokio::test]
async fn an_effect_that_cannot_be_forecast_does_not_happen() {
    let scene = moody(Mode::Call, Mood::Vague);
    assert_eq!(code(&scene, evict()).await, "inexact");
    assert_eq!(scene.cache.count("perform"), 0);
    let scene = moody(Mode::Plan, Mood::Vague);
    assert_eq!(code(&scene, evict()).await, "horizon");
}

#[tokio::test]
async fn a_plan_forecasts_and_performs_nothing() {
    let scene = scene(Mode::Plan, ALL, "cache/a");
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, call("wipe", "flush", &["a"])).await, "ok");
    assert_eq!(scene.cache.count("perform"), 0);
    let kinds = scene.memory.kinds();
    assert!(kinds.is_empty(), "{kinds:?}");
    let planned = scene.gate.log().planned();
    assert_eq!(planned[1].forecast.revision.as_str(), "r1");
    assert_eq!(planned[0].forecast.note.as_ref().unwrap().len(), 400);
}

#[tokio::test]
async fn a_plan_ends_at_a_read_of_what_it_changes() {
    let scene = scene(Mode::Plan, ALL, "cache");
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "ok");
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, call("look", "stats", &["b"])).await, "ok");
    // The cluster of an evicted key.
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "horizon");
    assert!(matches!(scene.gate.log().ended, Some(Ended::Horizon(_))));
}

#[tokio::test]
async fn a_plan_has_a_length() {
    let scene = scene(Mode::Plan, ALL, "cache/a");
    for _ in 0..MAX_PLANNED {
        assert_eq!(code(&scene, evict()).await, "ok");
    }
    assert_eq!(code(&scene, evict()).await, "horizon");
}

#[tokio::test]
async fn calls_and_bytes_run_out() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    for _ in 0..60 {
        assert_eq!(code(&scene, call("look", "stats", &["b"])).await, "outside-grant");
    }
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "host-calls");
    // A flood of equal denials is one line with a count.
    assert_eq!(scene.gate.log().denied[0].count, 60);

    let scene = crate::fixture::scene(Mode::Call, ALL, "cache/a");
    let big = GuestCall { bytes: 5000, ..call("look", "stats", &["a"]) };
    assert_eq!(code(&scene, big).await, "host-bytes");
    assert_eq!(scene.cache.count("read"), 0);
}

/// A provider that waited for its lock asks again before it acts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_stops_an_effect_that_waits_for_its_turn() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    *scene.cache.mood.lock().unwrap() = Mood::Slow;
    let freeze = state_of(scene.state.path());
    let frozen = async {
        comes("the effect", || scene.cache.count("perform") > 0).await;
        freeze.set("fire").unwrap();
    };
    let (code, ()) = tokio::join!(code(&scene, evict()), frozen);
    assert_eq!(code, "frozen");
    assert_eq!(scene.cache.count("performed"), 0);
    assert_eq!(scene.memory.kinds(), ["intent", "outcome"]);
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Refused);
}

#[tokio::test]
async fn a_run_that_plans_tells_the_world_outside_no_more_than_its_budget() {
    let look = || call("look", "stats", &["a"]);
    let planning = moody(Mode::Plan, Mood::Tells);
    for _ in 0..4 {
        assert_eq!(code(&planning, look()).await, "ok");
    }
    // The one that would exceed it is not made.
    assert_eq!(code(&planning, look()).await, "plan-bytes");
    assert_eq!(planning.cache.count("read"), 4);
    // An effect that is looked at counts like a read.
    let planning = moody(Mode::Plan, Mood::Tells);
    for _ in 0..4 {
        code(&planning, look()).await;
    }
    assert_eq!(code(&planning, evict()).await, "plan-bytes");
    assert_eq!(planning.cache.count("forecast"), 0);
    // A run that acts was decided on.
    let calling = moody(Mode::Call, Mood::Tells);
    for _ in 0..10 {
        assert_eq!(code(&calling, look()).await, "ok");
    }
}

#[tokio::test]
async fn what_may_not_be_read_while_planning_is_where_the_plan_ends() {
    let planning = moody(Mode::Plan, Mood::Shy);
    assert_eq!(code(&planning, call("look", "stats", &["a"])).await, "horizon");
    assert_eq!(planning.cache.count("read"), 0);
    let calling = moody(Mode::Call, Mood::Shy);
    assert_eq!(code(&calling, call("look", "stats", &["a"])).await, "ok");
}

#[tokio::test]
async fn what_a_resource_does_not_allow_is_denied_and_told_to_the_operator() {
    let scene = moody(Mode::Call, Mood::Strict);
    assert_eq!(code(&scene, call("look", "stats", &["a"])).await, "not-here");
    let denied = &scene.gate.log().denied[0];
    assert_eq!(
        (denied.code.as_str(), denied.message.as_str()),
        ("not-here", "it is listed nowhere")
    );
    let (steps, _) = scene.gate.log().transcript.take();
    assert!(serde_json::to_string(&steps).unwrap().contains("not-here"));
}

/// An approval that everybody sees as expired has no ticket left.
#[tokio::test]
async fn plan_is_the_grant_no_ticket_is_good_in_the_moment_in_which_its_approval_ends() {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicU64::new(999));
    let told = time.clone();
    let clock: Clock = Arc::new(move || told.load(Ordering::SeqCst));
    let signer = LogSigner::from_seed("example/log", &[7; 32]).unwrap();
    let file = folder.path().join("journal.db");
    let store = Store::open(&file, signer, Durability::Full, clock).unwrap();
    let journal = Journal::new(store, Vec::new());
    let ticket = |key: &str| {
        Record::of(Event::alone(EventBody::Thaw)).once(space::TICKET, key).until(Some(1000))
    };
    journal.write(ticket("1")).await.unwrap();
    time.store(1000, Ordering::SeqCst);
    let late = journal.write(ticket("2")).await;
    assert!(matches!(late, Err(WriteError::Late)), "{late:?}");
}
