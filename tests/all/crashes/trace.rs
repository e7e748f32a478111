//! One run under `strace`, which injects one thing at one system call and writes down what went before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use interlock_tests::{Ran, command, finish, interlock, settle};

use super::point::{Kind, Point, Scope};

/// Every system call with which a run could change something, or make it last.
pub(super) const CALLS: &str = "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,\
    ftruncate,fallocate,rename,renameat,renameat2,openat,unlink,unlinkat,rmdir,mkdir,mkdirat,linkat,\
    symlinkat,fchmod,fchmodat";

/// One system call of a finished or killed run.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) thread: u32,
    pub(super) name: String,
    /// The text between the parentheses.
    arguments: String,
    /// What it returned; none where it never did.
    pub(super) result: Option<i64>,
}

impl Call {
    /// The path behind the first argument, where that is a descriptor.
    pub(super) fn file(&self) -> Option<&str> {
        self.arguments.split_once('<')?.1.split_once('>').map(|(path, _)| path)
    }

    /// The path that the call names in quotes.
    pub(super) fn named(&self) -> Option<&str> {
        self.arguments.split_once('"')?.1.split_once('"').map(|(path, _)| path)
    }

    /// The number that is the last argument.
    pub(super) fn last_number(&self) -> Option<u64> {
        self.arguments.rsplit(", ").next()?.trim().parse().ok()
    }

    pub(super) fn creates(&self) -> bool {
        self.name == "openat" && self.arguments.contains("O_CREAT")
    }
}

/// Whether processes can be traced here at all.
pub(super) fn is_possible() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-f", "--seccomp-bpf", "-qqq", "-e", "trace=openat", "-o", "/dev/null", "true"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Runs the binary in a folder under `strace`, with an injection or without.
pub(super) fn run(
    folder: &Path,
    words: &[String],
    scope: Scope,
    inject: Option<&Point>,
    log: &Path,
) -> Result<(Ran, Vec<Call>)> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qqq", "-y", "-e", "signal=none"]);
    // Quicker, and deaf to signals that are injected (strace 6.1).
    if !inject.is_some_and(|point| point.kind.kills()) {
        strace.arg("--seccomp-bpf");
    }
    // Paths that are opened are needed in full; what is written is not.
    strace.args(["-s", "200", "-e", &format!("trace={CALLS}"), "-o"]).arg(log);
    if let Some(point) = inject {
        let what = match point.kind {
            Kind::Kill | Kind::PowerLoss => "signal=SIGKILL",
            Kind::Eio => "error=EIO",
            Kind::Enospc => "error=ENOSPC",
            Kind::Moment => "signal=0",
        };
        strace.args(["-e", &format!("inject={}:{what}:when={}", point.call, point.n)]);
    }
    for path in paths(folder, scope) {
        strace.arg("-P").arg(path);
    }
    strace.arg(interlock()?).args(words);
    settle(&mut strace, folder);
    let ran = finish(strace, "")?;
    let text = std::fs::read(log).context("strace wrote no log")?;
    Ok((ran, read(&String::from_utf8_lossy(&text))))
}

/// Kills the binary after a time.
pub(super) fn run_for(folder: &Path, words: &[String], moment: Duration) -> Result<Option<i32>> {
    let mut command = command(folder, words)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    std::thread::sleep(moment);
    // It may have ended: then there is nothing to kill, and that is a point too.
    let _ = child.kill();
    Ok(child.wait()?.code())
}

/// Counting calls on certain files alone is what makes «the third write to the journal» the same in every
/// run: `strace` counts for each thread, and the threads have other files to open besides.
fn paths(folder: &Path, scope: Scope) -> Vec<PathBuf> {
    // The folder too: a file whose name is not synced is not there after a power loss.
    let journal = ["journal.db", "journal.db-wal", "journal.db-shm", ""];
    let journal = journal.map(|name| match name {
        "" => folder.join(".interlock"),
        name => folder.join(".interlock").join(name),
    });
    let world = [
        "environments",
        "environments/.interlock",
        "environments/.interlock/locks",
        "environments/prod",
        "environments/prod/services",
        "environments/prod/services/api",
        "environments/prod/services/api/config",
        "environments/prod/services/db",
        "environments/prod/services/db/config",
        "environments/prod/services/worker",
        "environments/prod/services/worker/config",
        "outside",
    ];
    match scope {
        Scope::Journal => journal.to_vec(),
        Scope::World => {
            let world = world.iter().map(|name| folder.join(name));
            journal.into_iter().chain(world).collect()
        }
        Scope::All => Vec::new(),
    }
}

/// Reads a log. A call that another thread's line interrupted stands on two lines.
fn read(log: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.trim_start().split_once(' ') else { continue };
        let (Ok(thread), rest) = (thread.parse(), rest.trim_start()) else { continue };
        if rest.starts_with("<...") {
            let call = open.remove(&thread).and_then(|at| calls.get_mut(at));
            if let Some(call) = call {
                call.result = result(rest);
                if let Some((_, more)) = rest.split_once("resumed>") {
                    let more = more.rsplit_once(')').map_or(more, |(more, _)| more);
                    call.arguments.push_str(more);
                }
            }
            continue;
        }
        let Some((name, rest)) = rest.split_once('(') else { continue };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let (arguments, result) = if let Some((start, _)) = rest.split_once(" <unfinished") {
            open.insert(thread, calls.len());
            (start, None)
        } else {
            (
                rest.rsplit_once(") ").map_or(rest, |(arguments, _)| arguments.trim_end()),
                result(rest),
            )
        };
        calls.push(Call { thread, name: name.into(), arguments: arguments.into(), result });
    }
    calls
}

fn result(line: &str) -> Option<i64> {
    let (_, result) = line.rsplit_once(" = ")?;
    result.split(|c: char| !c.is_ascii_digit() && c != '-').next()?.parse().ok()
}

/// How often each call is made by the thread that makes it most often.
pub(super) fn positions(calls: &[Call]) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<(u32, &str), u32> = BTreeMap::new();
    for call in calls {
        *counts.entry((call.thread, &call.name)).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((_, name), count) in counts {
        let most: &mut u32 = most.entry(name.to_owned()).or_default();
        *most = count.max(*most);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_strace_is_read() {
        let log = "7  pwrite64(5</x/journal.db-wal>, \"\\1\"..., 4096, 8216) = 4096\n\
                   8  fsync(9</x y> <unfinished ...>\n\
                   7  fsync(5</x/journal.db-wal>)       = -1 EIO (Input/output error) (INJECTED)\n\
                   8  <... fsync resumed>)              = 0\n\
                   7  openat(4</x>, \".new\", O_WRONLY|O_CREAT|O_EXCL, 0600) = 11</x/.new>\n\
                   7  write(1<pipe:[1]>, \"a\", 1)      = ?\n\
                   7  +++ killed by SIGKILL +++\n";
        let calls = read(log);
        let seen: Vec<_> = calls.iter().map(|c| (c.name.as_str(), c.file(), c.result)).collect();
        assert_eq!(
            seen,
            [
                ("pwrite64", Some("/x/journal.db-wal"), Some(4096)),
                ("fsync", Some("/x y"), Some(0)),
                ("fsync", Some("/x/journal.db-wal"), Some(-1)),
                ("openat", Some("/x"), Some(11)),
                ("write", Some("pipe:[1]"), None),
            ]
        );
        assert_eq!(calls[0].last_number(), Some(8216));
        assert!(calls[3].creates() && calls[3].named() == Some(".new"));
        assert_eq!(positions(&calls)["fsync"], 1);
    }
}
