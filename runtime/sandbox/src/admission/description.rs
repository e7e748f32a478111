//! What admission found of a plugin, kept for the next start: a list of tools needs no code, so none is loaded
//! for it. It holds for the very same bytes, engine, host version and catalogues, and only with the host's MAC;
//! whoever runs the plugin admits it again, and what was kept must then be what is found.

use crate::{
    Artifact, ArtifactCache, Form, Inspection, Tool,
    compile::{Found, Kept},
};
use interlock_authority::{Digest, authorize::Imports};
use serde::{Deserialize, Serialize};
use std::io;
use wasmtime::Engine;

/// What is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The version of the host: another one may admit otherwise.
    host: String,
    size: u64,
    imports: Imports,
    inert: Vec<String>,
    tools: Vec<Tool>,
    passed_over: Vec<String>,
    form: Form,
    sdk: Option<String>,
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
    // Of another version, whose form may be another.
    let Ok(kept) = serde_json::from_slice::<Description>(&bytes) else {
        return Described::Nothing;
    };
    if kept.host != env!("CARGO_PKG_VERSION") {
        return Described::Nothing;
    }
    Described::Found(Box::new(Inspection {
        digest: plugin,
        size: kept.size,
        imports: kept.imports,
        inert: kept.inert,
        unknown: Vec::new(),
        tools: kept.tools,
        passed_over: kept.passed_over,
        form: kept.form,
        sdk: kept.sdk,
        artifact: Artifact::Cached,
    }))
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
    let kept = Description {
        host: env!("CARGO_PKG_VERSION").to_owned(),
        size: found.size,
        imports: found.imports.clone(),
        inert: found.inert.clone(),
        tools: found.tools.clone(),
        passed_over: found.passed_over.clone(),
        form: found.form,
        sdk: found.sdk.clone(),
    };
    let bytes = serde_json::to_vec(&kept)?;
    cache.write(engine, found.digest, Kept::Description(catalogues), &bytes)
}
