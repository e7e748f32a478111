//! The `interlock` program: hidden roles first, then the command line. Everything it does, it does
//! through the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    interlock::helper::run_if_asked();
    interlock::surface::cli::main()
}
