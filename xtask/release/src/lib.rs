//! The part of a release that the tests look at: what is in it, and in which words it says so. The rest is the program in
//! `main.rs`, which `cargo xtask release` runs: a crate of its own, because xtask must start at once.

#![forbid(unsafe_code)]

pub mod bill;
