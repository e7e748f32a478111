//! Copies of a journal that a host is writing to, and what becomes of them when they are put back.

use crate::fixture::{Scene, batch, entry, mark};
use interlock_store::{Durability, Store};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

fn write(store: &Store, n: usize) {
    let key = format!("{n}");
    store
        .commit_blocking(batch(entry(&format!("payload {n}"), vec![mark("n", &key, true)])))
        .unwrap();
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    fs::read_dir(folder).unwrap().map(name).collect()
}

/// Puts a file in the place of the journal, as the help of `journal backup` says.
fn restore(scene: &Scene, backup: &Path) {
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = fs::remove_file(scene.folder().join(file));
    }
    fs::copy(backup, scene.file()).unwrap();
}

#[test]
fn a_backup_is_whole_while_a_host_writes_and_a_host_goes_on_with_it() {
    let scene = Scene::new();
    let store = scene.open();
    let folder = scene.folder().join("an odd ?%#name");
    fs::create_dir(&folder).unwrap();
    (0..20).for_each(|n| write(&store, n));
    let done = AtomicBool::new(false);
    let last = std::thread::scope(|threads| {
        let host = threads.spawn(|| {
            let mut n = 20;
            while !done.load(Ordering::Relaxed) {
                write(&store, n);
                n += 1;
            }
            n
        });
        let operator = scene.open();
        for n in 0..5 {
            let before = operator.size().unwrap();
            let backup = operator.backup(&folder.join(format!("{n}.db"))).unwrap();
            assert!((before..=operator.size().unwrap()).contains(&backup.leaves()), "{backup:?}");
        }
        done.store(true, Ordering::Relaxed);
        host.join().unwrap()
    });
    assert_eq!(store.size().unwrap(), last as u64);
    // Nothing but the copies: no half of one, no log beside one.
    let expected: Vec<String> = (0..5).map(|n| format!("{n}.db")).collect();
    assert_eq!(names(&folder).into_iter().collect::<Vec<_>>(), expected);
    let first = folder.join("0.db");
    assert_eq!(first.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    drop(store);
    restore(&scene, &first);
    let store = scene.open();
    let size = store.audit().unwrap();
    assert!((20..last as u64).contains(&size));
    write(&store, usize::try_from(size).unwrap());
    assert_eq!(store.audit().unwrap(), size + 1);
    // What was once only is once only in the copy as well.
    let again = store.commit_blocking(batch(entry("x", vec![mark("n", "3", true)])));
    assert_eq!(again.unwrap_err().code(), "taken");
}

#[test]
fn a_backup_says_what_it_holds() {
    let scene = Scene::new();
    let store = scene.open();
    let empty = store.backup(&scene.folder().join("empty.db")).unwrap();
    assert_eq!((empty.leaves(), empty.head), (0, None));
    write(&store, 0);
    let file = scene.folder().join("one.db");
    let one = store.backup(&file).unwrap();
    assert_eq!((one.leaves(), one.bytes), (1, file.metadata().unwrap().len()));
    assert_eq!(one.head.map(|(note, _)| note), store.head().unwrap());
}

#[test]
fn a_backup_is_never_written_over_anything_and_leaves_nothing_where_it_fails() {
    let scene = Scene::new();
    let store = scene.open();
    write(&store, 0);
    let taken = scene.folder().join("taken");
    fs::write(&taken, "a file").unwrap();
    let link = scene.folder().join("link");
    std::os::unix::fs::symlink(scene.folder().join("nothing"), &link).unwrap();
    let before = names(scene.folder());
    for file in [taken.clone(), link, scene.file(), scene.folder().join("no/such/folder")] {
        let error = store.backup(&file).unwrap_err();
        assert_eq!(error.code(), "backup-failed", "{}", file.display());
        assert!(!error.is_integrity());
    }
    assert_eq!(fs::read(&taken).unwrap(), b"a file");
    assert_eq!(names(scene.folder()), before);
    store.audit().unwrap();
}

#[test]
fn journal_tells_what_does_not_verify_becomes_no_backup() {
    for (edit, word) in [
        ("update payload set bytes = zeroblob(30) where idx = 1", "payload of leaf 1"),
        ("delete from mark where key = '1'", "mark"),
        ("update log set note = replace(note, 'example', 'exemple')", "head"),
        ("delete from leaf where idx = 1", "leaf"),
    ] {
        let scene = Scene::new();
        let store = scene.open();
        (0..3).for_each(|n| write(&store, n));
        scene.sql(edit);
        let before = names(scene.folder());
        let error = store.backup(&scene.folder().join("copy.db")).unwrap_err();
        assert!(error.is_integrity() && error.to_string().contains(word), "{edit}: {error}");
        assert_eq!(names(scene.folder()), before, "{edit}");
    }
}

/// Why the steps say to take all three files away: SQLite plays the old log into the restored file. Where the
/// log has every page, the old journal is back, whole; where it has some, the mixture is found out. Never is it
/// the backup.
#[test]
fn journal_tells_a_backup_that_was_put_beside_the_log_of_another() {
    for settled in [false, true] {
        let scene = Scene::new();
        let store = scene.open();
        // Few enough that all of it is still in the log, or more than SQLite leaves there.
        let leaves = if settled { 300 } else { 40 };
        (0..leaves).for_each(|n| write(&store, n));
        let backup = scene.folder().join("copy.db");
        store.backup(&backup).unwrap();
        if settled {
            scene.sql("pragma wal_checkpoint(truncate)");
        }
        (leaves..leaves + 10).for_each(|n| write(&store, n));
        // As a host leaves them that was killed.
        let files = ["journal.db-wal", "journal.db-shm"].map(|name| scene.folder().join(name));
        let left = files.clone().map(|file| fs::read(file).unwrap());
        drop(store);
        for with_shm in [true, false] {
            restore(&scene, &backup);
            fs::write(&files[0], &left[0]).unwrap();
            if with_shm {
                fs::write(&files[1], &left[1]).unwrap();
            }
            let told = scene.try_open(Durability::Full, 7).and_then(|store| store.audit());
            if settled {
                assert!(told.is_err(), "with shm {with_shm}: {told:?}");
            } else {
                assert_eq!(told.unwrap(), 50, "with shm {with_shm}");
            }
        }
        // The other file alone holds nothing.
        restore(&scene, &backup);
        fs::write(&files[1], &left[1]).unwrap();
        assert_eq!(scene.open().audit().unwrap(), leaves as u64);
    }
}
