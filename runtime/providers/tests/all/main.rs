//! The providers with real processes, servers and files, each reached only as the host reaches it: through a catalogue,
//! an authorization and a permit.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails by panicking, as a test does"
)]

mod alone; // one provider, and an authority that lets everything through to it
mod environment; // real processes below one folder
mod http; // real servers on this machine, and the corpora
mod kv; // one file that many processes keep things in
