//! Checkpoints outside, and exports: what somebody has who does not trust the file.

use crate::fixture::{Scene, batch, entry};
use interlock_journal::export::Verifier;
use interlock_store::Payloads;
use std::fs;

#[test]
fn journal_tells_a_restored_journal_is_seen_to_be_behind() {
    let scene = Scene::new();
    let place = scene.folder().join("outside");
    fs::create_dir(&place).unwrap();
    let places = vec![place.clone()];
    let store = scene.open();
    assert_eq!(store.behind(&places).unwrap(), None);
    store.commit_blocking(batch(entry("1", vec![]))).unwrap();
    drop(store);
    scene.sql("pragma wal_checkpoint(truncate)");
    let yesterday = fs::read(scene.file()).unwrap();

    let store = scene.open();
    store.commit_blocking(batch(entry("2", vec![]))).unwrap();
    store.publish(&places).unwrap();
    assert_eq!(store.behind(&places).unwrap(), None);
    drop(store);

    fs::write(scene.file(), &yesterday).unwrap();
    let store = scene.open();
    let behind = store.behind(&places).unwrap().unwrap();
    assert!(behind.problem.contains("it has 1 leaves, and 2 were published"), "{behind:?}");
    assert_eq!(store.publish(&places).unwrap_err().code(), "journal-behind");
    // Going on from there makes another history, which is seen too.
    store.commit_blocking(batch(entry("other", vec![]))).unwrap();
    let behind = store.behind(&places).unwrap().unwrap();
    assert!(behind.problem.contains("others than the published"), "{behind:?}");
    store.publish_over(&places).unwrap();
    assert_eq!(store.behind(&places).unwrap(), None);
}

#[test]
fn fail_closed_a_place_that_cannot_be_read_is_not_an_empty_one() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_blocking(batch(entry("1", vec![]))).unwrap();
    let missing = vec![scene.folder().join("not-mounted")];
    assert_eq!(store.behind(&missing).unwrap_err().code(), "publish-failed");
    assert_eq!(store.publish(&missing).unwrap_err().code(), "publish-failed");
    let place = scene.folder().join("outside");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("checkpoint"), "garbage").unwrap();
    assert_eq!(store.behind(&[place]).unwrap_err().code(), "publish-failed");
}

#[test]
fn journal_tells_an_export_is_verified_with_a_key_alone_and_payloads_belong_to_their_leaves() {
    let scene = Scene::new();
    let store = scene.open();
    for n in 0..300 {
        store.commit_blocking(batch(entry(&format!("payload {n}"), vec![]))).unwrap();
    }
    store.erase(&[7]).unwrap();
    let mut export = Vec::new();
    assert_eq!(store.export(&mut export).unwrap(), 300);
    let log = store.identity().clone();
    let verify = |bytes: &[u8]| {
        Verifier::new(&log).verify(bytes, &mut Payloads).map(|v| v.checkpoint.size())
    };
    assert_eq!(verify(&export).unwrap(), 300);
    let at = export.windows(11).position(|w| w == b"payload 100").unwrap();
    export[at] ^= 1;
    let error = verify(&export).unwrap_err().to_string();
    assert!(error.contains("100"), "{error}");
}

/// Each finds its own leaf told outside when it returns, whoever else publishes at the same time.
#[test]
fn what_was_published_never_becomes_older() {
    let scene = Scene::new();
    let (store, other) = (scene.open(), scene.open());
    let place = scene.folder().join("outside");
    std::fs::create_dir(&place).unwrap();
    let places = [place.clone()];
    std::thread::scope(|threads| {
        for turn in 0..6 {
            let store = if turn % 2 == 0 { &store } else { &other };
            let places = &places;
            threads.spawn(move || {
                for _ in 0..20 {
                    let leaf = store.commit_blocking(batch(entry("x", vec![]))).unwrap().first_leaf;
                    store.publish(places).unwrap_or_else(|e| panic!("{e}"));
                    let text = std::fs::read_to_string(places[0].join("checkpoint")).unwrap();
                    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
                    assert!(size > leaf, "{size} leaves are told outside, and leaf {leaf} is not");
                }
            });
        }
    });
    assert_eq!(store.behind(&places).unwrap(), None);
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1, "nothing is left beside it");
}

/// Nobody waits for a note, so nobody would hear that it was lost.
#[test]
fn notes_that_could_not_be_written_are_written_later_or_nothing_after_them_is() {
    let scene = Scene::new();
    let store = scene.open();
    let trigger =
        "create trigger full before insert on payload begin select raise(abort, 'full'); end";
    scene.sql(trigger);
    for what in ["one", "two"] {
        store.commit_buffered(vec![entry(what, vec![])]).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    // Whoever waits is told.
    assert!(store.commit_blocking(batch(entry("three", vec![]))).is_err());
    scene.sql("drop trigger full");
    store.commit_blocking(batch(entry("four", vec![]))).unwrap();
    let all = store.verified_since(0).unwrap().into_iter();
    let told: Vec<String> =
        all.map(|leaf| String::from_utf8(leaf.payload.unwrap()).unwrap()).collect();
    assert_eq!(told, ["one", "two", "four"]);
    // A store that ends while nothing can be written ends all the same.
    scene.sql(trigger);
    store.commit_buffered(vec![entry("five", vec![])]).unwrap();
    drop(store);
    scene.sql("drop trigger full");
    assert_eq!(scene.open().size().unwrap(), 3);
}
