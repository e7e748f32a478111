//! From the generated types to ours. A field that the WIT gains or loses fails to compile here.

use super::types::{Error, Health, Replica, ServiceConfig, ServiceStatus};
use crate::bindings::capabilities::interlock::environment::types as wit;

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::NotFound(text) => Self::NotFound(text),
            wit::Error::Invalid(text) => Self::Invalid(text),
            wit::Error::Conflict(text) => Self::Conflict(text),
            wit::Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<wit::Health> for Health {
    fn from(health: wit::Health) -> Self {
        match health {
            wit::Health::Healthy => Self::Healthy,
            wit::Health::Unhealthy => Self::Unhealthy,
            wit::Health::Unknown => Self::Unknown,
        }
    }
}

impl From<wit::Replica> for Replica {
    fn from(replica: wit::Replica) -> Self {
        let wit::Replica { index, pid, health, last_exit, detail } = replica;
        Self { index, pid, health: health.into(), last_exit, detail }
    }
}

impl From<wit::ServiceStatus> for ServiceStatus {
    fn from(status: wit::ServiceStatus) -> Self {
        let wit::ServiceStatus {
            environment,
            service,
            healthy,
            wanted,
            replicas,
            config_version,
            last_healthy_version,
        } = status;
        let replicas = replicas.into_iter().map(Into::into).collect();
        Self {
            environment,
            service,
            healthy,
            wanted,
            replicas,
            config_version,
            last_healthy_version,
        }
    }
}

impl From<wit::ServiceConfig> for ServiceConfig {
    fn from(config: wit::ServiceConfig) -> Self {
        let wit::ServiceConfig { version, content, versions } = config;
        Self { version, content, versions }
    }
}
