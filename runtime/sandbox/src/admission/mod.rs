//! Admission: everything that is decided about a plugin's bytes before anything of it may run.

use crate::{Form, Tool};
use interlock_authority::{Digest, authorize::Imports};
use std::sync::Arc;

/// What a plugin is, as read from its bytes and from `describe`.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Its identity.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The capability functions it imports, by interface.
    pub imports: Imports,
    /// The WASI interfaces it imports; the host links them inert.
    pub inert: Vec<String>,
    /// Imports that this host does not know, each with what is wrong. Empty for an admitted plugin.
    pub unknown: Vec<UnknownImport>,
    /// Its tools, by name.
    pub tools: Vec<Tool>,
    /// Exports that are not tools, each with why.
    pub passed_over: Vec<String>,
    /// The contract it was written for.
    pub form: Form,
    /// The version of the guest SDK it says it was built with.
    pub sdk: Option<String>,
}

/// An import that this host cannot link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImport {
    /// The import's name.
    pub import: String,
    /// What the host has instead, and the next step.
    pub problem: String,
}

/// A plugin that may be run: checked, compiled and described. Cheap to clone.
#[derive(Clone)]
pub struct Admitted {
    pub(crate) inspection: Arc<Inspection>,
}

impl std::ops::Deref for Admitted {
    type Target = Inspection;
    fn deref(&self) -> &Inspection {
        &self.inspection
    }
}
