//! The command line: one file per subcommand. `main` parses, runs, and turns every ending into one of
//! the exit codes of the contract: 0 done, 1 the tool failed, 2 usage or configuration, 3 refused,
//! 4 waiting for people, 5 limit, trap or unknown, 6 integrity.
#![forbid(unsafe_code)]

mod approval;
mod arguments;
mod build;
mod call;
mod completions;
mod config;
mod doctor;
mod freeze;
mod grant;
mod init;
mod journal;
mod log;
mod made;
mod mcp;
mod new;
mod output;
mod plan;
mod plugin;
mod policy;
mod problem;
mod receipt;
mod replay;
mod sample;
mod serve;
mod sheet;
mod shell;
mod signals;
mod token;

use arguments::{Cli, Command};
use clap::{CommandFactory, FromArgMatches, error::ErrorKind, parser::ValueSource};
use output::{Output, said};
use problem::Problem;
use std::process::ExitCode;

/// How a subcommand ended.
type Ending = Result<u8, Problem>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error)),
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
    ExitCode::from(output.ending(code))
}

/// Reads what was typed.
fn parse() -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches()?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    cli.config_named = matches.value_source("config") == Some(ValueSource::CommandLine);
    Ok(cli)
}

/// Tells what was typed wrong, or the help that was asked for; gives the exit code.
fn usage(error: &clap::Error) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if code != 0 && wants_json(std::env::args_os().skip(1)) {
        let message = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                "a subcommand is missing; `--help` lists them".to_owned()
            }
            // Rendered without colours; clap's own «error: » would be said twice.
            _ => {
                let text = error.render().to_string();
                text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
            }
        };
        return Problem::usage(message).show(&Output::new(true));
    }
    match error.print() {
        Err(lost) if code == 0 && lost.kind() != std::io::ErrorKind::BrokenPipe => {
            said(format!("error: cannot write to standard output: {lost}"));
            2
        }
        _ => code,
    }
}

/// Whether JSON was asked for on a command line that cannot be parsed: what follows `--` is no option.
fn wants_json(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments.take_while(|word| word != "--").any(|word| word == "--json")
}

async fn run(cli: &Cli, output: &Output) -> Ending {
    let config = cli.config.as_path();
    match &cli.command {
        Command::Init(arguments) => init::run(arguments, cli.config_named, output),
        Command::Doctor => doctor::run(config, output),
        Command::Approval(arguments) => approval::run(arguments, config, output).await,
        Command::Grant(arguments) => grant::run(arguments, config, output).await,
        Command::Policy(arguments) => policy::run(arguments, config, output).await,
        Command::Journal(arguments) => journal::run(arguments, config, output).await,
        Command::Config(arguments) => config::run(arguments, config, output).await,
        Command::Plugin(arguments) => {
            plugin::run(arguments, config, cli.config_named, output).await
        }
        Command::New(arguments) => new::run(arguments, output),
        Command::Build(arguments) => build::run(arguments, config, cli.config_named, output).await,
        Command::Call(arguments) => call::run(arguments, config, output).await,
        Command::Plan(arguments) => plan::run(arguments, config, output).await,
        Command::Replay(arguments) => replay::run(arguments, config, output).await,
        Command::Freeze(arguments) => freeze::freeze(arguments, config, output).await,
        Command::Thaw => freeze::thaw(config, output).await,
        Command::Sample(arguments) => sample::run(arguments, config, output).await,
        Command::Mcp(arguments) => mcp::run(arguments, config, output).await,
        Command::Serve(arguments) => serve::run(arguments, config, output).await,
        Command::Token(arguments) => token::run(arguments, config, output),
        Command::Completions(arguments) => completions::run(arguments, output),
    }
}
