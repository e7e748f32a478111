//! The demo's guardian: whatever happens to the demo, no process of it stays.
//!
//! The mistake it stops: somebody tries the product, presses Ctrl-C, and has its services for ever.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use interlock_tests::interlock;
use xtask::evidence;

#[test]
fn when_the_pipe_closes_the_guardian_ends_services_and_removes_the_folder() -> Result<()> {
    let xtask = interlock()?.with_file_name("xtask");
    anyhow::ensure!(xtask.is_file(), "run `cargo build --package xtask`");
    let folder = tempfile::tempdir()?;
    let directory = folder.path().canonicalize()?.join("demo");
    std::fs::create_dir_all(directory.join("deployment/service"))?;

    // A service that nobody stops politely: the binary the guardian would ask does nothing.
    let mut service = Command::new("sleep")
        .arg("60")
        .current_dir(directory.join("deployment/service"))
        .spawn()?;
    let mut guardian = Command::new(xtask)
        .args(["demo-guardian", "true"])
        .arg(&directory)
        .stdin(Stdio::piped())
        .spawn()?;
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
