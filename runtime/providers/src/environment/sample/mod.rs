//! A sample environment to try things on: three small real services, on this machine's loopback
//! address only. Every function here refuses an environment that does not carry the sample's marker,
//! so that `sample stop` typed at the wrong host stops nothing.

mod service;

pub use service::service_main;

use super::{
    EnvironmentProvider, RunnerProgram,
    definition::Definition,
    disk::{Folder, io},
    environments::{DEFINITION, ENVIRONMENT, Environment, Service},
    model::Operation,
    provider::Inner,
    state::STATE,
};
use crate::ProviderFault;
use serde::Serialize;
use std::{
    fmt::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    time::Duration,
};

/// Only `create` writes it, into a folder that it made. Its name is no segment, so no service and
/// no plugin can.
pub(super) const MARKER: &str = ".interlock-sample";
/// How long a sample command waits for an effect that is under way.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// A configuration with which `api` answers 200.
const GOOD: &str =
    "# Configuration of the sample service `api`.\nmode = \"normal\"\ngreeting = \"hello\"\n";
/// A configuration with which `api` answers 500.
const BAD: &str = "# Deployed in a hurry.\nmode = \"broken\"\ngreeting = \"hello\"\n";

/// Whether `create` had to do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Created {
    /// It was made.
    Made,
    /// It was there, made by an earlier `create`; only the program of its services was brought up to date.
    AlreadyThere,
}

/// One service of a sample as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub service: String,
    /// Every wanted replica runs, and is healthy where there is a check.
    pub healthy: bool,
    /// Process numbers of the running replicas, replica 0 first.
    pub pids: Vec<u32>,
    /// Where it answers over HTTP.
    pub url: Option<String>,
    /// What it answers there now.
    pub http_status: Option<u16>,
    /// The configuration version in force.
    pub config_version: u32,
    /// What the health check said of replica 0.
    pub detail: String,
}

fn not_a_sample(environment: &str, problem: &str) -> ProviderFault {
    ProviderFault::NotASample { environment: environment.to_owned(), problem: problem.to_owned() }
}

/// Makes environment `name` below `root` with the services `api` (HTTP), `db` (TCP) and `worker` (no
/// check), not started. Free loopback ports are chosen now and written into the definitions; if one is
/// taken when the service starts, the start fails and says so. `program` is the hidden subcommand that
/// calls [`service_main`].
///
/// # Errors
/// An environment of that name that is not a sample; a name that is no plain segment; I/O.
pub fn create(root: &Path, name: &str, program: &RunnerProgram) -> Result<Created, ProviderFault> {
    if !interlock_authority::vocabulary::is_segment(name) {
        return Err(not_a_sample(
            name,
            "is not a plain name; use letters, digits, `.`, `_` and `-`",
        ));
    }
    std::fs::create_dir_all(root).map_err(io(format!("making `{}`", root.display())))?;
    let root = Folder::ambient(root).map_err(io(format!("opening `{}`", root.display())))?;
    if let Some(there) = root.find(name)? {
        if there.read(MARKER)?.is_none() {
            let problem = "is there already and is not a sample; choose another name";
            return Err(not_a_sample(name, problem));
        }
        if there.read(ENVIRONMENT)?.is_some() {
            refresh(&there, program)?;
            return Ok(Created::AlreadyThere);
        }
    }
    let environment = root.make(name)?;
    environment.write(MARKER, b"made by `interlock sample create`\n")?;
    let services = environment.make("services")?;
    let ports = free_ports()?;
    for (service, port) in [("api", ports.0), ("db", ports.1), ("worker", 0)] {
        let text = definition(service, port, program)?;
        services.make(service)?.write(DEFINITION, text.as_bytes())?;
    }
    // Last: the folder becomes an environment when all of it is there.
    environment.write(
        ENVIRONMENT,
        b"description = \"a sample: three small services on loopback ports\"\n",
    )?;
    Ok(Created::Made)
}

/// Rewrites the definitions for another place of the program; ports stay.
fn refresh(environment: &Folder, program: &RunnerProgram) -> Result<(), ProviderFault> {
    let environment = Environment { folder: environment.reopened()? };
    for service in environment.services()? {
        let port = service.definition.check.as_ref().map_or(0, |check| check.address.port());
        let text = definition(&service.name, port, program)?;
        if service.folder.read(DEFINITION)?.as_deref() != Some(text.as_bytes()) {
            service.folder.write(DEFINITION, text.as_bytes())?;
        }
    }
    Ok(())
}

/// A port for `db`, and one for `api` with three free ones after it, for more replicas.
fn free_ports() -> Result<(u16, u16), ProviderFault> {
    let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let port_of = |listener: &TcpListener| listener.local_addr().map(|a| a.port());
    for _ in 0..100 {
        let found = (|| {
            let api = bind(0)?;
            let first = port_of(&api)?;
            let held: std::io::Result<Vec<TcpListener>> =
                (1..4u16).map(|n| bind(first.checked_add(n).unwrap_or(1))).collect();
            let db = bind(0)?;
            held.and_then(|_held| Ok((first, port_of(&db)?)))
        })();
        if let Ok(ports) = found {
            return Ok(ports);
        }
    }
    Err(io("looking for free loopback ports")(std::io::ErrorKind::AddrInUse.into()))
}

