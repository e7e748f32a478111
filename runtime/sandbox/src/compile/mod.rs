//! Compilation, in a child process under resource limits where it can be, and the cache of its results.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

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

/// Where compiled artifacts are kept, and the key that authenticates them. They are native code: who
/// has the key can run code as the host.
#[derive(Clone)]
pub struct ArtifactCache {
    /// The folder. Created with mode 0700 where it is missing.
    pub dir: PathBuf,
    /// The HMAC-SHA-256 key.
    pub key: [u8; 32],
}

impl std::fmt::Debug for ArtifactCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactCache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// What the compiling child runs: limits itself, reads a component from standard input, writes the
/// artifact to standard output. On failure the reason is on standard error and the code is not 0.
pub fn compile_child() -> ExitCode {
    todo!()
}
