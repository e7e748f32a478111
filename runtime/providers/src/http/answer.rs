//! What a plugin is told of an answer: its status, the headers that describe it, its content, all without the
//! endpoint's secret. Cookies and what a server tells of itself stay here: they are for whoever holds the credential.

use super::exchange::Answer;
use crate::secrets::Redaction;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The headers that a plugin is told of.
const TOLD: &[&str] = &[
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "date",
    "deprecation",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "sunset",
    "x-request-id",
    "x-total-count",
];
/// The longest value that is told, in bytes.
const LONGEST: usize = 4096;
/// The most characters of a refusal's words.
const WORDS: usize = 300;

/// The JSON form of the WIT result of a read.
pub(super) fn response(answer: Answer, redaction: &Redaction) -> Value {
    let body = match answer.body {
        Ok(body) => redaction.bytes(&body),
        Err(trouble) => return json!({"err": {"failed": trouble.told()}}),
    };
    let headers: Vec<Value> = answer
        .headers
        .iter()
        .filter(|(name, value)| TOLD.contains(&name.as_str()) && value.len() <= LONGEST)
        .map(|(name, value)| {
            let value = redaction.text(&String::from_utf8_lossy(value.as_bytes()));
            json!({"name": name.as_str(), "value": value})
        })
        .collect();
    let content = match String::from_utf8(body) {
        Ok(text) => json!({"text": text}),
        Err(error) => json!({"base64": STANDARD.encode(error.as_bytes())}),
    };
    json!({"ok": {"status": answer.status.as_u16(), "headers": headers, "content": content}})
}

/// What a refused effect says: the status, and the beginning of the server's words.
pub(super) fn refusal(answer: &Answer, redaction: &Redaction) -> String {
    let status = answer.status.as_u16();
    let words = answer.body.as_ref().map(|body| redaction.bytes(body)).unwrap_or_default();
    let words: String = String::from_utf8_lossy(&words)
        .trim()
        .chars()
        .take(WORDS)
        .flat_map(char::escape_debug)
        .collect();
    let said = if words.is_empty() { String::new() } else { format!(", and said `{words}`") };
    format!("status-{status}: the server answered {status}{said}")
}
