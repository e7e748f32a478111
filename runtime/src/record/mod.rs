//! What the host writes down of every decision and effect. The gate reports each step to a
//! [`Recorder`]; an effect whose intent cannot be recorded does not happen.

mod event;
mod json_lines;

pub use event::{Event, EventBody};
pub use json_lines::JsonLines;

use crate::HostError;

/// Keeps events, in the order in which they are given.
pub trait Recorder: Send + Sync {
    /// Keeps one event. When this returns, an event for which [`Event::is_durable`] holds has reached
    /// the disk.
    ///
    /// # Errors
    /// When the event could not be kept. The caller must not go on to what the event announces.
    fn record(&self, event: &Event) -> Result<(), HostError>;
}