/// A `service.toml` of the sample, held to the same parser as everybody's.
fn definition(service: &str, port: u16, program: &RunnerProgram) -> Result<String, ProviderFault> {
    let mut words: Vec<String> = vec![program.program.to_string_lossy().into_owned()];
    words.extend(program.arguments.iter().map(|a| a.to_string_lossy().into_owned()));
    words.push(service.to_owned());
    if port != 0 {
        words.push(port.to_string());
    }
    let words: Vec<String> =
        words.into_iter().map(|w| toml::Value::String(w).to_string()).collect();
    let mut text = format!("command = [{}]\n", words.join(", "));
    let _infallible = match service {
        "api" => {
            let initial = toml::Value::String(GOOD.to_owned());
            write!(
                text,
                "\n[config]\nfile = \"api.toml\"\ninitial = {initial}\n\n[health]\nhttp = \"http://127.0.0.1:{port}/health\"\nper-replica = true\n"
            )
        }
        "db" => write!(text, "\n[health]\ntcp = \"127.0.0.1:{port}\"\n"),
        _ => Ok(()),
    };
    Definition::parse("service.toml", &text)?;
    Ok(text)
}

impl EnvironmentProvider {
    /// Starts whatever of a sample does not run, and waits for its health checks.
    ///
    /// # Errors
    /// Not a sample; a service that ends at once.
    pub fn start_sample(&self, name: &str) -> Result<(), ProviderFault> {
        self.inner.with_sample(name, None, |inner, mut services| {
            let mut started = Vec::new();
            for service in &mut services {
                service.state.stopped = false;
                service.folder.write_json(STATE, &service.state)?;
                started.push(inner.start_missing(service)?);
            }
            services.iter().zip(&started).try_for_each(|(s, new)| inner.await_ready(s, new))
        })
    }

    /// Ends every process of a sample. It can be started again.
    ///
    /// # Errors
    /// Not a sample; a process that cannot be ended.
    pub fn stop_sample(&self, name: &str) -> Result<(), ProviderFault> {
        self.inner.with_sample(name, None, |inner, services| inner.stop_all(&services))
    }

    /// Deploys a bad configuration to the sample's `api` and restarts it, as a person in a hurry would:
    /// it then answers 500. Returns the bad version.
    ///
    /// # Errors
    /// Not a sample; `api` was deleted, or cannot be started.
    pub fn break_sample(&self, name: &str) -> Result<u32, ProviderFault> {
        let mut version = 0;
        self.inner.with_sample(name, Some("api"), |inner, mut services| {
            let Some(service) = services.pop() else {
                return Err(not_a_sample(name, "has no service `api` any more"));
            };
            let environment = inner.sample(name)?;
            let set = Operation::SetConfig("api".to_owned(), BAD.to_owned());
            inner.change(&environment, name, &set, vec![service])?;
            let mut service = environment
                .service("api")?
                .ok_or_else(|| not_a_sample(name, "has no service `api` any more"))?;
            version = service.state.in_force;
            // A broken service never becomes healthy: waiting longer than for its process is in vain.
            service.definition.ready_seconds = 0;
            inner.restart(&mut service)
        })?;
        Ok(version)
    }

    /// How a sample is now, by service name.
    ///
    /// # Errors
    /// Not a sample; a damaged state.
    pub fn sample_status(&self, name: &str) -> Result<Vec<ServiceReport>, ProviderFault> {
        let environment = self.inner.sample(name)?;
        environment.services()?.iter().map(report).collect()
    }
}

fn report(service: &Service) -> Result<ServiceReport, ProviderFault> {
    let status = service.status()?;
    let url = service.definition.check.as_ref().and_then(|check| check.url(0));
    let first = status.replicas.first();
    Ok(ServiceReport {
        service: service.name.clone(),
        healthy: status.healthy,
        pids: status.replicas.iter().filter_map(|r| r.pid).collect(),
        url,
        http_status: first.and_then(|r| r.http_status),
        config_version: service.state.in_force,
        detail: first.map(|r| r.detail.clone()).unwrap_or_default(),
    })
}

impl Inner {
    /// The environment `name`, if it is a sample.
    fn sample(&self, name: &str) -> Result<Environment, ProviderFault> {
        let found = self.root.environment(name)?;
        let found = found.ok_or_else(|| {
            not_a_sample(name, "does not exist; `interlock sample create` makes it")
        })?;
        if found.folder.read(MARKER)?.is_none() {
            let problem = "was not made by `interlock sample create`, and is left alone";
            return Err(not_a_sample(name, problem));
        }
        Ok(found)
    }

    /// Acts on a sample as an effect does: alone, and with a new revision for what is touched.
    fn with_sample(
        &self,
        name: &str,
        service: Option<&str>,
        act: impl FnOnce(&Self, Vec<Service>) -> Result<(), ProviderFault>,
    ) -> Result<(), ProviderFault> {
        self.sample(name)?;
        let busy = || not_a_sample(name, "is busy with another effect; try again");
        let _lock = self.root.lock(name, true, LOCK_WAIT)?.ok_or_else(busy)?;
        let environment = self.sample(name)?;
        let services = match service {
            Some(service) => environment.service(service)?.into_iter().collect(),
            None => environment.services()?,
        };
        let services = self.advance(&environment, false, false, services)?.services?;
        act(self, services)
    }
}
