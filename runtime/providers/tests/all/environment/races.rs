//! Two hosts on one folder.

use super::harness::{World, resource};
use interlock_authority::Planned;
use interlock_providers::{Forecasted, Performed};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_hosts_with_the_same_revision_exactly_one_wins() {
    let world = World::with_sleepers("prod", &["api"]);
    let hosts: Vec<_> = (0..8).map(|_| world.host()).collect();
    let mut forecasts = Vec::new();
    for host in &hosts {
        forecasts.push(host.exact("set-config", json!(["prod", "api", "x"])).await);
    }
    let tasks: Vec<_> = hosts
        .into_iter()
        .zip(forecasts)
        .map(|(host, forecast)| {
            tokio::spawn(async move {
                host.perform("set-config", json!(["prod", "api", "x"]), forecast).await.unwrap()
            })
        })
        .collect();
    let (mut won, mut stale) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Performed::Done { .. } => won += 1,
            Performed::Refused { code, result } => {
                assert!(result["err"]["conflict"].is_string(), "{result}");
                assert_eq!(code, "stale");
                stale += 1;
            }
            Performed::Failed { result, .. } => panic!("{result}"),
        }
    }
    assert_eq!((won, stale), (1, 7));
    let config = world.host().read("read-config", json!(["prod", "api", null])).await;
    assert_eq!(config["ok"]["versions"], json!([1, 2]));
}

#[tokio::test]
async fn an_effect_anywhere_below_moves_the_environment_and_nothing_beside() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    world.define("dev", "api", "command = [\"/bin/sleep\", \"1000\"]\n");
    let host = world.host();
    let recreate = host.exact("recreate-environment", json!(["prod"])).await;
    let dev = host.exact("recreate-environment", json!(["dev"])).await;
    let db = host.exact("set-config", json!(["prod", "db", "y"])).await;
    host.done("set-config", json!(["prod", "api", "x"])).await;
    let refused = host.perform("recreate-environment", json!(["prod"]), recreate).await.unwrap();
    assert!(matches!(refused, Performed::Refused { code: "stale", .. }), "{refused:?}");
    let neighbour = host.perform("set-config", json!(["prod", "db", "y"]), db).await.unwrap();
    assert!(matches!(neighbour, Performed::Done { .. }), "{neighbour:?}");
    let other = host.perform("recreate-environment", json!(["dev"]), dev).await.unwrap();
    assert!(matches!(other, Performed::Done { .. }), "{other:?}");
}

#[tokio::test]
async fn what_grew_since_the_forecast_is_not_touched() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let mut forecast = host.exact("delete-environment", json!(["prod"])).await;
    world.define("prod", "db", "command = [\"/bin/sleep\", \"1000\"]\n");
    let stale =
        host.perform("delete-environment", json!(["prod"]), forecast.clone()).await.unwrap();
    assert!(matches!(stale, Performed::Refused { code: "stale", .. }), "{stale:?}");
    // With the revision of now, as after an effect of the same run, the touches still decide.
    forecast.revision = host.exact("delete-environment", json!(["prod"])).await.revision;
    let grown = host.perform("delete-environment", json!(["prod"]), forecast).await.unwrap();
    let Performed::Refused { code, result } = grown else { panic!("{grown:?}") };
    assert_eq!(code, "touches-grown");
    assert!(result["err"]["conflict"].as_str().unwrap().contains("environment/prod/service/db"));
    assert!(world.service("prod", "db").exists() && world.service("prod", "api").exists());
}

