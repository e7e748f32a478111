//! A program with the host's hidden roles and nothing else: the tests of the library start it where the host
//! starts itself.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    interlock::helper::run_if_asked();
    eprintln!(
        "this program plays the hidden roles of an Interlock host; it does nothing by itself"
    );
    ExitCode::from(2)
}
