//! What can be known without asking the host: processes from `/proc`, answers over TCP.
//!
//! The mistake it stops: proving that the host is right by asking the host.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A process, told apart from a later one that was given the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Clock ticks after boot (field 22 of `/proc/PID/stat`, proc(5)).
    pub started: u64,
}

/// The process with this number, if one is alive (a zombie is not).
pub fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything, even `)`.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split_ascii_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    // The state, just taken, is field 3: the start time, field 22, is 18 further on.
    let started = fields.nth(18)?.parse().ok()?;
    Some(Process { pid, started })
}

/// The processes whose working directory is `directory` or below it, without this one.
pub fn processes_inside(directory: &Path) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut inside: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id() && process(*pid).is_some())
        .filter(|pid| {
            std::fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| cwd.starts_with(directory))
        })
        .collect();
    inside.sort_unstable();
    inside
}

/// What a process has open; `None` where that cannot be seen, as of one that has ended.
pub fn open_files(pid: u32) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    Some(entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect())
}

/// The status code that `http://127.0.0.1:PORT/…` answers with; `None` when nothing answers.
pub fn http_status(url: &str) -> Option<u16> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address: SocketAddr = authority.parse().ok()?;
    let limit = Duration::from_secs(2);
    let mut connection = TcpStream::connect_timeout(&address, limit).ok()?;
    connection.set_read_timeout(Some(limit)).ok()?;
    connection.set_write_timeout(Some(limit)).ok()?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = [0_u8; 12];
    connection.read_exact(&mut answer).ok()?;
    // `HTTP/1.1 200`
    std::str::from_utf8(&answer).ok()?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn this_process_is_alive_and_keeps_its_identity() {
        let me = process(std::process::id()).unwrap();
        assert_eq!(Some(me), process(std::process::id()));
        assert_eq!(process(u32::MAX), None);
    }

    #[test]
    fn an_ended_process_that_nobody_waited_for_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let died = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            process(pid).is_none()
        });
        child.wait().unwrap();
        assert!(died, "the zombie {pid} was taken for a living process");
    }

    #[test]
    fn processes_are_found_by_their_working_directory() {
        let directory = std::env::temp_dir().join(format!("xtask-cwd-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let directory = directory.canonicalize().unwrap();
        let mut child =
            std::process::Command::new("sleep").arg("30").current_dir(&directory).spawn().unwrap();
        let found = processes_inside(&directory);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, [child.id()]);
        assert!(processes_inside(&directory).is_empty());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_a_process_has_open_is_seen_and_nothing_is_said_of_none() {
        let own = std::env::current_exe().unwrap();
        let file = std::fs::File::open(&own).unwrap();
        assert!(open_files(std::process::id()).unwrap().contains(&own));
        drop(file);
        assert!(open_files(u32::MAX).is_none());
    }

    #[test]
    fn an_answer_is_read_and_silence_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0_u8; 512]).unwrap();
            connection.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
        });
        assert_eq!(http_status(&url), Some(503));
        server.join().unwrap();
        assert_eq!(http_status(&url), None);
        assert_eq!(http_status("https://127.0.0.1:1/"), None);
    }
}
