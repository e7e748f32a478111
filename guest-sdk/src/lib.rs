//! Write tools for agents that run in Interlock.
//!
//! A plugin is a crate of functions. Each function with [`#[tool]`](tool) becomes a tool that agents
//! can call; what the code calls in [`environment`], [`files`], [`http`] and [`kv`] becomes the plugin's list of imports, and that
//! list is its permission sheet: nobody writes a permission file, so none can lie.
//!
//! ```
//! use interlock_guest::environment::{observe, remediate};
//! use interlock_guest::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Target {
//!     /// Environment name, for example `prod`.
//!     environment: String,
//!     /// The one service to restart.
//!     service: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Report {
//!     restarted: bool,
//! }
//!
//! /// Restart one service, if it is unhealthy.
//! #[tool]
//! fn mend(target: Target) -> Result<Report, ToolError> {
//!     if observe::service_status(&target.environment, &target.service)?.healthy {
//!         return Ok(Report { restarted: false });
//!     }
//!     remediate::restart_service(&target.environment, &target.service)?;
//!     Ok(Report { restarted: true })
//! }
//!
//! plugin!(mend);
//!
//! # #[cfg(not(target_family = "wasm"))]
//! # fn main() -> Result<(), ToolError> {
//! // On the developer's machine the same calls meet an environment in memory.
//! use interlock_guest::testing::{self, Fake, Service};
//! let fake = Fake::new().service("prod", "api", Service::new("port = 8080").crashed(1)).install();
//! let report = testing::call(&PLUGIN, "mend", json!({ "environment": "prod", "service": "api" }))?;
//! assert_eq!(report, json!({ "restarted": true }));
//! assert_eq!(fake.effects(), ["restart-service(prod, api)"]);
//! # Ok(())
//! # }
//! ```
//!
//! `cargo build --release --target wasm32-wasip2` makes the component. A plugin's `Cargo.toml` has
//! `crate-type = ["cdylib", "rlib"]` and depends on `interlock-guest`, `serde` and `schemars` (the
//! last two because their derives name them).
#![forbid(unsafe_code)]

mod arguments;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
mod case;
mod definition;
pub mod environment;
mod error;
pub mod files;
pub mod http;
pub mod kv;
mod plugin;
pub mod prelude;
mod schema;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use definition::ToolDefinition;
pub use error::{ErrorKind, ToolError};
pub use plugin::Plugin;
pub use {schemars, serde, serde_json};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("tool.md")]
pub use interlock_guest_macros::tool;

/// What the macros' expansions name. Not part of the interface: it may change in any version.
#[doc(hidden)]
pub mod __private {
    pub use crate::arguments::NoArguments;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings;
    pub use crate::plugin::{Entry, Tool, VERSION, assert_unique, run, version_bytes};
    pub use crate::schema::{input_schema, output_schema};
}
