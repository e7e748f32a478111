//! The part of xtask that the integration tests share with the demo: evidence gathered apart from the
//! host, and the tripwire component. Everything else is the program in `main.rs`.

#![forbid(unsafe_code)]

pub mod evidence;
pub mod tripwire;
