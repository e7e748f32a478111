//! Who a log is: an origin and an Ed25519 key, pinned together (<https://c2sp.org/signed-note>).
//!
//! The attack it stops (a verifier whose server chooses which log it is talking to): the identity comes from
//! configuration, never from what is being verified, and the key's name must be the origin.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{checkpoint::Checkpoint, error::JournalError, note, tile::shortened};

/// The signature type of Ed25519 in a signed note.
const ED25519: u8 = 0x01;

/// The longest origin in bytes.
const MAX_ORIGIN: usize = 255;

/// The public side of a log: what a verifier is given, and all that it needs.
#[derive(Clone, PartialEq, Eq)]
pub struct LogIdentity {
    origin: String,
    key_id: u32,
    key: VerifyingKey,
}

impl LogIdentity {
    /// The identity of a log with this origin, such as `example.com/journal`, and this public key (RFC 8032).
    ///
    /// # Errors
    /// [`JournalError::BadOrigin`] where the origin is not 1 to 255 visible ASCII characters without `+`;
    /// [`JournalError::BadKey`] where the bytes are no usable key.
    pub fn new(origin: &str, public_key: &[u8; 32]) -> Result<Self, JournalError> {
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
        if origin.is_empty() || origin.len() > MAX_ORIGIN || !origin.bytes().all(visible) {
            return Err(JournalError::BadOrigin(shortened(origin)));
        }
        let key = VerifyingKey::from_bytes(public_key)
            .ok()
            // For a key of small order some signatures are valid for almost any text.
            .filter(|key| !key.is_weak())
            .ok_or(JournalError::BadKey("the bytes are not an Ed25519 public key"))?;
        Ok(Self { origin: origin.to_owned(), key_id: key_id(origin, public_key), key })
    }

    /// Reads the text form that [`fmt::Display`] writes: `origin+keyid+base64`.
    ///
    /// # Errors
    /// As for [`Self::new`], and where the text has another form, key type or key id.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let form = JournalError::BadKey("write it as `origin+keyid+base64`");
        let mut parts = text.splitn(3, '+');
        let (Some(origin), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form);
        };
        let Some(bytes) = BASE64_STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 33) else {
            return Err(form);
        };
        let Some((&ED25519, bytes)) = bytes.split_first() else {
            return Err(JournalError::BadKey("its type is not Ed25519"));
        };
        let identity = Self::new(origin, bytes.try_into().map_err(|_| form)?)?;
        if identity.to_string() == text {
            Ok(identity)
        } else {
            Err(JournalError::BadKey("its id is not the one of this origin and key"))
        }
    }

    /// The origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The id of the key: the beginning of SHA-256 over origin, newline, type and key.
    pub const fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether `signature` is this key's over `text`. The strict form of RFC 8032: one signature has one
    /// representation.
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for LogIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.origin, self.key_id, BASE64_STANDARD.encode(key))
    }
}

impl fmt::Debug for LogIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogIdentity({self})")
    }
}

fn key_id(origin: &str, public_key: &[u8; 32]) -> u32 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(origin)
        .chain_update([b'\n', ED25519])
        .chain_update(public_key)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

/// The secret side of a log. Its memory is cleared when it is dropped, and no message shows it.
pub struct LogSigner {
    identity: LogIdentity,
    key: SigningKey,
}

impl LogSigner {
    /// The signer of a log, from the 32 secret bytes of RFC 8032. They must come from a good random source
    /// and be kept where nobody else can read them.
    ///
    /// # Errors
    /// [`JournalError::BadOrigin`], as for [`LogIdentity::new`].
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self, JournalError> {
        let key = SigningKey::from_bytes(seed);
        let identity = LogIdentity::new(origin, key.verifying_key().as_bytes())?;
        Ok(Self { identity, key })
    }

    /// The public side.
    pub const fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Signs a checkpoint: the text of a signed note, ending with its only signature line.
    ///
    /// A log must never sign two checkpoints of which one does not extend the other: keep the last signed one,
    /// and ask [`Tree::extends`](crate::Tree::extends) first.
    ///
    /// # Errors
    /// [`JournalError::OtherOrigin`] where the checkpoint is of another log.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, JournalError> {
        if checkpoint.origin() != self.identity.origin {
            return Err(JournalError::OtherOrigin {
                found: shortened(checkpoint.origin()),
                pinned: self.identity.origin.clone(),
            });
        }
        let text = checkpoint.text();
        let signature = self.key.sign(text.as_bytes());
        let line = note::line(&self.identity.origin, self.identity.key_id, &signature.to_bytes());
        Ok(format!("{text}\n{line}"))
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.identity)
    }
}
