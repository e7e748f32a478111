//! `interlock completions`: a script for a shell.

use super::{
    Ending,
    arguments::{Cli, CompletionsArguments},
    output::Output,
};
use clap::CommandFactory;

pub(super) fn run(arguments: &CompletionsArguments, output: &Output) -> Ending {
    // Made whole first: the generator panics where it cannot write, as after `| head`.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "interlock", &mut script);
    output.raw(&script);
    Ok(0)
}
