//! The part of xtask that the integration tests share with the demo: evidence gathered apart from the
//! host, and the tripwire component; and the part that its programs share. Everything else is the program in `main.rs`.

#![forbid(unsafe_code)]

pub mod command;
pub mod evidence;
pub mod paths;
pub mod tripwire;
pub mod ui;

/// What was typed means nothing: exit 2, not 1.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
