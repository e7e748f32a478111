//! The runner: one small process that owns one replica. It leads a session of its own, holds the
//! replica's lock while it lives, and the kernel ends the service if the runner is killed; so a service
//! outlives the command that started it, is found again, and is never left without an owner.
//!
//! It runs as a hidden subcommand of the host binary, in two stages: `run` is the runner; `launch` is the
//! service's process between fork and exec, where the death signal is set (std offers no safe
//! hook there, and this crate has no unsafe code).

use super::{
    captured,
    definition::MAX_SECONDS,
    disk::{Folder, io},
    order::{CONFIG, EXIT, Exit, LOCK, ORDER, Order, RECORD, Record},
    process::{self, INSTANCE, Process},
};
use crate::ProviderFault;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, kill_process_group, set_child_subreaper,
    set_parent_process_death_signal, setsid, wait,
};
use signal_hook::{consts, iterator::Signals};
use std::{
    ffi::OsString,
    io::{self as stdio, Error, ErrorKind},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// How to start a hidden subcommand of the host binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerProgram {
    /// The program: an absolute path.
    pub program: PathBuf,
    /// The arguments before ours, such as the name of the hidden subcommand.
    pub arguments: Vec<OsString>,
}

/// How long a runner waits for its lock: others only look at it, for an instant.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Alive for this long, a service without a health check counts as seen healthy.
pub(super) const SETTLE: Duration = Duration::from_millis(300);

/// The hidden subcommand. `args` are the last arguments of this process, those after the
/// subcommand's name, exactly as the process got them.
#[must_use]
pub fn runner_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let result = match args.split_first() {
        Some((stage, rest)) if stage == "launch" => launch(rest),
        Some((stage, rest)) if stage == "run" => run(rest, args.len()).map_err(|e| e.to_string()),
        _ => Err("this is started by the environment provider, not by hand".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Standard error is the replica's `runner.err` file or, in `launch`, the service's log.
            eprintln!("interlock runner: {problem}");
            ExitCode::from(127)
        }
    }
}

/// The service's process before it becomes the service: standard input is its working directory.
fn launch(args: &[OsString]) -> Result<(), String> {
    let (Some(runner), Some(program), Some(words)) = (
        args.first().and_then(|a| a.to_str()).and_then(|a| a.parse::<i32>().ok()),
        args.get(1),
        args.get(2..),
    ) else {
        return Err("bad arguments".to_owned());
    };
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| e.to_string())?;
    // If the runner ended before the line above, nobody would send the signal any more.
    if rustix::process::getppid() != Pid::from_raw(runner) {
        return Err("the runner is gone".to_owned());
    }
    rustix::process::fchdir(stdio::stdin().as_fd())
        .map_err(|e| format!("entering the working directory: {e}"))?;
    let error = Command::new(program).args(words).stdin(Stdio::null()).exec();
    Err(format!("starting `{}`: {error}", program.to_string_lossy()))
}

enum Event {
    Stop,
    Child,
}

/// The runner. Standard input is the folder of the service.
fn run(args: &[OsString], own_args: usize) -> Result<(), ProviderFault> {
    let refuse = |problem: &str| ProviderFault::Process {
        what: "the runner".to_owned(),
        problem: problem.to_owned(),
    };
    let (Some(index), Some(token)) = (
        args.first().and_then(|a| a.to_str()).and_then(|a| a.parse::<u32>().ok()),
        args.get(1).and_then(|a| a.to_str()),
    ) else {
        return Err(refuse("bad arguments"));
    };
    let system = |what: &'static str| move |e: rustix::io::Errno| io(what)(Error::from(e));
    setsid().map_err(system("starting a session"))?;
    let input = stdio::stdin().as_fd().try_clone_to_owned().map_err(io("standard input"))?;
    rustix::process::fchdir(&input).map_err(system("entering the service's folder"))?;
    let service = Folder::handed_over(input.into(), "service");
    let replica = service.make("replicas")?.make(&index.to_string())?;
    let Some(_lock) = replica.lock(LOCK, true, LOCK_WAIT)? else {
        return Err(refuse("another runner owns this replica"));
    };
    let order: Order = replica.read_json(ORDER)?.ok_or_else(|| refuse("there is no order"))?;
    if order.token != token {
        return Err(refuse("the order is of another start"));
    }
    if order.stop_seconds > MAX_SECONDS {
        return Err(ProviderFault::Damaged {
            what: format!("`{}`", replica.path_of(ORDER)),
            problem: format!("`stop_seconds` is from 0 to {MAX_SECONDS}"),
        });
    }
    set_child_subreaper(Some(rustix::process::getpid())).map_err(system("becoming a subreaper"))?;
    let (send, events) = mpsc::channel();
    let mut signals =
        Signals::new([consts::SIGTERM, consts::SIGINT, consts::SIGHUP, consts::SIGCHLD])
            .map_err(io("listening for signals"))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let event = match signal {
                consts::SIGTERM | consts::SIGINT => Event::Stop,
                consts::SIGCHLD => Event::Child,
                _ => continue,
            };
            if send.send(event).is_err() {
                return;
            }
        }
    });
    let runner = Process::now(std::process::id()).map_err(io("looking at itself"))?;
    let mut record =
        Record { token: order.token.clone(), version: order.version, runner, service: None };
    replica.write_json(RECORD, &record)?;

    let (reader, writer) = stdio::pipe().map_err(io("making a pipe"))?;
    let captured_in = Folder::handed_over(replica.to_file()?, "replica");
    let capture = std::thread::spawn(move || captured::capture(reader, &captured_in));
    let pid = spawn(&service, index, &order, writer, own_args)?;
    // From here on a failure must not leave the service running without a record: the death signal
    // ends it when this process returns.
    record.service =
        Some(Process::now(pid.as_raw_pid().unsigned_abs()).map_err(io("the service"))?);
    replica.write_json(RECORD, &record)?;

    let ended = Arc::new(AtomicBool::new(false));
    watch_health(&service, index, &order, ended.clone())?;
    let (code, stopped) = supervise(pid, &events, Duration::from_secs(order.stop_seconds));
    ended.store(true, Ordering::Release);
    end_descendants();
    // Every writer is dead, so the pipe is at its end.
    let _log_is_kept = capture.join();
    replica.write_json(EXIT, &Exit { token: order.token, code, stopped })
}

