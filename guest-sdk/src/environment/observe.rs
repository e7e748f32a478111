//! Looking. Class `read`: nothing here changes anything.
//!
//! Every function fails with [`Error::Denied`] where the host refuses, and with [`Error::NotFound`]
//! where there is no such environment, service or version.

use super::{Error, ours};
use super::{ServiceConfig, ServiceStatus};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::environment::observe as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::observe as host;

/// The interface's full name, for `#[tool(uses(observe))]`.
pub const INTERFACE: &str = "interlock:environment/observe@0.1.0";

/// The names of all environments, sorted.
///
/// # Errors
/// [`Error::Denied`], [`Error::Failed`].
pub fn list_environments() -> Result<Vec<String>, Error> {
    ours(host::list_environments())
}

/// The names of an environment's services, sorted.
///
/// # Errors
/// As the module says.
pub fn list_services(environment: &str) -> Result<Vec<String>, Error> {
    ours(host::list_services(environment))
}

/// Processes and health of one service, checked now.
///
/// # Errors
/// As the module says.
pub fn service_status(environment: &str, service: &str) -> Result<ServiceStatus, Error> {
    ours(host::service_status(environment, service))
}

/// A configuration version; the one in force where `version` is `None`.
///
/// # Errors
/// As the module says.
pub fn read_config(
    environment: &str,
    service: &str,
    version: Option<u32>,
) -> Result<ServiceConfig, Error> {
    ours(host::read_config(environment, service, version))
}

/// The last lines that the service wrote, oldest first, at most 1,000 lines and 64 KiB.
///
/// # Errors
/// As the module says.
pub fn logs(environment: &str, service: &str, lines: u32) -> Result<String, Error> {
    ours(host::logs(environment, service, lines))
}
