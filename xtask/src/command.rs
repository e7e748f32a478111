//! Runs one program with its output captured, progress shown, and everything shown when it fails.
//!
//! The mistake it stops: a failed build step whose reason went to a place nobody looks at.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::ui::{Ui, time};

/// Off a terminal, a sign of life this often.
const STILL_AT_IT: Duration = Duration::from_secs(30);
/// More than this of a failed step's output is left to its log file.
const SHOWN_LINES: usize = 300;

/// What is done with a program's output while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Nothing but progress; everything if it fails.
    Progress,
    /// Each line as it comes.
    Stream,
    /// As `Progress`, and stdout is JSON for us, not for people.
    Messages,
}

/// A program that has ended.
pub struct Ran {
    /// Whether it ended well.
    pub success: bool,
    /// Lines of stdout.
    pub stdout: Vec<String>,
    /// Lines of both streams in the order they came (without stdout for [`Show::Messages`]).
    pub log: Vec<String>,
    /// How long it took.
    pub time: Duration,
}

/// A `cargo` of the toolchain that runs this xtask, free of what `cargo run` set for xtask itself.
pub fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` to its end. `what` is the name that the progress and the log file carry.
///
/// # Errors
/// Only when the program cannot be started or waited for; how it ended is in [`Ran`].
pub fn run(ui: &Ui, root: &Path, what: &str, command: &mut Command, show: Show) -> Result<Ran> {
    if ui.color() && show == Show::Stream {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("could not start `{}`", command.get_program().display()))?;

    let (send, lines) = mpsc::channel::<(bool, String)>();
    let readers = [
        child.stdout.take().map(|stream| read_lines(stream, true, send.clone())),
        child.stderr.take().map(|stream| read_lines(stream, false, send.clone())),
    ];
    drop(send);

    let bar = ui.spinner(what);
    let mut ran = Ran { success: false, stdout: Vec::new(), log: Vec::new(), time: Duration::ZERO };
    let mut last_sign = Instant::now();
    loop {
        match lines.recv_timeout(STILL_AT_IT) {
            Ok((from_stdout, line)) => {
                if from_stdout {
                    ran.stdout.push(line.clone());
                    if show == Show::Messages {
                        continue;
                    }
                }
                match show {
                    Show::Stream => ui.say(&line),
                    Show::Progress | Show::Messages => bar.set_message(line.trim().to_owned()),
                }
                ran.log.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if !ui.live() && show != Show::Stream && last_sign.elapsed() >= STILL_AT_IT {
            last_sign = Instant::now();
            let at = ran.log.last().map_or("", |line| line.trim());
            ui.say(&format!("  … {what}, {} so far: {at}", time(started.elapsed())));
        }
    }
    for reader in readers.into_iter().flatten() {
        // A reader that panicked has lost lines; the exit status below still counts.
        let _ = reader.join();
    }
    let status = child.wait().with_context(|| format!("could not wait for {what}"))?;
    bar.finish_and_clear();
    ran.success = status.success();
    ran.time = started.elapsed();
    keep_log(root, what, &ran.log);
    Ok(ran)
}

/// Runs and demands success: shows the output and fails otherwise.
///
/// # Errors
/// When the program cannot be started or does not succeed.
pub fn demand(ui: &Ui, root: &Path, what: &str, command: &mut Command, show: Show) -> Result<Ran> {
    let ran = run(ui, root, what, command, show)?;
    if !ran.success {
        if show != Show::Stream {
            show_failure(ui, root, what, &ran.log);
        }
        bail!("{what} failed: `{}`", words(command));
    }
    Ok(ran)
}

/// The command as somebody would type it.
pub fn words(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.contains(|c: char| c.is_whitespace() || "'\"{}[]#*$&|;<>()".contains(c)) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn read_lines(
    stream: impl Read + Send + 'static,
    from_stdout: bool,
    send: mpsc::Sender<(bool, String)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        // Bytes, not `lines()`: output that is not UTF-8 must not end the reading and block the child.
        while stream.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
            bytes.clear();
            if send.send((from_stdout, line)).is_err() {
                break;
            }
        }
    })
}

fn log_path(root: &Path, what: &str) -> std::path::PathBuf {
    let name: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    paths::logs(root).join(format!("{name}.log"))
}

/// A log that cannot be kept is no reason to fail the step.
fn keep_log(root: &Path, what: &str, log: &[String]) {
    let path = log_path(root, what);
    if let Some(folder) = path.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = std::fs::write(path, log.join("\n"));
}

fn show_failure(ui: &Ui, root: &Path, what: &str, log: &[String]) {
    let left_out = log.len().saturating_sub(SHOWN_LINES);
    if left_out > 0 {
        let path = log_path(root, what);
        let shown = path.strip_prefix(root).unwrap_or(&path);
        ui.say(&format!("  | … {left_out} lines before these are in {}", shown.display()));
    }
    for line in log.iter().skip(left_out) {
        ui.say(&format!("  | {line}"));
    }
}
