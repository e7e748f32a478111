//! One replica, seen from the provider: started through a runner, found again by its lock, stopped
//! through exactly that runner. The lock says whether a runner lives; the record only says which.

use super::{
    disk::{Folder, io, random_hex},
    environments::Service,
    order::{CONFIG, EXIT, Exit, LOCK, ORDER, Order, RECORD, RUNNER_ERRORS, Record},
    process::{Process, end_marked},
    runner::RunnerProgram,
};
use crate::ProviderFault;
use rustix::process::Signal;
use std::{
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

/// The folder of a service's replicas.
pub(super) const REPLICAS: &str = "replicas";
/// How long a runner may take to say that it started the service.
const START_WAIT: Duration = Duration::from_secs(10);
/// How long a runner that holds its lock may take to write its record.
const RECORD_WAIT: Duration = Duration::from_secs(3);
/// How long a runner may take beyond the grace of its service.
const STOP_SLACK: Duration = Duration::from_secs(5);

/// Starts runners, and keeps them as children only to reap them.
#[derive(Debug)]
pub(super) struct Starter {
    program: RunnerProgram,
    children: Mutex<Vec<Child>>,
}

/// The folder of one replica.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) index: u32,
    pub(super) folder: Folder,
}

/// What can be seen of a replica.
#[derive(Debug)]
pub(super) struct Seen {
    /// The service's process; absent when it does not run.
    pub(super) process: Option<Process>,
    /// How the process before, or the last one, ended.
    pub(super) last_exit: Option<i32>,
    /// The last process was ended together with its runner, and nobody saw how.
    pub(super) lost: bool,
}

fn trouble(what: String, problem: impl Into<String>) -> ProviderFault {
    ProviderFault::Process { what, problem: problem.into() }
}

impl Replica {
    pub(super) fn is_running(&self) -> Result<bool, ProviderFault> {
        self.folder.is_locked(LOCK)
    }

    pub(super) fn see(&self) -> Result<Seen, ProviderFault> {
        let alive = self.is_running()?;
        let record: Option<Record> = self.folder.read_json(RECORD)?;
        let exit: Option<Exit> = self.folder.read_json(EXIT)?;
        let ended = matches!((&record, &exit), (Some(r), Some(e)) if r.token == e.token);
        let process = record.as_ref().filter(|_| alive && !ended).and_then(|r| r.service.clone());
        let process = process.filter(Process::is_alive);
        Ok(Seen {
            lost: record.is_some() && !alive && !ended,
            last_exit: exit.filter(|_| ended || alive).map(|e| e.code),
            process,
        })
    }

