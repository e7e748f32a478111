//! Whether the host can serve, for whoever asks, and anybody may: the journal is read for that, so one looks at a time,
//! not on a thread that serves others, and not again for each who asks.

use interlock::desk::Askers;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long what was seen is good for another who asks.
const FRESH: Duration = Duration::from_secs(1);

/// What was seen last.
pub(super) struct Ready {
    askers: Askers,
    last: Arc<Mutex<Option<(Instant, bool)>>>,
}

impl Ready {
    pub(super) fn of(askers: Askers) -> Self {
        Self { askers, last: Arc::default() }
    }

    /// Whether it can.
    pub(super) async fn now(&self) -> bool {
        // Goes with the look, which goes on where whoever asked has gone away.
        let mut last = self.last.clone().lock_owned().await;
        if let Some((when, ready)) = *last
            && when.elapsed() < FRESH
        {
            return ready;
        }
        let askers = self.askers.clone();
        let look = tokio::task::spawn_blocking(move || {
            let ready = askers.ready();
            if let Err(error) = &ready {
                tracing::error!(%error, "not ready");
            }
            *last = Some((Instant::now(), ready.is_ok()));
            ready.is_ok()
        });
        // A look that broke saw nothing.
        look.await.unwrap_or(false)
    }
}
