//! What the journal proves, against the RFC, against implementations that are not ours, and against tampering.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod auditing; // a store that somebody edited
mod exporting; // exports: what is found wrong, and where
mod fixture; // logs and keys for all of these
mod garbage; // bytes from anywhere: refused, and no panic
mod growing; // append, stage and commit, cost, load, extend
mod others; // implementations that are not ours accept what we write
mod proving; // inclusion and consistency, good and bad
mod reference; // RFC 6962 as it is written: slow and obvious
mod room; // what this crate may know, and how small its verifier is
mod signing; // keys, notes and checkpoints
mod tampering; // every byte of an export, and larger changes
mod tiling; // tiles, paths and bundles
mod vectors; // values that others published
