//! Compilation, in a child process under resource limits where it can be, and the cache of its results.

mod cache;
mod child;
mod load;

pub use cache::ArtifactCache;
pub(crate) use cache::{Found, Kept};
pub use child::compile_child;

use crate::{AdmissionError, PluginBytes, excerpt};
use std::{ffi::OsString, path::PathBuf};
use wasmtime::{Engine, component::Component};

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// In this process: for tests and tools. A compile bomb takes the process with it.
    InProcess,
    /// In a child that limits itself before it reads a byte: `program arguments…`, which must end in
    /// [`compile_child`].
    Child {
        /// The program, usually the running executable.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
}

/// Where a plugin's compiled artifact came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// Compiled now.
    Compiled,
    /// Read from the cache and authenticated.
    Cached,
    /// Compiled now, because what was in the cache is not what was put there: tell the operator.
    Recompiled {
        /// What was wrong with it.
        problem: String,
    },
    /// Compiled now, and it could not be kept for the next time.
    NotKept {
        /// Why.
        problem: String,
    },
}

/// Makes a component runnable. Blocks: a caller inside a runtime moves it aside.
///
/// # Errors
/// Its compilation fails or takes too much. That it is valid was checked before, by admission.
pub(crate) fn component(
    engine: &Engine,
    compiler: &Compiler,
    cache: Option<&ArtifactCache>,
    plugin: &PluginBytes,
) -> Result<(Component, Artifact), AdmissionError> {
    let mut from = Artifact::Compiled;
    if let Some(cache) = cache {
        match cache.read(engine, plugin.digest(), Kept::Artifact) {
            Found::Nothing => {}
            Found::Bad(problem) => from = Artifact::Recompiled { problem },
            // INVARIANT: the buffer that was authenticated is the buffer that is loaded.
            Found::Authentic(buffer) => match load::component(engine, &buffer) {
                Ok(component) => return Ok((component, Artifact::Cached)),
                Err(e) => from = Artifact::Recompiled { problem: format!("{e:#}") },
            },
        }
    }
    let artifact = match compiler {
        Compiler::InProcess => engine
            .precompile_component(plugin.bytes())
            .map_err(|e| AdmissionError::Compile(excerpt::sentence(format!("{e:#}"))))?,
        Compiler::Child { program, arguments } => {
            child::compile(program, arguments, plugin.bytes())?
        }
    };
    let component = load::component(engine, &artifact)
        .map_err(|e| AdmissionError::Compile(format!("the artifact does not load: {e:#}")))?;
    if let Some(cache) = cache
        && let Err(e) = cache.write(engine, plugin.digest(), Kept::Artifact, &artifact)
        && from == Artifact::Compiled
    {
        from = Artifact::NotKept { problem: e.to_string() };
    }
    Ok((component, from))
}
