//! Secrets of programs: a name in a catalogue, a source in the configuration, and a value that exists only
//! between its source and a program's environment. It is read anew for each call, once, so a rotated one needs
//! no restart, and whatever a program prints passes through here before anybody sees it.

use super::run::{Program, Trouble, run};
use crate::ProviderFault;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::Read as _,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// A shorter one could not be told from ordinary output, and would not be secret for long.
const SHORTEST: usize = 8;
const LONGEST: u64 = 64 * 1024;
/// How long a command may take to print one.
const TIME: Duration = Duration::from_secs(10);

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// A variable of the host's own environment.
    Environment(String),
    /// What a program prints; the program is an absolute path, and its environment is empty.
    Command(Vec<String>),
}

/// The secrets of a host, by name.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, SecretSource>>);

impl Secrets {
    /// These secrets.
    pub fn new(sources: BTreeMap<String, SecretSource>) -> Self {
        Self(Arc::new(sources))
    }

    /// The value of a secret.
    pub(super) fn read(&self, name: &str) -> Result<Secret, ProviderFault> {
        self.value(name).map(Secret).map_err(|problem| ProviderFault::Process {
            what: format!("the secret `{name}`"),
            problem,
        })
    }

    /// Whether a secret can be had now; the error says why not, without its value.
    ///
    /// # Errors
    /// A source that is missing, cannot be read, or gives something unfit.
    pub fn try_read(&self, name: &str) -> Result<(), ProviderFault> {
        self.read(name).map(drop)
    }

    fn value(&self, name: &str) -> Result<String, String> {
        let source = self.0.get(name).ok_or("it has no table `[secrets.NAME]`")?;
        let bytes = match source {
            SecretSource::File(path) => {
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
                    .map_err(|e| format!("reading {}: {e}", path.display()))?;
                bytes
            }
            SecretSource::Environment(variable) => std::env::var_os(variable)
                .ok_or_else(|| format!("the host's environment has no `{variable}`"))?
                .into_encoded_bytes(),
            SecretSource::Command(argv) => printed(argv)?,
        };
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.len() < SHORTEST || text.len() as u64 > LONGEST || text.contains('\0') {
            return Err(format!(
                "it must have at least {SHORTEST} bytes, at most {LONGEST}, and no NUL"
            ));
        }
        Ok(text.to_owned())
    }
}

/// What a program prints, and nothing of what it prints beside that.
fn printed(argv: &[String]) -> Result<Vec<u8>, String> {
    let program =
        Program { argv, stdin: None, environment: Vec::new(), directory: "/", time: TIME };
    let shown = argv.first().map(String::as_str).unwrap_or_default();
    let finished = run(&program, &AtomicBool::new(false))
        .map_err(|trouble: Trouble| format!("`{shown}`: {trouble}"))?;
    match finished.end {
        Ok(0) => Ok(finished.stdout),
        Ok(code) => Err(format!("`{shown}` ended with exit code {code}")),
        Err(signal) => Err(format!("`{shown}` was ended by signal {signal}")),
    }
}

/// One value. It has no way into a message.
pub(super) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// For the environment of a program.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// What stands where a secret stood.
const REDACTED: &str = "[secret]";

/// The secrets of one call.
#[derive(Debug, Default)]
pub(super) struct Redaction(Vec<(String, Secret)>);

impl Redaction {
    /// These variables with their values.
    pub(super) fn new(secrets: Vec<(String, Secret)>) -> Self {
        Self(secrets)
    }

    /// The variables, for a program's environment.
    pub(super) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret.expose()))
    }

    /// Bytes without them, the longest first: one may be part of another. As bytes, because what surrounds
    /// one may be no text.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut values: Vec<&[u8]> =
            self.0.iter().map(|(_, secret)| secret.expose().as_bytes()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.into_iter().fold(bytes.to_owned(), |bytes, value| {
            let (mut told, mut rest) = (Vec::with_capacity(bytes.len()), bytes.as_slice());
            while let Some((first, after)) = rest.split_first() {
                if let Some(after) = rest.strip_prefix(value) {
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

    fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// A JSON value without them. In JSON a secret may be written with escapes, so a text is not enough.
    pub(super) fn json(&self, value: Value) -> Value {
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
}
