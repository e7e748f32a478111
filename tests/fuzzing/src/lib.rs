//! What is fuzzed: for each reader of text that others wrote, a function of bytes that reads them and looks at what must
//! hold of the answer. libFuzzer runs these functions (`fuzz/`), and so does every run of the tests, over the same
//! corpora and a while beyond. The mistake it stops: a fuzzer that only looks for crashes. Most of these compare the
//! reader with a second reading that is slow, plain and written apart from it.
#![forbid(unsafe_code)]

mod argv;
mod bytes;
mod frames;
mod journal;
mod json;
pub mod mutate;
mod paths;
mod people;
mod places;
pub mod seeds;
mod shapes;
mod statements;
mod tickets;
mod written;

pub use frames::{helper, tidy};

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// What is read, for people.
    pub about: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target(
        "approval_document",
        "requests, and the document that people sign",
        people::approval_document,
    ),
    target("argv", "argv templates, against a second filler", argv::argv),
    target("bridge_url", "where a bridge may send its token", places::bridge_url),
    target("canonical_json", "RFC 8785, against serde_jcs", json::canonical_json),
    target("catalogue", "catalogues with their WIT", written::catalogue),
    target("checkpoint", "signed notes, heads and keys of a log", journal::checkpoint),
    target("configuration", "`interlock.toml`, and edits of it", written::configuration),
    target("dsse", "DSSE envelopes and statements", statements::dsse),
    target("export", "exports of a journal", journal::export),
    target("file_paths", "paths below folders, and resources", paths::file_paths),
    target("http_places", "URLs, hosts, addresses and paths of endpoints", places::http_places),
    target("json_values", "JSON ↔ component values, over generated types", json::json_values),
    target("mcp_frames", "what an agent writes on its connection", frames::mcp_frames),
    target("proofs", "inclusion and consistency proofs, altered", journal::proofs),
    target("recording", "recorded runs", statements::recording),
    target("roster", "`allowed_signers`", people::roster),
    target("sshsig", "SSHSIG armour and what is in it", people::sshsig),
    target("tickets", "the ticket matcher, against a list", tickets::tickets),
    target("tiles", "paths of tiles, and bundles", journal::tiles),
];

const fn target(name: &'static str, about: &'static str, run: fn(&[u8])) -> Target {
    Target { name, about, run }
}

/// Runs a target by its name; nothing where there is no such target.
pub fn run(name: &str, data: &[u8]) -> Option<()> {
    let target = TARGETS.iter().find(|target| target.name == name)?;
    (target.run)(data);
    Some(())
}

/// What cannot be otherwise: a finding where it is.
#[expect(clippy::panic, reason = "a target that panics is how a finding is told")]
fn must<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
