//! The runner by itself, and hosts that die at any moment.

use super::harness::{HELPER, World, eventually, is_alive, kill};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

fn run_by_hand(arguments: &[&str], input: Stdio) -> (Option<i32>, String) {
    let output = Command::new(HELPER).args(arguments).stdin(input).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_runner_started_by_hand_does_nothing() {
    let world = World::new();
    for arguments in [
        &["runner"][..],
        &["runner", "run"],
        &["runner", "run", "x", "t"],
        &["runner", "launch"],
        &["runner", "launch", "1", "/bin/true"],
        &["runner", "rm", "-rf"],
    ] {
        let (code, said) = run_by_hand(arguments, Stdio::null());
        assert!(
            code == Some(127) && said.starts_with("interlock runner: "),
            "{arguments:?}: {said}"
        );
    }
    let folder = || Stdio::from(File::open(world.root()).unwrap());
    let (code, said) = run_by_hand(&["runner", "run", "0", "t"], folder());
    assert!(code == Some(127) && said.contains("there is no order"), "{said}");
    let order = json!({
        "token": "t", "command": ["/bin/true"], "directory": [], "variables": {}, "config_file": "c",
        "version": 1, "check": null, "stop_seconds": u64::MAX,
    });
    fs::write(world.root().join("replicas/0/order.json"), order.to_string()).unwrap();
    let (code, said) = run_by_hand(&["runner", "run", "0", "t"], folder());
    assert!(code == Some(127) && said.contains("order.json") && said.contains("30"), "{said}");
    let (code, said) = run_by_hand(&["sample-service", "rm"], Stdio::null());
    assert!(code == Some(2) && said.contains("not by hand"), "{said}");
    assert_eq!(run_by_hand(&["anything"], Stdio::null()).0, Some(2));
}

#[tokio::test]
async fn a_replica_has_one_runner() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let (pids, record) = (host.pids("prod", "api").await, world.record("prod", "api", 0));
    let folder = File::open(world.service("prod", "api")).unwrap();
    let token = record["token"].as_str().unwrap();
    let (code, said) = run_by_hand(&["runner", "run", "0", token], folder.into());
    assert!(code == Some(127) && said.contains("another runner owns"), "{said}");
    assert_eq!((host.pids("prod", "api").await, world.record("prod", "api", 0)), (pids, record));
}

#[tokio::test]
async fn a_hangup_changes_nothing_and_a_person_may_end_a_runner() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    let runner = world.record("prod", "api", 0)["runner"]["pid"].as_i64().unwrap();
    let runner = Pid::from_raw(i32::try_from(runner).unwrap()).unwrap();
    kill_process(runner, Signal::HUP).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(is_alive(pid));
    kill_process(runner, Signal::TERM).unwrap();
    eventually("the service ends", || !is_alive(pid));
    let exit = world.service("prod", "api").join("replicas/0/exit.json");
    eventually("the exit is recorded", || exit.exists());
    assert_eq!(host.status("prod", "api").await["replicas"][0]["last-exit"], 128 + 15);
}

#[tokio::test]
async fn a_service_that_dies_is_seen_with_its_exit() {
    let world = World::with_sleepers("prod", &["api"]);
    let host = world.host();
    host.done("restart-service", json!(["prod", "api"])).await;
    let pid = host.pids("prod", "api").await[0];
    kill(pid);
    let runner = world.record("prod", "api", 0)["runner"]["pid"].as_u64().unwrap();
    eventually("the runner ends with it", || !is_alive(runner));
    let status = host.status("prod", "api").await;
    assert_eq!(status["replicas"][0]["last-exit"], 128 + 9, "{status}");
    assert_eq!(status["replicas"][0]["detail"], "it ended with exit code 137");
}

/// Processes whose working directory lies below a folder.
fn processes_below(folder: &Path) -> Vec<PathBuf> {
    let folder = fs::canonicalize(folder).unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|p| {
            fs::read_link(p.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder.join("work")))
        })
        .collect()
}

#[tokio::test]
async fn a_host_killed_at_any_moment_leaves_a_sound_state() {
    let world = World::with_sleepers("prod", &["api"]);
    let mut revisions = std::collections::BTreeSet::new();
    for round in 0..10 {
        let mut crashing = Command::new(HELPER)
            .arg("act-until-killed")
            .arg(world.root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(120 + round * 97));
        assert!(crashing.try_wait().unwrap().is_none(), "round {round}: it acts until then");
        crashing.kill().unwrap();
        crashing.wait().unwrap();
        let host = world.host();
        let config = host.read("read-config", json!(["prod", "api", null])).await;
        assert!(config["ok"]["version"].as_u64().is_some(), "round {round}: {config}");
        let forecast = host.exact("restart-service", json!(["prod", "api"])).await;
        assert!(revisions.insert(forecast.revision), "round {round}: the revision has moved");
        // A runner that was on its way when its host died may be met once.
        let mut result = host.effect("restart-service", json!(["prod", "api"])).await;
        if result["ok"] != json!(null) || result.get("ok").is_none() {
            result = host.effect("restart-service", json!(["prod", "api"])).await;
        }
        assert_eq!(result, json!({"ok": null}), "round {round}");
        let wanted = host.status("prod", "api").await["wanted"].as_u64().unwrap();
        let pids = host.pids("prod", "api").await;
        assert_eq!(pids.len() as u64, wanted, "round {round}");
        let found = processes_below(&world.service("prod", "api"));
        assert_eq!(
            found.len(),
            pids.len(),
            "round {round}: nothing runs without an owner: {found:?}"
        );
    }
    let config = world.host().read("read-config", json!(["prod", "api", null])).await;
    let versions = config["ok"]["versions"].as_array().unwrap().len();
    assert!(versions > 1, "the killed hosts had acted");
}
