//! What whoever waits for a call holds of it: a handle that ends it, and word of how far it has come. A
//! call is ended by its handle and never by dropping its future: dropped, it would leave no end in the
//! journal and tickets that nobody voided.

use interlock_sandbox::Interrupt;
use tokio::sync::watch;

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The call is decided and its arguments are checked.
    Checking,
    /// The tool runs against forecasts; nothing happens.
    Planning,
    /// The tool runs.
    Running,
    /// The tool runs against the tickets of a decided plan.
    Applying,
}

impl Stage {
    /// One sentence for whoever waits.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Checking => "checking the call",
            Self::Planning => "planning: finding what the tool would do; nothing is changed",
            Self::Running => "running the tool",
            Self::Applying => "applying the plan",
        }
    }
}

/// The handle of one call. Clones are the same handle.
#[derive(Debug, Clone)]
pub struct Control {
    interrupt: Interrupt,
    stage: watch::Sender<Stage>,
}

impl Default for Control {
    fn default() -> Self {
        Self { interrupt: Interrupt::default(), stage: watch::Sender::new(Stage::Checking) }
    }
}

impl Control {
    /// Ends the call: its guest is interrupted, and an effect that is under way still gets its outcome.
    pub fn cancel(&self) {
        self.interrupt.pull();
    }

    /// Tells of each stage, from the one the call is in.
    pub fn stages(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    pub(crate) const fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    pub(super) fn reached(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }
}

/// Cancels a call when whoever waited for it is gone.
#[derive(Debug)]
pub struct CancelOnDrop(Option<Control>);

impl CancelOnDrop {
    /// Watches over a call.
    pub const fn new(control: Control) -> Self {
        Self(Some(control))
    }

    /// The call has ended by itself.
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            control.cancel();
        }
    }
}
