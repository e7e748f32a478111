//! What a forecast says is what then happens: result, touches and revisions, for single effects and for
//! whole plans, over random sequences.

use super::harness::{Host, World, resource};
use interlock_authority::{Planned, Resource, Revision};
use interlock_providers::{Forecasted, Performed};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A random call; names that do not exist among them.
fn call() -> impl Strategy<Value = (&'static str, Value)> {
    let service = prop_oneof![4 => Just("api"), 3 => Just("db"), 1 => Just("ghost")];
    let environment = prop_oneof![9 => Just("prod"), 1 => Just("nowhere")];
    (environment, service, 0u32..11, 0u32..5).prop_map(|(e, s, which, n)| match which {
        0 | 1 => ("restart-service", json!([e, s])),
        2..=4 => ("set-config", json!([e, s, format!("content {n}")])),
        5 | 6 => ("rollback-config", json!([e, s, n + 1])),
        7 | 8 => ("scale-service", json!([e, s, n % 3 + 1])),
        9 => ("stop-service", json!([e, s])),
        _ if n == 0 => ("delete-environment", json!([e])),
        _ if n < 3 => ("delete-service", json!([e, s])),
        _ => ("recreate-environment", json!([e])),
    })
}

async fn perform_one(host: &Host, seen: &mut BTreeSet<Revision>, function: &str, arguments: Value) {
    let before = host.forecast(function, arguments.clone(), &[]).await;
    // Asking twice changes nothing.
    assert_eq!(before, host.forecast(function, arguments.clone(), &[]).await);
    let forecast = match before {
        Forecasted::Exact(forecast) => forecast,
        Forecasted::NoEffect(answer) => {
            assert!(answer["err"].is_object(), "{function} {arguments}: {answer}");
            return;
        }
        Forecasted::Inexact(reason) => panic!("{function} {arguments}: {reason}"),
    };
    let performed = host.perform(function, arguments.clone(), forecast.clone()).await.unwrap();
    let Performed::Done { result, revisions } = performed else {
        panic!("{function} {arguments}: {performed:?}");
    };
    assert_eq!(result, forecast.result, "{function} {arguments}");
    let call = host.resolve(function, arguments).unwrap();
    let due: BTreeSet<Resource> = forecast
        .touches
        .iter()
        .chain([call.resource()])
        .flat_map(Resource::lineage)
        .filter(|r| r.segments().len() != 3)
        .collect();
    assert_eq!(revisions.keys().cloned().collect::<BTreeSet<_>>(), due, "{function}");
    for (resource, revision) in revisions {
        assert!(seen.insert(revision), "{function}: a revision of {resource} was there before");
    }
}

fn sample(runner: &mut TestRunner, length: usize) -> Vec<(&'static str, Value)> {
    prop::collection::vec(call(), length).new_tree(runner).unwrap().current()
}

#[tokio::test]
async fn every_effect_is_what_its_forecast_said_and_no_revision_repeats() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    for _ in 0..3 {
        let world = World::with_sleepers("prod", &["api", "db"]);
        let host = world.host();
        let mut seen = BTreeSet::new();
        for (function, arguments) in sample(&mut runner, 14) {
            perform_one(&host, &mut seen, function, arguments).await;
        }
    }
}

