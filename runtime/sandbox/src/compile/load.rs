//! The one module with `unsafe`: loading compiled artifacts, which are native code.
//!
//! Whoever can choose these bytes runs code as the host. Two callers only: bytes that this process or
//! its own compiling child just made, and bytes from the cache whose MAC was checked in the very buffer
//! that is given here. Never a path, never a mapped file.
#![expect(unsafe_code, reason = "loading native code cannot be checked by the compiler")]

use wasmtime::{Engine, component::Component};

/// Loads an artifact.
///
/// # Errors
/// It was made by another engine version or with other settings.
pub(super) fn component(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: see the module's head; the callers in `super::component` are all there are.
    unsafe { Component::deserialize(engine, artifact) }
}
