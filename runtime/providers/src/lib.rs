//! DO IT. What performs capability calls on the real world, one folder per capability with the same
//! file names in each: `mod.rs`, `catalogue.toml`, `provider.rs`, tests.
//!
//! A provider takes calls that the authority permitted, and nothing less: see [`provider`].
#![forbid(unsafe_code)]

#[cfg(test)]
#[path = "../tests/all/alone.rs"]
mod alone;
mod blocking;
mod built_in;
pub mod environment;
pub mod error;
pub mod exec;
pub mod files;
pub mod http;
pub mod kv;
pub mod provider;
mod regular;
pub mod secrets;
mod unbegun;

pub use error::ProviderFault;
pub use provider::{
    FROZEN, Forecasted, Forecaster, NOT_STARTED, Performed, Performer, Provider, Reader,
    StillAllowed, Told,
};
pub use regular::open_regular;
pub use unbegun::tell_operator;
