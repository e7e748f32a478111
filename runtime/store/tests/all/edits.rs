//! Somebody with the file and without the key: each edit is found by name, or changes no answer.

use crate::fixture::{Scene, batch, entry, mark};
use interlock_store::{Batch, Charge, Entry, Store, Stored};

/// Three leaves: a request, a claim, a revocation of something else; one of them charged.
fn filled(scene: &Scene) -> Store {
    let store = scene.open();
    let charge = Charge { key: "k".into(), amount: 1, window_ms: 1000, most: 9 };
    for entry in [
        entry("request", vec![mark("request", "1", true)]),
        Entry { charges: vec![charge], ..entry("claim", vec![mark("claim", "1", true)]) },
        entry("revoked", vec![mark("revoked", "2", false)]),
    ] {
        store.commit_blocking(batch(entry)).unwrap();
    }
    store
}

#[test]
fn journal_tells_every_kind_of_edit_is_found_when_a_host_starts() {
    for (edit, word) in [
        ("delete from mark where space = 'claim'", "claim"),
        ("update mark set once = 0", "mark"),
        ("update mark set key = '2' where space = 'claim'", "claim"),
        ("insert into mark values ('approved', '1', 1, 0)", "approved"),
        ("insert into mark values ('approved', '1', 99, 0)", "approved"),
        ("delete from charge", "charges"),
        ("update charge set amount = 0", "charges"),
        ("update charge set time = 1", "charges"),
        ("update leaf set bytes = (select bytes from leaf where idx = 0) where idx = 1", "mark"),
        ("update leaf set bytes = x'00' where idx = 1", "leaf 1"),
        ("delete from leaf where idx = 1", "leaf 1"),
        ("delete from leaf where idx = 2", "leaf 2"),
        ("insert into leaf select 3, bytes from leaf where idx = 2", "leaf"),
        ("update log set size = 2", "head"),
        ("update log set note = null", "head"),
        ("update log set note = 'x'", "head"),
        ("update log set note = replace(note, 'example', 'exemple')", "head"),
        ("update tile set hashes = x'00'", "tile"),
        ("update tile set hashes = zeroblob(96)", "tiles"),
        ("delete from tile", "tile"),
        ("delete from log", "log"),
        ("update log set origin = 'x'", "deployment"),
        // The leaf and its row together.
        (
            "update leaf set bytes = cast(replace(bytes, '{\"key\":\"k\",\"amount\":1}', '') as blob);
             delete from charge",
            "signed head",
        ),
        (
            "update leaf set bytes = cast(replace(bytes, '\"time\":1', '\"time\":9') as blob) where idx = 2",
            "signed head",
        ),
    ] {
        let scene = Scene::new();
        drop(filled(&scene));
        scene.sql(edit);
        let told = scene.try_open(interlock_store::Durability::Full, 7).err();
        let told = told.map(|e| (e.is_integrity(), e.to_string())).unwrap_or_default();
        assert!(told.0 && told.1.contains(word), "{edit}: {told:?}");
    }
}

