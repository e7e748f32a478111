//! One program, from its start to its end, within bounds. It gets an environment of its own, a process group
//! of its own and pipes; it does not get a shell, a terminal, or more time or room than it was given. One
//! loop watches all of it, so that a program that reads nothing, writes without end, or leaves a child
//! behind that holds the pipes cannot keep the host waiting. Nor can one that does not end when it is killed, because it
//! became another user's or the kernel holds it: it is waited for a moment, told as what it is, and reaped later.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};
use std::{
    io::{self, Read, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use thiserror::Error;

/// The most that a program may print as its answer, in bytes.
pub(crate) const MAX_STDOUT: usize = 1 << 20;
/// The most that it may print beside that.
pub(crate) const MAX_STDERR: usize = 64 * 1024;
/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(100);
/// How long a killed program may take to end.
const KILLED: Duration = Duration::from_secs(2);
/// The most programs that run on though they were killed, before no other is started.
const MOST_LEFT: usize = 16;
/// Programs that did not end when they were killed, until they do: nobody else would reap them.
static LEFT: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// A program as it is started.
pub(crate) struct Program<'a> {
    /// The program, an absolute path, and its arguments.
    pub(crate) argv: &'a [String],
    pub(crate) stdin: Option<&'a str>,
    /// All of it.
    pub(crate) environment: Vec<(&'a str, &'a str)>,
    pub(crate) directory: &'a str,
    pub(crate) time: Duration,
}

/// How a program ended by itself, and what it had printed by then.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; or else the signal that ended it.
    pub(crate) end: Result<i32, i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Why a program has no end of its own. Nothing that it printed is in here.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// It did not begin.
    #[error("it could not be started: {0}")]
    NotStarted(String),
    #[error("it had not ended after {0:?} and was killed")]
    Late(Duration),
    #[error("it printed more than {0} bytes and was killed")]
    Flood(usize),
    #[error("nobody waits for it any more; it was killed")]
    Abandoned,
    #[error("it was lost: {0}")]
    Lost(io::Error),
    /// It may be doing what it does still.
    #[error("{0}; but it did not end then, and may run on")]
    RunsOn(Box<Trouble>),
}

/// A started program. However it is left, its process group is told to end, and it is reaped, now or later.
struct Group {
    /// Nothing once it is reaped, or among those that are left.
    child: Option<Child>,
    id: Option<Pid>,
}

impl Group {
    /// Kills the whole group, and the program by itself should it have left it. Until it is reaped its number is nobody
    /// else's.
    fn kill(&mut self) {
        #[cfg(test)]
        if tests::SPARED.get() {
            return;
        }
        if let Some(id) = self.id.filter(|_| self.child.is_some()) {
            let _nobody_left = kill_process_group(id, Signal::KILL);
        }
        if let Some(child) = &mut self.child {
            let _ended = child.kill();
        }
    }

    /// Ends the whole group; then the program is reaped. Nothing where it does not end: it is kept, to be reaped later.
    fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        self.kill();
        let until = Instant::now() + KILLED;
        let Some(mut child) = self.child.take() else { return Ok(None) };
        loop {
            match child.try_wait() {
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(None) => {
                    left().push(child);
                    return Ok(None);
                }
                other => return other,
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _reaped_later = self.end();
    }
}

/// The programs that run on, without those that have ended by now.
fn left() -> std::sync::MutexGuard<'static, Vec<Child>> {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    left
}

/// A pipe that a program writes into.
struct Output<R> {
    pipe: Option<R>,
    bytes: Vec<u8>,
    most: usize,
}

impl<R: Read + AsFd> Output<R> {
    fn new(pipe: Option<R>, most: usize) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe, bytes: Vec::new(), most })
    }

    /// Takes what is there, without waiting.
    fn take(&mut self) -> Result<(), Trouble> {
        let mut buffer = vec![0; 16 * 1024];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    self.bytes.extend(buffer.iter().take(read));
                    if self.bytes.len() > self.most {
                        return Err(Trouble::Flood(self.most));
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Trouble::Lost(e)),
            }
        }
        Ok(())
    }
}

