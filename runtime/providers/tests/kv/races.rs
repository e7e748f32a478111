//! Many threads in many processes at one file, and processes that are killed while they keep something.

use crate::harness::Host;
use interlock_providers::kv::Quota;
use serde_json::json;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

const THREADS: usize = 16;
const ROUNDS: usize = 10;

/// This program again, as a process of its own that does one part of a test.
fn process(part: &str, state: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "races::part_of_a_test", "--ignored", "--nocapture"])
        .env("KV_PART", part)
        .env("KV_STATE", state)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
#[ignore = "the other processes of the tests below"]
async fn part_of_a_test() {
    let (Ok(part), Ok(state)) = (std::env::var("KV_PART"), std::env::var("KV_STATE")) else {
        return;
    };
    let state = Path::new(&state);
    match part.as_str() {
        "count" => count(state).await,
        "fill" => fill(state).await,
        _ => loop {
            // Killed somewhere in here. Both keys always get the same number, one after the other.
            let host = Host::of("a", state);
            for n in 0.. {
                host.effect("set", json!(["one", format!("{n}")])).await;
                host.effect("set", json!(["two", format!("{n}")])).await;
            }
        },
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
#[tokio::test]
async fn at_most_once_of_many_processes_at_one_value_exactly_one_wins_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut both = [process("count", folder.path()), process("count", folder.path())];
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    let found = Host::of("a", folder.path()).read("get", json!(["n"])).await.unwrap();
    assert_eq!(found, json!({"ok": (2 * THREADS * ROUNDS).to_string()}));
}

#[tokio::test]
async fn bounds_hold_when_many_processes_race_for_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut both = [process("fill", folder.path()), process("fill", folder.path())];
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    let host = Host::with("a", folder.path(), SMALL);
    let all = host.read("all-keys", json!([null, 1000])).await.unwrap();
    assert_eq!(all["ok"]["keys"].as_array().unwrap().len() as u64, SMALL.keys);
}

#[tokio::test]
async fn who_is_killed_in_the_middle_leaves_whole_values_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6u64 {
        let mut child = process("write", folder.path());
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
