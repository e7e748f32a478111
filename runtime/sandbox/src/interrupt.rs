//! The handle that ends a run from outside: a client that cancelled, a host that shuts down. Without it
//! an agent that changed its mind would go on having effects until the deadline.

use tokio::sync::watch;

/// Ends the runs that hold it. Clones are the same handle; once pulled it stays pulled.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Sender<bool>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Interrupt {
    /// Ends the runs that hold this handle, and keeps later ones from starting.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was pulled.
    pub fn is_pulled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pulled.
    pub async fn pulled(&self) {
        let mut pulled = self.0.subscribe();
        // This handle holds a sender, so the channel outlives the wait.
        let _ = pulled.wait_for(|pulled| *pulled).await;
    }
}