#[tokio::test]
async fn a_definition_edited_by_hand_moves_the_revision() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("set-config", json!(["prod", "api", "x"])).await;
    let (service, environment) = (
        host.exact("restart-service", json!(["prod", "api"])).await,
        host.exact("recreate-environment", json!(["prod"])).await,
    );
    world.define("prod", "api", "command = [\"/bin/sleep\", \"2000\"]\n");
    for (function, arguments, forecast) in [
        ("restart-service", json!(["prod", "api"]), service),
        ("recreate-environment", json!(["prod"]), environment),
    ] {
        let refused = host.perform(function, arguments, forecast).await.unwrap();
        assert!(matches!(refused, Performed::Refused { code: "stale", .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn revisions_do_not_come_back_with_what_was_deleted() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let mut seen = BTreeSet::new();
    for round in 0..3 {
        let service = host.exact("set-config", json!(["prod", "api", "x"])).await;
        let environment = host.exact("recreate-environment", json!(["prod"])).await;
        assert!(seen.insert(service.revision), "round {round}");
        assert!(seen.insert(environment.revision), "round {round}");
        // Deleted through the provider and made again by hand, byte for byte.
        if round == 0 {
            host.done("delete-service", json!(["prod", "api"])).await;
        } else {
            host.done("delete-environment", json!(["prod"])).await;
        }
        world.define("prod", "api", "command = [\"/bin/sleep\", \"1000\"]\n");
    }
}

#[tokio::test]
async fn a_plan_whose_first_effect_was_done_goes_on_with_the_revisions_it_returned() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let set = host.exact("set-config", json!(["prod", "api", "x"])).await;
    let Performed::Done { revisions, .. } =
        host.perform("set-config", json!(["prod", "api", "x"]), set).await.unwrap()
    else {
        panic!("not done")
    };
    for (function, arguments, name) in [
        ("restart-service", json!(["prod", "api"]), "environment/prod/service/api"),
        ("recreate-environment", json!(["prod"]), "environment/prod"),
    ] {
        let now = host.exact(function, arguments).await;
        assert_eq!(now.revision, revisions[&resource(name)]);
    }
    assert!(revisions.contains_key(&resource("environment")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn looking_waits_for_an_effect_and_reads_do_not() {
    let world = World::new();
    world.define_script("prod", "api", "trap '' TERM; while :; do sleep 1; done", "");
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let forecast = host.exact("stop-service", json!(["prod", "api"])).await;
    let other = world.host();
    let stopping = tokio::spawn(async move {
        host.perform("stop-service", json!(["prod", "api"]), forecast).await.unwrap()
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let before = std::time::Instant::now();
    assert_eq!(other.read("list-services", json!(["prod"])).await, json!({"ok": ["api"]}));
    other.status("prod", "api").await;
    assert!(before.elapsed() < std::time::Duration::from_millis(500), "reads take no lock");
    let after = other.forecast("restart-service", json!(["prod", "api"]), &[]).await;
    assert!(matches!(stopping.await.unwrap(), Performed::Done { .. }));
    let Forecasted::Exact(after) = after else { panic!("{after:?}") };
    assert_eq!(json!(after.counts), json!({"starts": 1}), "the forecast saw the stopped service");
    assert!(fs::metadata(world.service("prod", "api")).is_ok());
}

/// What an operator stops while an effect waits for its turn does not begin, and leaves no trace.
#[tokio::test]
async fn an_effect_that_is_stopped_while_it_waits_does_nothing() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let forecast = host.exact("set-config", json!(["prod", "api", "x"])).await;
    let arguments = json!(["prod", "api", "x"]);
    let no = || Err("stopped".to_owned());
    let stopped =
        host.perform_while("set-config", arguments.clone(), forecast.clone(), no).await.unwrap();
    let Performed::Refused { code: "frozen", result } = &stopped else { panic!("{stopped:?}") };
    assert_eq!(result, &json!({"err": {"denied": "frozen: stopped"}}));
    // The revision has not moved: the same forecast still holds.
    let done = host.perform("set-config", arguments, forecast).await.unwrap();
    assert!(matches!(done, Performed::Done { .. }), "{done:?}");
}

/// A deletion gives a new revision to what had no effect yet. A plan that goes on there could be done in part only, so it ends
/// before; what had one is not moved, and the plan is done whole.
#[tokio::test]
async fn a_plan_ends_where_its_own_deletion_moves_what_comes_next() {
    let world = World::with_sleepers("prod", &["api", "db", "worker"]);
    world.define("dev", "api", "command = [\"/bin/sleep\", \"1000\"]\n");
    world.define("old", "api", "command = [\"/bin/sleep\", \"1000\"]\n");
    let host = world.host();
    host.done("set-config", json!(["prod", "db", "x"])).await;
    let planned = async |function: &str, arguments: Value, earlier: &[Planned]| {
        let call = host.resolve(function, arguments.clone()).unwrap();
        match host.forecast(function, arguments, earlier).await {
            Forecasted::Exact(forecast) => Ok(Planned { call, forecast }),
            Forecasted::Inexact(why) => Err(why),
            Forecasted::NoEffect(answer) => panic!("{function}: {answer}"),
        }
    };
    let deletes = planned("delete-service", json!(["prod", "api"]), &[]).await.unwrap();
    let earlier = [deletes];
    let why = planned("set-config", json!(["prod", "worker", "x"]), &earlier).await.unwrap_err();
    assert!(why.contains("another revision"), "{why}");
    planned("set-config", json!(["prod", "db", "y"]), &earlier).await.unwrap();
    planned("recreate-environment", json!(["prod"]), &earlier).await.unwrap();
    // The plan's own effect before is one.
    let first = planned("set-config", json!(["prod", "worker", "x"]), &[]).await.unwrap();
    let earlier = [first, earlier[0].clone()];
    planned("set-config", json!(["prod", "worker", "y"]), &earlier).await.unwrap();
    // Another environment that goes moves all that had no effect yet, and all that such a thing is in.
    let earlier = [planned("delete-environment", json!(["old"]), &[]).await.unwrap()];
    planned("set-config", json!(["dev", "api", "x"]), &earlier).await.unwrap_err();
    planned("recreate-environment", json!(["dev"]), &earlier).await.unwrap_err();
    planned("recreate-environment", json!(["prod"]), &earlier).await.unwrap_err();
    let next = planned("set-config", json!(["prod", "db", "y"]), &earlier).await.unwrap();
    // What the plan said is what happens, and what it did not say would not have.
    let stale = planned("set-config", json!(["dev", "api", "x"]), &[]).await.unwrap();
    host.done("delete-environment", json!(["old"])).await;
    let done = host.perform("set-config", json!(["prod", "db", "y"]), next.forecast).await;
    assert!(matches!(done, Ok(Performed::Done { .. })), "{done:?}");
    let stale = host.perform("set-config", json!(["dev", "api", "x"]), stale.forecast).await;
    assert!(matches!(stale, Ok(Performed::Refused { code: "stale", .. })), "{stale:?}");
}
