//! What the authority decides, by table and by property.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by panicking")]

mod authorizing; // which functions are live, and who is refused before a run
mod catalogues; // what is wrong with a catalogue, and where
mod fixture; // one small catalogue for all of these
mod permitting; // single calls and effects
