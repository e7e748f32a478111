//! The demo's guardian: whatever happens to the demo, no process of it stays.
//!
//! The mistake it stops: somebody tries the product, presses Ctrl-C, and has its services for ever.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use interlock_tests::{command, interlock, run};
use xtask::evidence;

#[test]
fn when_the_pipe_closes_the_guardian_ends_services_and_removes_the_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().canonicalize()?.join("demo");
    std::fs::create_dir_all(directory.join("deployment/service"))?;

    // A service that nobody stops politely: the binary the guardian would ask does nothing.
    let mut service = Command::new("sleep")
        .arg("60")
        .current_dir(directory.join("deployment/service"))
        .spawn()?;
    let mut guardian = guardian(Path::new("true"), &directory)?;
    // While the demo lives, nothing is touched.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let untouched = evidence::processes_inside(&directory).contains(&service.id());
    // The demo is gone: its end of the pipe closes.
    drop(guardian.stdin.take());
    let ended = guardian.wait().context("the guardian")?;
    let alive = service.try_wait()?.is_none();
    if alive {
        service.kill()?;
        service.wait()?;
    }
    assert!(untouched, "the guardian acted while the demo was alive");
    assert!(ended.success() && !alive, "the service outlived the demo");
    assert!(!directory.exists(), "the demo's folder is still there");
    Ok(())
}

/// Both are held as a demo holds them that was ended by `kill -9`: nobody tells them anything.
#[test]
fn the_guardian_ends_a_running_host_and_the_bridge_of_an_agent() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().canonicalize()?.join("demo");
    let (deployment, agent) = (directory.join("deployment"), directory.join("agent"));
    std::fs::create_dir_all(&agent)?;
    run(&directory, &["init", "deployment"], "")?.exit(0)?;
    let token = run(&deployment, &["token", "create", "--as", "oncall-bot"], "")?.exit(0)?;
    let mut guardian = guardian(&interlock()?, &directory)?;

    let start = |folder: &Path, words: &[&str]| -> Result<Child> {
        let mut command = command(folder, words)?;
        command.env("INTERLOCK_TOKEN", token.stdout.trim());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(command.spawn()?)
    };
    let mut host = start(&deployment, &["serve", "--listen", "127.0.0.1:0"])?;
    let mut line = String::new();
    let said = host.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    let url = line.trim().strip_prefix("serving ").unwrap_or_default();
    let mut bridge = start(&agent, &["mcp", "--connect", url])?;
    let there = evidence::processes_inside(&directory);
    let both = [host.id(), bridge.id()].iter().all(|pid| there.contains(pid));

    drop(guardian.stdin.take());
    let ended = guardian.wait().context("the guardian")?;
    let mut alive = Vec::new();
    for (name, child) in [("the host", &mut host), ("the bridge", &mut bridge)] {
        if child.try_wait()?.is_none() {
            alive.push(name);
            child.kill()?;
            child.wait()?;
        }
    }
    assert!(both, "they were not known by their folders: {there:?}, said {said:?} {line}");
    assert!(ended.success() && alive.is_empty(), "outlived the demo: {alive:?}");
    assert!(!directory.exists(), "the demo's folder is still there");
    Ok(())
}

fn guardian(binary: &Path, directory: &Path) -> Result<Child> {
    let xtask = interlock()?.with_file_name("xtask");
    anyhow::ensure!(xtask.is_file(), "run `cargo build --package xtask`");
    let mut guardian = Command::new(xtask);
    guardian.arg("demo-guardian").arg(binary).arg(directory).stdin(Stdio::piped());
    Ok(guardian.spawn()?)
}
