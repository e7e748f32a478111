//! The files capability, `interlock:files@0.1.0`: files below folders that an operator named.
//!
//! What stops what: a folder is a descriptor, opened once, and no link is followed from it (`beneath.rs`); names
//! of ours cannot be spelled (`path.rs`); a write is whole or absent, and two effects cannot both win
//! (`effect.rs`); revisions do not come back (`revision.rs`); forecasts and effects share one description
//! (`model.rs`); what is read is bounded (`look.rs`).

mod answer;
mod beneath;
mod catalogue;
mod effect;
mod look;
mod model;
mod path;
mod provider;
mod revision;
mod settings;
#[cfg(test)]
mod tests;

pub use catalogue::{PROVIDER, catalogue};
pub use path::names;
pub use provider::FilesProvider;
pub use settings::{FolderLimits, FolderSettings, MAX_DEPTH, MAX_ENTRIES, MAX_FILE};
