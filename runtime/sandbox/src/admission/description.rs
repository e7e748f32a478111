//! What admission found of a plugin, kept for the next start: a list of tools needs no code, so none is loaded
//! for it. It holds for the very same bytes, engine, host version and catalogues, and only with the host's MAC;
//! whoever runs the plugin admits it again, and what was kept must then be what is found.

use crate::{
    ArtifactCache, Inspection,
    compile::{Found, Kept},
};
use interlock_authority::Digest;
use serde::{Deserialize, Serialize};
use std::io;
use wasmtime::Engine;

/// What is kept, or is to be.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description<I> {
    /// The version of the host: another one may admit otherwise.
    host: String,
    found: I,
}

/// What was kept of a plugin.
#[derive(Debug)]
pub enum Described {
    /// Nothing that holds for this host.
    Nothing,
    /// Something that is not what was put there.
    Bad {
        /// What is wrong with it.
        problem: String,
    },
    /// What admission found.
    Found(Box<Inspection>),
}

/// Reads what was kept.
pub(crate) fn read(
    cache: &ArtifactCache,
    engine: &Engine,
    plugin: Digest,
    catalogues: Digest,
) -> Described {
    let bytes = match cache.read(engine, plugin, Kept::Description(catalogues)) {
        Found::Nothing => return Described::Nothing,
        Found::Bad(problem) => return Described::Bad { problem },
        Found::Authentic(bytes) => bytes,
    };
    // What does not read is of another version, whose form may be another.
    match serde_json::from_slice::<Description<Inspection>>(&bytes) {
        Ok(kept) if kept.host == env!("CARGO_PKG_VERSION") => {
            Described::Found(Box::new(kept.found))
        }
        _ => Described::Nothing,
    }
}

/// Keeps what admission found.
///
/// # Errors
/// A folder that takes no file.
pub(crate) fn write(
    cache: &ArtifactCache,
    engine: &Engine,
    found: &Inspection,
    catalogues: Digest,
) -> io::Result<()> {
    let kept = Description { host: env!("CARGO_PKG_VERSION").to_owned(), found };
    cache.write(engine, found.digest, Kept::Description(catalogues), &serde_json::to_vec(&kept)?)
}
