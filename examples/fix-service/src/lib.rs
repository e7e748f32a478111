//! Diagnose and heal one service: the partial fix. It cannot take anything away, because no code
//! here calls `teardown`; so its component does not import it.

mod words;

use interlock_guest::environment::{Error, ServiceStatus, observe, remediate};
use interlock_guest::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Target {
    /// Environment name, for example `prod`.
    environment: String,
    /// The one service, for example `api`.
    service: String,
}

#[derive(Serialize, JsonSchema)]
struct Diagnosis {
    healthy: bool,
    /// What is wrong, in words.
    problem: String,
    /// What `heal` would do about it, in order; empty where nothing needs doing.
    proposal: Vec<String>,
    /// What the configuration in force changed since it was last healthy.
    changed: Vec<String>,
    /// The last lines that the service wrote.
    logs: String,
}

#[derive(Serialize, JsonSchema)]
struct Healed {
    /// What was done, in order; empty where nothing needed doing.
    did: Vec<String>,
    /// Processes and health afterwards.
    status: ServiceStatus,
}

/// Say what is wrong with one service, and what `heal` would do about it. Changes nothing.
#[tool(uses(observe))]
fn diagnose(target: Target) -> Result<Diagnosis, ToolError> {
    let Target { environment, service } = &target;
    let status = observe::service_status(environment, service)?;
    let config = observe::read_config(environment, service, None)?;
    let changed = match status.last_healthy_version.filter(|good| *good != config.version) {
        Some(good) => {
            let good = observe::read_config(environment, service, Some(good))?;
            words::difference(&good.content, &config.content)
        }
        None => Vec::new(),
    };
    Ok(Diagnosis {
        healthy: status.healthy,
        problem: words::problem(&status),
        proposal: if status.healthy { Vec::new() } else { words::proposal(&status) },
        changed,
        logs: observe::logs(environment, service, 20)?,
    })
}

/// Heal one unhealthy service: roll back a bad configuration, restart it, and check it.
#[tool]
fn heal(target: Target) -> Result<Healed, ToolError> {
    let Target { environment, service } = &target;
    let status = observe::service_status(environment, service)?;
    if status.healthy {
        return Ok(Healed { did: Vec::new(), status });
    }
    let mut did = Vec::new();
    if let Some(good) = status.last_healthy_version {
        remediate::rollback_config(environment, service, good).map_err(after(&did))?;
        did.push(format!(
            "rolled the configuration back from version {} to {good}",
            status.config_version
        ));
    }
    remediate::restart_service(environment, service).map_err(after(&did))?;
    did.push("restarted the service".to_owned());

    // The last thing it does: a plan ends at a read of what an earlier effect changed.
    let status = observe::service_status(environment, service).map_err(after(&did))?;
    if status.healthy {
        return Ok(Healed { did, status });
    }
    let problem =
        format!("{}, and it is still unhealthy: {}", did.join(", "), words::problem(&status));
    Err(ToolError::failed(problem).with_details(Healed { did, status }))
}

/// An error that does not hide what had already been done.
fn after(did: &[String]) -> impl FnOnce(Error) -> ToolError {
    let done = did.join(", ");
    move |error| match ToolError::from(error) {
        error if done.is_empty() => error,
        error => error.context(format!("{done}, then")),
    }
}

plugin!(diagnose, heal);

#[cfg(test)]
mod tests;
