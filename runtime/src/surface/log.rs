//! The operator's log: lines on standard error, one for each thing that an operator should know and no agent
//! is told. What is logged came in part from agents and plugins, so it is escaped like what goes to a
//! terminal, or a plugin could forge a line.

use super::cli::plain;
use std::io::Write;

/// Writes one line.
pub(crate) fn logged(text: impl std::fmt::Display) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    // Where standard error cannot be written there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{now} {}", plain(&text.to_string()));
}
