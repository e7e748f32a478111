//! Answers to reads: what is on disk and what the processes say now. Nothing is written here.

use super::{
    captured,
    environments::Service,
    health::Answer,
    model::{not_found, ok},
    provider::Inner,
};
use crate::ProviderFault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One service as it is now.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) healthy: bool,
    pub(super) replicas: Vec<ReplicaStatus>,
    pub(super) last_healthy: Option<u32>,
}

/// One replica as it is now.
#[derive(Debug, Clone)]
pub(super) struct ReplicaStatus {
    pub(super) index: u32,
    pub(super) pid: Option<u32>,
    pub(super) health: &'static str,
    pub(super) http_status: Option<u16>,
    pub(super) last_exit: Option<i32>,
    pub(super) detail: String,
}

impl Inner {
    pub(super) fn list_environments(&self) -> Result<Value, ProviderFault> {
        self.root.environments().map(|names| ok(json!(names)))
    }

    pub(super) fn list_services(&self, name: &str) -> Result<Value, ProviderFault> {
        let Some(environment) = self.root.environment(name)? else {
            return Ok(not_found(format_args!("there is no environment `{name}`")));
        };
        let names: Vec<String> =
            environment.service_folders()?.into_iter().map(|(name, _)| name).collect();
        Ok(ok(json!(names)))
    }

    fn with_service(
        &self,
        environment: &str,
        service: &str,
        answer: impl FnOnce(&Service) -> Result<Value, ProviderFault>,
    ) -> Result<Value, ProviderFault> {
        let Some(found) = self.root.environment(environment)? else {
            return Ok(not_found(format_args!("there is no environment `{environment}`")));
        };
        match found.service(service)? {
            Some(service) => answer(&service),
            None => Ok(not_found(format_args!(
                "environment `{environment}` has no service `{service}`"
            ))),
        }
    }

    pub(super) fn service_status(
        &self,
        environment: &str,
        service: &str,
    ) -> Result<Value, ProviderFault> {
        self.with_service(environment, service, |found| {
            let status = found.status()?;
            let replicas: Vec<Value> = status
                .replicas
                .iter()
                .map(|r| {
                    json!({
                        "index": r.index,
                        "pid": r.pid,
                        "health": r.health,
                        "last-exit": r.last_exit,
                        "detail": r.detail,
                    })
                })
                .collect();
            Ok(ok(json!({
                "environment": environment,
                "service": service,
                "healthy": status.healthy,
                "wanted": found.state.wanted,
                "replicas": replicas,
                "config-version": found.state.in_force,
                "last-healthy-version": status.last_healthy,
            })))
        })
    }

    pub(super) fn read_config(
        &self,
        environment: &str,
        service: &str,
        version: Option<u32>,
    ) -> Result<Value, ProviderFault> {
        self.with_service(environment, service, |found| {
            let version = version.unwrap_or(found.state.in_force);
            Ok(match found.config(version)? {
                Some(content) => ok(json!({
                    "version": version,
                    "content": content,
                    "versions": (1..=found.state.latest()).collect::<Vec<u32>>(),
                })),
                None => not_found(format_args!(
                    "service `{service}` has no configuration version {version}"
                )),
            })
        })
    }

    pub(super) fn logs(
        &self,
        environment: &str,
        service: &str,
        lines: usize,
    ) -> Result<Value, ProviderFault> {
        self.with_service(environment, service, |found| {
            let folders: Vec<_> = found.replicas()?.into_iter().map(|r| r.folder).collect();
            Ok(ok(json!(captured::tail(&folders, lines)?)))
        })
    }
}

impl Service {
    /// Looks at every wanted replica now. Checks run side by side, so that the whole takes as long
    /// as one.
    pub(super) fn status(&self) -> Result<Status, ProviderFault> {
        let found: BTreeMap<u32, _> =
            self.replicas()?.into_iter().map(|replica| (replica.index, replica)).collect();
        let mut seen = Vec::new();
        for index in 0..self.state.wanted {
            seen.push((index, found.get(&index).map(|replica| replica.see()).transpose()?));
        }
        let answers: Vec<Option<Answer>> = std::thread::scope(|scope| {
            let asked: Vec<_> = seen
                .iter()
                .map(|(index, seen)| {
                    let running = seen.as_ref().is_some_and(|s| s.process.is_some());
                    let check = self.definition.check.as_ref().filter(|_| running);
                    check.map(|check| scope.spawn(|| check.ask(*index)))
                })
                .collect();
            asked.into_iter().map(|thread| thread.and_then(|t| t.join().ok())).collect()
        });
        let replicas: Vec<ReplicaStatus> = seen
            .into_iter()
            .zip(answers)
            .map(|((index, seen), answer)| {
                let pid = seen.as_ref().and_then(|s| s.process.as_ref()).map(|p| p.pid);
                let last_exit = seen.as_ref().and_then(|s| s.last_exit);
                let lost = seen.as_ref().is_some_and(|s| s.lost);
                let (health, detail) = match (&answer, pid) {
                    (Some(answer), _) => (
                        if answer.healthy { "healthy" } else { "unhealthy" },
                        answer.detail.clone(),
                    ),
                    (None, Some(_)) => ("unknown", "running; it has no health check".to_owned()),
                    (None, None) => ("unknown", self.not_running(seen.is_some(), lost, last_exit)),
                };
                let http_status = answer.and_then(|a| a.status);
                ReplicaStatus { index, pid, health, http_status, last_exit, detail }
            })
            .collect();
        let healthy = replicas
            .iter()
            .all(|r| r.pid.is_some() && (self.definition.check.is_none() || r.health == "healthy"));
        let last_healthy = self
            .seen_healthy()?
            .into_iter()
            .rfind(|version| healthy || *version != self.state.in_force);
        Ok(Status { healthy, replicas, last_healthy })
    }

    fn not_running(&self, started: bool, lost: bool, last_exit: Option<i32>) -> String {
        match (self.state.stopped, started, lost, last_exit) {
            (true, ..) => "stopped on purpose".to_owned(),
            (_, false, ..) => "never started".to_owned(),
            (_, _, true, _) => "its runner was killed, and it with it".to_owned(),
            (_, _, _, Some(code)) => format!("it ended with exit code {code}"),
            (_, _, _, None) => "not running".to_owned(),
        }
    }
}
