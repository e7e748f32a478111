//! Where requests come from.
pub mod cli;
mod log;
pub mod mcp;
