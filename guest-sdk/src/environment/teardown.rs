//! Taking away. Class `destroy`: it happens only after people approved exactly that effect.
//!
//! A plugin that calls anything here imports `teardown`, and a host that was not told to grant that
//! refuses the whole plugin before any of it runs. Errors are those of [`super::remediate`].

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::environment::teardown as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::teardown as host;

/// The interface's full name, for `#[tool(uses(teardown))]`.
pub const INTERFACE: &str = "interlock:environment/teardown@0.1.0";

/// Ends the service's processes and keeps them ended.
///
/// # Errors
/// As the module says.
pub fn stop_service(environment: &str, service: &str) -> Result<(), Error> {
    ours(host::stop_service(environment, service))
}

/// Ends the service and deletes its definition, configuration versions and logs.
///
/// # Errors
/// As the module says.
pub fn delete_service(environment: &str, service: &str) -> Result<(), Error> {
    ours(host::delete_service(environment, service))
}

/// Deletes an environment with all its services.
///
/// # Errors
/// As the module says.
pub fn delete_environment(environment: &str) -> Result<(), Error> {
    ours(host::delete_environment(environment))
}

/// Deletes an environment's services with their configuration history and logs, and starts them anew
/// from the environment's definition.
///
/// # Errors
/// As the module says.
pub fn recreate_environment(environment: &str) -> Result<(), Error> {
    ours(host::recreate_environment(environment))
}
