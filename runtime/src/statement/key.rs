//! The key of the host's statements: a role of its own. Whoever holds it can sign receipts, and can rewrite
//! no journal; whoever holds the log's key can sign no receipt. Its text form says which of the two it is,
//! so that one handed over for the other is an error and not a signature that «does not verify».

use super::{
    StatementError,
    dsse::{Envelope, Signature},
};
use crate::{
    HostError,
    config::edit::{SecretKey, secret_key},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use interlock_authority::canonical::digest_bytes;
use std::{fmt, path::Path};

/// What the text form begins with.
pub const PREFIX: &str = "interlock-statement+";

/// The beginning of an Ed25519 SubjectPublicKeyInfo in DER (RFC 8410): what follows [`PREFIX`] is the body
/// of a PEM file that other tools read.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The public side: what a verifier is given, and all that it needs.
#[derive(Clone, PartialEq, Eq)]
pub struct StatementKey(VerifyingKey);

impl StatementKey {
    /// Reads the text form that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`StatementError::BadKey`], for any other spelling too.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let form = StatementError::BadKey(
            "write it as `journal verify` prints it, `interlock-statement+base64`",
        );
        let bytes =
            text.strip_prefix(PREFIX).and_then(|base64| BASE64_STANDARD.decode(base64).ok());
        let bytes = bytes.ok_or(form)?;
        let key = bytes.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
        let key = key.ok_or(StatementError::BadKey("its type is not Ed25519"))?;
        Self::new(&key)
    }

    fn new(bytes: &[u8; 32]) -> Result<Self, StatementError> {
        // For a key of small order some signatures are valid for almost any text.
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        key.map(Self).ok_or(StatementError::BadKey("the bytes are no Ed25519 public key"))
    }

    /// Its id: a hint in envelopes, and the mark of its leaf in the journal.
    pub fn id(&self) -> String {
        digest_bytes("interlock-statement-key/v1", self.0.as_bytes()).to_string()
    }

    /// Whether a signature is this key's over these bytes, in the strict form of RFC 8032.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(bytes, &signature).is_ok())
    }
}

impl fmt::Display for StatementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spki = [&SPKI[..], self.0.as_bytes()].concat();
        write!(f, "{PREFIX}{}", BASE64_STANDARD.encode(spki))
    }
}

impl fmt::Debug for StatementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatementKey({self})")
    }
}

/// The secret side. Its memory is cleared when it is dropped, and no message shows it.
#[derive(Clone)]
pub struct StatementSigner {
    key: SigningKey,
    public: StatementKey,
}

impl StatementSigner {
    /// The signer of a deployment: its key is made where it is missing.
    ///
    /// # Errors
    /// A key that is not fit.
    pub fn in_state(state: &Path) -> Result<Self, HostError> {
        let seed = secret_key(state, SecretKey::Statement)?;
        Ok(Self::from_seed(&seed)?)
    }

    /// A signer from the 32 secret bytes of RFC 8032.
    ///
    /// # Errors
    /// [`StatementError::BadKey`], which no random bytes meet.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, StatementError> {
        let key = SigningKey::from_bytes(seed);
        let public = StatementKey::new(key.verifying_key().as_bytes())?;
        Ok(Self { key, public })
    }

    /// The public side.
    pub const fn public(&self) -> &StatementKey {
        &self.public
    }

    /// Signs a payload of a type.
    pub(super) fn sign(&self, payload_type: &str, payload: &[u8]) -> Envelope {
        let signature = self.key.sign(&super::dsse::pae(payload_type, payload));
        Envelope {
            payload: BASE64_STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature {
                keyid: self.public.id(),
                sig: BASE64_STANDARD.encode(signature.to_bytes()),
            }],
        }
    }
}

impl fmt::Debug for StatementSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatementSigner({})", self.public)
    }
}