/// What a program reads.
struct Input<'a> {
    pipe: Option<ChildStdin>,
    left: &'a [u8],
}

impl Input<'_> {
    /// Gives as much as fits, without waiting. A program may end or close it without reading everything.
    fn give(&mut self) -> Result<(), Trouble> {
        while let Some(pipe) = &mut self.pipe {
            if self.left.is_empty() {
                self.pipe = None;
                return Ok(());
            }
            match pipe.write(self.left) {
                Ok(written) => self.left = self.left.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => self.pipe = None,
                Err(e) => return Err(Trouble::Lost(e)),
            }
        }
        Ok(())
    }
}

/// Whether another program may be started beside those that run on.
fn room_beside(left: usize) -> Result<(), Trouble> {
    if left < MOST_LEFT {
        return Ok(());
    }
    let why = format!("{left} programs run on that were killed; an operator has to end them first");
    Err(Trouble::NotStarted(why))
}

fn start(program: &Program<'_>) -> Result<Group, Trouble> {
    let Some((path, arguments)) = program.argv.split_first() else {
        return Err(Trouble::NotStarted("there is no program".to_owned()));
    };
    // Also a guard: with a path that is not absolute, the system would go and search for one.
    if !Path::new(path).is_absolute() {
        return Err(Trouble::NotStarted("its path is not absolute".to_owned()));
    }
    room_beside(left().len())?;
    if !Path::new(program.directory).is_dir() {
        let folder = program.directory;
        return Err(Trouble::NotStarted(format!("its directory `{folder}` does not exist")));
    }
    let stdin = if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let child = Command::new(path)
        .args(arguments)
        .env_clear()
        .envs(program.environment.iter().copied())
        .current_dir(program.directory)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Trouble::NotStarted(
                "there is no such program; install it, or correct the catalogue".to_owned(),
            ),
            _ => Trouble::NotStarted(e.to_string()),
        })?;
    let id = i32::try_from(child.id()).ok().filter(|id| *id > 1).and_then(Pid::from_raw);
    Ok(Group { child: Some(child), id })
}

/// Runs a program to its end. It blocks; `abandoned` ends it early.
pub(crate) fn run(program: &Program<'_>, abandoned: &AtomicBool) -> Result<Finished, Trouble> {
    let deadline = Instant::now() + program.time;
    let mut group = start(program)?;
    let watched = watch(&mut group, program, deadline, abandoned);
    let ended = group.end();
    match (watched, ended) {
        (Ok((stdout, stderr)), Ok(Some(status))) => {
            let end = status.code().ok_or_else(|| status.signal().unwrap_or_default());
            Ok(Finished { end, stdout, stderr })
        }
        (Ok(_), Ok(None)) => Err(Trouble::Lost(io::ErrorKind::TimedOut.into())),
        (Err(trouble), Ok(None)) => Err(Trouble::RunsOn(Box::new(trouble))),
        (Err(trouble), _) => Err(trouble),
        (Ok(_), Err(error)) => Err(Trouble::Lost(error)),
    }
}

/// Watches a program until it has ended by itself: what it had printed then.
fn watch(
    group: &mut Group,
    program: &Program<'_>,
    deadline: Instant,
    abandoned: &AtomicBool,
) -> Result<(Vec<u8>, Vec<u8>), Trouble> {
    let (mut stdout, mut stderr, mut input, handle) =
        connect(group, program).map_err(Trouble::Lost)?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::Late(program.time));
        }
        if abandoned.load(Ordering::Relaxed) {
            return Err(Trouble::Abandoned);
        }
        let ended = wait(&handle, &stdout, &stderr, &input, left.min(LOOK))?;
        stdout.take()?;
        stderr.take()?;
        input.give()?;
        if ended {
            // What it wrote before its end is in the pipes now. A child of its own may hold them open for
            // ever; it ends with the group, and what it still writes is nobody's answer.
            stdout.take()?;
            stderr.take()?;
            return Ok((stdout.bytes, stderr.bytes));
        }
    }
}

