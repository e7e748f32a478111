//! The life of a service, from its definition to its deletion.

use super::harness::{World, eventually, is_alive, resource};
use interlock_providers::Performed;
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn a_service_outlives_its_host_and_is_found_again() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    assert_eq!(host.status("prod", "api").await["replicas"][0]["detail"], "never started");
    host.done("restart-service", json!(["prod", "api"])).await;
    let status = host.status("prod", "api").await;
    assert_eq!(status["healthy"], true, "{status}");
    assert_eq!(status["replicas"][0]["health"], "unknown", "it has no check");
    let pids = host.pids("prod", "api").await;
    assert_eq!(pids.len(), 1);
    drop(host);
    let later = world.host();
    assert_eq!(later.pids("prod", "api").await, pids);
    later.done("stop-service", json!(["prod", "api"])).await;
    assert!(!is_alive(pids[0]));
    let status = later.status("prod", "api").await;
    assert_eq!((&status["healthy"], &status["replicas"][0]["pid"]), (&json!(false), &Value::Null));
    assert_eq!(status["replicas"][0]["last-exit"], 128 + 15);
    assert_eq!(status["replicas"][0]["detail"], "stopped on purpose");
}

#[tokio::test]
async fn restart_changes_one_pid_and_only_that() {
    let world = World::with_sleepers("prod", &["api", "db", "worker"]);
    let host = world.host();
    for service in ["api", "db", "worker"] {
        host.done("restart-service", json!(["prod", service])).await;
    }
    let before = (
        host.pids("prod", "api").await,
        host.pids("prod", "db").await,
        host.pids("prod", "worker").await,
    );
    host.done("restart-service", json!(["prod", "api"])).await;
    let after = (
        host.pids("prod", "api").await,
        host.pids("prod", "db").await,
        host.pids("prod", "worker").await,
    );
    assert_ne!(before.0, after.0);
    assert_eq!((before.1, before.2), (after.1, after.2));
    assert!(!is_alive(before.0[0]));
    // A session of its own, and the service's parent is its runner.
    let record = world.record("prod", "api", 0);
    let stat = fs::read_to_string(format!("/proc/{}/stat", after.0[0])).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    assert_eq!(
        (fields[1], fields[3]),
        (&*record["runner"]["pid"].to_string(), &*record["runner"]["pid"].to_string())
    );
}

#[tokio::test]
async fn scale_starts_and_stops_exactly_the_difference() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let one = host.pids("prod", "api").await;
    let forecast = host.exact("scale-service", json!(["prod", "api", 3])).await;
    assert_eq!(json!(forecast.counts), json!({"starts": 2}));
    host.done("scale-service", json!(["prod", "api", 3])).await;
    let three = host.pids("prod", "api").await;
    assert_eq!((three.len(), three[0]), (3, one[0]));
    host.done("scale-service", json!(["prod", "api", 2])).await;
    assert_eq!(host.pids("prod", "api").await, three[..2]);
    assert!(!is_alive(three[2]));
    let replicas = |n: u32| host.resolve("scale-service", json!(["prod", "api", n]));
    assert_eq!(replicas(0).unwrap_err().code(), "argument-out-of-range");
    assert_eq!(replicas(65).unwrap_err().code(), "argument-out-of-range");
    assert!(replicas(64).is_ok());
}

#[tokio::test]
async fn config_versions_are_kept_and_come_into_force_at_the_next_start() {
    let world = World::new();
    // The path comes both ways, and is the same.
    let script = r#"test "$0" = "$INTERLOCK_CONFIG" && cat "$0"; exec sleep 1000"#;
    let definition = format!(
        "command = [\"/bin/sh\", \"-c\", '{script}', \"{{config}}\"]\n[config]\nfile = \"api.conf\"\ninitial = \"one\\n\"\n"
    );
    world.define("prod", "api", &definition);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    assert_eq!(host.effect("set-config", json!(["prod", "api", "two\n"])).await, json!({"ok": 2}));
    assert_eq!(
        host.effect("set-config", json!(["prod", "api", "three\n"])).await,
        json!({"ok": 3})
    );
    let config = |version: Value| host.read("read-config", json!(["prod", "api", version]));
    assert_eq!(
        config(Value::Null).await["ok"],
        json!({"version": 3, "content": "three\n", "versions": [1, 2, 3]})
    );
    assert_eq!(config(json!(1)).await["ok"]["content"], "one\n");
    assert!(config(json!(4)).await["err"]["not-found"].is_string());
    host.done("rollback-config", json!(["prod", "api", 2])).await;
    assert_eq!(host.status("prod", "api").await["config-version"], 2);
    // Versions 2 and 3 never ran, so version 1 is the one that was seen healthy.
    assert_eq!(host.status("prod", "api").await["last-healthy-version"], 1);
    host.done("restart-service", json!(["prod", "api"])).await;
    let logs = host.read("logs", json!(["prod", "api", 100])).await;
    assert!(logs["ok"].as_str().unwrap().ends_with("two"), "{logs}");
    assert!(!logs["ok"].as_str().unwrap().contains("three"), "{logs}");
    // A number is never given twice.
    assert_eq!(host.effect("set-config", json!(["prod", "api", "four"])).await, json!({"ok": 4}));
}

