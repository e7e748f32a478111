//! The signals that end a server. They end it in order: what was accepted gets its end in the journal.

use super::problem::Problem;
use std::future::Future;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// When the system does not let us hear of them.
pub(super) fn ending() -> Result<impl Future<Output = ()> + Send, Problem> {
    let listen =
        |kind| signal(kind).map_err(|e| Problem::usage(format!("cannot listen for signals: {e}")));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
