//! One service of the fake: configuration versions, a process that reads its configuration at start,
//! and a health check that is a function of the configuration it started with.

use std::fmt;
use std::rc::Rc;

use crate::environment::{Error, Health, Replica, ServiceConfig, ServiceStatus};

/// A service for a [`Fake`](super::Fake). It starts out running, and healthy where its configuration is.
#[derive(Clone)]
pub struct Service {
    /// Version n is at n - 1.
    versions: Vec<String>,
    in_force: u32,
    /// The version that the running process read; `None` when it does not run.
    running: Option<u32>,
    /// Versions that were ever started.
    started: Vec<u32>,
    wanted: u32,
    starts: u32,
    last_exit: Option<i32>,
    logs: Vec<String>,
    healthy_when: Rc<dyn Fn(&str) -> bool>,
    stays_unhealthy: bool,
}

impl Service {
    /// A running service with this configuration as version 1, healthy until told otherwise.
    #[must_use]
    pub fn new(config: &str) -> Self {
        Self {
            versions: vec![config.into()],
            in_force: 1,
            running: Some(1),
            started: vec![1],
            wanted: 1,
            starts: 1,
            last_exit: None,
            logs: Vec::new(),
            healthy_when: Rc::new(|_| true),
            stays_unhealthy: false,
        }
    }

    /// Which configurations make it healthy.
    #[must_use]
    pub fn healthy_when(mut self, check: impl Fn(&str) -> bool + 'static) -> Self {
        self.healthy_when = Rc::new(check);
        self
    }

    /// A later configuration version, in force and read by a restart.
    #[must_use]
    pub fn config(mut self, content: &str) -> Self {
        self.set_config(content);
        self.restart();
        self
    }

    /// The process has ended with this exit code (or 128 + the signal).
    #[must_use]
    pub fn crashed(mut self, exit: i32) -> Self {
        self.running = None;
        self.last_exit = Some(exit);
        self
    }

    /// It fails its health check from now on, whatever is restarted or rolled back.
    #[must_use]
    pub fn stays_unhealthy(mut self) -> Self {
        self.stays_unhealthy = true;
        self
    }

    /// How many replicas are wanted and running.
    #[must_use]
    pub fn replicas(mut self, wanted: u32) -> Self {
        self.wanted = wanted;
        self
    }

    /// A line in its log.
    #[must_use]
    pub fn log(mut self, line: &str) -> Self {
        self.logs.push(line.into());
        self
    }

    fn content(&self, version: u32) -> Option<&str> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.versions.get(index).map(String::as_str)
    }

    fn makes_healthy(&self, version: u32) -> bool {
        self.content(version).is_some_and(|content| (self.healthy_when)(content))
    }

    pub(super) fn status(&self, environment: &str, service: &str) -> ServiceStatus {
        let up = !self.stays_unhealthy
            && self.running.is_some_and(|version| self.makes_healthy(version));
        let health = match (self.running, up) {
            (_, true) => Health::Healthy,
            (Some(_), false) => Health::Unhealthy,
            (None, false) => Health::Unknown,
        };
        let detail = match (self.running, up) {
            (_, true) => "the check passes".into(),
            (Some(version), false) => {
                format!("the check fails under configuration version {version}")
            }
            (None, false) => "the process is not running".into(),
        };
        let replica = |index| Replica {
            index,
            pid: self.running.map(|_| 1000 * self.starts + index),
            health,
            last_exit: self.last_exit,
            detail: detail.clone(),
        };
        let last_healthy =
            self.started.iter().copied().filter(|version| {
                self.makes_healthy(*version) && (up || *version != self.in_force)
            });
        ServiceStatus {
            environment: environment.into(),
            service: service.into(),
            healthy: up,
            wanted: self.wanted,
            replicas: (0..self.wanted).map(replica).collect(),
            config_version: self.in_force,
            last_healthy_version: last_healthy.max(),
        }
    }

    pub(super) fn read_config(&self, version: Option<u32>) -> Result<ServiceConfig, Error> {
        let version = version.unwrap_or(self.in_force);
        let content = self.content(version).ok_or_else(|| no_version(version))?.to_owned();
        let versions = (1..).take(self.versions.len()).collect();
        Ok(ServiceConfig { version, content, versions })
    }

    /// The last lines, at most 1,000 and 64 KiB, whole lines only.
    pub(super) fn logs(&self, lines: u32) -> String {
        const BYTES: usize = 64 * 1024;
        let lines = usize::try_from(lines.min(1_000)).unwrap_or(1_000);
        let mut room = BYTES;
        let mut tail: Vec<&str> = Vec::new();
        for line in self.logs.iter().rev().take(lines) {
            let Some(left) = room.checked_sub(line.len() + 1) else { break };
            room = left;
            tail.push(line);
        }
        tail.iter().rev().flat_map(|line| [*line, "\n"]).collect()
    }

    pub(super) fn restart(&mut self) {
        self.running = Some(self.in_force);
        self.started.push(self.in_force);
        self.starts += 1;
    }

    pub(super) fn set_config(&mut self, content: &str) -> u32 {
        self.versions.push(content.into());
        self.in_force = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
        self.in_force
    }

    pub(super) fn rollback(&mut self, version: u32) -> Result<(), Error> {
        self.content(version).ok_or_else(|| no_version(version))?;
        self.in_force = version;
        Ok(())
    }

    pub(super) fn scale(&mut self, replicas: u32) -> Result<(), Error> {
        if replicas == 0 {
            return Err(Error::Invalid("`replicas` must be at least 1".into()));
        }
        self.wanted = replicas;
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
        self.last_exit = Some(128 + 15);
    }

    /// As the environment's definition has it: version 1, no history, no logs, a new process.
    pub(super) fn recreate(&mut self) {
        self.versions.truncate(1);
        self.in_force = 1;
        self.started.clear();
        self.logs.clear();
        self.last_exit = None;
        self.restart();
    }
}

fn no_version(version: u32) -> Error {
    Error::NotFound(format!("there is no configuration version {version}"))
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("versions", &self.versions)
            .field("in_force", &self.in_force)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
