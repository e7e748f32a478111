//! What is true outside of the host: files, processes, counters, and what reached a port. Read before and after each
//! attack, and never asked of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use interlock_tests::Deployment;
use xtask::evidence::{self, Process};

use super::shape::Shape;
use crate::desk::look;

/// In every place that no plugin may tell of: a file beside a folder, the environment, another plugin's keys, the
/// credential of a page.
pub(crate) const CANARY: &str = "canary-9b2f71c4";

/// Two ports: a page that is an endpoint, and a place where nobody has any business.
pub(crate) struct Outside {
    pub(crate) page: u16,
    asked: Arc<Mutex<Vec<String>>>,
    strangers: Arc<Mutex<Vec<String>>>,
}

fn whole<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outside {
    pub(crate) fn open() -> Result<Self> {
        let (page, stranger) =
            (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let away = stranger.local_addr()?.port();
        let outside = Self {
            page: page.local_addr()?.port(),
            asked: Arc::default(),
            strangers: Arc::default(),
        };
        let (asked, strangers) = (outside.asked.clone(), outside.strangers.clone());
        // They end with the test's process.
        std::thread::spawn(move || {
            for stream in page.incoming().flatten() {
                whole(&asked).push(answer(stream, away));
            }
        });
        std::thread::spawn(move || {
            for stream in stranger.incoming().flatten() {
                whole(&strangers).push(answer(stream, away));
            }
        });
        Ok(outside)
    }
}

/// One request, answered; gives its line. The page tells back what it was sent, and sends readers away.
fn answer(mut stream: TcpStream, away: u16) -> String {
    let _best_effort = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    let (status, more) = if line.contains("/away") {
        ("302 Found", format!("location: http://127.0.0.1:{away}/\r\n"))
    } else {
        ("200 OK", String::new())
    };
    let _gone = stream.write_all(
        format!(
            "HTTP/1.1 {status}\r\n{more}connection: close\r\ncontent-length: {}\r\n\r\n{head}",
            head.len()
        )
        .as_bytes(),
    );
    line
}

/// The world at one moment.
pub(crate) struct World {
    files: BTreeMap<PathBuf, Vec<u8>>,
    processes: BTreeSet<Process>,
    /// Effects that providers began: the environment's counter, the page's requests that are no looks, and the
    /// number of the last kept value.
    effects: u64,
    strangers: usize,
}

/// What is not anybody's: the host's records, and what services write of themselves.
fn is_own(path: &Path) -> bool {
    path.starts_with(".interlock")
        || path.starts_with("environments/.interlock")
        || path.ends_with("log")
        || path.ends_with("runner.err")
}

/// Every file that is not the host's own, with its bytes; of a link where it leads.
fn files(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let (path, kind) = {
                let entry = entry?;
                (entry.path(), entry.file_type()?)
            };
            let name = path.strip_prefix(root)?.to_owned();
            if is_own(&name) || name.starts_with("plugins") {
                continue;
            }
            let bytes = if kind.is_dir() {
                folders.push(path);
                Vec::new()
            } else if kind.is_symlink() {
                std::fs::read_link(&path)?.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path)?
            };
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

impl World {
    pub(crate) fn look(deployment: &Deployment, host: u32, outside: &Outside) -> Result<Self> {
        let files = files(deployment.path())?;
        let folder = deployment.path().join("environments");
        let processes = evidence::processes_inside(&folder)
            .into_iter()
            .filter(|pid| *pid != host)
            .filter_map(evidence::process)
            .collect();
        let sent = whole(&outside.asked).iter().filter(|line| !is_a_look(line)).count();
        let effects = look(deployment)? + sent as u64 + kept(deployment)?;
        Ok(Self { files, processes, effects, strangers: whole(&outside.strangers).len() })
    }

    /// How many effects began since another moment, if they are all of what a shape grants.
    ///
    /// # Errors
    /// What has happened that nobody granted.
    pub(crate) fn since(&self, before: &Self, shape: &Shape) -> Result<u64> {
        let effects = self.effects - before.effects;
        let names: BTreeSet<&PathBuf> = before.files.keys().chain(self.files.keys()).collect();
        let changed: Vec<&PathBuf> = names
            .into_iter()
            .filter(|name| before.files.get(*name) != self.files.get(*name))
            .filter(|name| effects == 0 || !shape.may_change(name))
            .collect();
        ensure!(changed.is_empty(), "UNGRANTED: files have changed: {changed:?}");
        ensure!(
            self.processes == before.processes,
            "UNGRANTED: processes were {:?} and are {:?}",
            before.processes,
            self.processes
        );
        ensure!(self.strangers == before.strangers, "UNGRANTED: somebody was connected to");
        Ok(effects)
    }

    /// As [`World::since`], for a time in which plugins were installed: they stand in the configuration.
    pub(crate) fn since_installing(&self, before: &Self, shape: &Shape) -> Result<u64> {
        let configuration = Path::new("interlock.toml");
        let mut was = before.files.clone();
        if let Some(now) = self.files.get(configuration) {
            was.insert(configuration.to_owned(), now.clone());
        }
        let before = Self {
            files: was,
            processes: before.processes.clone(),
            effects: before.effects,
            strangers: before.strangers,
        };
        self.since(&before, shape)
    }

    pub(crate) fn services(&self) -> usize {
        self.processes.len()
    }
}

fn is_a_look(line: &str) -> bool {
    line.starts_with("GET ") || line.starts_with("HEAD ")
}

/// The number of the last value that was kept, of any plugin.
fn kept(deployment: &Deployment) -> Result<u64> {
    let file = deployment.path().join(".interlock/kv.db");
    if !file.is_file() {
        return Ok(0);
    }
    let store =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let version: i64 = store.query_row("select version from store", [], |row| row.get(0))?;
    Ok(version.unsigned_abs())
}
