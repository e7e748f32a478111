//! What can be typed. Help, completions and parsing all derive from these types.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// An action runtime for agents: tools run in a sandbox with exactly the capabilities they were granted.
#[derive(Debug, Parser)]
#[command(
    name = "interlock",
    version,
    propagate_version = true,
    after_help = "Exit codes:\n  0  done\n  1  the tool failed\n  2  usage or configuration\n  3  refused\n  5  limit reached, trap, or an effect left unknown\n  6  integrity failure\n\nExamples:\n  interlock init demo && cd demo\n  interlock plugin inspect fix_service.wasm\n  interlock call fix-service.heal '{\"environment\":\"prod\",\"service\":\"api\"}' --as oncall-bot"
)]
pub(super) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, default_value = "interlock.toml", value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Whether somebody named that file, rather than leaving it to the default.
    #[arg(skip)]
    pub(super) config_named: bool,
    /// Print JSON on standard output.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a configuration, keys and a sample environment.
    Init(InitArguments),
    /// Find what is misconfigured, writable by others or missing, each with the fix.
    Doctor,
    /// Work with the configuration.
    Config(ConfigArguments),
    /// Inspect, install, list and remove plugins.
    Plugin(PluginArguments),
    /// Run a tool; its result goes to standard output.
    Call(CallArguments),
    /// Find the effects that a tool would have; nothing is performed.
    Plan(CallArguments),
    /// Stop all effects, now.
    Freeze(FreezeArguments),
    /// Let effects happen again.
    Thaw,
    /// The sample environment: real local processes to try things on.
    Sample(SampleArguments),
    /// Print a completion script for a shell.
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  interlock init demo")]
pub(super) struct InitArguments {
    /// The folder; made where it is missing.
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Leave out the sample environment.
    #[arg(long)]
    pub(super) no_sample: bool,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    pub(super) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration, the catalogues, the grants and the pinned plugins.
    Check,
}

#[derive(Debug, Args)]
pub(super) struct PluginArguments {
    #[command(subcommand)]
    pub(super) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Show what a plugin can do and asks for. Needs no configuration.
    #[command(after_help = "Example:\n  interlock plugin inspect fix_service.wasm")]
    Inspect {
        /// A component, or its `.wat` text.
        file: PathBuf,
    },
    /// Admit a plugin and pin it by digest.
    #[command(
        after_help = "Example:\n  interlock plugin install fix_service.wasm --name fix-service \\\n    --grant 'interlock:environment/observe@0.1.0=environment/prod' \\\n    --grant 'interlock:environment/remediate@0.1.0#restart-service,rollback-config=environment/prod'"
    )]
    Install {
        /// A component, or its `.wat` text.
        file: PathBuf,
        /// What it is called here: lower-case letters, digits and `-`.
        #[arg(long)]
        name: String,
        /// A capability, its functions (all where none is named), and the resource they may touch, with
        /// all below it.
        #[arg(long = "grant", value_name = "CAP[#fn,…]=RESOURCE")]
        grants: Vec<String>,
        /// A host folder that the plugin may read, and where it sees it.
        #[arg(long = "preopen", value_name = "HOST=/GUEST")]
        preopens: Vec<String>,
    },
    /// List what is installed.
    List,
    /// Remove an installed plugin.
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  interlock call word-count.count '{\"text\":\"one two\"}' --as oncall-bot\n  echo '{\"text\":\"one two\"}' | interlock call word-count.count -"
)]
pub(super) struct CallArguments {
    /// The tool, as `plugin.tool`.
    pub(super) tool: String,
    /// The arguments, a JSON object; `-` reads them from standard input.
    #[arg(default_value = "{}")]
    pub(super) arguments: String,
    /// Who asks: `Agent::name`, `Person::name`, or the bare name where only one has it.
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub(super) principal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct FreezeArguments {
    /// Why, for whoever finds effects stopped.
    #[arg(long, default_value = "frozen by an operator")]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(super) struct SampleArguments {
    #[command(subcommand)]
    pub(super) command: SampleCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum SampleCommand {
    /// Make the sample environment `prod`: an HTTP service, a worker and a database that are real
    /// local processes.
    Create,
    /// Start its services.
    Start,
    /// Give the service `api` a bad configuration and restart it.
    Break,
    /// Show pids and health.
    Status,
    /// End its services.
    Stop,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    pub(super) shell: Shell,
}