/// Plans all calls first, then performs them with the revisions that the run itself returned.
#[tokio::test]
async fn a_whole_plan_comes_true_step_by_step() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::from_seed(
            proptest::test_runner::RngAlgorithm::ChaCha,
            &[7; 32],
        ),
    );
    for round in 0..4 {
        let world = World::with_sleepers("prod", &["api", "db"]);
        let host = world.host();
        host.done("restart-service", json!(["prod", "api"])).await;
        let mut plan: Vec<Planned> = Vec::new();
        let mut steps = Vec::new();
        for (function, arguments) in sample(&mut runner, 10) {
            match host.forecast(function, arguments.clone(), &plan).await {
                Forecasted::Exact(forecast) => {
                    let call = host.resolve(function, arguments.clone()).unwrap();
                    plan.push(Planned { call, forecast: forecast.clone() });
                    steps.push((function, arguments, forecast));
                }
                Forecasted::NoEffect(answer) => assert!(answer["err"].is_object(), "{answer}"),
                Forecasted::Inexact(reason) => panic!("{function} {arguments}: {reason}"),
            }
        }
        let mut latest: BTreeMap<Resource, Revision> = BTreeMap::new();
        for (function, arguments, mut forecast) in steps {
            let call = host.resolve(function, arguments.clone()).unwrap();
            if let Some(revision) = latest.get(call.resource()) {
                forecast.revision = revision.clone();
            }
            // What the world says now, after the steps before, is what the plan said then.
            let now = host.exact(function, arguments.clone()).await;
            assert_eq!(
                (&now.verb, &now.counts, &now.touches, &now.result, &now.note, &now.revision),
                (
                    &forecast.verb,
                    &forecast.counts,
                    &forecast.touches,
                    &forecast.result,
                    &forecast.note,
                    &forecast.revision
                ),
                "round {round}: {function} {arguments}"
            );
            let performed =
                host.perform(function, arguments.clone(), forecast.clone()).await.unwrap();
            let Performed::Done { result, revisions } = performed else {
                panic!("round {round}: {function} {arguments}: {performed:?}");
            };
            assert_eq!(result, forecast.result);
            latest.extend(revisions);
        }
    }
}

#[tokio::test]
async fn earlier_effects_of_a_plan_count() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    let mut plan = Vec::new();
    let mut next = async |function: &str, arguments: Value| {
        let forecasted = host.forecast(function, arguments.clone(), &plan).await;
        if let Forecasted::Exact(forecast) = &forecasted {
            let call = host.resolve(function, arguments).unwrap();
            plan.push(Planned { call, forecast: forecast.clone() });
        }
        match forecasted {
            Forecasted::Exact(forecast) => forecast.result,
            Forecasted::NoEffect(answer) => answer,
            Forecasted::Inexact(reason) => panic!("{reason}"),
        }
    };
    assert!(
        next("rollback-config", json!(["prod", "api", 2])).await["err"]["not-found"].is_string()
    );
    assert_eq!(next("set-config", json!(["prod", "api", "a"])).await, json!({"ok": 2}));
    assert_eq!(next("set-config", json!(["prod", "api", "b"])).await, json!({"ok": 3}));
    assert_eq!(next("set-config", json!(["prod", "db", "b"])).await, json!({"ok": 2}));
    assert_eq!(next("rollback-config", json!(["prod", "api", 2])).await, json!({"ok": null}));
    assert_eq!(next("recreate-environment", json!(["prod"])).await, json!({"ok": null}));
    assert_eq!(next("set-config", json!(["prod", "api", "c"])).await, json!({"ok": 2}));
    assert_eq!(next("delete-service", json!(["prod", "api"])).await, json!({"ok": null}));
    assert!(next("restart-service", json!(["prod", "api"])).await["err"]["not-found"].is_string());
    assert_eq!(next("delete-environment", json!(["prod"])).await, json!({"ok": null}));
    assert!(next("set-config", json!(["prod", "db", "c"])).await["err"]["not-found"].is_string());
    // Nothing of all this has happened.
    assert_eq!(host.read("list-services", json!(["prod"])).await, json!({"ok": ["api", "db"]}));
    let config = host.read("read-config", json!(["prod", "api", null])).await;
    assert_eq!(config["ok"]["versions"], json!([1]));
    assert!(!world.service("prod", "api").join("state.json").exists());
}

#[tokio::test]
async fn a_forecast_names_verb_counts_touches_and_the_real_revision() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("scale-service", json!(["prod", "api", 3])).await;
    let restart = host.exact("restart-service", json!(["prod", "api"])).await;
    assert_eq!(
        (restart.verb.as_str(), json!(restart.counts), restart.touches),
        (
            "restart",
            json!({"stops": 3, "starts": 3}),
            vec![resource("environment/prod/service/api")]
        )
    );
    let delete = host.exact("delete-environment", json!(["prod"])).await;
    assert_eq!(
        (delete.verb.as_str(), json!(delete.counts)),
        ("delete", json!({"stops": 3, "deletes files": 2, "deletes services": 2}))
    );
    let missing = host.forecast("restart-service", json!(["prod", "ghost"]), &[]).await;
    assert_eq!(
        missing,
        Forecasted::NoEffect(
            json!({"err": {"not-found": "environment `prod` has no service `ghost`"}})
        )
    );
}
