//! `interlock completions`: a script for a shell.

use super::{
    Ending,
    arguments::{Cli, CompletionsArguments},
};
use clap::CommandFactory;

pub(super) fn run(arguments: &CompletionsArguments) -> Ending {
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "interlock",
        &mut std::io::stdout(),
    );
    Ok(0)
}
