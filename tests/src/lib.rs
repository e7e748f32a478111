//! The harness: a deployment in a temporary directory, the real binary in it, and nothing left behind.
//!
//! Tests call the program that people call; they never build anything (`cargo xtask test` has built the
//! binary and the plugins before). The mistake it stops: a test that passes because it skipped itself.

#![forbid(unsafe_code)]

mod binary;
mod deployment;
mod metadata;
mod repository;

pub use binary::{Ran, command, finish, interlock, run, settle};
pub use deployment::{Deployment, Sample, Service};
pub use metadata::{Dependency, Metadata, Package};
pub use repository::{read, root, staged_plugin};
