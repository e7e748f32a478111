//! A plugin's bytes and their digest, taken from one buffer: what is hashed is what is compiled, so a
//! file that is swapped after it was read changes nothing.

use crate::{AdmissionError, excerpt};
use interlock_authority::Digest;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The largest plugin, in bytes.
pub const MAX_PLUGIN_BYTES: u64 = 64 << 20;

/// The bytes of a component, with its identity. Being one does not make it valid.
#[derive(Clone)]
pub struct PluginBytes {
    digest: Digest,
    bytes: Arc<[u8]>,
}

impl PluginBytes {
    /// Takes what was read from a file: a component, or its text form, which is assembled first.
    ///
    /// # Errors
    /// Too large, a core module, text that does not assemble, or neither.
    pub fn from_file_bytes(bytes: Vec<u8>) -> Result<Self, AdmissionError> {
        let cap = |bytes: &[u8]| {
            let len = bytes.len() as u64;
            (len <= MAX_PLUGIN_BYTES)
                .then_some(())
                .ok_or(AdmissionError::TooLarge { bytes: len, cap: MAX_PLUGIN_BYTES })
        };
        cap(&bytes)?;
        let bytes = if bytes.starts_with(b"\0asm") { bytes } else { assemble(&bytes)? };
        cap(&bytes)?;
        // The second half of the preamble: version, then layer (component-model/design/mvp/Binary.md).
        match bytes.get(4..8) {
            Some([0x0d, 0, 1, 0]) => {}
            Some([1, 0, 0, 0]) => return Err(AdmissionError::CoreModule),
            Some(other) => {
                return Err(AdmissionError::NotAComponent(format!(
                    "its version is {other:02x?}; this host reads component version 0d 00 01 00"
                )));
            }
            None => return Err(AdmissionError::NotAComponent("it is truncated".into())),
        }
        let digest = Digest::from_bytes(Sha256::digest(&bytes).into());
        Ok(Self { digest, bytes: bytes.into() })
    }

    /// SHA-256 of the bytes: the plugin's identity.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// The component.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Its size in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a component is never empty")]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl std::fmt::Debug for PluginBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PluginBytes({:?}, {} bytes)", self.digest, self.bytes.len())
    }
}

fn assemble(text: &[u8]) -> Result<Vec<u8>, AdmissionError> {
    if text.is_empty() {
        return Err(AdmissionError::NotAComponent("it is empty".into()));
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(AdmissionError::NotAComponent(
            "it starts with neither the WebAssembly magic number nor text".into(),
        ));
    };
    if !text.trim_start().starts_with(['(', ';']) {
        return Err(AdmissionError::NotAComponent(
            "it starts with neither the WebAssembly magic number nor `(component`".into(),
        ));
    }
    wat::parse_str(text).map_err(|e| AdmissionError::Wat(excerpt::sentence(e.to_string())))
}
