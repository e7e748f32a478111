//! What is written before and after an effect, record by record: what must hold in the same transaction is what keeps
//! a ticket from a second use, a budget from being exceeded, and an approval that was taken back from being used.

use super::{
    ALL,
    applying::{applies, applying, by_policy},
    code, evict,
};
use crate::fixture::{Mood, Scene, authorized, authorized_by, call, grant, scene, scene_of};
use interlock::{
    HostError,
    authority::{Grant, Mode, budget::Budget, grant::Elevated},
    record::{Charge, Condition, Record, WriteError, space},
    response::EffectStatus,
    sandbox::{Gate, GateAnswer},
};
use serde_json::{Value, json};

type Marks<'a> = Vec<(&'a str, &'a str, bool)>;

fn marks(record: &Record) -> Marks<'_> {
    record.marks.iter().map(|m| (m.space.as_str(), m.key.as_str(), m.once)).collect()
}

fn absent(space: &str, key: &str) -> Condition {
    Condition::Absent { space: space.into(), key: key.into() }
}

fn present(space: &str, key: &str) -> Condition {
    Condition::Present { space: space.into(), key: key.into() }
}

fn event(record: &Record) -> Value {
    serde_json::to_value(&record.event).unwrap()
}

/// What was to be written, oldest first.
fn records(scene: &Scene) -> Vec<Record> {
    scene.memory.records.lock().unwrap().clone()
}

#[tokio::test]
async fn intent_before_effect_an_intent_tells_what_will_be_done_and_its_outcome_answers_it() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, call("tune", "evict", &["a", "z"])).await, "ok");
    let records = records(&scene);
    let of = (space::INVOCATION, "01TEST", false);
    let both = [
        [(space::INTENT, "01TEST/1", true), (space::OUTCOME, "01TEST/1", true)],
        [(space::INTENT, "01TEST/2", true), (space::OUTCOME, "01TEST/2", true)],
    ];
    assert_eq!(records.len(), 4);
    for (record, mark) in records.iter().zip(both.concat()) {
        assert_eq!(marks(record), [of, mark]);
        assert_eq!((record.conditions.len(), record.charges.len()), (0, 0));
        assert_eq!(record.not_after_ms, None);
    }
    assert_eq!(
        event(&records[0]),
        json!({
            "invocation": "01TEST",
            "event": "intent",
            "step": 1,
            "principal": "Agent::\"bot\"",
            "plugin": "cachebox",
            "digest": "07".repeat(32),
            "tool": "tidy",
            "interface": "acme:cache/tune@1.0.0",
            "function": "evict",
            "class": "change",
            "resource": "cache/a/key/k",
            "arguments": {"cluster": "a", "key": "k"},
            "revision": "r0",
            "touches": ["cache/a/key/k"],
            "policies": ["change"],
        })
    );
    assert_eq!(
        event(&records[3]),
        json!({
            "invocation": "01TEST",
            "event": "outcome",
            "step": 2,
            "status": "done",
            "revisions": {"cache/a/key/z": "after"},
        })
    );
}

#[tokio::test]
async fn plan_is_the_grant_an_intent_spends_its_ticket_while_the_approval_stands() {
    let may = by_policy(&[evict(), evict()]).await;
    let plan = may.plan().digest().unwrap();
    let scene = applies(may.clone());
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, evict()).await, "ok");
    let all = records(&scene);
    let of = (space::INVOCATION, "01TEST", false);
    let about = (space::ABOUT, "R", false);
    let intent = [of, (space::INTENT, "01TEST/2", true), (space::TICKET, "R/2", true), about];
    assert_eq!(marks(&all[2]), intent);
    assert_eq!(all[2].conditions, [present(space::CLAIM, "R"), absent(space::REVOKED, "R")]);
    assert_eq!(all[2].not_after_ms, Some(999_999));
    let note = json!({"request": "R", "plan": plan, "step": 2, "of": 2});
    assert_eq!(event(&all[2])["ticket"], note);
    assert_eq!(marks(&all[3]), [of, (space::OUTCOME, "01TEST/2", true), about]);
    // A plan that policy alone allowed has no request: its tickets are those of its run.
    let scene = scene_of(authorized(Mode::Apply, ALL, "cache"), |parts| {
        parts.applying = Some(applying(may, None, None));
    });
    assert_eq!(code(&scene, evict()).await, "ok");
    let all = records(&scene);
    let intent = [of, (space::INTENT, "01TEST/1", true), (space::TICKET, "01TEST/1", true)];
    assert_eq!(marks(&all[0]), intent);
    assert_eq!((all[0].conditions.len(), all[0].not_after_ms), (0, None));
    assert_eq!(marks(&all[1]), [of, (space::OUTCOME, "01TEST/1", true)]);
}

/// An outcome that nobody knows answers nothing: the intent stays open until a person closes it.
#[tokio::test]
async fn at_most_once_an_unknown_outcome_leaves_its_intent_open() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    *scene.cache.mood.lock().unwrap() = Mood::Faults;
    assert_eq!(code(&scene, evict()).await, "unknown");
    let outcome = records(&scene).remove(1);
    assert_eq!(marks(&outcome), [(space::INVOCATION, "01TEST", false)]);
    let told = event(&outcome);
    assert_eq!(told["status"], "unknown");
    assert!(told["detail"].as_str().is_some_and(|why| why.contains("bits")), "{told}");
}

/// What was tried and failed is answered by its provider, and told as that.
#[tokio::test]
async fn an_effect_that_fails_is_told_to_the_guest_and_written_down() {
    let scene = scene(Mode::Call, ALL, "cache/a");
    *scene.cache.mood.lock().unwrap() = Mood::Fails;
    let answer = json!({"err": {"failed": "half"}});
    assert_eq!(scene.gate.call(evict()).await, GateAnswer::Result(answer.clone()));
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Failed);
    let told = scene.memory.last();
    assert_eq!((&told["status"], &told["detail"]), (&json!("failed"), &json!(answer.to_string())));
    assert_eq!(told["revisions"], json!({"cache/a/key/k": "after"}));
}

