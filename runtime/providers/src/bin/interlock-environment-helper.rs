//! The two hidden subcommands that the environment provider needs, as a program of their own: for tests,
//! and for embedders who would rather not have them in their own binary. Anything else is refused.
#![forbid(unsafe_code)]

use interlock_providers::environment::{runner_main, sample};
use std::{ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((first, rest)) if first == "runner" => runner_main(rest.iter().cloned()),
        Some((first, rest)) if first == "sample-service" => {
            sample::service_main(rest.iter().cloned())
        }
        _ => {
            eprintln!("usage: interlock-environment-helper runner|sample-service …");
            ExitCode::from(2)
        }
    }
}
