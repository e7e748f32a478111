//! A second process that outlives the demo, however the demo ends, and cleans up after it.
//!
//! Service processes are meant to outlive the command that started them, so Ctrl-C at the terminal does
//! not reach them; and the running host and the agent's bridge are not ended by a `kill -9` of their parent.
//! All of them work in the demo's directory, which is how they are known. The guardian sits in a process group of its own and waits for the pipe from the demo
//! to close: at its end, on Ctrl-C, on a panic and on `kill -9` alike.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use xtask::evidence;

use super::Keep;

/// Not for people: how the demo starts the guardian.
pub(crate) const SUBCOMMAND: &str = "demo-guardian";
/// Tells the guardian to leave the files.
const KEEP: &str = "INTERLOCK_DEMO_KEEP";

/// The demo's end of the pipe.
pub(crate) struct Guardian {
    process: Child,
}

impl Guardian {
    /// Starts the guardian for `directory`.
    pub(crate) fn post(binary: &Path, directory: &Path, keep: Keep) -> Result<Self> {
        // `/proc/self/exe` still names this program after a build has replaced the file.
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).arg(binary).arg(directory);
        command.env_remove(KEEP);
        if keep == Keep::Yes {
            command.env(KEEP, "1");
        }
        let process = command
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("could not start the demo's guardian")?;
        Ok(Self { process })
    }

    /// Closes the pipe and waits until everything is tidy.
    pub(crate) fn relieve(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait().context("could not wait for the demo's guardian")?;
        if !status.success() {
            bail!("the demo's guardian could not clean up (its message is above)");
        }
        Ok(())
    }
}

/// The guardian's whole life.
///
/// # Errors
/// When processes are left, or the directory cannot be removed.
pub(crate) fn watch(binary: &Path, directory: &Path) -> Result<()> {
    // Nothing is ever written to the pipe; reading ends when its other end is gone.
    let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
    end_services(binary, directory)?;
    if std::env::var_os(KEEP).is_none() {
        std::fs::remove_dir_all(directory)
            .with_context(|| format!("could not remove `{}`", directory.display()))?;
    }
    Ok(())
}

fn end_services(binary: &Path, directory: &Path) -> Result<()> {
    let deployment = directory.join(super::scene::DEPLOYMENT);
    if deployment.is_dir() {
        // The polite way. Its words would only disturb: what counts is looked up below.
        let _ = Command::new(binary)
            .args(["sample", "stop"])
            .current_dir(&deployment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
    // Twice, because a command that was just interrupted may have had one more process on the way.
    let mut empty_looks = 0;
    for _ in 0..50 {
        let left = evidence::processes_inside(directory);
        if left.is_empty() {
            empty_looks += 1;
            if empty_looks == 2 {
                return Ok(());
            }
        } else {
            empty_looks = 0;
        }
        for pid in &left {
            // Known by its working directory inside a directory that is ours alone.
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("could not end {:?}", evidence::processes_inside(directory))
}