#[test]
fn journal_tells_what_is_read_for_a_decision_is_proven_while_a_host_runs() {
    for (edit, word) in [
        (
            "update leaf set bytes = cast(replace(bytes, 'claim', 'other') as blob)",
            "do not come to",
        ),
        ("update payload set bytes = zeroblob(30) where idx = 1", "payload of leaf 1"),
        ("delete from leaf where idx = 2", "leaf 2"),
    ] {
        let scene = Scene::new();
        let store = filled(&scene);
        assert_eq!(store.verified_since(0).unwrap().len(), 3);
        scene.sql(edit);
        let error = store.verified_since(0).unwrap_err();
        assert!(error.is_integrity() && error.to_string().contains(word), "{edit}: {error}");
        assert!(store.audit().is_err(), "{edit}");
    }
    // What was read once is not read again; what is read again is compared with what it was.
    for (edit, word) in [
        ("update leaf set bytes = cast(replace(bytes, 'claim', 'other') as blob)", "leaf 1"),
        ("update payload set bytes = zeroblob(30) where idx = 1", "payload of leaf 1"),
        ("delete from leaf where idx = 1", "leaf 1"),
        ("update log set size = 2", "head"),
    ] {
        let scene = Scene::new();
        let store = filled(&scene);
        assert_eq!(store.proven("claim", "1", 0).unwrap().len(), 1);
        scene.sql(edit);
        let error = store.proven("claim", "1", 0).unwrap_err();
        assert!(error.is_integrity() && error.to_string().contains(word), "{edit}: {error}");
    }
    // Nor does a question take what was written about others since.
    let scene = Scene::new();
    let store = filled(&scene);
    assert_eq!(store.proven("claim", "1", 1).unwrap().len(), 1);
    scene.sql("delete from leaf where idx = 2");
    assert_eq!(store.proven("claim", "1", 1).unwrap().len(), 1);
    // Nor does one about something earlier: it has what lies in between hashed, and compared.
    let scene = Scene::new();
    let store = filled(&scene);
    assert_eq!(store.proven("claim", "1", 1).unwrap().len(), 1);
    scene.sql("update leaf set bytes = x'00' where idx = 2");
    assert_eq!(store.proven("claim", "1", 0).unwrap().len(), 1);
    let scene = Scene::new();
    let store = filled(&scene);
    assert_eq!(store.proven("claim", "1", 1).unwrap().len(), 1);
    scene.sql(
        "update leaf set bytes = cast(replace(bytes, 'request', 'retrace') as blob) where idx = 0",
    );
    let error = store.proven("claim", "1", 0).unwrap_err();
    assert!(error.is_integrity() && error.to_string().contains("from 0 to 1"), "{error}");
    // An index without its rows changes nothing of what is proven.
    let scene = Scene::new();
    let store = filled(&scene);
    scene.sql("delete from mark; delete from charge");
    let kinds: Vec<_> = store.verified_since(1).unwrap().into_iter().map(|s| s.marks).collect();
    assert_eq!(kinds[0], [mark("claim", "1", true)]);
    assert_eq!(store.proven("claim", "1", 0).unwrap().len(), 1);
}

/// Whoever kept what a log said up to some leaf goes on from there, and is told whether it is that log.
#[test]
fn journal_tells_from_a_known_root_on_which_leaves_carry_a_mark() {
    let scene = Scene::new();
    assert_eq!(scene.open().numbers("claim", ["1"], 0).unwrap(), None);
    let store = filled(&scene);
    let all = store.numbers("claim", ["1", "2"], 0).unwrap().unwrap();
    assert_eq!((all.of, all.head.size()), ([vec![1], vec![]], 3));
    // A process that begins later, as one does that kept what was before.
    let again = scene.open();
    let head = again.numbers("claim", ["1"], 3).unwrap().unwrap();
    assert_eq!((head.of, head.before), ([vec![]], Some(*all.head.root())));
    // Beyond the head there is nothing to begin at.
    let beyond = scene.open().numbers("claim", ["1"], 9).unwrap().unwrap();
    assert_eq!((beyond.of, beyond.before, beyond.head.size()), ([vec![]], None, 3));
    scene.sql("delete from mark");
    let late = batch(entry("claimed", vec![mark("claim", "2", true)]));
    store.commit_blocking(late).unwrap();
    let later = again.numbers("claim", ["1", "2"], 3).unwrap().unwrap();
    assert_eq!((later.of, later.before), ([vec![], vec![3]], Some(*all.head.root())));
    scene.sql("update leaf set bytes = x'00' where idx = 2");
    assert!(again.numbers("claim", ["1"], 0).unwrap_err().is_integrity());
}

