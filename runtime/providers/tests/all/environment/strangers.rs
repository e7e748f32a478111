//! A deletion deletes what was shown and nothing else: what is nobody's stops it before it begins, a parked service keeps
//! its owner, and what came since the forecast is not taken along.

use super::harness::{Host, World, is_alive};
use interlock_providers::{Forecasted, Performed};
use serde_json::json;
use std::{fs, path::Path};

async fn inexact(host: &Host, function: &str, arguments: serde_json::Value) -> String {
    match host.forecast(function, arguments, &[]).await {
        Forecasted::Inexact(why) => why,
        other => panic!("{function}: {other:?}"),
    }
}

/// Puts something in a place, looks at what a deletion says of it, and takes it away again.
async fn is_in_the_way(world: &World, host: &Host, place: &str, functions: &[&str]) {
    let path = world.root().join("prod").join(place.trim_end_matches('/'));
    if place.ends_with('/') {
        fs::create_dir(&path).unwrap();
    } else {
        fs::write(&path, "precious").unwrap();
    }
    for function in ["delete-service", "delete-environment", "recreate-environment"] {
        let arguments =
            if function == "delete-service" { json!(["prod", "api"]) } else { json!(["prod"]) };
        if functions.contains(&function) {
            let why = inexact(host, function, arguments).await;
            let shown = place.trim_end_matches('/');
            assert!(why.contains(&format!("`{shown}`")), "{function}, {place}: {why}");
        } else {
            host.exact(function, arguments).await;
        }
    }
    assert!(path.exists());
    if place.ends_with('/') {
        fs::remove_dir(&path).unwrap();
    } else {
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn what_belongs_to_nobody_stops_a_deletion() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    for place in [".hidden", "notes.txt", "parked/", "services/notes.txt", "services/.api/"] {
        is_in_the_way(&world, &host, place, &["delete-environment"]).await;
    }
    is_in_the_way(&world, &host, "services/parked/", &["delete-environment"]).await;
    for place in ["data/", "service.toml.off", ".state.json.new", "replicas.old/"] {
        let place = format!("services/api/{place}");
        is_in_the_way(&world, &host, &place, &["delete-environment", "delete-service"]).await;
    }
    let all = ["delete-environment", "delete-service", "recreate-environment"];
    for place in [
        "config/notes",
        "config/01",
        "healthy/x",
        "replicas/0.old/",
        "replicas/7",
        "replicas/0/core",
        "replicas/0/data/",
    ] {
        is_in_the_way(&world, &host, &format!("services/api/{place}"), &all).await;
    }
    // A name that is no text, too.
    use std::os::unix::ffi::OsStrExt as _;
    let odd = world.root().join("prod").join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(&odd, "").unwrap();
    inexact(&host, "delete-environment", json!(["prod"])).await;
    fs::remove_file(&odd).unwrap();
    // What a crash of ours leaves is ours.
    for place in
        [".state.json.0123456789abcdef.new", "services/api/.state.json.0123456789abcdef.new"]
    {
        fs::write(world.root().join("prod").join(place), "").unwrap();
    }
    for (function, arguments) in
        [("delete-service", json!(["prod", "api"])), ("delete-environment", json!(["prod"]))]
    {
        host.done(function, arguments).await;
    }
    assert!(!world.root().join("prod").exists());
}

#[tokio::test]
async fn what_came_since_the_forecast_stops_a_deletion() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    let (one, all) = (json!(["prod", "api"]), json!(["prod"]));
    let places = [
        ("delete-service", &one, "services/api", "data"),
        ("delete-service", &one, "services/api/work", "data"),
        ("delete-service", &one, "services/api/replicas/0/config", "data"),
        ("recreate-environment", &all, "services/api/work", "data"),
        ("recreate-environment", &all, "services/api/healthy", "data"),
        ("delete-environment", &all, "services/api/work", "data"),
        ("delete-environment", &all, "services", "data"),
        ("delete-environment", &all, "", "data"),
    ];
    for (function, arguments, place, name) in places {
        let forecast = host.exact(function, arguments.clone()).await;
        let path = world.root().join("prod").join(place).join(name);
        fs::write(&path, "precious").unwrap();
        let performed = host.perform(function, arguments.clone(), forecast).await.unwrap();
        let Performed::Refused { code, result } = performed else { panic!("{performed:?}") };
        assert_eq!(code, "touches-grown", "{function} {place}");
        assert!(result["err"]["conflict"].is_string(), "{result}");
        assert!(path.exists() && is_alive(pid), "{function} {place}");
        fs::remove_file(&path).unwrap();
    }
}

/// A replica that was started since would be ended with nobody told, if the revision alone were looked at.
#[tokio::test]
async fn what_runs_since_the_forecast_stops_a_stop() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let mut forecast = host.exact("stop-service", json!(["prod", "api"])).await;
    host.done("restart-service", json!(["prod", "api"])).await;
    forecast.revision = host.exact("stop-service", json!(["prod", "api"])).await.revision;
    let performed = host.perform("stop-service", json!(["prod", "api"]), forecast).await.unwrap();
    assert!(matches!(performed, Performed::Refused { code: "touches-grown", .. }), "{performed:?}");
    assert!(is_alive(host.pids("prod", "api").await[0]));
}

#[tokio::test]
async fn a_parked_service_keeps_its_owner() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    let api = world.service("prod", "api");
    let renamed = |from: &Path, to: &Path| fs::rename(from, to).unwrap();
    for parked in ["services/.api", "parked", "services/api.parked"] {
        let forecast = host.exact("delete-environment", json!(["prod"])).await;
        let aside = world.root().join("prod").join(parked);
        renamed(&api, &aside);
        if parked == "services/api.parked" {
            // With its definition it would be a service like others.
            renamed(&aside.join("service.toml"), &aside.join("service.toml.off"));
        }
        let why = inexact(&host, "delete-environment", json!(["prod"])).await;
        assert!(why.contains(parked), "{why}");
        let mut forecast = forecast;
        forecast.revision = host.exact("recreate-environment", json!(["prod"])).await.revision;
        let performed =
            host.perform("delete-environment", json!(["prod"]), forecast).await.unwrap();
        assert!(
            matches!(performed, Performed::Refused { code: "touches-grown", .. }),
            "{performed:?}"
        );
        assert!(is_alive(pid) && aside.exists());
        if parked == "services/api.parked" {
            renamed(&aside.join("service.toml.off"), &aside.join("service.toml"));
        }
        renamed(&aside, &api);
    }
    host.done("delete-environment", json!(["prod"])).await;
    assert!(!is_alive(pid));
}

/// What could not be counted is not shown as if it were little.
#[tokio::test]
async fn files_that_cannot_be_counted_are_not_deleted() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let work = world.service("prod", "api").join("work");
    let mut deep = work.clone();
    for _ in 0..70 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    inexact(&host, "delete-service", json!(["prod", "api"])).await;
    fs::remove_dir_all(&work).unwrap();
    for wide in 0..500 {
        fs::create_dir_all(work.join(wide.to_string())).unwrap();
        fs::write(work.join(wide.to_string()).join("file"), "").unwrap();
    }
    let forecast = host.exact("delete-service", json!(["prod", "api"])).await;
    assert_eq!(forecast.counts["deletes files"], 501);
}
