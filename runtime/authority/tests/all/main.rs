//! What the authority decides, by table and by property.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod authorizing; // which functions are live, and who is refused before a run
mod catalogues; // what is wrong with a catalogue, and where
mod counting; // who counts towards a quorum, one check at a time
mod deciding; // single effects and whole plans, one check at a time
mod documents; // what people are shown
mod elevating; // more authority for a while: what may be asked for, and when it holds
mod fixture; // one small catalogue for all of these
mod permitting; // single calls and effects
mod policies; // what the policies say, and what is no policy set
mod programs; // programs behind a capability: templates, patterns, answers
mod signing; // rosters, signatures, quorums, and what a request still allows
mod tickets; // plans, and runs against them