#[test]
fn journal_tells_a_head_of_yesterday_under_a_running_host() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_blocking(batch(entry("asked", vec![mark("about", "1", false)]))).unwrap();
    scene.sql(
        "create table yesterday as select * from log; create table tiles as select * from tile",
    );
    store.commit_blocking(batch(entry("denied", vec![mark("about", "1", false)]))).unwrap();
    assert_eq!(store.proven("about", "1", 0).unwrap().len(), 2);
    // A head that was signed, and the log that it is of: all that verifies, but for what was read before.
    scene.sql(
        "delete from leaf where idx = 1; delete from mark where idx = 1; delete from payload where idx = 1;
         delete from tile; insert into tile select * from tiles; delete from log;
         insert into log select * from yesterday",
    );
    assert_eq!(store.verified_since(0).unwrap().len(), 1);
    let error = store.proven("about", "1", 0).unwrap_err();
    assert!(error.is_integrity() && error.to_string().contains("older"), "{error}");
}

/// The slow reader, which reads all of the log for each question, is the reference.
#[test]
fn journal_tells_of_a_name_what_the_whole_log_tells_in_whatever_order_it_is_asked() {
    let scene = Scene::new();
    let (store, other) = (scene.open(), scene.open());
    let slow = |store: &Store, space: &str, key: &str, first: u64| -> Vec<Stored> {
        let all = store.verified_since(first).unwrap();
        all.into_iter().filter(|leaf| leaf.is_marked(space, key)).collect()
    };
    let mut asked = 0;
    for round in 0..30_u64 {
        // More than are hashed at a time, now and then; and sometimes by another process.
        let many = if round % 12 == 7 { 1100 } else { round % 4 };
        let entries = (0..many).map(|n| {
            let key = (n + round) % 5;
            let space = if n % 3 == 0 { "about" } else { "other" };
            entry("said", vec![mark(space, &key.to_string(), false), mark("all", "x", false)])
        });
        let batch = Batch { entries: entries.collect(), ..Batch::default() };
        if round % 3 == 0 { &other } else { &store }.commit_blocking(batch).unwrap();
        let size = store.size().unwrap();
        // From later leaves to earlier ones, and back.
        for (space, key, first) in [
            ("about", "1", size.saturating_sub(round)),
            ("about", "2", size / 2),
            ("other", "1", size / 3),
            ("about", "3", 0),
            ("about", "nobody", 0),
            ("about", "4", size + 3),
        ] {
            let found = store.proven(space, key, first).unwrap();
            assert_eq!(found, slow(&store, space, key, first), "{space} {key} from {first}");
            asked += found.len();
        }
    }
    assert!(asked > 300, "{asked} leaves were compared");
}

#[test]
fn what_was_erased_is_gone_and_the_log_still_verifies() {
    let scene = Scene::new();
    let store = filled(&scene);
    assert_eq!(store.erase(&[1]).unwrap(), 1);
    assert_eq!(store.erase(&[1]).unwrap(), 0);
    let all = store.verified_since(0).unwrap();
    assert_eq!(all[1].payload, None);
    assert_eq!(all[0].payload.as_deref(), Some(&b"request"[..]));
    store.audit().unwrap();
}

/// A file that is put in place of the one a host has open.
#[test]
fn journal_tells_a_file_of_yesterday_under_a_running_host() {
    let scene = Scene::new();
    let store = scene.open();
    store.commit_blocking(batch(entry("1", vec![]))).unwrap();
    scene.sql("pragma wal_checkpoint(truncate)");
    let yesterday = std::fs::read(scene.file()).unwrap();
    store.commit_blocking(batch(entry("2", vec![]))).unwrap();
    let other = scene.folder().join("other");
    std::fs::write(&other, yesterday).unwrap();
    std::fs::rename(&other, scene.file()).unwrap();
    let error = store.commit_blocking(batch(entry("3", vec![]))).unwrap_err();
    assert!(error.is_integrity(), "{error}");
}
