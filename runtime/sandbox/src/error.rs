//! What can go wrong before a plugin runs. Everything that goes wrong while it runs is an outcome, in
//! [`crate::report`].

use crate::RunOutcome;
use interlock_authority::InterfaceName;
use std::collections::BTreeSet;
use thiserror::Error;

/// The sandbox itself cannot work here.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The engine refused its configuration.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
    /// The ticker thread, which ends endless loops, cannot start.
    #[error("the deadline thread cannot start: {0}")]
    Ticker(std::io::Error),
}

/// One imported interface that no grant names, with the functions that the plugin imports from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// The interface.
    pub interface: InterfaceName,
    /// The functions.
    pub functions: BTreeSet<String>,
}

/// Why a plugin is not admitted. Where not said otherwise, nothing of it was run.
#[derive(Debug, Error)]
pub enum AdmissionError {
    /// Larger than the cap.
    #[error("the plugin has {bytes} bytes; at most {cap} are admitted")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The cap.
        cap: u64,
    },
    /// Empty, or neither a component nor component text.
    #[error("the file is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// A core module.
    #[error(
        "the file is a core WebAssembly module, not a component; build it for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Text that does not assemble.
    #[error("the `.wat` text does not assemble: {0}")]
    Wat(String),
    /// Bytes that are not valid WebAssembly, or need a feature that is off.
    #[error("the component is not valid: {0}")]
    Malformed(String),
    /// A structure that is valid but out of bounds: too deep, too many cases, another string encoding.
    #[error("the component is not admitted: {0}")]
    OutOfBounds(String),
    /// An import that this host does not know.
    #[error("the plugin imports `{import}`, {problem}")]
    UnknownImport {
        /// The import.
        import: String,
        /// What the host has instead, and the next step.
        problem: String,
    },
    /// The engine cannot link it, although every import is known: it wants a function that the floor's
    /// interface does not have, or has with other types.
    #[error("the plugin does not fit this host: {0}")]
    Unlinkable(String),
    /// Capability imports that no grant names: all of them.
    #[error(
        "`{plugin}` imports what it was not granted: {}",
        .missing.iter().map(|m| format!("`{}`", m.interface)).collect::<Vec<_>>().join(", ")
    )]
    NotGranted {
        /// The plugin's configured name.
        plugin: String,
        /// Every missing interface, with the functions imported from it.
        missing: Vec<MissingGrant>,
    },
    /// INVARIANT TYPES-ARE-OURS: an imported function is not the host's.
    #[error("`{interface}` `{function}` is not the host's function: {difference}")]
    WrongType {
        /// The interface.
        interface: String,
        /// The function.
        function: String,
        /// The first difference.
        difference: String,
    },
    /// No export can be a tool.
    #[error("the plugin has no tools: {}", if .passed_over.is_empty() { "it exports nothing".to_owned() } else { .passed_over.join("; ") })]
    NoTools {
        /// Each export with why it is no tool.
        passed_over: Vec<String>,
    },
    /// `describe` ran and its answer breaks the contract. It ran with nothing granted.
    #[error("the plugin describes its tools wrongly: {0}")]
    BadDescription(String),
    /// `describe` or a start function did not come to an end in time or within its limits.
    /// It ran with nothing granted.
    #[error("the plugin cannot be described: {message}")]
    DescribeFailed {
        /// Why, in a sentence.
        message: String,
        /// How it ended, so that a limit or a trap here is told apart as it is in any other run.
        outcome: Box<RunOutcome>,
    },
    /// Compilation failed or took more than it may.
    #[error("the plugin cannot be compiled: {0}")]
    Compile(String),
}
