//! The sandbox against components written by hand, most of them hostile. No wasm toolchain is needed:
//! every component is text in these files.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are not in test functions, and tests may panic: that is how they fail"
)]

/// Hosts, gates and grants for tests.
mod harness;
/// Pieces of component text.
mod text;

/// What is not granted is not there.
mod absent_not_denied;
/// Bytes that are no plugin.
mod bad_input;
/// Compilation in a child, and the authenticated cache.
mod compile;
/// What capability calls become, and what comes back.
mod door;
/// Which exports are tools, under which names, and what is said of the others.
mod exported;
/// The inert WASI floor.
mod floor;
/// What is said of imports that this host does not have.
mod imported;
/// One hostile component for each limit, and the call after it.
mod limits;
/// Plugins of the SDK contract.
mod sdk_form;
/// The host's types, or nothing.
mod types_are_ours;
/// Plain components, called by their typed exports.
mod wit_form;
