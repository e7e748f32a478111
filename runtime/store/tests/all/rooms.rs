//! Files that are no journals, are not ours, or cannot be written: told by name, and never harmed.

use crate::fixture::{Scene, batch, entry, mark};
use interlock_store::{Durability, StoreError};
use std::{fs, os::unix::fs::PermissionsExt};

/// Bytes of a page of the file.
const PAGE: usize = 4096;

fn code(scene: &Scene) -> &'static str {
    scene.try_open(Durability::Full, 7).err().map_or("ok", |e| e.code())
}

#[test]
fn fail_closed_what_is_no_journal_is_not_written_to() {
    let scene = Scene::new();
    fs::write(scene.file(), "not a database, but long enough to look like one".repeat(100))
        .unwrap();
    fs::set_permissions(scene.file(), fs::Permissions::from_mode(0o600)).unwrap();
    let before = fs::read(scene.file()).unwrap();
    assert_eq!(code(&scene), "not-a-journal");
    assert_eq!(fs::read(scene.file()).unwrap(), before);

    // Databases of others, whatever version they are at: no setting is written into them either.
    for version in [0, 1, 2, -1, 99] {
        let scene = Scene::new();
        scene.sql(&format!("create table mark (mine text); pragma user_version = {version}"));
        fs::set_permissions(scene.file(), fs::Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(scene.file()).unwrap();
        assert_eq!(code(&scene), "not-a-journal", "{version}");
        assert_eq!(fs::read(scene.file()).unwrap(), before, "{version}");
    }

    let scene = Scene::new();
    drop(scene.open());
    scene.sql("pragma user_version = 99");
    assert_eq!(code(&scene), "newer-journal");

    let scene = Scene::new();
    scene.open().commit_blocking(batch(entry("x", vec![]))).unwrap();
    assert_eq!(scene.try_open(Durability::Full, 8).err().unwrap().code(), "other-deployment");
    assert_eq!(fs::metadata(scene.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_journal_of_the_version_before_is_taken_over_as_it_is() {
    let scene = Scene::new();
    let store = scene.open();
    for key in ["1", "2", "3"] {
        store.commit_blocking(batch(entry("asked", vec![mark("asked", key, true)]))).unwrap();
    }
    store.commit_blocking(batch(entry("told", vec![mark("told", "2", true)]))).unwrap();
    // A mark that can be set again is no question, whatever its space.
    store.commit_blocking(batch(entry("said", vec![mark("asked", "4", false)]))).unwrap();
    drop(store);
    scene.sql("drop index mark_once_by_leaf; pragma user_version = 1");
    let store = scene.open();
    store.audit().unwrap();
    let owned = |keys: &[(&str, u64)]| -> Vec<(String, u64)> {
        keys.iter().map(|(key, leaf)| ((*key).to_owned(), *leaf)).collect()
    };
    assert_eq!(store.keys("asked", 2).unwrap(), owned(&[("3", 2), ("2", 1)]));
    assert_eq!(store.unanswered("asked", "told").unwrap(), owned(&[("1", 0), ("3", 2)]));
    assert_eq!(store.unanswered("told", "asked").unwrap(), []);
    for key in ["3", "1"] {
        store.commit_blocking(batch(entry("told", vec![mark("told", key, true)]))).unwrap();
    }
    assert_eq!(store.unanswered("asked", "told").unwrap(), []);
}

/// Cut at every page: a cut journal is refused, or is one that the log itself vouches for.
/// A journal of 200 leaves, all of it in its file, as bytes.
fn whole(scene: &Scene) -> Vec<u8> {
    let store = scene.open();
    for n in 0..200 {
        let marks = vec![mark("space", &format!("key {n}"), false)];
        store.commit_blocking(batch(entry(&"x".repeat(n), marks))).unwrap();
    }
    drop(store);
    scene.sql("pragma wal_checkpoint(truncate)");
    fs::read(scene.file()).unwrap()
}

/// What the whole journal says once its file has these bytes.
fn audited(scene: &Scene, bytes: &[u8]) -> Result<u64, StoreError> {
    for file in ["journal.db-wal", "journal.db-shm"] {
        let _ = fs::remove_file(scene.folder().join(file));
    }
    fs::write(scene.file(), bytes).unwrap();
    scene.try_open(Durability::Full, 7)?.audit()
}

#[test]
fn journal_tells_a_truncated_file_is_found_at_every_page() {
    let scene = Scene::new();
    let whole = whole(&scene);
    for pages in 1..whole.len() / PAGE {
        assert!(audited(&scene, &whole[..pages * PAGE]).is_err(), "{pages} pages");
    }
}

#[test]
fn journal_tells_noise_in_any_page_is_damage_and_no_disk_out_of_reach() {
    let scene = Scene::new();
    let whole = whole(&scene);
    let mut found = 0;
    for page in 0..whole.len() / PAGE {
        let mut noisy = whole.clone();
        for (at, byte) in noisy.iter_mut().skip(page * PAGE).take(PAGE).enumerate() {
            *byte ^= u8::try_from((at * 7 + page * 13) % 255 + 1).unwrap();
        }
        if let Err(error) = audited(&scene, &noisy) {
            assert!(error.is_integrity(), "page {page}: {error}");
            found += 1;
        }
    }
    assert!(found > 20, "{found} of {}", whole.len() / PAGE);
}

/// What a file can make SQLite do is the less, the less of it is there: `.cargo/config.toml` leaves these out.
#[test]
fn extensions_of_sqlite_are_not_built() {
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    let built = |option: &str| -> bool {
        sqlite
            .query_row("SELECT sqlite_compileoption_used(?1)", [option], |row| row.get(0))
            .unwrap()
    };
    for gone in ["ENABLE_FTS3", "ENABLE_FTS5", "ENABLE_RTREE", "ENABLE_DBSTAT_VTAB"] {
        assert!(!built(gone), "{gone}");
    }
    assert!(built("OMIT_LOAD_EXTENSION"));
}
