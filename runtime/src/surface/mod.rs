//! Where requests come from, and where numbers go. The command line is a crate of its own, `interlock-cli`.
pub mod mcp;
pub mod metrics;