    /// Tells the runner to stop; what to wait for. `None` when nothing runs.
    fn ask_to_stop(&self) -> Result<Option<Record>, ProviderFault> {
        let deadline = Instant::now() + RECORD_WAIT;
        loop {
            if !self.is_running()? {
                return Ok(None);
            }
            // A runner whose host died early may not have written its record yet.
            let order: Option<Order> = self.folder.read_json(ORDER)?;
            let record: Option<Record> = self.folder.read_json(RECORD)?;
            if let Some(record) = record
                && order.is_none_or(|o| o.token == record.token)
                && record.runner.signal(Signal::TERM)
            {
                return Ok(Some(record));
            }
            if Instant::now() > deadline {
                let problem = "its lock is held, but not by the runner that its record names; nothing was signalled";
                return Err(trouble(self.name(), problem));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn name(&self) -> String {
        format!("replica `{}`", self.folder.shown())
    }

    /// Waits until nothing of the replica runs; at the deadline the runner is killed, and the
    /// kernel ends the service with it.
    fn await_stop(&self, record: &Record, mut deadline: Instant) -> Result<(), ProviderFault> {
        let mut killed = false;
        while self.is_running()? {
            if Instant::now() > deadline {
                if killed {
                    return Err(trouble(self.name(), "its runner cannot be ended"));
                }
                killed = true;
                deadline = Instant::now() + RECORD_WAIT;
                record.runner.signal(Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end_leftovers()
    }

    /// Ends what a killed runner left behind. A runner that ended by itself left nothing.
    fn end_leftovers(&self) -> Result<(), ProviderFault> {
        let record: Option<Record> = self.folder.read_json(RECORD)?;
        let exit: Option<Exit> = self.folder.read_json(EXIT)?;
        if let Some(record) = record
            && exit.is_none_or(|e| e.token != record.token)
        {
            end_marked(&record.token, Duration::from_secs(2));
        }
        Ok(())
    }
}

/// Stops these replicas, all at once, and waits until none of their processes is left. Returns how
/// many ran.
pub(super) fn stop(replicas: &[Replica], grace: Duration) -> Result<usize, ProviderFault> {
    let mut asked = Vec::new();
    for replica in replicas {
        match replica.ask_to_stop()? {
            Some(record) => asked.push((replica, record)),
            None => replica.end_leftovers()?,
        }
    }
    let deadline = Instant::now() + grace + STOP_SLACK;
    for (replica, record) in &asked {
        replica.await_stop(record, deadline)?;
    }
    Ok(asked.len())
}

impl Starter {
    pub(super) fn new(program: RunnerProgram) -> Self {
        Self { program, children: Mutex::default() }
    }

    /// Starts replica `index` with the configuration in force, and returns its folder and process.
    pub(super) fn start(
        &self,
        service: &Service,
        index: u32,
    ) -> Result<(Replica, Process), ProviderFault> {
        self.reap();
        let folder = service.folder.make(REPLICAS)?.make(&index.to_string())?;
        let replica = Replica { index, folder };
        if replica.is_running()? {
            return Err(trouble(replica.name(), "it runs already"));
        }
        replica.end_leftovers()?;
        let version = service.state.in_force;
        let content = service.config(version)?.ok_or_else(|| {
            trouble(replica.name(), format!("there is no configuration version {version}"))
        })?;
        let definition = &service.definition;
        replica.folder.make(CONFIG)?.write(&definition.config_file, content.as_bytes())?;
        let order = Order {
            token: random_hex(16)?,
            command: definition.command.clone(),
            directory: definition.directory.clone(),
            variables: definition.variables.clone(),
            config_file: definition.config_file.clone(),
            version,
            check: definition.check.clone(),
            stop_seconds: definition.stop_seconds,
        };
        replica.folder.write_json(ORDER, &order)?;
        replica.folder.write(RUNNER_ERRORS, b"")?;
        let errors = replica.folder.append(RUNNER_ERRORS)?;
        // The service's folder goes to the runner as an open descriptor, its standard input: nobody
        // looks up a path in between.
        let mut child = Command::new(&self.program.program)
            .args(&self.program.arguments)
            .arg("run")
            .arg(index.to_string())
            .arg(&order.token)
            .env_clear()
            .stdin(service.folder.to_file()?)
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(io(format!("starting the runner `{}`", self.program.program.display())))?;
        let started = replica.await_start(&mut child, &order.token);
        if started.is_err() {
            let _ended_already = child.kill();
            let _reaped = child.wait();
            end_marked(&order.token, Duration::from_secs(2));
        } else if let Ok(mut children) = self.children.lock() {
            children.push(child);
        }
        Ok((replica, started?))
    }

    /// Takes the exit of runners that ended, so that they do not stay as zombies of a long-lived host.
    pub(super) fn reap(&self) {
        if let Ok(mut children) = self.children.lock() {
            children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        }
    }
}

impl Replica {
    fn await_start(&self, child: &mut Child, token: &str) -> Result<Process, ProviderFault> {
        let deadline = Instant::now() + START_WAIT;
        loop {
            let ended = !matches!(child.try_wait(), Ok(None));
            let record: Option<Record> = self.folder.read_json(RECORD)?;
            let ours = record.filter(|r| r.token == token);
            if let Some(process) = ours.and_then(|r| r.service) {
                return Ok(process);
            }
            if ended || Instant::now() > deadline {
                let said = self.folder.read(RUNNER_ERRORS)?.unwrap_or_default();
                let said: String =
                    String::from_utf8_lossy(&said).trim().chars().take(300).collect();
                return Err(trouble(self.name(), format!("its runner did not start it: {said}")));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
