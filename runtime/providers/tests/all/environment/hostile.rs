//! What a crash, a full disk, an attacker or a clumsy hand leaves behind: an error that names it, and
//! never a panic, a loss, or a signal to a stranger.

use super::harness::{World, eventually, is_alive, kill};
use interlock_providers::{Forecaster as _, ProviderFault};
use rustix::fs::FlockOperation;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink};

#[tokio::test]
async fn a_killed_runner_takes_its_service_along() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    kill(world.record("prod", "api", 0)["runner"]["pid"].as_u64().unwrap());
    eventually("the service ends with its runner", || !is_alive(pid));
    // The death signal comes with the runner's first thread, its lock goes with the last: in between it is still ending.
    let lock = fs::File::open(world.service("prod", "api").join("replicas/0/lock")).unwrap();
    let free = || rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
    eventually("the runner has ended", free);
    drop(lock);
    let status = host.status("prod", "api").await;
    assert_eq!(
        (&status["healthy"], &status["replicas"][0]["pid"], &status["replicas"][0]["last-exit"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(status["replicas"][0]["detail"].as_str().unwrap().contains("runner was killed"));
    host.done("restart-service", json!(["prod", "api"])).await;
    assert_eq!(host.pids("prod", "api").await.len(), 1);
}

#[tokio::test]
async fn descendants_of_a_killed_runner_are_found_by_their_mark() {
    let world = World::new();
    world.define_script("prod", "api", "setsid /bin/sleep 1003 & echo daemon $!; wait", "");
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let mut daemon = 0;
    let log = world.service("prod", "api").join("replicas/0/log");
    eventually("the daemon is started", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        daemon = text.split("daemon ").nth(1).and_then(|t| t.trim().parse().ok()).unwrap_or(0);
        daemon != 0
    });
    kill(world.record("prod", "api", 0)["runner"]["pid"].as_u64().unwrap());
    let pid = world.record("prod", "api", 0)["service"]["pid"].as_u64().unwrap();
    eventually("the service ends", || !is_alive(pid));
    assert!(is_alive(daemon), "it left the session and the death signal does not reach it");
    host.done("stop-service", json!(["prod", "api"])).await;
    assert!(!is_alive(daemon));
}

#[tokio::test]
async fn a_recycled_pid_is_never_killed() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let record = world.record("prod", "api", 0);
    kill(record["runner"]["pid"].as_u64().unwrap());
    eventually("it ends", || !is_alive(record["service"]["pid"].as_u64().unwrap()));
    // The numbers now belong to a stranger, as after a recycling; first with the lock free …
    let mut stranger = std::process::Command::new("/bin/sleep").arg("1004").spawn().unwrap();
    let mut forged = record.clone();
    forged["runner"]["pid"] = json!(stranger.id());
    forged["service"]["pid"] = json!(stranger.id());
    let file = world.service("prod", "api").join("replicas/0/record.json");
    fs::write(&file, forged.to_string()).unwrap();
    assert_eq!(host.pids("prod", "api").await, Vec::<u64>::new());
    host.done("stop-service", json!(["prod", "api"])).await;
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
    // … and then with the lock held by somebody whom the record does not name.
    let lock = fs::File::open(world.service("prod", "api").join("replicas/0/lock")).unwrap();
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).unwrap();
    let result = host.effect("stop-service", json!(["prod", "api"])).await;
    assert!(
        result["err"]["failed"].as_str().unwrap().contains("nothing was signalled"),
        "{result}"
    );
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
    fs::write(&file, record.to_string()).unwrap();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn truncated_state_is_damaged_and_kept() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("set-config", json!(["prod", "api", "x"])).await;
    host.done("set-config", json!(["prod", "db", "x"])).await;
    let file = world.service("prod", "api").join("state.json");
    let whole = fs::read(&file).unwrap();
    for bad in [&whole[..whole.len() / 2], b"", b"{}", b"[1]", &[0xff; 9][..], b"{\"format\":9}"] {
        fs::write(&file, bad).unwrap();
        let fault = host.try_read("read-config", json!(["prod", "api", null])).await.unwrap_err();
        assert!(
            matches!(&fault, ProviderFault::Damaged { what, .. } if what.contains("api/state.json")),
            "{fault}"
        );
        let permitted = host.permitted("set-config", json!(["prod", "api", "y"]));
        let fault = host.provider.forecast(&permitted, &[]).await.unwrap_err();
        assert!(matches!(fault, ProviderFault::Damaged { .. }), "{fault}");
        assert_eq!(fs::read(&file).unwrap(), bad, "left for a person to look at");
        // A neighbour can still be healed.
        host.done("set-config", json!(["prod", "db", "y"])).await;
    }
    fs::write(&file, &whole).unwrap();
    fs::write(world.service("prod", "api").join("config/2"), "tampered").unwrap();
    let fault = host.try_read("read-config", json!(["prod", "api", null])).await.unwrap_err();
    assert!(fault.to_string().contains("not what was written"), "{fault}");
    assert!(host.read("read-config", json!(["prod", "api", 1])).await["ok"].is_object());
}

