//! Runs `interlock` as a person would, and keeps what it said.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A command that takes longer has hung: it is ended and the test fails.
const HUNG: Duration = Duration::from_secs(180);

/// The binary under test: the one that `INTERLOCK_BINARY` names, or beside the test's own executable, where
/// cargo puts it.
///
/// # Errors
/// When it has not been built.
pub fn interlock() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("INTERLOCK_BINARY") {
        return Ok(named.into());
    }
    let own = std::env::current_exe().context("could not find this test's own executable")?;
    // target/debug/deps/all-… → target/debug/interlock
    let path = own
        .parent()
        .and_then(Path::parent)
        .map(|profile| profile.join("interlock"))
        .context("this test's executable is in no target directory")?;
    if !path.is_file() {
        bail!("`{}` is not there: run `cargo build --package interlock-cli`", path.display());
    }
    Ok(path)
}

/// A run of the binary that has ended.
#[derive(Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub command: String,
    /// The exit code; 128 + the signal where one ended it.
    pub code: i32,
    /// What it printed, as text.
    pub stdout: String,
    /// What it printed on stderr, as text.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
}

impl Ran {
    /// Fails with everything the command said unless it ended with `code` (design: 0 done, 1 the tool
    /// failed, 2 usage or configuration, 3 refused, 4 waiting, 5 limit, 6 integrity).
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn exit(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("expected exit {code}\n{self}");
        }
        if self.stderr.contains("panicked at") {
            bail!("it panicked\n{self}");
        }
        Ok(self)
    }

    /// Fails unless stdout or stderr contains each of `words`.
    ///
    /// # Errors
    /// Names the first that is missing.
    pub fn says(self, words: &[&str]) -> Result<Self> {
        for word in words {
            if !self.stdout.contains(word) && !self.stderr.contains(word) {
                bail!("expected it to say `{word}`\n{self}");
            }
        }
        Ok(self)
    }

    /// Stdout as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("stdout is not JSON\n{self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        writeln!(f, "exit {} after {:?}", self.code, self.time)?;
        writeln!(f, "--- stdout\n{}", self.stdout)?;
        write!(f, "--- stderr\n{}", self.stderr)
    }
}

/// Runs the binary in `folder`, with `stdin` as its input.
///
/// # Errors
/// When it cannot be started, or hangs. How it ended is in [`Ran`].
pub fn run<S: AsRef<OsStr>>(folder: &Path, arguments: &[S], stdin: &str) -> Result<Ran> {
    finish(command(folder, arguments)?, stdin)
}

/// The binary with its arguments in `folder`, not yet started.
///
/// # Errors
/// When it has not been built.
pub fn command<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Result<Command> {
    let mut command = Command::new(interlock()?);
    command.args(arguments);
    settle(&mut command, folder);
    Ok(command)
}

/// What a run of the binary must not depend on: who runs the tests, and where.
pub fn settle(command: &mut Command, folder: &Path) {
    command.current_dir(folder);
    command.env("NO_COLOR", "1").env("COLUMNS", "120").env_remove("CLICOLOR_FORCE");
}

/// Runs a command to its end.
///
/// # Errors
/// As [`run`].
pub fn finish(mut command: Command, stdin: &str) -> Result<Ran> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words = words.join(" ");
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("could not start `{words}`"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read its input may close it early: not an error.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > HUNG {
            child.kill()?;
            child.wait()?;
            bail!("`{words}` was still running after {HUNG:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let time = started.elapsed();
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(Ran {
        command: words,
        code: code.unwrap_or(-1),
        stdout: text(stdout)?,
        stderr: text(stderr)?,
        time,
    })
}

type Collector = std::thread::JoinHandle<Vec<u8>>;

fn collect(mut stream: impl Read + Send + 'static) -> Collector {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// Fails where a service still holds the command's output: it must have let go of it, or a script that
/// reads the output of `sample start` waits for ever.
fn text(collector: Option<Collector>) -> Result<String> {
    let Some(collector) = collector else { return Ok(String::new()) };
    let ended = Instant::now();
    while !collector.is_finished() {
        if ended.elapsed() > Duration::from_secs(5) {
            bail!("the command has ended, but something it started still holds its output open");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let bytes = collector.join().map_err(|_| anyhow::anyhow!("reading the output failed"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
