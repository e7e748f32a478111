//! What can be typed. Help, completions and parsing all derive from these types.

use super::log::{Format, Level};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// An action runtime for agents: tools run in a sandbox with exactly the capabilities they were granted.
#[derive(Debug, Parser)]
#[command(
    name = "interlock",
    version,
    propagate_version = true,
    after_help = "Exit codes:\n  0  done\n  1  the tool failed\n  2  usage or configuration\n  3  refused\n  4  waiting for approval\n  5  limit reached, trap, or an effect left unknown\n  6  integrity failure\n\nExamples:\n  interlock init demo && cd demo\n  interlock plugin inspect fix_service.wasm\n  interlock call fix-service.heal '{\"environment\":\"prod\",\"service\":\"api\"}' --as oncall-bot"
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
    /// Make the folder of a new plugin: it builds, and has a test.
    New(NewArguments),
    /// Compile the plugin of a folder, and say what it can do.
    Build(BuildArguments),
    /// Run a tool; its result goes to standard output.
    Call(CallArguments),
    /// Find the effects that a tool would have; nothing is performed.
    Plan(PlanArguments),
    /// Read, sign, deny and revoke what waits for people.
    Approval(ApprovalArguments),
    /// Ask for more authority for a while, list it, take it back.
    Grant(GrantArguments),
    /// Check the policies, and ask what they say of a call.
    Policy(PolicyArguments),
    /// Read, verify and export what was decided and done.
    Journal(JournalArguments),
    /// Do a recorded invocation again, offline, and say whether the plugin did the same.
    Replay(ReplayArguments),
    /// Stop all effects, now.
    Freeze(FreezeArguments),
    /// Let effects happen again.
    Thaw,
    /// The sample environment: real local processes to try things on.
    Sample(SampleArguments),
    /// Serve the tools to an agent: MCP on standard input and output.
    Mcp(McpArguments),
    /// Serve the tools to agents over HTTP, each with a token of its own.
    Serve(ServeArguments),
    /// Make, list and revoke the tokens of agents.
    Token(TokenArguments),
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
#[command(
    after_help = "Example:\n  interlock new restart-api && cd restart-api && cargo test && interlock build"
)]
pub(super) struct NewArguments {
    /// The plugin's name: lower-case letters, digits and `-`, at most 31.
    pub(super) name: String,
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust", value_name = "LANGUAGE")]
    pub(super) lang: Language,
    /// The folder; otherwise the name.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// The guest SDK's folder; otherwise that of the checkout which this program is from.
    #[arg(long, value_name = "DIR")]
    pub(super) sdk: Option<PathBuf>,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// With the guest SDK for Rust.
    Rust,
    /// With the guest SDK for Python, and componentize-py.
    Python,
    /// With the guest SDK for JavaScript, and componentize-qjs, by npm.
    #[value(name = "js", alias = "javascript")]
    JavaScript,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  interlock build\n  interlock build plugins/restart-api -- --offline"
)]
pub(super) struct BuildArguments {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Words for the compiler's own command, as they are.
    #[arg(last = true, value_name = "WORDS")]
    pub(super) more: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  interlock replay 01JD9042M7XW8A3C5E7G9J1K3M\n  interlock replay 01JD9042M7XW8A3C5E7G9J1K3M --plugin target/wasm32-wasip2/release/fix_service.wasm\n\nExit codes: 0 the same, 3 not the same or not replayable."
)]
pub(super) struct ReplayArguments {
    /// The invocation; `call`, `plan` and `journal list --json` name it.
    pub(super) id: String,
    /// Another build of the plugin; otherwise the installed one.
    #[arg(long, value_name = "FILE")]
    pub(super) plugin: Option<PathBuf>,
    /// How often.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) times: u32,
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
    /// Let the people of the sealed rules agree to the changed ones; run it again once they have.
    #[command(
        after_help = "Example:\n  interlock config accept --reason 'a group for the database team'\n  interlock approval show ID\n  interlock config accept"
    )]
    Accept {
        /// Who asks.
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
        /// What you say about it, shown to people as unchecked words.
        #[arg(long, value_name = "WORDS")]
        reason: Option<String>,
    },
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
        /// What it is called here: lower-case letters, digits and `-`, at most 31.
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

/// Which tool is wanted, with what, and by whom.
#[derive(Debug, Args)]
pub(super) struct WishArguments {
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
#[command(
    after_help = "Examples:\n  interlock call word-count.count '{\"text\":\"one two\"}' --as oncall-bot\n  echo '{\"text\":\"one two\"}' | interlock call word-count.count -"
)]
pub(super) struct CallArguments {
    #[command(flatten)]
    pub(super) wish: WishArguments,
    /// The request that people approved: apply exactly what they signed.
    #[arg(long, value_name = "ID")]
    pub(super) request: Option<String>,
    /// Wait until people have decided on the request.
    #[arg(long, requires = "request")]
    pub(super) wait: bool,
    /// What you say about it, shown to people as unchecked words.
    #[arg(long, value_name = "WORDS")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  interlock plan fix-service.heal '{\"environment\":\"prod\",\"service\":\"api\"}' --as oncall-bot\n  interlock plan fix-service.heal - --json < arguments.json"
)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub(super) wish: WishArguments,
}

