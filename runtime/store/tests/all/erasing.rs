//! What was erased is in no byte of any file of the journal, hosts go on while it goes, and who is in the way
//! is told.

use crate::fixture::{Scene, batch, entry, mark};
use interlock_store::{Store, StoreError};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

const CANARY: &str = "canary-of-leaf-";
const LEAVES: usize = 600;

/// A payload of its own for each leaf, from a line to several pages of the file.
fn filled(store: &Store, leaves: usize) {
    for n in 0..leaves {
        let payload = format!("{CANARY}{n}-").repeat(1 + n * n % 97 + (n % 40 / 39) * 2000);
        store
            .commit_blocking(batch(entry(&payload, vec![mark("n", &n.to_string(), true)])))
            .unwrap();
    }
}

/// The leaves whose payload is anywhere in the database or its write-ahead log.
fn found(folder: &Path) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    for file in ["journal.db", "journal.db-wal"] {
        let bytes = fs::read(folder.join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        for rest in text.split(CANARY).skip(1) {
            // One that a page ends in the middle of is no number; whole ones are all around it.
            let number = rest.split('-').next().unwrap_or_default();
            seen.extend(number.parse::<u64>());
        }
    }
    seen.into_iter().collect()
}

#[test]
fn what_is_erased_is_in_no_byte_of_the_file_or_its_log() {
    let scene = Scene::new();
    // Open the whole time, as a host is: nobody else cuts the log.
    let host = scene.open();
    filled(&host, LEAVES);
    let all: Vec<u64> = (0..LEAVES as u64).collect();
    assert_eq!(found(scene.folder()), all);

    // Every other one first: what stays is moved about, and its old places are emptied as well.
    let (even, odd): (Vec<u64>, Vec<u64>) = all.iter().partition(|n| *n % 2 == 0);
    assert_eq!(host.erase(&even).unwrap(), even.len() as u64);
    for leaf in &odd {
        assert!(host.entry(*leaf).unwrap().unwrap().payload.is_some(), "{leaf}");
    }
    let left = found(scene.folder());
    let traces: Vec<&u64> = left.iter().filter(|n| *n % 2 == 0).collect();
    assert!(traces.is_empty(), "traces of {traces:?}");
    assert_eq!(host.erase(&all).unwrap(), odd.len() as u64);
    assert_eq!(found(scene.folder()), Vec::<u64>::new());
    assert_eq!(fs::metadata(scene.folder().join("journal.db-wal")).unwrap().len(), 0);
    assert_eq!(host.audit().unwrap(), LEAVES as u64);
}

/// Survivors anywhere: rows that stay are moved when others go, and what lay where they were must go with them.
#[test]
fn what_is_erased_in_rounds_leaves_no_trace_wherever_the_rest_lies() {
    for seed in 1..=4_u64 {
        let scene = Scene::new();
        let host = scene.open();
        filled(&host, LEAVES);
        let (mut left, mut state): (Vec<u64>, u64) = ((0..LEAVES as u64).collect(), seed);
        for _ in 0..3 {
            let mut coin = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                state >> 63 == 0
            };
            let (go, stay): (Vec<u64>, Vec<u64>) = left.iter().partition(|_| coin());
            assert_eq!(host.erase(&go).unwrap(), go.len() as u64);
            assert_eq!(found(scene.folder()), stay, "seed {seed}");
            left = stay;
        }
        assert_eq!(host.audit().unwrap(), LEAVES as u64);
    }
}

const FOLDER: &str = "INTERLOCK_ERASING_FOLDER";

/// Not a test of its own: the process that is killed.
#[test]
fn the_process_that_is_killed_while_it_erases() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let leaves: Vec<u64> = (0..LEAVES as u64).rev().collect();
        Scene::at(Path::new(&folder)).erase(&leaves).unwrap();
    }
}

#[test]
fn whoever_is_killed_while_erasing_leaves_fewer_payloads_and_a_whole_log() {
    let scene = Scene::new();
    filled(&scene.open(), LEAVES);
    let (mut left, mut ended) = (LEAVES, false);
    for wait in (0..).step_by(3) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "erasing::the_process_that_is_killed_while_it_erases"])
            .env(FOLDER, scene.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while !ended && began.elapsed() < Duration::from_millis(wait) {
            ended = child.try_wait().unwrap().is_some();
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
        let store = scene.open();
        assert_eq!(store.audit().unwrap(), LEAVES as u64);
        let mut there = 0;
        store.survey(|stored| there += usize::from(stored.payload.is_some())).unwrap();
        assert!(there <= left);
        left = there;
        if ended {
            break;
        }
    }
    // The next one finishes it, where there is nothing left to erase but traces.
    assert_eq!(left, 0);
    assert_eq!(scene.open().erase(&[]).unwrap(), 0);
    assert_eq!(found(scene.folder()), Vec::<u64>::new());
}

#[test]
fn hosts_write_while_payloads_go() {
    let scene = Scene::new();
    let host = scene.open();
    filled(&host, 900);
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| {
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                host.commit_blocking(batch(entry("more", vec![]))).unwrap();
                written += 1;
            }
            written
        });
        let operator = scene.open();
        let leaves: Vec<u64> = (0..900).collect();
        assert_eq!(operator.erase(&leaves).unwrap(), 900);
        done.store(true, Ordering::Relaxed);
        assert!(writing.join().unwrap() > 0);
    });
    host.audit().unwrap();
}

#[test]
fn a_survey_shows_each_leaf_once_and_refuses_what_was_edited() {
    let scene = Scene::new();
    let store = scene.open();
    filled(&store, 5);
    store.erase(&[2]).unwrap();
    let mut seen = Vec::new();
    store.survey(|stored| seen.push((stored.leaf, stored.payload.is_some()))).unwrap();
    assert_eq!(seen, [(0, true), (1, true), (2, false), (3, true), (4, true)]);
    scene.sql("update payload set bytes = zeroblob(30) where idx = 3");
    assert!(store.survey(|_| panic!("before it was proven")).unwrap_err().is_integrity());
}

/// Somebody who reads an older state keeps the log from being cut: that is told, and erasing again finishes it.
#[test]
fn a_reader_that_keeps_traces_alive_is_told() {
    let scene = Scene::new();
    let store = scene.open();
    filled(&store, 50);
    let reader = rusqlite::Connection::open(scene.file()).unwrap();
    reader.execute_batch("begin; select count(*) from payload").unwrap();
    reader.query_row("select count(*) from payload", [], |_| Ok(())).unwrap();
    let error = store.erase(&[7]).unwrap_err();
    assert!(matches!(error, StoreError::WalInUse), "{error}");
    assert!(found(scene.folder()).contains(&7));
    reader.execute_batch("commit").unwrap();
    assert_eq!(store.erase(&[]).unwrap(), 0);
    assert!(!found(scene.folder()).contains(&7));
}
