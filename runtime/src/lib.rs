//! Interlock: an action runtime for agents. Tools are WebAssembly components that run with exactly the
//! capabilities they were granted.
//!
//! This crate is composition: it owns every room and lets calls flow one way, from a surface through
//! the authority and the sandbox to the [`gate`], and from there to a provider. Start at
//! [`Host`]; the flow itself is [`pipeline`].
#![forbid(unsafe_code)]

pub mod config;
pub mod desk;
mod endpoints;
pub mod error;
pub mod folders;
pub mod freeze;
pub mod gate;
pub mod helper;
pub mod host;
pub mod install;
mod installed;
mod kept;
pub mod pipeline;
pub mod programs;
pub mod record;
pub mod reload;
pub mod replay;
pub mod response;
pub mod rules;
pub mod schema;
pub mod seal;
pub mod state;
pub mod statement;
pub mod telemetry;
pub mod tokens;
pub mod validated;

/// Work that is compiled in this crate. The body of an `async fn` is compiled by whoever awaits it: once more in each
/// program, and as little optimised as that is. What takes calls is behind a pointer instead, made in a function that is
/// neither generic nor inlined.
pub use futures_core::future::BoxFuture;

pub use config::Config;
pub use error::HostError;
pub use host::{Host, HostBuilder};
pub use interlock_authority as authority;
pub use interlock_journal as journal;
pub use interlock_providers as providers;
pub use interlock_sandbox as sandbox;
pub use interlock_store as store;
pub use pipeline::Request;
pub use response::{Outcome, PlanEnd, Response};
pub use rules::Rules;
