//! Mending one service. Class `change`: never its command, directory or environment variables.
//!
//! Every function fails with [`Error::Denied`] where the host refuses, [`Error::NotFound`] where there
//! is no such environment, service or version, and [`Error::Conflict`] where the world moved between
//! looking and acting; in all three nothing was done. [`Error::Failed`] says how far it got.

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::environment::remediate as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::remediate as host;

/// The interface's full name, for `#[tool(uses(remediate))]`.
pub const INTERFACE: &str = "interlock:environment/remediate@0.1.0";

/// Ends the service's processes and starts them again with the configuration in force. Returns when
/// the service has settled, healthy or not, or after the provider's own limit: look at its status.
///
/// # Errors
/// As the module says.
pub fn restart_service(environment: &str, service: &str) -> Result<(), Error> {
    ours(host::restart_service(environment, service))
}

/// Writes a new configuration version and puts it in force; the service sees it at its next start.
/// Returns the new version.
///
/// # Errors
/// As the module says.
pub fn set_config(environment: &str, service: &str, content: &str) -> Result<u32, Error> {
    ours(host::set_config(environment, service, content))
}

/// Puts an earlier configuration version in force; the service sees it at its next start.
///
/// # Errors
/// As the module says.
pub fn rollback_config(environment: &str, service: &str, version: u32) -> Result<(), Error> {
    ours(host::rollback_config(environment, service, version))
}

/// Runs this many replicas, at least 1.
///
/// # Errors
/// As the module says.
pub fn scale_service(environment: &str, service: &str, replicas: u32) -> Result<(), Error> {
    ours(host::scale_service(environment, service, replicas))
}
