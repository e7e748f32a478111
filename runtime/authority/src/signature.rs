//! Signatures of people: SSHSIG (PROTOCOL.sshsig of OpenSSH) over the exact bytes of a document, in a
//! namespace of its own, so that a signature given for a commit or a file is never an approval.

use crate::roster::Roster;
use serde::{Deserialize, Serialize};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig, public::KeyData};
use thiserror::Error;

/// The SSHSIG namespace of approvals.
pub const NAMESPACE: &str = "interlock-approval@v1";

/// The longest armoured signature that is read, in bytes.
const MAX_ARMOUR: usize = 16 << 10;

/// The flag of a security key that says somebody touched it (PROTOCOL.u2f).
const USER_PRESENT: u8 = 0x01;

/// Whoever made a signature, as the roster says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The person.
    pub person: String,
    /// The name that their key stands under.
    pub principal: String,
    /// The key's fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// The key's type, as OpenSSH names it.
    pub key_type: String,
    /// Whether somebody touched the key; absent where the key cannot say.
    pub presence: Option<bool>,
}

/// Why a signature is not one of the roster on this document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureRefusal {
    /// The armour cannot be read.
    #[error("this is not an SSH signature: {0}")]
    BadArmour(String),
    /// It was made for something else.
    #[error("the signature is for `{0}`; sign with `-n interlock-approval@v1`")]
    OtherNamespace(String),
    /// The key is not on the roster.
    #[error("the key {0} is not on the roster")]
    UnknownKey(String),
    /// The key does not hold now.
    #[error("the key of `{0}` is not valid at this time")]
    KeyNotValidNow(String),
    /// It is not a signature of these bytes.
    #[error("the signature does not belong to this document")]
    BadSignature,
}

impl SignatureRefusal {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadArmour(_) => "bad-armour",
            Self::OtherNamespace(_) => "other-namespace",
            Self::UnknownKey(_) => "unknown-key",
            Self::KeyNotValidNow(_) => "key-not-valid-now",
            Self::BadSignature => "bad-signature",
        }
    }
}

impl Roster {
    /// Verifies a signature over a document, at a time in unix seconds.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(
        &self,
        document: &[u8],
        armoured: &str,
        at: u64,
    ) -> Result<Signer, SignatureRefusal> {
        if armoured.len() > MAX_ARMOUR {
            return Err(SignatureRefusal::BadArmour("it is too long".to_owned()));
        }
        let bad = |e: ssh_key::Error| SignatureRefusal::BadArmour(e.to_string());
        let signature = SshSig::from_pem(armoured.trim()).map_err(bad)?;
        // The reader is lenient about lengths and versions that no signature covers; we are not: one spelling.
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        let usual = plain(&signature.to_pem(LineEnding::LF).map_err(bad)?) == plain(armoured);
        if !usual || signature.version() != 1 {
            return Err(SignatureRefusal::BadArmour("it is not in its usual form".to_owned()));
        }
        if signature.namespace() != NAMESPACE {
            let namespace = signature.namespace().chars().take(80).flat_map(char::escape_default);
            return Err(SignatureRefusal::OtherNamespace(namespace.collect()));
        }
        let key = signature.public_key();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let entry =
            self.entry(key).ok_or_else(|| SignatureRefusal::UnknownKey(fingerprint.clone()))?;
        let early = entry.valid_after.is_some_and(|from| at < from);
        if early || entry.valid_before.is_some_and(|until| at >= until) {
            return Err(SignatureRefusal::KeyNotValidNow(entry.principal.clone()));
        }
        ssh_key::PublicKey::from(key.clone())
            .verify(NAMESPACE, document, &signature)
            .map_err(|_| SignatureRefusal::BadSignature)?;
        Ok(Signer {
            person: self.person(&entry.principal).to_owned(),
            principal: entry.principal.clone(),
            fingerprint,
            key_type: key.algorithm().as_str().to_owned(),
            presence: presence(key, &signature),
        })
    }
}

/// A security key signs a byte of flags and a counter of four bytes after the signature proper.
fn presence(key: &KeyData, signature: &SshSig) -> Option<bool> {
    match key.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            let bytes = signature.signature().as_bytes();
            let flags = bytes.len().checked_sub(5).and_then(|at| bytes.get(at));
            Some(flags.is_some_and(|flags| flags & USER_PRESENT != 0))
        }
        _ => None,
    }
}

/// Signs a document with a private key, as `ssh-keygen -Y sign -n interlock-approval@v1` would.
///
/// # Errors
/// A key that cannot sign here: still encrypted, or one that lives in hardware.
pub fn sign(key: &PrivateKey, document: &[u8]) -> Result<String, ssh_key::Error> {
    key.sign(NAMESPACE, HashAlg::Sha512, document)?.to_pem(LineEnding::LF)
}
