//! Which process is meant, and signals to it. A process number alone means nothing: it is recycled.
//! A process here is number, start time and boot together, and a signal goes through a pidfd that
//! was compared with all three, so that a stranger with a recycled number is never signalled.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

/// The environment variable that marks every process of one started replica, as systemd's
/// `INVOCATION_ID` does.
pub(super) const INSTANCE: &str = "INTERLOCK_INSTANCE";

/// One process, for as long as the machine runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Clock ticks from boot to its start: field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
    pub(super) start: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub(super) boot: String,
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// State and start time of a process. The name in field 2 may contain anything, `)` included.
fn stat(pid: u32) -> Option<(char, u64)> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // Field 3 was the state; field 22 is the 19th after it.
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// The children of a process.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let is_child = |pid: u32| {
        let text = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // Field 4, the parent, is the second after the name.
        text.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1))
            == Some(parent.as_str())
    };
    numbers().into_iter().filter(|pid| is_child(*pid)).collect()
}

/// Every process number in use.
fn numbers() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|p| *p > 1).and_then(Pid::from_raw)
}

impl Process {
    /// The process that has this number now.
    pub(super) fn now(pid: u32) -> io::Result<Self> {
        let (_, start) = stat(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, start, boot: boot_id()? })
    }

    /// A handle to exactly this process; `None` when it has ended.
    ///
    /// Order matters: the handle is opened first and the start time compared after. If it is equal,
    /// the number was not recycled before the handle was opened.
    fn open(&self) -> Option<OwnedFd> {
        if boot_id().ok()? != self.boot {
            return None;
        }
        let handle = pidfd_open(as_pid(self.pid)?, PidfdFlags::empty()).ok()?;
        let (state, start) = stat(self.pid)?;
        (start == self.start && !matches!(state, 'Z' | 'X')).then_some(handle)
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&self) -> bool {
        self.open().is_some()
    }

    /// Signals exactly this process; whether it was there.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        self.open().is_some_and(|handle| pidfd_send_signal(handle, signal).is_ok())
    }
}

/// Ends every process that carries the mark of one started replica: what is left when its runner was
/// killed. Returns how many were signalled.
pub(super) fn end_marked(token: &str, wait: Duration) -> usize {
    let mark = format!("{INSTANCE}={token}");
    let deadline = Instant::now() + wait;
    let mut ended = 0;
    loop {
        let found = marked(&mark);
        if found.is_empty() || Instant::now() > deadline {
            return ended;
        }
        for process in found {
            // The mark is read again after the handle is open, for the same reason as above.
            if let Some(handle) = process.open()
                && carries(process.pid, &mark)
                && pidfd_send_signal(handle, Signal::KILL).is_ok()
            {
                ended += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn carries(pid: u32, mark: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|b| *b == 0).any(|variable| variable == mark.as_bytes()))
}

fn marked(mark: &str) -> Vec<Process> {
    let own = std::process::id();
    numbers()
        .into_iter()
        .filter(|pid| *pid != own && carries(*pid, mark))
        .filter_map(|pid| Process::now(pid).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Process;
    use rustix::process::Signal;

    #[test]
    fn recycled_pid_is_never_signalled() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let real = Process::now(child.id()).unwrap();
        let earlier = Process { start: real.start - 1, ..real.clone() };
        let other_boot = Process { boot: "another".into(), ..real.clone() };
        for stranger in [&earlier, &other_boot] {
            assert!(!stranger.is_alive() && !stranger.signal(Signal::KILL));
        }
        assert!(child.try_wait().unwrap().is_none(), "the stranger lives");
        assert!(real.signal(Signal::KILL));
        child.wait().unwrap();
        assert!(!real.is_alive());
    }

    #[test]
    fn nobody_is_pid_0_or_1() {
        for pid in [0, 1, u32::MAX] {
            assert!(!Process { pid, start: 0, boot: String::new() }.is_alive());
        }
    }
}
