//! What a journal in a file must do, whoever writes to it and whoever edits it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod backups; // copies under a running host, and restoring them
mod crash; // a process that is killed at any moment
mod edits; // whoever edits a table is found out, or changes nothing
mod elsewhere; // what is written is written nowhere else
mod erasing; // what was erased is in no byte of any file, and hosts go on meanwhile
mod fixture; // a journal in a folder of its own, and a clock that is set by hand
mod once; // marks, conditions and windows
mod outside; // checkpoints outside, exports, restored files
mod proving; // leaves with the head they were proven against, here and in an export
mod race; // processes that all want the same: who wins
mod rooms; // files that are no journals, and no journals of ours