#[tokio::test]
async fn a_truncated_root_state_refuses_everything() {
    let world = World::with_sleepers("prod", &["api"]);
    drop(world.host());
    fs::write(world.root().join(".interlock/state.json"), "{").unwrap();
    let opened = interlock_providers::environment::EnvironmentProvider::open(
        world.root(),
        super::harness::helper("runner"),
    );
    assert!(matches!(opened.unwrap_err(), ProviderFault::Damaged { .. }));
}

#[tokio::test]
async fn links_are_never_followed() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("environment.toml"), "").unwrap();
    fs::write(outside.path().join("precious"), "stays").unwrap();
    // An environment that is a link …
    symlink(outside.path(), world.root().join("elsewhere")).unwrap();
    assert_eq!(host.read("list-environments", json!([])).await, json!({"ok": ["prod"]}));
    let fault = host.try_read("list-services", json!(["elsewhere"])).await.unwrap_err();
    assert!(fault.to_string().contains("links are never followed"), "{fault}");
    // … a service that is a link to another one …
    symlink(world.service("prod", "api"), world.service("prod", "alias")).unwrap();
    let fault = host.try_read("service-status", json!(["prod", "alias"])).await.unwrap_err();
    assert!(matches!(fault, ProviderFault::Damaged { .. }), "{fault}");
    let permitted = host.permitted("recreate-environment", json!(["prod"]));
    assert!(host.provider.forecast(&permitted, &[]).await.is_err());
    fs::remove_file(world.service("prod", "alias")).unwrap();
    // … a working folder that leads out …
    symlink(outside.path(), world.service("prod", "api").join("work")).unwrap();
    let permitted = host.permitted("restart-service", json!(["prod", "api"]));
    assert!(host.provider.forecast(&permitted, &[]).await.is_err());
    fs::remove_file(world.service("prod", "api").join("work")).unwrap();
    // … and one inside of it, which is deleted itself and not what it points to.
    fs::create_dir(world.service("prod", "api").join("work")).unwrap();
    symlink(outside.path(), world.service("prod", "api").join("work/link")).unwrap();
    host.done("delete-service", json!(["prod", "api"])).await;
    assert_eq!(fs::read_to_string(outside.path().join("precious")).unwrap(), "stays");
}

#[tokio::test]
async fn a_linked_state_file_is_not_read() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("set-config", json!(["prod", "db", "secret"])).await;
    symlink(
        world.service("prod", "db").join("state.json"),
        world.service("prod", "api").join("state.json"),
    )
    .unwrap();
    let fault = host.try_read("read-config", json!(["prod", "api", null])).await.unwrap_err();
    assert!(fault.to_string().contains("symbolic link"), "{fault}");
}

#[tokio::test]
async fn names_are_segments() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    for bad in ["..", "../prod", "a/b", "", ".interlock", "a\0b", "-x", "prod/services"] {
        let denied = host.resolve("restart-service", json!(["prod", bad])).unwrap_err();
        assert_eq!(denied.code(), "bad-resource", "{bad:?}");
        let denied = host.resolve("delete-environment", json!([bad])).unwrap_err();
        assert_eq!(denied.code(), "bad-resource", "{bad:?}");
    }
    // A folder of the person's own beside the services is no service, and is left alone.
    fs::create_dir(world.root().join("prod/services/notes")).unwrap();
    fs::write(world.root().join("prod/services/README"), "x").unwrap();
    assert_eq!(host.read("list-services", json!(["prod"])).await, json!({"ok": ["api"]}));
    fs::create_dir(world.root().join("prod/services/two words")).unwrap();
    assert!(host.try_read("list-services", json!(["prod"])).await.is_err());
}

#[tokio::test]
async fn a_broken_definition_names_its_line_and_spares_the_neighbours() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    world.define("prod", "db", "command = [\"/bin/sleep\"]\nreplica = 2\n");
    let host = world.host();
    let fault = host.try_read("service-status", json!(["prod", "db"])).await.unwrap_err();
    let text = fault.to_string();
    assert!(text.contains("service.toml:2") && text.contains("replica"), "{text}");
    host.done("restart-service", json!(["prod", "api"])).await;
}

#[tokio::test]
async fn a_log_flood_is_bounded() {
    let world = World::new();
    world.define_script("prod", "api", "yes 0123456789012345678901234567890123456789", "");
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let logs = host.read("logs", json!(["prod", "api", 1000])).await;
    let text = logs["ok"].as_str().unwrap();
    assert!(text.lines().count() <= 1000 && text.len() <= 64 * 1024 && text.len() > 10_000);
    host.done("stop-service", json!(["prod", "api"])).await;
    let folder = world.service("prod", "api").join("replicas/0");
    let size: u64 =
        ["log", "log.old"].iter().map(|f| fs::metadata(folder.join(f)).unwrap().len()).sum();
    assert!(size <= 512 * 1024, "{size}");
    for bad in [0, 1001] {
        let denied = host.resolve("logs", json!(["prod", "api", bad])).unwrap_err();
        assert_eq!(denied.code(), "argument-out-of-range");
    }
}