type Connected<'a> =
    (Output<std::process::ChildStdout>, Output<std::process::ChildStderr>, Input<'a>, OwnedFd);

fn connect<'a>(group: &mut Group, program: &Program<'a>) -> io::Result<Connected<'a>> {
    let child = group.child.as_mut().ok_or(io::ErrorKind::NotFound)?;
    let id = group.id.ok_or(io::ErrorKind::NotFound)?;
    let handle = pidfd_open(id, PidfdFlags::empty())?;
    let stdout = Output::new(child.stdout.take(), MAX_STDOUT)?;
    let stderr = Output::new(child.stderr.take(), MAX_STDERR)?;
    let pipe = child.stdin.take();
    if let Some(pipe) = &pipe {
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    let left = program.stdin.unwrap_or_default().as_bytes();
    Ok((stdout, stderr, Input { pipe, left }, handle))
}

/// Waits until there is something to do; whether the program has ended.
fn wait(
    handle: &OwnedFd,
    stdout: &Output<impl AsFd>,
    stderr: &Output<impl AsFd>,
    input: &Input<'_>,
    most: Duration,
) -> Result<bool, Trouble> {
    let mut all = vec![PollFd::new(handle, PollFlags::IN)];
    all.extend(stdout.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    all.extend(stderr.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    all.extend(input.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    let timeout = Timespec {
        tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: most.subsec_nanos().into(),
    };
    match poll(&mut all, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(Trouble::Lost(error.into())),
    }
    Ok(all.first().is_some_and(|handle| !handle.revents().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Nothing of this thread is killed, as if it were another user's.
        pub(super) static SPARED: Cell<bool> = const { Cell::new(false) };
    }

    fn sleeping(seconds: &str) -> Result<Finished, Trouble> {
        let argv = ["/bin/sleep".to_owned(), seconds.to_owned()];
        let (environment, time) = (Vec::new(), Duration::from_millis(100));
        let program = Program { argv: &argv, stdin: None, environment, directory: "/", time };
        run(&program, &AtomicBool::new(false))
    }

    #[test]
    fn a_program_that_cannot_be_killed_holds_nobody_and_is_reaped_later() {
        SPARED.set(true);
        let begin = Instant::now();
        let trouble = sleeping("8").unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(7), "{:?}", begin.elapsed());
        let words = trouble.to_string();
        assert!(words.contains("had not ended after 100ms") && words.contains("may run on"));
        assert_eq!(left().len(), 1);
        let mut reaped = false;
        while !reaped && begin.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
            reaped = left().is_empty();
        }
        assert!(reaped, "it stays a zombie");
        SPARED.set(false);
        assert_eq!(sleeping("0").unwrap().end, Ok(0));
    }
    #[test]
    fn programs_that_run_on_are_bounded() {
        assert!(room_beside(MOST_LEFT - 1).is_ok());
        let refused = room_beside(MOST_LEFT).unwrap_err();
        assert!(matches!(&refused, Trouble::NotStarted(why) if why.contains("16")), "{refused}");
    }

    /// A program may leave the group that it leads, and is killed all the same.
    #[test]
    fn a_program_that_left_its_group_ends_too() {
        let python = "/usr/bin/python3";
        if !Path::new(python).exists() {
            return;
        }
        let script = "import os, subprocess, time\n\
             other = subprocess.Popen(['/bin/sleep', '3'], process_group=0)\n\
             os.setpgid(0, other.pid)\nprint('left', flush=True)\ntime.sleep(1000)\n";
        let argv = [python.to_owned(), "-c".to_owned(), script.to_owned()];
        let time = Duration::from_millis(1500);
        let environment = Vec::new();
        let program = Program { argv: &argv, stdin: None, environment, directory: "/", time };
        let trouble = run(&program, &AtomicBool::new(false)).unwrap_err();
        assert!(matches!(trouble, Trouble::Late(_)), "{trouble}");
    }
}
