//! Files with the store's name that are not to be used: each is a clear error, and not a byte of it changes.

use super::harness::Host;
use interlock_authority::Forecast;
use interlock_providers::{NOT_STARTED, Performed, ProviderFault};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

fn own(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

async fn forecast() -> Forecast {
    let empty = tempfile::tempdir().unwrap();
    Host::of("a", empty.path()).exact("set", json!(["k", "v"]), &[]).await
}

/// Nothing is read from it, nothing is written to it, and the words say what it is.
async fn is_refused(state: &Path, part: &str) {
    let file = state.join("kv.db");
    let before = fs::read(&file).unwrap();
    let host = Host::of("a", state);
    let error = host.read("get", json!(["k"])).await.unwrap_err();
    assert!(matches!(error, ProviderFault::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(part), "{error}");
    let refused = host.perform("set", json!(["k", "v"]), forecast().await, || Ok(())).await;
    match refused.unwrap() {
        Performed::Refused { code: NOT_STARTED, result } => {
            let words = result["err"]["failed"].as_str().unwrap();
            assert!(words.starts_with("not-kept: "), "{words}");
            // Where it lies and what is wrong with it is for its operator.
            assert!(!words.contains(part) && !words.contains(state.to_str().unwrap()), "{words}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&file).unwrap(), before, "{part}: it was changed");
}

#[tokio::test]
async fn what_is_not_ours_is_damaged_or_is_newer_is_refused_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.db");
    fs::write(&file, "these are notes, not a database").unwrap();
    own(&file);
    is_refused(folder.path(), "not a database").await;
    fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("create table t (x)").unwrap();
    own(&file);
    is_refused(folder.path(), "something else").await;
    fs::remove_file(&file).unwrap();

    Host::of("a", folder.path()).effect("set", json!(["k", "v"])).await;
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 2).unwrap();
    raw.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
    is_refused(folder.path(), "newer version").await;
    raw.pragma_update(None, "user_version", 1).unwrap();
    let host = Host::of("a", folder.path());
    assert_eq!(host.read("get", json!(["k"])).await.unwrap(), json!({"ok": "v"}));
    drop((host, raw));

    // Bytes of the tables are flipped.
    let mut bytes = fs::read(&file).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x5a;
    }
    fs::write(&file, bytes).unwrap();
    is_refused(folder.path(), "is damaged").await;
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.db");
    Host::of("a", folder.path()).effect("set", json!(["k", "v"])).await;
    for name in ["kv.db", "kv.db-wal", "kv.db-shm"] {
        if let Ok(metadata) = fs::metadata(folder.path().join(name)) {
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    for mode in [0o640, 0o602] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        is_refused(folder.path(), "chmod 600").await;
    }
    let elsewhere = folder.path().join("elsewhere.db");
    fs::rename(&file, &elsewhere).unwrap();
    own(&elsewhere);
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    is_refused(folder.path(), "not a plain file").await;
}
