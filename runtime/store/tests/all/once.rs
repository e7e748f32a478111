//! Marks, conditions and windows: what a claim, a ticket, a revocation and a budget are made of.

use crate::fixture::{Scene, absent, batch, entry, mark, present};
use interlock_store::{Batch, Charge, StoreError};
use std::sync::atomic::Ordering;

#[test]
fn a_mark_that_is_once_is_set_once_ever() {
    let scene = Scene::new();
    let write = |once| scene.open().commit_blocking(batch(entry("x", vec![mark("t", "1", once)])));
    assert_eq!(write(true).unwrap().first_leaf, 0);
    assert!(
        matches!(write(true), Err(StoreError::Taken { space, key }) if space == "t" && key == "1")
    );
    // A plain mark of the same name is another thing.
    assert_eq!(write(false).unwrap().first_leaf, 1);
    assert_eq!(scene.open().find("t", "1").unwrap(), [0, 1]);
}

#[test]
fn conditions_hold_in_the_transaction_or_nothing_is_written() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_blocking(batch(entry("x", vec![mark("a", "1", false)]))).unwrap();
    for (condition, holds) in [
        (present("a", "1"), true),
        (present("a", "2"), false),
        (present("b", "1"), false),
        (absent("a", "1"), false),
        (absent("a", "2"), true),
    ] {
        let before = store.size().unwrap();
        let wanted = Batch { conditions: vec![condition.clone()], ..batch(entry("y", vec![])) };
        assert_eq!(store.commit_blocking(wanted).is_ok(), holds, "{condition:?}");
        assert_eq!(store.size().unwrap(), before + u64::from(holds));
    }
    // A batch is written whole or not at all: its first entry does not stay when its second fails.
    let marks = || vec![mark("once", "x", true)];
    let wanted =
        Batch { entries: vec![entry("1", marks()), entry("2", marks())], ..Batch::default() };
    assert!(matches!(store.commit_blocking(wanted), Err(StoreError::Taken { .. })));
    assert!(store.find("once", "x").unwrap().is_empty());
    store.audit().unwrap();
}

#[test]
fn a_window_slides_and_time_never_goes_back() {
    let scene = Scene::new();
    let store = scene.open();
    let charge = |amount| {
        let charge = Charge { key: "k".into(), amount, window_ms: 1000, most: 3 };
        let entry = interlock_store::Entry { charges: vec![charge], ..entry("x", vec![]) };
        store.commit_blocking(batch(entry))
    };
    charge(2).unwrap();
    scene.time.store(1_000_500, Ordering::Relaxed);
    charge(1).unwrap();
    assert!(matches!(charge(1), Err(StoreError::OverBudget { used: 3, most: 3, .. })));
    // A clock that is set back makes no room, and revives nothing.
    scene.time.store(1, Ordering::Relaxed);
    assert_eq!(store.now_ms(), 1_000_500);
    assert!(matches!(charge(1), Err(StoreError::OverBudget { .. })));
    let late = Batch { not_after_ms: Some(1_000_499), ..batch(entry("x", vec![])) };
    assert!(matches!(store.commit_blocking(late), Err(StoreError::Expired)));
    scene.time.store(1_001_001, Ordering::Relaxed);
    charge(2).unwrap();
    assert!(matches!(charge(1), Err(StoreError::OverBudget { used: 3, .. })));
    // Also a host that starts anew remembers.
    drop(store);
    scene.time.store(1, Ordering::Relaxed);
    assert_eq!(scene.open().now_ms(), 1_001_001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intent_before_effect_concurrent_commits_share_an_fsync_and_are_all_there() {
    let scene = Scene::new();
    let store = scene.open();
    let before = store.transactions();
    let mut waiting = Vec::new();
    for n in 0..256 {
        let store = store.clone();
        waiting.push(tokio::spawn(async move {
            store.commit(batch(entry(&n.to_string(), vec![]))).await.unwrap()
        }));
    }
    let mut leaves = std::collections::BTreeSet::new();
    for one in waiting {
        leaves.insert(one.await.unwrap().first_leaf);
    }
    assert_eq!(leaves.len(), 256);
    let transactions = store.transactions() - before;
    assert!(transactions <= 128, "{transactions} fsyncs for 256 commits");
    assert_eq!(store.audit().unwrap(), 256);
}

#[test]
fn what_is_buffered_is_there_when_the_store_is_closed() {
    let scene = Scene::new();
    let store = scene.open();
    for n in 0..100 {
        store.commit_buffered(vec![entry(&n.to_string(), vec![])]).unwrap();
    }
    drop(store);
    let store = scene.open();
    assert_eq!(store.size().unwrap(), 100);
    assert_eq!(store.last(1).unwrap()[0].payload.as_deref(), Some(&b"99"[..]));
}

#[test]
fn what_is_made_later_is_there_in_its_turn() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_buffered(vec![entry("one", vec![])]).unwrap();
    store.commit_later(|| Ok(entry("two", vec![]))).unwrap();
    store.commit_buffered(vec![entry("three", vec![])]).unwrap();
    drop(store);
    let store = scene.open();
    let payloads = store.last(3).unwrap().into_iter().map(|stored| stored.payload.unwrap());
    assert_eq!(payloads.collect::<Vec<_>>(), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
}

/// A gap that nobody hears of would be worse than a journal that takes nothing.
#[tokio::test]
async fn after_what_cannot_be_made_nothing_is_written() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_later(|| Err("it has no JSON".to_owned())).unwrap();
    let batch =
        interlock_store::Batch { entries: vec![entry("next", vec![])], ..Default::default() };
    assert!(store.commit(batch).await.is_err());
    assert!(store.commit_buffered(vec![entry("later", vec![])]).is_err());
    drop(store);
    assert_eq!(scene.open().size().unwrap(), 0);
}
