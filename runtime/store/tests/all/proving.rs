//! Leaves with the head that they were proven against: of one moment, in order, and none that was edited.

use crate::fixture::{Scene, batch, entry, mark};
use interlock_journal::export::Verifier;
use interlock_store::{Batch, Mark, Picking, Store};

/// Ten leaves; the even ones carry a mark.
fn filled(scene: &Scene) -> Store {
    let store = scene.open();
    for leaf in 0..10 {
        let marks =
            if leaf % 2 == 0 { vec![mark("even", &leaf.to_string(), false)] } else { vec![] };
        store.commit_blocking(batch(entry(&format!("text {leaf}"), marks))).unwrap();
    }
    store
}

#[test]
fn leaves_are_proven_from_one_on_with_earlier_ones_under_one_head() {
    let scene = Scene::new();
    assert_eq!(scene.open().prove(0, &[], |_| true).unwrap(), None);
    let store = filled(&scene);
    let proven = store.prove(7, &[5, 1, 1, 8, 99], |_| true).unwrap().unwrap();
    assert_eq!(proven.checkpoint.size(), 10);
    let numbers: Vec<u64> = proven.leaves.iter().map(|stored| stored.leaf).collect();
    assert_eq!(numbers, [1, 5, 7, 8, 9]);
    for stored in &proven.leaves {
        assert_eq!(stored.payload, Some(format!("text {}", stored.leaf).into_bytes()));
        assert_eq!(store.entry(stored.leaf).unwrap().unwrap(), *stored);
        assert_eq!(stored.is_marked("even", &stored.leaf.to_string()), stored.leaf % 2 == 0);
    }
}

#[test]
fn journal_tells_an_earlier_leaf_that_was_edited_is_not_proven() {
    for edit in [
        "update leaf set bytes = cast(replace(bytes, 'test', 'tent') as blob) where idx = 1",
        "update leaf set bytes = (select bytes from leaf where idx = 3) where idx = 1",
        "update payload set bytes = (select bytes from payload where idx = 3) where idx = 1",
        "delete from leaf where idx = 1",
    ] {
        let scene = Scene::new();
        let store = filled(&scene);
        scene.sql(edit);
        let refused = store.prove(9, &[1], |_| true).unwrap_err();
        assert!(
            refused.is_integrity() && refused.to_string().contains("leaf 1"),
            "{edit}: {refused}"
        );
        // What is not asked for does not stand in the way.
        assert_eq!(store.prove(9, &[2], |_| true).unwrap().unwrap().leaves.len(), 2);
    }
}

#[test]
fn an_export_gives_the_leaves_that_are_wanted_with_their_payloads() {
    let scene = Scene::new();
    let store = filled(&scene);
    store.erase(&[4]).unwrap();
    let mut archive = Vec::new();
    store.export(&mut archive).unwrap();
    let mut picking = Picking::new(|mark: &Mark| mark.space == "even" && mark.key != "8");
    Verifier::new(store.identity()).verify(archive.as_slice(), &mut picking).unwrap();
    let picked = picking.into_leaves();
    let numbers: Vec<u64> = picked.iter().map(|stored| stored.leaf).collect();
    assert_eq!(numbers, [0, 2, 4, 6]);
    for stored in picked {
        assert_eq!(stored.payload.is_none(), stored.leaf == 4);
        assert_eq!(store.entry(stored.leaf).unwrap().unwrap(), stored);
    }
}

#[tokio::test]
async fn waiting_for_what_is_on_its_way_writes_nothing_of_its_own() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_buffered(vec![entry("one", vec![])]).unwrap();
    store.commit_buffered(vec![entry("two", vec![])]).unwrap();
    store.flush().await.unwrap();
    assert_eq!(store.size().unwrap(), 2);
    let before = store.transactions();
    store.flush().await.unwrap();
    store.commit(Batch::default()).await.unwrap();
    assert_eq!((store.transactions(), store.size().unwrap()), (before, 2));
}

#[test]
fn leaves_alone_are_proven_without_those_after_them() {
    let scene = Scene::new();
    let store = scene.open();
    for n in 0..5 {
        store.commit_blocking(batch(entry(&n.to_string(), vec![]))).unwrap();
    }
    let proven = store.prove(u64::MAX, &[3, 9], |_| true).unwrap().unwrap();
    assert_eq!(proven.leaves.iter().map(|l| l.leaf).collect::<Vec<_>>(), [3]);
    assert_eq!(proven.checkpoint.size(), 5);
}

/// What somebody else's leaf had beside it is not read for a proof of one's own.
#[test]
fn a_proof_reads_no_payload_that_nobody_wants() {
    let scene = Scene::new();
    let store = scene.open();
    for key in ["a", "b", "a"] {
        store.commit_blocking(batch(entry(key, vec![mark("invocation", key, false)]))).unwrap();
    }
    scene.sql("update payload set bytes = zeroblob(30) where idx = 1");
    let proven =
        store.prove(0, &[], |marks| marks.iter().any(|mark| mark.key == "a")).unwrap().unwrap();
    assert_eq!(proven.leaves.iter().map(|leaf| leaf.leaf).collect::<Vec<_>>(), [0, 2]);
    let refused =
        store.prove(0, &[], |marks| marks.iter().any(|mark| mark.key == "b")).unwrap_err();
    assert!(refused.to_string().contains("payload of leaf 1"), "{refused}");
    // Each leaf is hashed all the same.
    scene.sql(
        "update leaf set bytes = cast(replace(bytes, '\"b\"', '\"c\"') as blob) where idx = 1",
    );
    let refused =
        store.prove(0, &[], |marks| marks.iter().any(|mark| mark.key == "a")).unwrap_err();
    assert!(refused.is_integrity(), "{refused}");
}
