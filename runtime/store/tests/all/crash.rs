//! A host that is killed at any moment, again and again, by a signal it cannot see: what it did is never more
//! than what it wrote down before, and what it wrote down is never lost.
//!
//! `INTERLOCK_CRASH_POINTS=10000 cargo test -p interlock-store crash` kills it that often.

use crate::fixture::{batch, entry, mark};
use interlock_journal::LogSigner;
use interlock_store::{Clock, Durability, Store, StoreError};
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

const FOLDER: &str = "INTERLOCK_CRASH_FOLDER";

fn open(folder: &Path) -> Store {
    let signer = LogSigner::from_seed("example/crash", &[7; 32]).unwrap();
    let clock: Clock = Arc::new(|| 1);
    Store::open(&folder.join("journal.db"), signer, Durability::Full, clock).unwrap()
}

/// What a host does: spends a ticket and writes the intent, acts, writes the outcome. The world is a file
/// that each effect adds a line to.
fn act(folder: &Path) {
    let store = open(folder);
    let mut world =
        OpenOptions::new().create(true).append(true).open(folder.join("world")).unwrap();
    for ticket in 0u64.. {
        let key = ticket.to_string();
        let marks = vec![mark("intent", &key, true), mark("ticket", &key, true)];
        match store.commit_blocking(batch(entry(&key, marks))) {
            Ok(_) => {}
            // Spent by an earlier life, whatever became of it: never again.
            Err(StoreError::Taken { .. }) => continue,
            Err(error) => panic!("{error}"),
        }
        world.write_all(format!("{key}\n").as_bytes()).unwrap();
        world.sync_data().unwrap();
        let outcome = batch(entry("done", vec![mark("outcome", &key, true)]));
        store.commit_blocking(outcome).unwrap();
    }
}

/// Not a test of its own: the process that is killed.
#[test]
fn the_process_that_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        act(Path::new(&folder));
    }
}

/// A small generator (xorshift64*), so that a failure can be had again.
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

#[test]
fn at_most_once_and_intent_before_effect_hold_at_every_crash_point() {
    let points: u64 =
        std::env::var("INTERLOCK_CRASH_POINTS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let mut seed = 0x5eed;
    let mut crashes = 0;
    while crashes < points {
        // A journal of its own for each few crashes: looking for an unspent ticket must stay quick.
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20.min(points - crashes) {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "crash::the_process_that_is_killed", "--nocapture"])
                .env(FOLDER, folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(2_000 + next(&mut seed) % 40_000));
            // Still at work: it never ends by itself.
            assert!(child.try_wait().unwrap().is_none(), "crash {crashes}: it ended by itself");
            child.kill().unwrap();
            child.wait().unwrap();
            crashes += 1;
            look(folder.path(), crashes);
        }
    }
}

/// After a crash: the journal is whole, and tells at least as much as happened.
fn look(folder: &Path, crash: u64) {
    let store = open(folder);
    store.audit().unwrap_or_else(|e| panic!("crash {crash}: {e}"));
    let keys = |space: &str| -> BTreeSet<String> {
        store.keys(space, u64::MAX >> 1).unwrap().into_iter().map(|(key, _)| key).collect()
    };
    let world = fs::read_to_string(folder.join("world")).unwrap_or_default();
    let effects: Vec<&str> = world.lines().collect();
    let happened: BTreeSet<String> = effects.iter().map(|e| (*e).to_owned()).collect();
    assert_eq!(effects.len(), happened.len(), "crash {crash}: an effect happened twice");
    let (intents, outcomes) = (keys("intent"), keys("outcome"));
    assert!(happened.is_subset(&intents), "crash {crash}: an effect without its intent");
    assert!(outcomes.is_subset(&happened), "crash {crash}: an outcome of nothing");
    let open: BTreeSet<String> =
        store.unanswered("intent", "outcome").unwrap().into_iter().map(|(key, _)| key).collect();
    let unknown: BTreeSet<String> = intents.difference(&outcomes).cloned().collect();
    assert_eq!(open, unknown, "crash {crash}: not every unknown end is told");
}
