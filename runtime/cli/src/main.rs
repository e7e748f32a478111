//! The `interlock` program: hidden roles first, then the command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// A fifth of a capability call was the system's allocator (docs/decisions/0027).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    interlock::helper::run_if_asked();
    interlock_cli::main()
}