/// Starts the `launch` stage of this same program with nothing but what the order names.
fn spawn(
    service: &Folder,
    index: u32,
    order: &Order,
    output: stdio::PipeWriter,
    own_args: usize,
) -> Result<Pid, ProviderFault> {
    let mut directory = service.make("work")?;
    for segment in &order.directory {
        directory = directory.make(segment)?;
    }
    let here = std::env::current_dir().map_err(io("the service's folder"))?;
    let config =
        here.join("replicas").join(index.to_string()).join(CONFIG).join(&order.config_file);
    let words = order.command.iter().map(|word| match word.as_str() {
        "{config}" => config.clone().into_os_string(),
        word => word.into(),
    });
    let all: Vec<OsString> = std::env::args_os().collect();
    let before = all.len().saturating_sub(own_args);
    let errors = output.try_clone().map_err(io("sharing the pipe"))?;
    let child = Command::new("/proc/self/exe")
        .args(all.iter().take(before).skip(1))
        .arg("launch")
        .arg(std::process::id().to_string())
        .args(words)
        .env_clear()
        .envs(&order.variables)
        .env("INTERLOCK_CONFIG", &config)
        .env("INTERLOCK_REPLICA", index.to_string())
        .env(INSTANCE, &order.token)
        .process_group(0)
        .stdin(directory.to_file()?)
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(io("starting the service"))?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io("starting the service")(ErrorKind::InvalidData.into()))
}

/// Waits for the service to end; told to stop, asks its group first and ends it after the grace.
/// Returns the exit code and whether it was told to stop.
fn supervise(service: Pid, events: &mpsc::Receiver<Event>, grace: Duration) -> (i32, bool) {
    let mut kill_at: Option<Instant> = None;
    let mut stopped = false;
    loop {
        // Not yet reaped, so the number is still ours: signalling by number is safe here.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == service => {
                    let signal = status.terminating_signal().map(|s| 128 + s);
                    return (status.exit_status().or(signal).unwrap_or(-1), stopped);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                // No child is left, so neither is the service.
                Err(_) => return (-1, stopped),
            }
        }
        let wait = kill_at.map_or(Duration::from_secs(5), |at| {
            at.saturating_duration_since(Instant::now()).min(Duration::from_secs(5))
        });
        match events.recv_timeout(wait) {
            Ok(Event::Stop) if !stopped => {
                stopped = true;
                let _gone = kill_process_group(service, Signal::TERM);
                if rustix::process::getpgid(Some(service)).is_ok_and(|group| group != service) {
                    // It left the group that it was started in.
                    let _gone = kill_process(service, Signal::TERM);
                }
                kill_at = Some(Instant::now() + grace);
            }
            Ok(Event::Stop | Event::Child) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(20)),
        }
        if kill_at.is_some_and(|at| Instant::now() >= at) {
            let _gone = kill_process_group(service, Signal::KILL);
            let _gone = kill_process(service, Signal::KILL);
            kill_at = Some(Instant::now() + Duration::from_secs(1));
        }
    }
}

/// Ends what the service left. This process is a subreaper: whatever descends from the service becomes
/// our child when its parent ends, however often it forked, and no number is recycled before we reap it.
fn end_descendants() {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        for pid in process::children(std::process::id()) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            // No children are left.
            Err(_) => return,
        }
    }
}

/// Notes the configuration version as seen healthy, the first time that it is. Then it stops asking.
fn watch_health(
    service: &Folder,
    index: u32,
    order: &Order,
    ended: Arc<AtomicBool>,
) -> Result<(), ProviderFault> {
    let (check, version) = (order.check.clone(), order.version);
    let folder = Folder::handed_over(service.to_file()?, "service");
    std::thread::spawn(move || {
        let mut pause = SETTLE;
        loop {
            std::thread::sleep(pause);
            let healthy = check.as_ref().is_none_or(|check| check.ask(index).healthy);
            if ended.load(Ordering::Acquire) {
                return;
            }
            if healthy {
                let _asked_again_by_the_provider = mark_healthy(&folder, version);
                return;
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    });
    Ok(())
}

/// The folder with one empty file per configuration version that was seen healthy.
pub(super) const HEALTHY: &str = "healthy";

pub(super) fn mark_healthy(service: &Folder, version: u32) -> Result<(), ProviderFault> {
    let folder = service.make(HEALTHY)?;
    folder.append(&version.to_string()).map(|_| ())
}
