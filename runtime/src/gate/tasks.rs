//! Effects outlive their runs: whoever ends the process must know which are still under way, or an
//! outcome that could have been written down becomes `unknown`.

use std::time::Duration;
use tokio::sync::watch;

/// The effects of a host that are under way, whether or not their runs still wait for them.
#[derive(Debug, Clone)]
pub struct EffectTasks(watch::Sender<usize>);

impl Default for EffectTasks {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

/// Counts one effect as under way for as long as it lives.
pub(super) struct UnderWay(watch::Sender<usize>);

impl EffectTasks {
    pub(super) fn start(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.0.clone())
    }

    /// Waits until no effect is under way, at most this long. Says whether none is.
    pub async fn drained(&self, most: Duration) -> bool {
        let mut count = self.0.subscribe();
        tokio::time::timeout(most, count.wait_for(|count| *count == 0))
            .await
            .is_ok_and(|r| r.is_ok())
    }

    /// How many effects are under way.
    pub fn under_way(&self) -> usize {
        *self.0.borrow()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
