//! The host as a library: configuration, installing, the gate, the pipeline.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod agents; // the agents' surface over MCP, spoken to line by line: lists, calls, waits, cancels, strangers
mod client; // a host, people, and clients that speak MCP line by line: what `agents` begins with
mod configuration; // what a configuration may say, and how mistakes are told
mod editing; // what `plugin install` and `remove` do to a file that people keep
mod fixture; // a capability whose provider misbehaves as asked
mod gate; // the one door, driven directly
mod http; // the door of `serve` from inside: what one client may hold, and when it is given back
mod installing; // plugins on a real folder: editors at once, broken bytes, folders not to be read
mod model; // random sequences of whatever may happen, on a real host and on a small reference beside it
mod pipeline; // the whole flow through a host, with a capability of this test
mod receipts; // what is signed of each kind of run, and what a receipt that was tampered with comes to
mod replay; // recorded runs, done again: the same from the journal alone, and where another build parts
mod telling; // what a run that plans can carry out through a real endpoint
