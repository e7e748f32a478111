//! Records of `interlock:environment/types@0.1.0` as a tool sees them: they serialize and have a JSON
//! Schema, so a tool can return them as they are.

use std::fmt::{self, Display};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::cases;

/// Why a call did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host refused. The text is `code: one sentence`; nothing was done.
    Denied(String),
    /// There is no such environment, service or configuration version.
    NotFound(String),
    /// An argument makes no sense here.
    Invalid(String),
    /// The world moved between looking and acting. Nothing was done.
    Conflict(String),
    /// The provider tried and failed; the text says how far it got.
    Failed(String),
}

cases!(Error {
    Denied => "denied", "denied";
    NotFound => "not-found", "not found";
    Invalid => "invalid", "invalid";
    Conflict => "conflict", "the world moved";
    Failed => "failed", "failed";
});

/// What the health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// The check passes.
    Healthy,
    /// The check fails.
    Unhealthy,
    /// The service has no check, or it has not answered yet.
    Unknown,
}

impl Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        })
    }
}

/// One process of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replica {
    /// From 0.
    pub index: u32,
    /// Absent when the process is not running.
    pub pid: Option<u32>,
    /// What the health check says.
    pub health: Health,
    /// How the last process of this replica ended: its exit code, or 128 + the signal.
    pub last_exit: Option<i32>,
    /// What the health check last said, in the provider's words.
    pub detail: String,
}

/// Processes and health of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// The environment's name.
    pub environment: String,
    /// The service's name.
    pub service: String,
    /// Every wanted replica is running, and healthy where there is a health check.
    pub healthy: bool,
    /// Replicas wanted by the service's definition.
    pub wanted: u32,
    /// The replicas, by index.
    pub replicas: Vec<Replica>,
    /// The configuration version in force.
    pub config_version: u32,
    /// The newest version, other than the one in force when that one is unhealthy, under which the
    /// service was last seen healthy.
    pub last_healthy_version: Option<u32>,
}

/// One configuration version of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceConfig {
    /// Its number.
    pub version: u32,
    /// The whole configuration file, UTF-8.
    pub content: String,
    /// Every version that can be read or rolled back to, oldest first.
    pub versions: Vec<u32>,
}