fn elevated(request: &str, until: u64, resource: &str) -> Grant {
    let elevation = Some(Elevated { request: request.into(), until });
    Grant { elevation, ..grant("tune", &[resource]) }
}

#[tokio::test]
async fn intent_before_effect_an_intent_is_charged_to_the_budgets_that_it_is_under() {
    let budget = Some(Budget { effects: 3, per_seconds: 60 });
    let grants = [Grant { budget, ..grant("tune", &["cache/a"]) }, grant("tune", &["cache"])];
    let scene = scene_of(authorized_by(Mode::Call, &grants), |_| {});
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, call("tune", "evict", &["b", "k"])).await, "ok");
    let all = records(&scene);
    let key = all[0].charges[0].key.clone();
    let charge = Charge { key, amount: 1, window_ms: 60_000, most: 3 };
    let charged: Vec<_> = all.iter().map(|record| record.charges.as_slice()).collect();
    let none: &[Charge] = &[];
    let one = std::slice::from_ref(&charge);
    assert_eq!(charged, [one, none, one, none, none, none]);
}

/// What people signed for a while holds while nobody took it back and until the first of its ends.
#[tokio::test]
async fn an_intent_under_elevations_ends_with_the_first_of_them() {
    let of = (space::INVOCATION, "01TEST", false);
    let intent = (space::INTENT, "01TEST/1", true);
    let (one, two) = ((space::ABOUT, "E1", false), (space::ABOUT, "E2", false));
    for (first, second) in [(50, 40), (40, 50)] {
        let grants = [
            elevated("E1", first, "cache/a"),
            elevated("E2", second, "cache/a/key"),
            elevated("E3", 10, "cache/b"),
        ];
        let scene = scene_of(authorized_by(Mode::Call, &grants), |_| {});
        assert_eq!(code(&scene, evict()).await, "ok");
        let record = records(&scene).remove(0);
        assert_eq!(marks(&record), [of, intent, one, two]);
        let conditions = [absent(space::REVOKED, "E1"), absent(space::REVOKED, "E2")];
        assert_eq!(record.conditions, conditions);
        assert_eq!(record.not_after_ms, Some(39_999));
    }
    // With an approval it is the first of both.
    let may = by_policy(&[evict()]).await;
    let ends = [
        (None, Some(30_000), Some(29_999)),
        (Some(40), None, Some(39_999)),
        (Some(40), Some(30_000), Some(29_999)),
        (Some(40), Some(60_000), Some(39_999)),
        (None, None, None),
    ];
    for (elevation, approval, expected) in ends {
        let mut grants = vec![grant("tune", &["cache"])];
        grants.extend(elevation.map(|until| elevated("E1", until, "cache/a")));
        let scene = scene_of(authorized_by(Mode::Apply, &grants), |parts| {
            parts.applying = Some(applying(may.clone(), Some("R"), approval));
        });
        assert_eq!(code(&scene, evict()).await, "ok");
        let record = records(&scene).remove(0);
        assert_eq!(record.not_after_ms, expected, "{elevation:?} {approval:?}");
    }
}

/// What an intent that is not written comes to.
async fn refused(scene: &Scene, why: WriteError) -> (&'static str, String) {
    assert_eq!(code(scene, evict()).await, "ok");
    *scene.memory.refuses.lock().unwrap() = Some(why);
    let answer = scene.gate.call(evict()).await;
    // It never was an effect, and the one before it still is.
    assert_eq!(scene.cache.count("perform"), 1);
    let effects = scene.gate.log().effects;
    assert_eq!((effects.len(), effects[0].status), (1, EffectStatus::Done));
    assert_eq!(scene.memory.kinds(), ["intent", "outcome"]);
    match answer {
        GateAnswer::Denied { code, .. } => ("denied", code.into_owned()),
        GateAnswer::End { code, .. } => ("ended", code.into_owned()),
        GateAnswer::Result(value) => panic!("{value}"),
    }
}

#[tokio::test]
async fn intent_before_effect_an_intent_that_is_not_written_has_its_reason_and_no_effect() {
    let budget = || WriteError::OverBudget { key: "b".into(), used: 3, most: 3 };
    let taken = || WriteError::Taken { space: space::TICKET.into(), key: "R/2".into() };
    let unmet = |space: &str| WriteError::Unmet { space: space.into(), key: "R".into() };
    let failed =
        || WriteError::Failed(HostError::Journal { code: "journal", message: "disk full".into() });
    let may = by_policy(&[evict(), evict(), evict()]).await;
    let applied = [
        // What people approved is done or the run ends: there is no other way to go on.
        (budget(), "over-budget"),
        (taken(), "ticket-spent"),
        (unmet(space::REVOKED), "request-revoked"),
        (unmet(space::CLAIM), "request-consumed"),
        (WriteError::Late, "request-expired"),
        (failed(), "host-fault"),
    ];
    for (why, expected) in applied {
        assert_eq!(refused(&applies(may.clone()), why).await, ("ended", expected.to_owned()));
    }
    let direct = [
        (budget(), ("denied", "over-budget")),
        (unmet(space::REVOKED), ("ended", "request-revoked")),
        (WriteError::Late, ("ended", "request-expired")),
        (failed(), ("ended", "host-fault")),
    ];
    for (why, (what, expected)) in direct {
        let scene = scene(Mode::Call, ALL, "cache/a");
        assert_eq!(refused(&scene, why).await, (what, expected.to_owned()));
    }
}
