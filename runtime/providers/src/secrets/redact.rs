//! Taking secrets out of what comes back: of bytes, texts and JSON. By the value that was used and the forms in
//! which a server or a program would write it, never by what a secret commonly looks like.

use super::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::Value;

/// What stands where a secret stood.
const REDACTED: &str = "[secret]";

/// The secrets of one call.
#[derive(Debug, Default)]
pub(crate) struct Redaction(Vec<(String, Secret)>);

/// A value as it is, percent-encoded, with the slashes that some JSON writers escape, and in base64. The
/// base64 of something that merely contains it is another text; that is not found.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut percent = String::new();
    for byte in value.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => percent.push(b.into()),
            b => percent.push_str(&format!("%{b:02X}")),
        }
    }
    let json = value.replace('/', "\\/");
    let mut all = vec![value.to_owned(), percent, json, STANDARD_NO_PAD.encode(value)];
    all.dedup();
    all.into_iter().map(String::into_bytes).collect()
}

impl Redaction {
    /// These names with their values.
    pub(crate) fn new(secrets: Vec<(String, Secret)>) -> Self {
        Self(secrets)
    }

    /// The names and values, for a program's environment.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret.expose()))
    }

    /// Bytes without them, the longest first: one may be part of another. As bytes, because what surrounds
    /// one may be no text.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut values: Vec<Vec<u8>> =
            self.0.iter().flat_map(|(_, secret)| forms(secret.expose())).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.iter().fold(bytes.to_owned(), |bytes, value| {
            let (mut told, mut rest) = (Vec::with_capacity(bytes.len()), bytes.as_slice());
            while let Some((first, after)) = rest.split_first() {
                if let Some(after) = rest.strip_prefix(value.as_slice()) {
                    told.extend_from_slice(REDACTED.as_bytes());
                    rest = after;
                } else {
                    told.push(*first);
                    rest = after;
                }
            }
            told
        })
    }

    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// A JSON value without them. In JSON a secret may be written with escapes, so a text is not enough.
    pub(crate) fn json(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Value::Object(entries) => {
                entries.into_iter().map(|(k, v)| (self.text(&k), self.json(v))).collect()
            }
            // A number may be a secret too.
            Value::Number(number) => {
                let text = number.to_string();
                let told = self.text(&text);
                if told == text { Value::Number(number) } else { told.into() }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Redaction, Secret};

    #[test]
    fn whatever_surrounds_a_secret_it_is_taken_out() {
        let named = |value: &str| (value.to_owned(), Secret(value.to_owned()));
        let redaction = Redaction::new(vec![named("hunter22"), named("hunter22-long")]);
        for (printed, told) in [
            (&b"hunter22"[..], &b"[secret]"[..]),
            (b"\xffhunter22\xfe", b"\xff[secret]\xfe"),
            (b"hunter22-long hunter22hunter22", b"[secret] [secret][secret]"),
            (b"hhunter22 hunter2", b"h[secret] hunter2"),
            (b"", b""),
        ] {
            assert_eq!(redaction.bytes(printed), told);
        }
        assert_eq!(Redaction::default().bytes(b"hunter22"), b"hunter22");
    }

    #[test]
    fn a_secret_in_another_spelling_is_taken_out() {
        let value = "s3cr/t+v@lue=";
        let redaction = Redaction::new(vec![("x".to_owned(), Secret(value.to_owned()))]);
        for printed in ["s3cr%2Ft%2Bv%40lue%3D", "s3cr\\/t+v@lue=", "czNjci90K3ZAbHVlPQ", value] {
            let told = redaction.text(&format!("<{printed}>"));
            assert_eq!(told, "<[secret]>", "{printed}");
        }
    }
}
