//! Compilation in a child, and the authenticated cache of what it makes.

use crate::{
    harness::{catalogue, plugin},
    text::{ADD, go},
};
use interlock_sandbox::{
    AdmissionError, Artifact, ArtifactCache, Compiler, PluginBytes, Sandbox, SandboxSettings,
};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

fn child() -> Compiler {
    Compiler::Child {
        program: PathBuf::from(env!("CARGO_BIN_EXE_interlock-compile")),
        arguments: Vec::new(),
    }
}

fn sandbox(compiler: Compiler, cache: Option<ArtifactCache>) -> Sandbox {
    Sandbox::new(SandboxSettings { cache, compiler }).unwrap()
}

async fn artifact(sandbox: &Sandbox, bytes: &PluginBytes) -> Artifact {
    sandbox.inspect(bytes, &catalogue()).await.unwrap().artifact
}

#[tokio::test]
async fn the_child_compiles_and_says_what_is_wrong() {
    let sandbox = sandbox(child(), None);
    assert_eq!(artifact(&sandbox, &plugin(ADD)).await, Artifact::Compiled);
    let shared = plugin("(component (core module (memory 1 1 shared)))");
    let error = sandbox.inspect(&shared, &catalogue()).await.unwrap_err();
    assert!(matches!(&error, AdmissionError::Malformed(m) if m.contains("thread")), "{error}");
}

#[tokio::test]
async fn a_child_that_is_no_compiler_is_an_error() {
    for (program, arguments) in
        [("/nonexistent", vec![]), ("/bin/false", vec![]), ("/bin/echo", vec!["hello".into()])]
    {
        let compiler = Compiler::Child { program: program.into(), arguments };
        let error = sandbox(compiler, None).inspect(&plugin(ADD), &catalogue()).await.unwrap_err();
        assert!(matches!(error, AdmissionError::Compile(_)), "{program}: {error}");
    }
}

#[tokio::test]
async fn the_cache_is_used_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let cache = ArtifactCache { dir: dir.path().join("artifacts"), key: [1; 32] };
    let first = sandbox(child(), Some(cache.clone()));
    assert_eq!(artifact(&first, &plugin(ADD)).await, Artifact::Compiled);
    // The compiler is not asked again, not even by another host.
    let nobody = Compiler::Child { program: "/nonexistent".into(), arguments: Vec::new() };
    let second = sandbox(nobody, Some(cache.clone()));
    assert_eq!(artifact(&second, &plugin(ADD)).await, Artifact::Cached);
    assert_eq!(fs::metadata(&cache.dir).unwrap().permissions().mode() & 0o777, 0o700);
    let entries: Vec<_> = fs::read_dir(&cache.dir).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 1, "no drafts stay");
    assert_eq!(entries[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

/// Flip bits all over an artifact: it is always compiled again, never loaded, and the operator is told.
#[tokio::test]
async fn a_tampered_artifact_is_never_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let cache = ArtifactCache { dir: dir.path().to_owned(), key: [1; 32] };
    let host = sandbox(Compiler::InProcess, Some(cache));
    artifact(&host, &plugin(ADD)).await;
    let path = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&path).unwrap();
    let spots =
        (0..good.len()).step_by((good.len() / 100).max(1)).chain([0, 31, 32, good.len() - 1]);
    for at in spots {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        let from = artifact(&host, &plugin(ADD)).await;
        assert!(
            matches!(&from, Artifact::Recompiled { problem } if problem.contains("not authentic")),
            "{at}: {from:?}"
        );
        assert_eq!(artifact(&host, &plugin(ADD)).await, Artifact::Cached, "it was put right");
    }
    for bad in [&good[..good.len() - 1], &good[..10], &[]] {
        fs::write(&path, bad).unwrap();
        assert!(matches!(artifact(&host, &plugin(ADD)).await, Artifact::Recompiled { .. }));
    }
}

/// Another plugin's artifact, another key's artifact, a link: none of them counts.
#[tokio::test]
async fn an_artifact_of_something_else_is_never_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let cache = |key| ArtifactCache { dir: dir.path().to_owned(), key: [key; 32] };
    let host = sandbox(Compiler::InProcess, Some(cache(1)));
    let file = || fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    artifact(&host, &plugin(ADD)).await;
    let (add_path, add) = (file(), fs::read(file()).unwrap());
    fs::remove_file(&add_path).unwrap();
    artifact(&host, &plugin(&go("nop"))).await;
    let go_path = file();
    fs::write(&go_path, &add).unwrap();
    assert!(matches!(artifact(&host, &plugin(&go("nop"))).await, Artifact::Recompiled { .. }));

    let other_key = sandbox(Compiler::InProcess, Some(cache(2)));
    assert!(matches!(artifact(&other_key, &plugin(&go("nop"))).await, Artifact::Recompiled { .. }));

    let kept = dir.path().join("kept");
    fs::write(&kept, &add).unwrap();
    std::os::unix::fs::symlink(&kept, &add_path).unwrap();
    assert!(matches!(artifact(&host, &plugin(ADD)).await, Artifact::Recompiled { .. }));
    assert!(fs::symlink_metadata(&add_path).unwrap().is_file(), "the link was replaced");
}

/// Nobody ever writes to a pipe in an artifact's place: opening it must not wait for that.
#[tokio::test]
async fn a_pipe_in_an_artifacts_place_does_not_hang_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let host = sandbox(
        Compiler::InProcess,
        Some(ArtifactCache { dir: dir.path().to_owned(), key: [1; 32] }),
    );
    artifact(&host, &plugin(ADD)).await;
    let path = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let plugin = plugin(ADD);
    let asked = tokio::time::timeout(std::time::Duration::from_secs(20), artifact(&host, &plugin));
    assert!(matches!(asked.await.unwrap(), Artifact::Recompiled { .. }));
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "the pipe was replaced");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_said_and_not_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let cache = ArtifactCache { dir: file.join("artifacts"), key: [1; 32] };
    let host = sandbox(Compiler::InProcess, Some(cache));
    let from = artifact(&host, &plugin(ADD)).await;
    assert!(!matches!(from, Artifact::Compiled | Artifact::Cached), "{from:?}");
}

/// The child limits itself before it reads a byte: here it has read none yet.
#[test]
fn the_child_limits_itself_first() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_interlock-compile"))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let read = || fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let value = |limits: &str, name: &str| -> Option<String> {
        let rest = limits.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let started = std::time::Instant::now();
    let mut limits = read();
    // The limit on open files is the last that it sets.
    while value(&limits, "Max open files").as_deref() != Some("3") {
        assert!(started.elapsed().as_secs() < 10, "{limits}");
        std::thread::sleep(std::time::Duration::from_millis(5));
        limits = read();
    }
    for (name, expected) in [
        ("Max cpu time", "90"),
        ("Max address space", "4294967296"),
        ("Max core file size", "0"),
        ("Max file size", "0"),
    ] {
        assert_eq!(value(&limits, name).as_deref(), Some(expected), "{name}");
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3), "nothing is no component");
}
