//! Where requests come from.
pub mod cli;
pub(crate) mod log;
pub mod mcp;
mod metrics;
