//! One spelling for what is signed, hashed and compared: canonical JSON (RFC 8785). Two readings of the same
//! bytes are how a person comes to sign something else than what happens, so bytes that are not canonical
//! (duplicate keys, other orders, other number forms) are refused, not repaired.

use crate::vocabulary::Digest;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The largest integer that every JSON reader reads exactly (RFC 7493 section 2.2).
const MAX_INTEGER: u64 = 1 << 53;

/// Why a value has no canonical form, or bytes are not canonical.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CanonicalError {
    /// A number that readers may read differently.
    #[error("the number {0} cannot be written exactly for every reader; give it as a string")]
    Number(String),
    /// It cannot be written at all.
    #[error("it has no canonical form: {0}")]
    Unwritable(String),
    /// The bytes are not what was expected.
    #[error("it is not a canonical {what}: {problem}")]
    NotCanonical {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
}

/// The canonical bytes of a value (RFC 8785).
///
/// # Errors
/// A number beyond 2^53, or a value that is no JSON.
pub fn bytes(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let unwritable = |e: serde_json::Error| CanonicalError::Unwritable(e.to_string());
    let value = serde_json::to_value(value).map_err(unwritable)?;
    check_numbers(&value)?;
    serde_json_canonicalizer::to_vec(&value).map_err(unwritable)
}

/// The SHA-256 of a domain line and the canonical bytes of a value: what has one meaning never has the
/// digest of something that has another.
///
/// # Errors
/// As [`bytes`].
pub fn digest(domain: &str, value: &impl Serialize) -> Result<Digest, CanonicalError> {
    Ok(digest_bytes(domain, &bytes(value)?))
}

/// As [`digest`], of bytes that are canonical already.
pub fn digest_bytes(domain: &str, canonical: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(domain.as_bytes());
    hash.update(b"\n");
    hash.update(canonical);
    Digest::from_bytes(hash.finalize().into())
}

/// Reads canonical bytes: what is read must be written as exactly these bytes again.
///
/// # Errors
/// Bytes that are not JSON, not canonical, or not a `T`.
pub fn read<T: Serialize + DeserializeOwned>(
    what: &'static str,
    text: &[u8],
) -> Result<T, CanonicalError> {
    let not = |problem: String| CanonicalError::NotCanonical { what, problem };
    let value: T = serde_json::from_slice(text).map_err(|e| not(e.to_string()))?;
    if bytes(&value)? == text {
        Ok(value)
    } else {
        Err(not("the bytes are not in canonical form, or hold more than it".to_owned()))
    }
}

/// Whether two values are the same to whoever signs: `1.0` is written `1`, so what was read back from a document is
/// the same as what an agent sent. Values without a canonical form are the same only where they are equal.
pub fn same<T: Serialize + PartialEq>(one: &T, other: &T) -> bool {
    one == other || matches!((bytes(one), bytes(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether a double is read as itself. A whole one is written in digits alone up to 10^21, and readers take those for
/// an integer: we do too, and would refuse what we wrote.
fn is_exact(float: f64) -> bool {
    let digits_alone = float.fract() == 0.0 && float.abs() < 1e21;
    float.is_finite() && !(digits_alone && float.abs() > MAX_INTEGER as f64)
}

fn check_numbers(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let exact = match (number.as_u64(), number.as_i64()) {
                (Some(n), _) => n <= MAX_INTEGER,
                (None, Some(n)) => n.unsigned_abs() <= MAX_INTEGER,
                (None, None) => number.as_f64().is_some_and(is_exact),
            };
            if exact { Ok(()) } else { Err(CanonicalError::Number(number.to_string())) }
        }
        Value::Array(items) => items.iter().try_for_each(check_numbers),
        Value::Object(fields) => fields.values().try_for_each(check_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}
