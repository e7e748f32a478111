//! Where requests come from.
pub mod cli;
