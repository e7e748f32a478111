//! What is written into the journal is written nowhere else, not even for a moment.

use crate::fixture::{Scene, batch, entry, mark};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

const FOLDER: &str = "INTERLOCK_ELSEWHERE_FOLDER";
const AT_ONCE: u64 = 200;

/// Not a test of its own: the process whose temporary files are looked for.
#[test]
fn the_process_that_writes_much_at_once() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Scene::at(Path::new(&folder));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for round in 0..4 {
            // Each could be refused alone: in one transaction, as many savepoints with the pages that would undo them.
            let commits: Vec<_> = (0..AT_ONCE)
                .map(|n| {
                    let ticket = mark("ticket", &format!("{round}.{n}"), true);
                    let (store, batch) =
                        (store.clone(), batch(entry(&"x".repeat(4000), vec![ticket])));
                    tokio::spawn(async move { store.commit(batch).await })
                })
                .collect();
            for commit in commits {
                commit.await.unwrap().unwrap();
            }
        }
    });
    assert!(store.transactions() < 100, "they were written one by one");
}

#[test]
fn what_is_written_leaves_no_trace_among_temporary_files() {
    let (scene, temporary) = (Scene::new(), tempfile::tempdir().unwrap());
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "elsewhere::the_process_that_writes_much_at_once"]);
    process.env(FOLDER, scene.folder()).stdout(Stdio::null());
    for name in ["SQLITE_TMPDIR", "TMPDIR"] {
        process.env(name, temporary.path());
    }
    let mut process = process.spawn().unwrap();
    // A file that never had a name, or has it no more, is seen while it is open.
    let open = Path::new("/proc").join(process.id().to_string()).join("fd");
    let mut seen = BTreeSet::new();
    let ended = loop {
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        let files = fs::read_dir(&open).into_iter().flatten().flatten();
        let files = files.filter_map(|file| fs::read_link(file.path()).ok());
        seen.extend(files.filter(|file| file.starts_with(temporary.path())));
    };
    assert!(ended.success());
    assert_eq!(seen, BTreeSet::new());
    assert_eq!(scene.open().audit().unwrap(), 4 * AT_ONCE, "it wrote");
}
