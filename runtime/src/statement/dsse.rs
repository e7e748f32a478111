//! DSSE envelopes (<https://github.com/secure-systems-lab/dsse>, protocol 1.0): a payload, its type, and
//! signatures over both. The attack it stops: bytes that were signed as one thing and are read as another.
//! The type is in what is signed, each part after its length, and the payload comes out of
//! [`Envelope::open`] alone, after a signature of the pinned key was found.

use super::{StatementError, StatementKey};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use serde::{Deserialize, Serialize};

/// The longest envelope that is read, in bytes.
pub const MAX_ENVELOPE: usize = 16 << 20;

/// The most signatures that are looked at.
const MAX_SIGNATURES: usize = 16;

/// A payload that somebody signed. What it holds is not to be used before [`Envelope::open`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    pub(super) payload: String,
    pub(super) payload_type: String,
    pub(super) signatures: Vec<Signature>,
}

/// One signature, with a hint at its key that nothing vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) keyid: String,
    pub(super) sig: String,
}

/// The bytes that are signed: the pre-authentication encoding.
pub(super) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Reads an envelope. Nothing of it is verified yet.
    ///
    /// # Errors
    /// [`StatementError::NotAnEnvelope`]: not JSON, a field that is missing, unknown or there twice.
    pub fn read(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(StatementError::NotAnEnvelope("it is longer than 16 MiB".to_owned()));
        }
        let envelope: Self = serde_json::from_slice(bytes)
            .map_err(|e| StatementError::NotAnEnvelope(e.to_string()))?;
        match envelope.signatures.len() {
            0 => Err(StatementError::NotAnEnvelope("it has no signature".to_owned())),
            1..=MAX_SIGNATURES => Ok(envelope),
            _ => Err(StatementError::NotAnEnvelope("it has more than 16 signatures".to_owned())),
        }
    }

    /// The payload, exactly as it was signed, if it is of this type and the key signed it. Signatures of
    /// other keys say nothing, as the protocol wants it.
    ///
    /// # Errors
    /// Bad base64, another type, or no signature of the key.
    pub fn open(
        &self,
        payload_type: &'static str,
        key: &StatementKey,
    ) -> Result<Vec<u8>, StatementError> {
        let payload = decode("payload", &self.payload)?;
        let mut signatures = Vec::with_capacity(self.signatures.len());
        for signature in &self.signatures {
            signatures.push(decode("sig", &signature.sig)?);
        }
        if self.payload_type != payload_type {
            let found = self.payload_type.chars().take(80).flat_map(char::escape_default).collect();
            return Err(StatementError::PayloadType { found, expected: payload_type });
        }
        let signed = pae(payload_type, &payload);
        if signatures.iter().any(|signature| key.verifies(&signed, signature)) {
            return Ok(payload);
        }
        let named: Vec<String> = self
            .signatures
            .iter()
            .filter(|signature| !signature.keyid.is_empty())
            .map(|s| s.keyid.chars().take(80).flat_map(char::escape_default).collect())
            .collect();
        Err(StatementError::NotSigned { key: key.to_string(), named: named.join(", ") })
    }
}

/// The protocol wants verifiers to take the standard and the URL-safe alphabet. Each has one spelling.
fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, StatementError> {
    let decoded = BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text));
    decoded.map_err(|_| StatementError::BadBase64(field))
}

#[cfg(test)]
mod tests {
    use super::{Envelope, pae};
    use crate::statement::{StatementError, StatementSigner};
    use base64::{Engine, prelude::*};

    const TYPE: &str = "application/example";

    /// The vector of the protocol document.
    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        assert_eq!(pae("é", "ü".as_bytes()), "DSSEv1 2 é 2 ü".as_bytes());
        // What is moved from one part to the next is another text.
        assert_ne!(pae("a", b"1 b"), pae("a 3", b"b"));
    }

    /// The envelope of the protocol document reads as one; its key is of another kind than ours.
    #[test]
    fn an_envelope_of_another_key_and_type_is_refused() {
        let text = br#"{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#;
        let envelope = Envelope::read(text).unwrap();
        let signer = StatementSigner::from_seed(&[7; 32]).unwrap();
        let refused = envelope.open("http://example.com/HelloWorld", signer.public());
        assert!(matches!(refused, Err(StatementError::NotSigned { .. })), "{refused:?}");
        let refused = envelope.open(TYPE, signer.public()).unwrap_err();
        assert_eq!(refused.code(), "other-statement");
    }

    #[test]
    fn an_envelope_has_one_form() {
        let signer = StatementSigner::from_seed(&[7; 32]).unwrap();
        let envelope = signer.sign(TYPE, b"\xff\xfe\xfd payload");
        let text = serde_json::to_string(&envelope).unwrap();
        let opened = Envelope::read(text.as_bytes()).unwrap().open(TYPE, signer.public());
        assert_eq!(opened.unwrap(), b"\xff\xfe\xfd payload");
        let url_safe = Envelope {
            payload: BASE64_URL_SAFE.encode(b"\xff\xfe\xfd payload"),
            ..envelope.clone()
        };
        assert_ne!(url_safe.payload, envelope.payload);
        assert!(url_safe.open(TYPE, signer.public()).is_ok());
        for (from, to) in [
            ("{\"payload\"", "{\"x\":1,\"payload\""),
            ("{\"payload\"", "{\"payload\":\"\",\"payload\""),
            ("\"keyid\"", "\"sig\":\"\",\"keyid\""),
            ("\"keyid\"", "\"cert\":\"\",\"keyid\""),
            ("}]}", "}]} x"),
            ("\"signatures\":[", "\"signatures\":[],\"x\":["),
        ] {
            assert!(text.contains(from), "{from}");
            let edited = text.replacen(from, to, 1);
            let refused = Envelope::read(edited.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), "not-an-envelope", "{edited}");
        }
        for bad in ["", "====", "a", "YQ", "YR==", "Y Q==", "YQ==\n", "+_8="] {
            let edited = Envelope { payload: bad.to_owned(), ..envelope.clone() };
            assert!(edited.open(TYPE, signer.public()).is_err(), "{bad}");
        }
        let none = Envelope { signatures: Vec::new(), ..envelope };
        assert!(Envelope::read(&serde_json::to_vec(&none).unwrap()).is_err());
    }

    #[test]
    fn a_signature_of_another_key_beside_ours_says_nothing() {
        let [ours, other] = [7, 8].map(|byte| StatementSigner::from_seed(&[byte; 32]).unwrap());
        let mut envelope = other.sign(TYPE, b"p");
        assert!(envelope.open(TYPE, ours.public()).is_err());
        envelope.signatures.extend(ours.sign(TYPE, b"p").signatures);
        assert!(envelope.open(TYPE, ours.public()).is_ok());
        // The hint decides nothing.
        for signature in &mut envelope.signatures {
            signature.keyid = "anything".to_owned();
        }
        assert!(envelope.open(TYPE, ours.public()).is_ok());
    }
}