#[tokio::test]
async fn a_crash_before_acting_leaves_a_moved_revision_and_a_sound_state() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("set-config", json!(["prod", "api", "x"])).await;
    let folder = world.service("prod", "api");
    // The content of a version was written, the state was not: the version does not exist.
    fs::write(folder.join("config/3"), "half").unwrap();
    fs::write(folder.join(".state.json.0000.new"), "{\"for").unwrap();
    assert_eq!(host.effect("set-config", json!(["prod", "api", "whole"])).await, json!({"ok": 3}));
    let config = host.read("read-config", json!(["prod", "api", 3])).await;
    assert_eq!(config["ok"]["content"], "whole");
}

#[tokio::test]
async fn a_missing_root_is_an_error_with_the_next_step() {
    let world = World::new();
    let missing = world.root().join("missing");
    let opened = interlock_providers::environment::EnvironmentProvider::open(
        &missing,
        super::harness::helper("runner"),
    );
    let text = opened.unwrap_err().to_string();
    assert!(text.contains("missing") && text.contains("[environment]"), "{text}");
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_counter_at_its_end_is_damaged_and_stops_effects() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("set-config", json!(["prod", "api", "x"])).await;
    let file = world.root().join(".interlock/state.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    state["counter"] = json!(u64::MAX);
    fs::write(&file, state.to_string()).unwrap();
    // Looking still works; it needs no next number.
    let forecast = host.exact("set-config", json!(["prod", "api", "y"])).await;
    let fault =
        host.perform("set-config", json!(["prod", "api", "y"]), forecast).await.unwrap_err();
    assert!(matches!(fault, ProviderFault::Damaged { .. }), "{fault}");
    assert!(fault.to_string().contains(".interlock/state.json"), "{fault}");
    let config = host.read("read-config", json!(["prod", "api", null])).await;
    assert_eq!(config["ok"]["content"], "x", "nothing was done");
}

/// A pipe, a socket, a folder or a device where a file of the provider's own belongs.
fn put_in_place(file: &std::path::Path, kind: &str) {
    match kind {
        "pipe" => {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, file, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
        }
        "socket" => drop(std::os::unix::net::UnixListener::bind(file).unwrap()),
        _ => fs::create_dir(file).unwrap(),
    }
}

/// Opening a pipe waits for its other end, which nobody here ever opens.
#[tokio::test]
async fn what_is_no_regular_file_never_hangs_the_host() {
    let world = World::with_sleepers("prod", &["api", "db"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    host.done("stop-service", json!(["prod", "api"])).await;
    let service = world.service("prod", "api");
    let bounded = std::time::Duration::from_secs(20);
    for name in [
        "state.json",
        "service.toml",
        "config/1",
        "replicas/0/lock",
        "replicas/0/record.json",
        "replicas/0/exit.json",
        "replicas/0/log",
        "../../environment.toml",
        "../../../.interlock/state.json",
        "../../../.interlock/lock",
        "../../../.interlock/locks/prod",
    ] {
        let file = service.join(name);
        let aside = world.root().join("aside");
        fs::rename(&file, &aside).unwrap();
        for kind in ["pipe", "socket", "folder"] {
            put_in_place(&file, kind);
            let permitted = host.permitted("restart-service", json!(["prod", "api"]));
            let all = async {
                let reads = [
                    host.try_read("service-status", json!(["prod", "api"])).await,
                    host.try_read("read-config", json!(["prod", "api", null])).await,
                    host.try_read("logs", json!(["prod", "api", 10])).await,
                ];
                let forecast = host.provider.forecast(&permitted, &[]).await;
                let performed = match forecast {
                    Ok(interlock_providers::Forecasted::Exact(forecast)) => {
                        let arguments = json!(["prod", "api"]);
                        Some(host.perform("restart-service", arguments, forecast).await)
                    }
                    Ok(_) => None,
                    Err(fault) => Some(Err(fault)),
                };
                let failed = match performed {
                    Some(Ok(interlock_providers::Performed::Failed { result, .. })) => {
                        Some(result.to_string())
                    }
                    Some(Err(fault)) => Some(fault.to_string()),
                    _ => None,
                };
                reads
                    .into_iter()
                    .filter_map(Result::err)
                    .map(|f| f.to_string())
                    .chain(failed)
                    .collect()
            };
            let said: Vec<String> = tokio::time::timeout(bounded, all).await.unwrap();
            assert!(!said.is_empty(), "{name}, {kind}: nobody noticed");
            assert!(
                said.iter().all(|s| s.contains("no regular file") && s.contains(last(name))),
                "{name}, {kind}: {said:?}"
            );
            if kind == "folder" {
                fs::remove_dir(&file).unwrap();
            } else {
                fs::remove_file(&file).unwrap();
            }
        }
        fs::rename(&aside, &file).unwrap();
    }
    host.done("restart-service", json!(["prod", "api"])).await;
    host.done("restart-service", json!(["prod", "db"])).await;
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}
