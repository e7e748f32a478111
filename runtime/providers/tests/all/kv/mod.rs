//! The store of keys and values, reached only as the host reaches it: through a catalogue, an authorization and a
//! permit. Other processes are this program again.

mod contract; // what is said before equals what happens, and nothing else does
mod files; // files that are damaged, foreign, newer or somebody else's
mod harness; // a host of one plugin, and calls
mod races; // many threads in many processes; killed in the middle
