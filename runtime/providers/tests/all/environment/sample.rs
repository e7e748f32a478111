//! The sample environment: broken and healed with real HTTP, and nothing but itself touched.

use super::harness::{World, helper};
use interlock_providers::{
    ProviderFault,
    environment::sample::{self, Created, ServiceReport},
};
use serde_json::json;
use std::fs;

fn of<'a>(reports: &'a [ServiceReport], name: &str) -> &'a ServiceReport {
    reports.iter().find(|r| r.service == name).unwrap()
}

#[tokio::test]
async fn a_broken_sample_is_healed_by_rollback_and_restart_of_one_service() {
    let world = World::new();
    let program = helper("sample-service");
    assert_eq!(sample::create(world.root(), "prod", &program).unwrap(), Created::Made);
    assert_eq!(sample::create(world.root(), "prod", &program).unwrap(), Created::AlreadyThere);
    let host = world.host();
    host.provider.start_sample("prod").unwrap();
    let well = host.provider.sample_status("prod").unwrap();
    assert_eq!(
        well.iter().map(|r| r.service.as_str()).collect::<Vec<_>>(),
        ["api", "db", "worker"]
    );
    assert!(well.iter().all(|r| r.healthy && r.pids.len() == 1), "{well:?}");
    assert_eq!(of(&well, "api").http_status, Some(200));
    assert!(of(&well, "api").url.as_ref().unwrap().starts_with("http://127.0.0.1:"));

    assert_eq!(host.provider.break_sample("prod").unwrap(), 2);
    let broken = host.provider.sample_status("prod").unwrap();
    assert_eq!((of(&broken, "api").http_status, of(&broken, "api").healthy), (Some(500), false));
    let status = host.status("prod", "api").await;
    assert_eq!(
        (&status["last-healthy-version"], &status["config-version"]),
        (&json!(1), &json!(2))
    );

    host.done("rollback-config", json!(["prod", "api", 1])).await;
    host.done("restart-service", json!(["prod", "api"])).await;
    let healed = host.provider.sample_status("prod").unwrap();
    assert_eq!((of(&healed, "api").http_status, of(&healed, "api").healthy), (Some(200), true));
    for neighbour in ["db", "worker"] {
        assert_eq!(of(&well, neighbour).pids, of(&healed, neighbour).pids, "{neighbour}");
    }
    let logs = host.read("logs", json!(["prod", "api", 100])).await;
    assert!(
        logs["ok"].as_str().unwrap().contains("configuration refused: mode `broken`"),
        "{logs}"
    );
    host.done("scale-service", json!(["prod", "api", 2])).await;
    assert!(host.status("prod", "api").await["healthy"].as_bool().unwrap());

    host.provider.stop_sample("prod").unwrap();
    assert!(host.provider.sample_status("prod").unwrap().iter().all(|r| r.pids.is_empty()));
    // A second run works too.
    host.provider.start_sample("prod").unwrap();
    assert!(host.provider.sample_status("prod").unwrap().iter().all(|r| r.healthy));
}

#[tokio::test]
async fn sample_touches_only_what_it_made() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pids = host.pids("prod", "api").await;
    let before = fs::read(world.service("prod", "api").join("service.toml")).unwrap();
    let refusals = [
        sample::create(world.root(), "prod", &helper("sample-service")).map(|_| ()).unwrap_err(),
        host.provider.start_sample("prod").unwrap_err(),
        host.provider.stop_sample("prod").unwrap_err(),
        host.provider.break_sample("prod").map(|_| ()).unwrap_err(),
        host.provider.sample_status("prod").map(|_| ()).unwrap_err(),
        host.provider.stop_sample("nowhere").unwrap_err(),
        sample::create(world.root(), "../x", &helper("sample-service")).map(|_| ()).unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, ProviderFault::NotASample { .. }), "{refusal}");
    }
    assert_eq!(fs::read(world.service("prod", "api").join("service.toml")).unwrap(), before);
    assert_eq!(host.pids("prod", "api").await, pids);
}

#[tokio::test]
async fn breaking_a_sample_moves_its_revision() {
    let world = World::new();
    sample::create(world.root(), "prod", &helper("sample-service")).unwrap();
    let host = world.host();
    let forecast = host.exact("set-config", json!(["prod", "api", "x"])).await;
    host.provider.break_sample("prod").unwrap();
    let refused = host.perform("set-config", json!(["prod", "api", "x"]), forecast).await.unwrap();
    assert!(
        matches!(refused, interlock_providers::Performed::Refused { code: "stale", .. }),
        "{refused:?}"
    );
}

/// A thousand bad deployments are the most that there are versions for; one more must not leave a state
/// that nothing can be read from.
#[tokio::test]
async fn breaking_a_sample_too_often_is_refused_and_damages_nothing() {
    let world = World::new();
    sample::create(world.root(), "prod", &helper("sample-service")).unwrap();
    let host = world.host();
    host.provider.break_sample("prod").unwrap();
    let file = world.service("prod", "api").join("state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let first = state["versions"][0].clone();
    let versions = state["versions"].as_array_mut().unwrap();
    while versions.len() < 1000 {
        versions.push(first.clone());
    }
    fs::write(&file, state.to_string()).unwrap();
    let fault = host.provider.break_sample("prod").unwrap_err();
    assert!(fault.to_string().contains("1000 configuration versions"), "{fault}");
    let config = host.read("read-config", json!(["prod", "api", null])).await;
    assert_eq!(config["ok"]["version"], 2, "{config}");
    host.provider.stop_sample("prod").unwrap();
}