#[derive(Debug, Args)]
pub(super) struct ApprovalArguments {
    #[command(subcommand)]
    pub(super) command: ApprovalCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ApprovalCommand {
    /// List requests, the newest first.
    List,
    /// Show a request's document and who signed it.
    Show {
        /// The request.
        id: String,
        /// Exactly the bytes that are signed, for `ssh-keygen -Y sign -n interlock-approval@v1`.
        #[arg(long)]
        raw: bool,
    },
    /// Sign a request.
    #[command(
        after_help = "Examples:\n  interlock approval approve 01JD8Z5T3K9QW2M4X6Y8A0B1C2 --key ~/.ssh/id_ed25519\n  interlock approval show 01JD8Z5T3K9QW2M4X6Y8A0B1C2 --raw > doc.txt\n  ssh-keygen -Y sign -n interlock-approval@v1 -f ~/.ssh/id_ed25519 doc.txt\n  interlock approval approve 01JD8Z5T3K9QW2M4X6Y8A0B1C2 --signature doc.txt.sig --digest SHA256"
    )]
    Approve {
        /// The request.
        id: String,
        /// A private key to sign with.
        #[arg(long, value_name = "FILE", conflicts_with = "signature")]
        key: Option<PathBuf>,
        /// A signature that was made elsewhere.
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// The whole digest that the document shows: instead of typing the resource.
        #[arg(long, value_name = "SHA256")]
        digest: Option<String>,
    },
    /// Turn a request down, for good.
    Deny {
        /// The request.
        id: String,
        /// Why, for whoever asked.
        #[arg(long)]
        reason: String,
    },
    /// Take a request or an approval back: what is left of it cannot happen.
    Revoke {
        /// The request.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct GrantArguments {
    #[command(subcommand)]
    pub(super) command: GrantCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum GrantCommand {
    /// List what was asked for and what is in force.
    List,
    /// Ask for more than a plugin's standing grants, for so many effects and so long. Run it again once
    /// people agreed: that brings it into force.
    #[command(
        after_help = "Example:\n  interlock grant request fix-service \\\n    'interlock:environment/remediate@0.1.0#set-config=environment/prod/service/api' \\\n    --effects 3 --for 2h --as oncall-bot"
    )]
    Request {
        /// The plugin.
        plugin: String,
        /// A capability, its functions (all that the plugin imports, where none is named), and the resource
        /// they may touch, with all below it.
        #[arg(value_name = "CAP[#fn,…]=RESOURCE")]
        grant: String,
        /// The most effects.
        #[arg(long, value_name = "N")]
        effects: u64,
        /// How long, from when it comes into force, such as `2h`; 7 days at most.
        #[arg(long = "for", value_name = "TIME")]
        time: String,
        /// Who asks, and may then use it.
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
        /// What you say about it, shown to people as unchecked words.
        #[arg(long, value_name = "WORDS")]
        reason: Option<String>,
    },
    /// Take an elevation back: what is left of it cannot happen.
    Revoke {
        /// The request that asked for it.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    pub(super) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Find mistakes, each with its file and line.
    Check {
        /// Print the schema that policies are checked against.
        #[arg(long)]
        schema: bool,
    },
    /// Why a call is allowed, needs people, or is refused.
    #[command(
        after_help = "Example:\n  interlock policy explain rebuild-environment.rebuild \\\n    'interlock:environment/teardown@0.1.0#delete-environment' '{\"environment\":\"prod\"}' --as oncall-bot"
    )]
    Explain {
        /// The tool, as `plugin.tool`.
        plugin: String,
        /// The capability function, as `interface#function`.
        function: String,
        /// Its arguments by name, a JSON object.
        #[arg(default_value = "{}")]
        arguments: String,
        /// Who asks.
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
        /// A resource that it would touch besides; may be given again.
        #[arg(long = "touches", value_name = "RESOURCE")]
        touches: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    #[command(subcommand)]
    pub(super) command: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// List the newest entries.
    List {
        /// How many.
        #[arg(long, default_value_t = 30)]
        last: u64,
    },
    /// Show everything of an invocation or a request, or one leaf.
    Show {
        /// An invocation, a request, or the number of a leaf.
        id: String,
        /// The signed receipt of an invocation instead, of what the journal says of it now.
        #[arg(long)]
        receipt: bool,
    },
    /// Verify the whole journal, an export, a receipt, or a receipt against an export.
    #[command(
        after_help = "Examples:\n  interlock journal verify\n  interlock journal verify export.tar --key 'interlock/…+…+…'\n  interlock journal verify receipt.json --key 'interlock-statement+…'\n  interlock journal verify export.tar --receipt receipt.json --key 'interlock/…+…+…'"
    )]
    Verify {
        /// An export or a receipt, offline; its content says which it is.
        file: Option<PathBuf>,
        /// The receipt that the export must bear out, leaf by leaf.
        #[arg(long, requires = "file", value_name = "FILE")]
        receipt: Option<PathBuf>,
        /// A public key as `journal verify` prints it, where there is no configuration at hand: the log's for
        /// an export, the one for statements for a receipt. Each says which it is; may be given again.
        #[arg(long = "key", requires = "file", value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Write an export that anybody can verify.
    Export {
        /// The file; it must not exist.
        file: PathBuf,
    },
    /// Say how an effect of unknown end ended, after you looked.
    Resolve {
        /// The effect, as `INVOCATION/STEP`.
        id: String,
        /// It happened.
        #[arg(long, required_unless_present = "not_done", conflicts_with = "not_done")]
        done: bool,
        /// It did not happen.
        #[arg(long)]
        not_done: bool,
    },
    /// Go on with a journal that is behind a published checkpoint.
    Acknowledge,
    /// Copy the journal into a new file, whole and checked, while hosts write to it.
    #[command(
        after_help = "The copy gets its name once every leaf and payload of it verified. It is not encrypted, and the keys in .interlock/ are not in it: without log.key no host goes on with a journal, so keep that elsewhere.\n\nExample:\n  interlock journal backup backups/journal-monday.db\n\nTo restore, with every host stopped:\n  1. Move .interlock/journal.db, journal.db-wal and journal.db-shm away, all three: beside the old\n     -wal a restored file is not the backup.\n  2. cp backups/journal-monday.db .interlock/journal.db && chmod 600 .interlock/journal.db\n  3. interlock journal verify\n  4. Where that says that the journal is behind what was published, look at what was done since;\n     then: interlock journal acknowledge"
    )]
    Backup {
        /// The file; it must not exist.
        file: PathBuf,
    },
    /// Erase what old entries say, for good. Their leaves stay, and the log still verifies.
    #[command(
        after_help = "Erased are entries of invocations and requests that are over. Rules, keys, grants, freezes and their like stay, and so does all of a request that can still be used, and of an effect whose end nobody knows. The journal tells who erased, when, how much, and how old it was. The file is written anew, so that no trace is left in it; hosts wait meanwhile. Backups and exports made before keep their words: erase those as well.\n\nExamples:\n  interlock journal erase --older-than 90d --dry-run\n  interlock journal erase --older-than 90d"
    )]
    Erase {
        /// How old it must be, such as `90d`: a day at least, and no less than a budget or a limit on requests
        /// looks back.
        #[arg(long, value_name = "TIME")]
        older_than: String,
        /// Say what would go, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
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
#[command(
    after_help = "Examples:\n  interlock mcp --as oncall-bot\n  INTERLOCK_TOKEN=… interlock mcp --connect http://127.0.0.1:7420/mcp"
)]
pub(super) struct McpArguments {
    /// For whom: `Agent::name`, `Person::name`, or the bare name where only one has it.
    #[arg(long = "as", value_name = "PRINCIPAL", conflicts_with = "connect")]
    pub(super) principal: Option<String>,
    /// Pass everything on to `interlock serve` there. Needs a token, and no configuration.
    #[arg(long, value_name = "URL")]
    pub(super) connect: Option<String>,
    /// The file with the token; otherwise it is in the environment variable INTERLOCK_TOKEN.
    #[arg(long, value_name = "FILE", requires = "connect")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  interlock token create --as oncall-bot\n  interlock serve --listen 127.0.0.1:7420"
)]
pub(super) struct ServeArguments {
    /// Where agents connect; otherwise `listen` under `[serve]`, or 127.0.0.1:7420.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<std::net::SocketAddr>,
    /// Where a monitoring system reads numbers, at /metrics; otherwise `metrics` under `[serve]`, or nowhere.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) metrics: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// The log of a server, on standard error.
#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// How much is logged.
    #[arg(long, value_enum, default_value = "info", value_name = "LEVEL")]
    pub(super) log_level: Level,
    /// In which form.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub(super) log_format: Format,
}

#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    #[command(subcommand)]
    pub(super) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is printed once and kept as a hash.
    #[command(after_help = "Example:\n  interlock token create --as oncall-bot --expires 30d")]
    Create {
        /// For whom: `Agent::name`, `Person::name`, or the bare name where only one has it.
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: String,
        /// How long it is good for, such as `30d` or `12h`; at most a year.
        #[arg(long, default_value = "90d", value_name = "TIME")]
        expires: String,
        /// What it is for, in your words.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List tokens: whose they are and until when, never what they are.
    List,
    /// Make a token useless, at once.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    pub(super) shell: Shell,
}
