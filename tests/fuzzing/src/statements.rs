//! What the host itself signed, and what it wrote down to be done again.

use crate::must;
use interlock::{
    authority::Digest,
    record::Recording,
    statement::{
        Envelope, PAYLOAD_TYPE, Predicate, STATEMENT_TYPE, Sha256, Statement, StatementSigner,
        Subject,
    },
};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// What is said here: anything.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
struct Said(Value);

impl Predicate for Said {
    const TYPE: &'static str = "https://example.com/said/v1";
}

fn signer() -> &'static StatementSigner {
    static SIGNER: OnceLock<StatementSigner> = OnceLock::new();
    SIGNER.get_or_init(|| must(StatementSigner::from_seed(&[7; 32]), "the key"))
}

fn statement(said: Value) -> Statement<Said> {
    let digest = Sha256 { sha256: Digest::from_bytes([7; 32]) };
    Statement::of(Subject { name: "run".into(), digest }, Said(said))
}

/// The one envelope that was signed before anybody altered one.
fn known() -> &'static (Envelope, Vec<u8>) {
    static KNOWN: OnceLock<(Envelope, Vec<u8>)> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let payload = json!({
            "_type": STATEMENT_TYPE, "predicate": {"a": 1}, "predicateType": Said::TYPE,
            "subject": [{"digest": {"sha256": "07".repeat(32)}, "name": "run"}],
        });
        let envelope = must(statement(json!({"a": 1})).sign(signer()), "an envelope");
        (envelope, payload.to_string().into_bytes())
    })
}

/// What an input of [`dsse`] looks like.
pub(crate) fn signed() -> Vec<u8> {
    must(serde_json::to_vec(&known().0), "an envelope")
}

/// One that another key signed.
pub(crate) fn signed_by_another() -> Vec<u8> {
    let other = must(StatementSigner::from_seed(&[8; 32]), "another key");
    let envelope = must(statement(json!({"a": 1})).sign(&other), "an envelope");
    must(serde_json::to_vec(&envelope), "an envelope")
}

/// An envelope has one form; what comes out of it is what was signed, byte for byte; and a statement that is signed is
/// read as what it said.
pub(crate) fn dsse(data: &[u8]) {
    let key = signer().public();
    if let Ok(envelope) = Envelope::read(data) {
        let written = must(serde_json::to_vec(&envelope), "what was read is written");
        assert_eq!(must(Envelope::read(&written), "what was written is read"), envelope);
        if let Ok(payload) = envelope.open(PAYLOAD_TYPE, key) {
            assert_eq!(payload, known().1, "a payload that nobody signed");
        }
        if let Ok(statement) = Statement::<Said>::open(&envelope, key) {
            assert_eq!(
                statement.predicate,
                Said(json!({"a": 1})),
                "a statement that nobody signed"
            );
        }
        assert!(envelope.open("text/plain", key).is_err(), "another type");
    }
    let Ok(said) = serde_json::from_slice::<Value>(data) else { return };
    let statement = statement(said);
    let Ok(envelope) = statement.sign(signer()) else { return };
    let written = must(serde_json::to_vec(&envelope), "an envelope");
    let read = must(Envelope::read(&written), "our own envelope");
    let opened = must(Statement::<Said>::open(&read, key), "our own statement");
    assert_eq!(must(opened.sign(signer()), "what was read is signed"), envelope);
}

/// A recorded run that is read is written as the same run.
pub(crate) fn recording(data: &[u8]) {
    let Ok(recording) = serde_json::from_slice::<Recording>(data) else { return };
    let written = must(serde_json::to_vec(&recording), "what was read is written");
    let again: Recording = must(serde_json::from_slice(&written), "what was written is read");
    assert_eq!(again, recording);
    assert_eq!(must(serde_json::to_vec(&again), "again"), written);
}
