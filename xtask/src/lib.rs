//! The part of xtask that the integration tests share with the demo: evidence gathered apart from the
//! host, the tripwire component, and what is in a release. Everything else is the program in `main.rs`.

#![forbid(unsafe_code)]

pub mod bill;
pub mod evidence;
pub mod tripwire;
