//! The two hidden subcommands that the environment provider needs, as a program of their own: for tests,
//! and for embedders who would rather not have them in their own binary. A third one is a host that acts
//! until it is killed, for the test of what such a host leaves behind. Anything else is refused.
#![forbid(unsafe_code)]

mod acting;

use interlock_providers::environment::{runner_main, sample};
use std::{ffi::OsString, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((first, rest)) if first == "runner" => runner_main(rest.iter().cloned()),
        Some((first, rest)) if first == "sample-service" => {
            sample::service_main(rest.iter().cloned())
        }
        Some((first, [root])) if first == "act-until-killed" => {
            let problem = acting::until_killed(Path::new(root));
            eprintln!("interlock-environment-helper: {problem}");
            ExitCode::FAILURE
        }
        _ => {
            eprintln!(
                "usage: interlock-environment-helper runner|sample-service … | act-until-killed ROOT"
            );
            ExitCode::from(2)
        }
    }
}
