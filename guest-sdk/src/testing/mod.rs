//! The native test kit: tools run with `cargo test`, without Wasm and without a host.
//!
//! A [`Fake`] holds environments, HTTP endpoints, keys and values in memory and answers capability calls of the thread that
//! installed it, as the WIT says they are answered. Without one every call is denied: a test has to
//! say what the tool may touch, as an operator has to.
//!
//! [`call`] goes through the dispatch that the component's export uses, and narrows the capabilities to
//! the tool's `uses(…)` as the host does. So a `uses` that claims too little fails in a test.

mod environment;
mod fake;
pub(crate) mod files;
mod http;
pub(crate) mod kv;
mod service;

pub use fake::{Fake, Installed, Plan};
pub use service::Service;

pub(crate) use environment::{observe, remediate, teardown};
pub(crate) use http::{fetch, remove, send};

use serde_json::Value;

use crate::definition::ToolDefinition;
use crate::error::ToolError;
use crate::plugin::Plugin;

/// Calls a tool by name with JSON arguments, as the host does.
///
/// # Errors
/// As [`Plugin::call`].
pub fn call(plugin: &Plugin, tool: &str, arguments: Value) -> Result<Value, ToolError> {
    let _narrowed = fake::narrow(plugin.find(tool)?.uses);
    let result = plugin.call(tool, &arguments.to_string())?;
    Ok(serde_json::from_str(&result)?)
}

/// What agents are told about the plugin's tools, as the host reads it at admission.
///
/// # Panics
/// Where the component would trap: an argument type that is not an object in JSON.
#[expect(clippy::panic, reason = "a test kit reports a broken plugin by failing the test")]
#[must_use]
pub fn describe(plugin: &Plugin) -> Vec<ToolDefinition> {
    plugin.describe().unwrap_or_else(|problem| panic!("{problem}"))
}
