//! What one run may use. Every number has a default that a small tool never meets and a hostile plugin
//! meets quickly.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bounds of one run. Host-call counts and bytes are not here: the gate charges them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Linear memory of all core instances together, in bytes. Default 64 MiB.
    pub memory: u64,
    /// Elements of all tables together. Default 100,000.
    pub table_elements: u64,
    /// Core instances. Default 256.
    pub instances: u32,
    /// Core memories. Default 16.
    pub memories: u32,
    /// Core tables. Default 64.
    pub tables: u32,
    /// Handles that component instances may hold. Default 1,024.
    pub component_handles: u32,
    /// Resources of the floor (streams, descriptors, pollables) that exist at once. Default 256.
    pub resources: u32,
    /// Wall time of the whole run, instantiation included. Default 10 s.
    pub time: Duration,
    /// The tool's result as JSON text, in bytes. Default 1 MiB.
    pub output: u64,
    /// The values of one capability call, or of one tool result, as the host holds them, in bytes:
    /// about 40 times the bytes of a dynamic `list<u8>`, once the bytes of a string. Default 4 MiB.
    pub call: u64,
    /// What is kept of stdout and of stderr, each, in bytes; the rest is counted. Default 64 KiB.
    pub log: u64,
    /// Fuel: about one unit for each wasm instruction. Default none.
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table_elements: 100_000,
            instances: 256,
            memories: 16,
            tables: 64,
            component_handles: 1_024,
            resources: 256,
            time: Duration::from_secs(10),
            output: 1 << 20,
            call: 4 << 20,
            log: 64 << 10,
            fuel: None,
        }
    }
}
