//! The HTTP provider against real servers on this machine, reached only as the host reaches it: through a
//! catalogue, an authorization and a permit.

mod addresses; // the corpus of addresses and URLs; names that lead inside, or elsewhere each time
mod effects; // what is said before equals what happens; what is no effect, and what nobody knows
mod harness; // endpoints, calls
mod requests; // what reaches a server, and the corpora of paths and headers
mod secrets; // a canary is found at its destination alone
mod server; // servers that behave, and servers that do not
mod servers; // slow, endless, huge, lying and closing servers, with and without TLS