#[tokio::test]
async fn environment_is_cleared_and_the_working_directory_is_below_work() {
    let world = World::new();
    world.define_script(
        "prod",
        "api",
        "env; pwd; ls -l /proc/self/fd | wc -l; exec sleep 1000",
        "directory = \"a/b\"\nvariables = { LANG = \"C\" }\n",
    );
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let logs = host.read("logs", json!(["prod", "api", 100])).await;
    let logs = logs["ok"].as_str().unwrap();
    let names: std::collections::BTreeSet<&str> =
        logs.lines().filter_map(|l| l.split_once('=')).map(|(name, _)| name).collect();
    // PWD, OLDPWD and _ are the shell's own.
    for name in names {
        assert!(
            [
                "LANG",
                "INTERLOCK_CONFIG",
                "INTERLOCK_REPLICA",
                "INTERLOCK_INSTANCE",
                "PWD",
                "OLDPWD",
                "_",
                "SHLVL"
            ]
            .contains(&name),
            "{name} is in {logs}"
        );
    }
    let expected = fs::canonicalize(world.service("prod", "api").join("work/a/b")).unwrap();
    assert!(logs.lines().any(|l| l == expected.to_str().unwrap()), "{logs}");
}

#[tokio::test]
async fn stop_ends_a_whole_family_even_if_it_ignores_sigterm_or_daemonizes() {
    let world = World::new();
    world.define_script(
        "prod",
        "api",
        "trap '' TERM; (trap '' TERM; setsid /bin/sleep 1001 & echo daemon $!); while :; do sleep 1002; done",
        "",
    );
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let mut daemon = 0;
    let logs = world.service("prod", "api").join("replicas/0/log");
    eventually("the daemon is started", || {
        let text = fs::read_to_string(&logs).unwrap_or_default();
        daemon = text.split("daemon ").nth(1).and_then(|t| t.trim().parse().ok()).unwrap_or(0);
        daemon != 0
    });
    let pid = host.pids("prod", "api").await[0];
    assert!(is_alive(daemon) && is_alive(pid));
    host.done("stop-service", json!(["prod", "api"])).await;
    assert!(!is_alive(pid) && !is_alive(daemon));
    assert_eq!(host.status("prod", "api").await["replicas"][0]["last-exit"], 128 + 9);
}

#[tokio::test]
async fn delete_service_leaves_nothing_of_it() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    host.done("delete-service", json!(["prod", "api"])).await;
    assert!(!is_alive(pid) && !world.service("prod", "api").exists());
    assert_eq!(host.read("list-services", json!(["prod"])).await, json!({"ok": ["db"]}));
    let status = host.read("service-status", json!(["prod", "api"])).await;
    assert!(status["err"]["not-found"].is_string());
    assert!(
        host.effect("restart-service", json!(["prod", "api"])).await["err"]["not-found"]
            .is_string()
    );
}

#[tokio::test]
async fn recreate_starts_everything_anew_with_new_pids() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    for service in ["api", "db"] {
        host.done("restart-service", json!(["prod", service])).await;
    }
    host.done("set-config", json!(["prod", "api", "new"])).await;
    host.done("scale-service", json!(["prod", "api", 2])).await;
    fs::write(world.service("prod", "db").join("work/data"), "precious").unwrap();
    let before = [host.pids("prod", "api").await, host.pids("prod", "db").await].concat();
    let forecast = host.exact("recreate-environment", json!(["prod"])).await;
    // Versions 1 and 2 of `api`, version 1 of `db`, and its data.
    assert_eq!(json!(forecast.counts), json!({"stops": 3, "deletes files": 4, "starts": 2}));
    assert_eq!(
        forecast.touches,
        ["environment/prod", "environment/prod/service/api", "environment/prod/service/db"]
            .map(resource)
    );
    let performed =
        host.perform("recreate-environment", json!(["prod"]), forecast.clone()).await.unwrap();
    let Performed::Done { result, revisions } = performed else { panic!("{performed:?}") };
    assert_eq!(result, json!({"ok": null}));
    let named: Vec<String> = revisions.keys().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "environment",
            "environment/prod",
            "environment/prod/service/api",
            "environment/prod/service/db"
        ]
    );
    assert_ne!(revisions[&resource("environment/prod")], forecast.revision);
    let after = [host.pids("prod", "api").await, host.pids("prod", "db").await].concat();
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|pid| !is_alive(*pid) && !after.contains(pid)));
    assert!(!world.service("prod", "db").join("work/data").exists());
    assert_eq!(
        host.read("read-config", json!(["prod", "api", null])).await["ok"]["versions"],
        json!([1])
    );
}

#[tokio::test]
async fn delete_environment_takes_all_of_it() {
    let world = World::with_sleepers("prod", &["api"]);
    world.define("production", "api", "command = [\"/bin/sleep\", \"1000\"]\n");
    let host = world.host();
    for environment in ["prod", "production"] {
        host.done("restart-service", json!([environment, "api"])).await;
    }
    let (gone, stays) =
        (host.pids("prod", "api").await[0], host.pids("production", "api").await[0]);
    host.done("delete-environment", json!(["prod"])).await;
    assert!(!is_alive(gone) && is_alive(stays));
    assert_eq!(host.read("list-environments", json!([])).await, json!({"ok": ["production"]}));
    let trash = fs::read_dir(world.root().join(".interlock/trash")).unwrap().count();
    assert_eq!(trash, 0);
}

#[tokio::test]
async fn a_start_that_ends_at_once_is_told() {
    let world = World::new();
    world.define_script("prod", "api", "echo no; exit 3", "");
    world.define("prod", "missing", "command = [\"/nonexistent/program\"]\n");
    let host = world.host();
    let result = host.effect("restart-service", json!(["prod", "api"])).await;
    assert!(result["err"]["failed"].as_str().unwrap().contains("exit code 3"), "{result}");
    let status = host.status("prod", "api").await;
    assert_eq!(status["replicas"][0]["last-exit"], 3, "{status}");
    let result = host.effect("restart-service", json!(["prod", "missing"])).await;
    assert!(result["err"]["failed"].is_string(), "{result}");
    let logs = host.read("logs", json!(["prod", "missing", 10])).await;
    assert!(logs["ok"].as_str().unwrap().contains("/nonexistent/program"), "{logs}");
}
