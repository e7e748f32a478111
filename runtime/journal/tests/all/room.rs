//! What this crate may know, and how small its verifier is.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn log_knows_nothing_of_other_crates_disk_clock_or_network() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("interlock").count(), 1, "its own name, and no sibling's");
    let all = sources(&root().join("src"));
    assert!(all.len() > 15);
    for (path, text) in all {
        for banned in [
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "std::thread",
            "std::time",
            "SystemTime",
            "Instant",
            "tokio",
            "serde",
            "rusqlite",
            "interlock_authority",
            "interlock_sandbox",
        ] {
            assert!(!text.contains(banned), "`{banned}` in {}", path.display());
        }
    }
}

/// All that has to be right for an export to be believed. (Not `error.rs`: it has the words, and the log's too.)
const VERIFIER: [&str; 11] = [
    "checkpoint.rs",
    "export/archive.rs",
    "export/mod.rs",
    "export/source.rs",
    "export/verify.rs",
    "export/visitor.rs",
    "frontier.rs",
    "hash.rs",
    "key.rs",
    "note.rs",
    "tile.rs",
];

/// A verifier that nobody reads is believed for nothing: below 1,000 lines of code, and none of the log's.
#[test]
fn the_verifier_is_small_and_uses_nothing_of_what_makes_a_log() {
    let mut lines = 0;
    for name in VERIFIER {
        let text = std::fs::read_to_string(root().join("src").join(name)).unwrap();
        lines += text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count();
        for banned in ["tree::", "proof::", "memory::", "TileReader", "ContentReader", "write::"] {
            let used = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .any(|line| line.contains(banned) && !line.contains("pub use write::"));
            assert!(!used, "`{banned}` in {name}");
        }
    }
    assert!(lines < 1000, "{lines} lines of code");
}
