//! Signed notes (<https://c2sp.org/signed-note>): a text, an empty line, signature lines.
//!
//! The attack it stops: text that reads as signed and is not, by control characters, by a second empty line,
//! or by a signature line with more than one spelling. Nothing of a note may be used before [`Note::open`] has
//! given it out.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{error::JournalError, key::LogIdentity, tile::shortened};

/// The longest note in bytes. Witnesses may add signatures, and some kinds of them have 5 kB.
pub(crate) const MAX_NOTE: usize = 128 * 1024;

/// The most signature lines; the specification asks for at least 16.
const MAX_SIGNATURES: usize = 32;

/// A note whose form is right; nobody has looked at a signature yet.
pub(crate) struct Note<'n> {
    /// With its last newline: what is signed.
    text: &'n str,
    signatures: Vec<Line<'n>>,
}

struct Line<'n> {
    name: &'n str,
    key_id: u32,
    signature: Vec<u8>,
}

impl<'n> Note<'n> {
    /// # Errors
    /// [`JournalError::BadNote`], with what is wrong.
    pub(crate) fn parse(bytes: &'n [u8]) -> Result<Self, JournalError> {
        let bad = JournalError::BadNote;
        if bytes.len() > MAX_NOTE {
            return Err(bad("it is longer than 128 KiB"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(bad("it has a control character other than newline"));
        }
        let split = note.rfind("\n\n").ok_or(bad("no empty line is before the signatures"))?;
        let (text, lines) = note.split_at(split + 1);
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(bad("its last line does not end with a newline"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(bad("it has more than 32 signatures"));
        }
        let signatures = lines.split('\n').map(Line::parse).collect::<Option<_>>();
        let signatures = signatures.ok_or(bad("a signature line is not `— name base64`"))?;
        Ok(Self { text, signatures })
    }

    /// The text, if the pinned key signed it, and once. Signatures of other keys say nothing, as the
    /// specification wants it.
    ///
    /// # Errors
    /// [`JournalError::NotSigned`], [`JournalError::SignedTwice`] or [`JournalError::BadSignature`].
    pub(crate) fn open(&self, identity: &LogIdentity) -> Result<&'n str, JournalError> {
        let mut ours = self
            .signatures
            .iter()
            .filter(|line| line.name == identity.origin() && line.key_id == identity.key_id());
        let Some(line) = ours.next() else {
            let found = self.signatures.iter().take(4);
            let found: Vec<String> =
                found.map(|line| format!("{}+{:08x}", shortened(line.name), line.key_id)).collect();
            return Err(JournalError::NotSigned {
                key: format!("{}+{:08x}", identity.origin(), identity.key_id()),
                found: found.join("`, `"),
            });
        };
        if ours.next().is_some() {
            return Err(JournalError::SignedTwice);
        }
        if identity.verifies(self.text, &line.signature) {
            Ok(self.text)
        } else {
            Err(JournalError::BadSignature)
        }
    }

    /// The number of signature lines.
    pub(crate) fn signatures(&self) -> usize {
        self.signatures.len()
    }
}

impl<'n> Line<'n> {
    fn parse(line: &'n str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        // The decoder takes only the canonical spelling: padding in place, unused bits zero.
        let bytes = BASE64_STANDARD.decode(base64).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        let key_id = u32::from_be_bytes(*key_id);
        (!signature.is_empty()).then(|| Self { name, key_id, signature: signature.to_vec() })
    }
}

/// One signature line, with its newline.
pub(crate) fn line(name: &str, key_id: u32, signature: &[u8]) -> String {
    let mut bytes = key_id.to_be_bytes().to_vec();
    bytes.extend(signature);
    format!("— {name} {}\n", BASE64_STANDARD.encode(bytes))
}
