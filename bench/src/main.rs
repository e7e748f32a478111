//! The program that measures. Apart from its library, which is compiled beside the host's own code and not after it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// The host's own: what runs in this process is measured as it is in the host's, and so are the floors.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    interlock_bench::main()
}
