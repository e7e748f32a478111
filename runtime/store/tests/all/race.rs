//! Tickets that many processes want at once, each with many tasks on two threads: every ticket has exactly
//! one winner, everybody else is told so, and nobody is told something else.
//!
//! `INTERLOCK_RACE_ATTEMPTS=1000000 cargo test -p interlock-store race_of` races that often, without fsync.

use crate::fixture::{batch, entry, mark};
use interlock_journal::LogSigner;
use interlock_store::{Clock, Durability, Store, StoreError};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const FOLDER: &str = "INTERLOCK_RACE_FOLDER";
const PROCESSES: u64 = 8;
const TASKS: u64 = 16;
/// A process that hears nothing of a start for so long was left alone.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the processes are told, as numbers in a file.
#[derive(Clone, Copy)]
struct Race {
    durability: Durability,
    /// Of each process.
    attempts: u64,
    tickets: u64,
}

impl Race {
    fn write(self, folder: &Path) {
        let full = u64::from(self.durability == Durability::Full);
        fs::write(folder.join("race"), format!("{full} {} {}", self.attempts, self.tickets))
            .unwrap();
    }

    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("race")).unwrap();
        let mut numbers = text.split(' ').map(|n| n.parse().unwrap());
        let durability = if numbers.next() == Some(1) { Durability::Full } else { Durability::Off };
        let (attempts, tickets) = (numbers.next().unwrap(), numbers.next().unwrap());
        Self { durability, attempts, tickets }
    }
}

fn open(folder: &Path, durability: Durability) -> Store {
    let signer = LogSigner::from_seed("example/race", &[7; 32]).unwrap();
    let clock: Clock = Arc::new(|| 1);
    Store::open(&folder.join("journal.db"), signer, durability, clock).unwrap()
}

/// Not a test of its own: one of the processes that race.
#[test]
fn the_process_that_races() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let race = Race::read(folder);
    let store = open(folder, race.durability);
    let own = std::process::id();
    fs::write(folder.join(format!("ready.{own}")), "").unwrap();
    let waiting = Instant::now();
    while !folder.join("go").exists() {
        assert!(waiting.elapsed() < PATIENCE, "nobody said go");
        std::thread::sleep(Duration::from_millis(1));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let won = runtime.block_on(async {
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let (mut won, mut lost) = (Vec::new(), 0u64);
                // The tasks of a process go through the tickets side by side, as all processes do: each
                // ticket is wanted by everybody at about the same time.
                for n in (task..race.attempts).step_by(usize::try_from(TASKS).unwrap()) {
                    let key = (n % race.tickets).to_string();
                    let wish = batch(entry("", vec![mark("ticket", &key, true)]));
                    match store.commit(wish).await {
                        Ok(_) => {
                            won.push(key);
                            // Whoever wins acts, and that is when others come: else the first of the
                            // processes has everything before the next one wakes.
                            tokio::time::sleep(Duration::from_millis(2)).await;
                        }
                        Err(StoreError::Taken { .. }) => lost += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                (won, lost)
            }));
        }
        let (mut won, mut lost) = (Vec::new(), 0);
        for task in tasks {
            let (more, fewer) = task.await.unwrap();
            won.extend(more);
            lost += fewer;
        }
        assert_eq!(won.len() as u64 + lost, race.attempts);
        won
    });
    drop(store);
    fs::write(folder.join(format!("won.{own}")), won.join("\n")).unwrap();
}

/// Ends what it started, also where a test fails: a process that waits for a start would wait long.
struct Racers(Vec<Child>);

impl Drop for Racers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn files(folder: &Path, kind: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let wanted = names.filter(|e| e.file_name().to_string_lossy().starts_with(kind));
    wanted.map(|e| fs::read_to_string(e.path()).unwrap()).collect()
}

fn race(durability: Durability, attempts: u64, tickets: u64) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Race { durability, attempts: attempts / PROCESSES, tickets }.write(folder);
    drop(open(folder, durability));
    let start = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "race::the_process_that_races", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut racers = Racers((0..PROCESSES).map(start).collect());
    let waiting = Instant::now();
    while files(folder, "ready.").len() < racers.0.len() {
        assert!(waiting.elapsed() < PATIENCE, "a process did not start");
        std::thread::sleep(Duration::from_millis(1));
    }
    fs::write(folder.join("go"), "").unwrap();
    for racer in &mut racers.0 {
        assert!(racer.wait().unwrap().success(), "a process was told something else");
    }
    let all = files(folder, "won.");
    assert_eq!(all.len() as u64, PROCESSES);
    let won: Vec<&str> = all.iter().flat_map(|text| text.lines()).collect();
    let different: BTreeSet<&str> = won.iter().copied().collect();
    assert_eq!(won.len() as u64, tickets, "winners");
    assert_eq!(different.len() as u64, tickets, "tickets that were won");
    let store = open(folder, durability);
    assert_eq!(store.audit().unwrap(), tickets);
    let winners = all.iter().filter(|text| !text.is_empty()).count();
    println!(
        "{attempts} attempts by {PROCESSES} processes on {tickets} tickets: {} won, by {winners} of them",
        won.len()
    );
}

#[test]
fn plan_is_the_grant_race_of_many_attempts_without_fsync() {
    let attempts: u64 = std::env::var("INTERLOCK_RACE_ATTEMPTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000);
    race(Durability::Off, attempts, attempts / 100);
}

#[test]
fn plan_is_the_grant_ten_thousand_attempts_under_full_have_one_winner_each() {
    race(Durability::Full, 10_000, 1_000);
}
