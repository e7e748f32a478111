//! Many threads in many processes at one file, and processes that are killed while they keep something.

use super::harness::Host;
use interlock_providers::kv::Quota;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

const THREADS: usize = 16;
const ROUNDS: usize = 10;

/// Where the state is, in a process that a test started to do its part.
const STATE: &str = "INTERLOCK_KV_STATE";

/// This test again, as a process of its own that does its part.
fn process(test: &str, state: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("kv::races::{test}"), "--nocapture"])
        .env(STATE, state)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The state of the test that this process does a part of; none in the test itself.
fn part() -> Option<PathBuf> {
    std::env::var_os(STATE).map(PathBuf::from)
}

/// Keeps the same number under both keys, one after the other, until it is killed somewhere in here.
async fn write(state: &Path) {
    let host = Host::of("a", state);
    for n in 0_u64.. {
        host.effect("set", json!(["one", format!("{n}")])).await;
        host.effect("set", json!(["two", format!("{n}")])).await;
    }
}

/// Each thread adds one, as often as it takes until it did: a lost or doubled win makes another number.
async fn count(state: &Path) {
    let tasks: Vec<_> = (0..THREADS)
        .map(|_| {
            let host = Arc::new(Host::of("a", state));
            tokio::spawn(async move {
                let mut won = 0;
                while won < ROUNDS {
                    let found = host.read("get", json!(["n"])).await.unwrap()["ok"].clone();
                    let now: u64 = found.as_str().map_or(0, |text| text.parse().unwrap());
                    let next = (now + 1).to_string();
                    let answer = host.effect("set-if", json!(["n", found, next])).await;
                    won += usize::from(answer == json!({"ok": null}));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

const SMALL: Quota = Quota { value: 10, keys: 20, bytes: 1000 };

async fn fill(state: &Path) {
    let tasks: Vec<_> = (0..THREADS)
        .map(|thread| {
            let host = Host::with("a", state, SMALL);
            let process = std::process::id();
            tokio::spawn(async move {
                for n in 0..5 {
                    host.effect("set", json!([format!("{process}/{thread}/{n}"), "v"])).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

// INVARIANT AT-MOST-ONCE
#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn at_most_once_of_many_processes_at_one_value_exactly_one_wins_each_time() {
    const TEST: &str = "at_most_once_of_many_processes_at_one_value_exactly_one_wins_each_time";
    if let Some(state) = part() {
        return count(&state).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut both = [process(TEST, folder.path()), process(TEST, folder.path())];
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    let found = Host::of("a", folder.path()).read("get", json!(["n"])).await.unwrap();
    assert_eq!(found, json!({"ok": (2 * THREADS * ROUNDS).to_string()}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn bounds_hold_when_many_processes_race_for_what_is_left() {
    const TEST: &str = "bounds_hold_when_many_processes_race_for_what_is_left";
    if let Some(state) = part() {
        return fill(&state).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut both = [process(TEST, folder.path()), process(TEST, folder.path())];
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    let host = Host::with("a", folder.path(), SMALL);
    let all = host.read("all-keys", json!([null, 1000])).await.unwrap();
    assert_eq!(all["ok"]["keys"].as_array().unwrap().len() as u64, SMALL.keys);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn who_is_killed_in_the_middle_leaves_whole_values_and_no_lock() {
    const TEST: &str = "who_is_killed_in_the_middle_leaves_whole_values_and_no_lock";
    if let Some(state) = part() {
        return write(&state).await;
    }
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6u64 {
        let mut child = process(TEST, folder.path());
        tokio::time::sleep(Duration::from_millis(150 + 37 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let host = Host::of("a", folder.path());
        let number = async |key: &str| {
            let found = host.read("get", json!([key])).await.unwrap()["ok"].clone();
            found.as_str().map_or(-1, |text| text.parse::<i64>().unwrap())
        };
        let (one, two) = (number("one").await, number("two").await);
        // A round that was killed before it wrote leaves the last round's.
        assert!(one == two || one == two + 1 || one == 0, "{one} {two}");
        assert_eq!(host.effect("set", json!(["after", "v"])).await, json!({"ok": null}));
    }
    let host = Host::of("a", folder.path());
    assert_ne!(host.read("get", json!(["one"])).await.unwrap(), json!({"ok": null}));
}
