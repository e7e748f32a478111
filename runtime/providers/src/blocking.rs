//! Work that blocks (files, processes, SQLite), off the threads that keep the clocks. What was begun goes on to its
//! end even if whoever asked for it stops waiting.

use crate::ProviderFault;

/// Does blocking work on the pool for it.
///
/// # Errors
/// Those of the work; and that it panicked, or that the process ends.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProviderFault> + Send + 'static,
) -> Result<T, ProviderFault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ProviderFault::Process {
        what: "the provider".to_owned(),
        problem: error.to_string(),
    })?
}
