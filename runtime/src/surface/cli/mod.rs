//! The command line: one file per subcommand. `main` parses, runs, and turns every ending into one of
//! the exit codes of the contract: 0 done, 1 the tool failed, 2 usage or configuration, 3 refused,
//! 5 limit, trap or unknown, 6 integrity.

mod arguments;
mod call;
mod completions;
mod config;
mod doctor;
mod freeze;
mod init;
mod output;
mod plan;
mod plugin;
mod problem;
mod sample;
mod sheet;

use arguments::{Cli, Command};
use clap::Parser;
use output::Output;
use problem::Problem;
use std::process::ExitCode;

/// How a subcommand ended.
type Ending = Result<u8, Problem>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Printing help or a usage error can fail only when nobody reads it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = Output::new(cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        // Two at least: a provider that blocks one thread must not keep the deadline from another.
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().max(2)))
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::usage(format!("cannot start the runtime: {error}"));
            return ExitCode::from(problem.show(&output));
        }
    };
    let code = match runtime.block_on(run(&cli, &output)) {
        Ok(code) => code,
        Err(problem) => problem.show(&output),
    };
    // A provider may still hold a thread; waiting for it would undo the deadline.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run(cli: &Cli, output: &Output) -> Ending {
    let config = &cli.config;
    match &cli.command {
        Command::Init(arguments) => init::run(arguments, output),
        Command::Doctor => doctor::run(config, output),
        Command::Config(arguments) => config::run(arguments, config, output),
        Command::Plugin(arguments) => plugin::run(arguments, config, output).await,
        Command::Call(arguments) => call::run(arguments, config, output).await,
        Command::Plan(arguments) => plan::run(arguments, config, output).await,
        Command::Freeze(arguments) => freeze::freeze(arguments, config, output),
        Command::Thaw => freeze::thaw(config, output),
        Command::Sample(arguments) => sample::run(arguments, config, output).await,
        Command::Completions(arguments) => completions::run(arguments),
    }
}
