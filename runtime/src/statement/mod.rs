//! Statements that the host itself signs: in-toto Statement v1 (<https://in-toto.io/Statement/v1>) in a DSSE
//! envelope, its payload canonical JSON. The attack it stops: a signed text with two readings, and a
//! signature that was given in one role and shown in another. Other predicates get a type of their own and
//! nothing else here.

mod dsse;
mod error;
mod key;

pub use dsse::{Envelope, MAX_ENVELOPE};
pub use error::StatementError;
pub use key::{PREFIX, StatementKey, StatementSigner};

use crate::HostError;
use interlock_authority::{Digest, canonical};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The type of every in-toto payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The type of the statement around each predicate.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement says of its subject.
pub trait Predicate: Serialize + DeserializeOwned {
    /// Its type: a URI with a version.
    const TYPE: &'static str;
}

/// What a predicate is about: bytes, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What it is called here.
    pub name: String,
    /// Its identity.
    pub digest: Sha256,
}

/// A set of digests that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sha256 {
    /// The SHA-256.
    pub sha256: Digest,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    /// What is said.
    pub predicate: P,
}

impl<P: Predicate> Statement<P> {
    /// A statement about one subject. Nobody has signed it.
    pub fn of(subject: Subject, predicate: P) -> Self {
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: P::TYPE.to_owned(),
            predicate,
        }
    }

    /// What it is about.
    pub fn subject(&self) -> &[Subject] {
        &self.subject
    }

    /// Signs it.
    ///
    /// # Errors
    /// A predicate that has no canonical form.
    pub fn sign(&self, signer: &StatementSigner) -> Result<Envelope, StatementError> {
        Ok(signer.sign(PAYLOAD_TYPE, &canonical::bytes(self)?))
    }

    /// The statement that the key signed.
    ///
    /// # Errors
    /// Another type, no signature of the key, or a payload that is not exactly the canonical bytes of such
    /// a statement: unknown or missing fields, keys there twice, another order.
    pub fn open(envelope: &Envelope, key: &StatementKey) -> Result<Self, StatementError> {
        let payload = envelope.open(PAYLOAD_TYPE, key)?;
        // The type is looked at first: what a later version writes is refused by its name, not by a field.
        let types: Types = serde_json::from_slice(&payload).map_err(|e| {
            StatementError::NotAnEnvelope(format!("its payload is no statement: {e}"))
        })?;
        for (found, expected) in [(types.kind, STATEMENT_TYPE), (types.predicate_type, P::TYPE)] {
            if found != expected {
                let found = found.chars().take(120).flat_map(char::escape_default).collect();
                return Err(StatementError::OtherType { found, expected });
            }
        }
        let statement: Self = canonical::read("statement", &payload)?;
        if statement.subject.len() == 1 {
            Ok(statement)
        } else {
            Err(StatementError::NotAnEnvelope("its statement has not one subject".to_owned()))
        }
    }
}

/// The types of a statement, whatever else it says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Types {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
}

impl From<StatementError> for HostError {
    fn from(error: StatementError) -> Self {
        Self::Integrity { code: error.code(), message: error.to_string() }
    }
}
