//! Secrets: a name in a catalogue or at an endpoint, a source in the configuration, and a value that exists
//! only between its source and where it is used: a program's environment, a header of a request. It is read
//! anew for each call, once, so a rotated one needs no restart. A plugin has no way to name one, and whatever
//! comes back passes through `Redaction` before anybody sees it.

mod redact;

pub(crate) use redact::Redaction;

use crate::{
    ProviderFault,
    exec::run::{Program, Trouble, run},
    regular::open_regular,
};
use std::{
    collections::BTreeMap,
    fmt,
    fs::OpenOptions,
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
    pub(crate) fn read(&self, name: &str) -> Result<Secret, ProviderFault> {
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
                open_regular(OpenOptions::new().read(true), path)
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
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// For where it is used, and nowhere else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_regular_file_and_nobody_waits_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "a long secret\n").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), 0o600.into()).unwrap();
        for (name, there) in [("file", true), ("link", true), ("pipe", false), ("nothing", false)] {
            let sources = BTreeMap::from([("s".to_owned(), SecretSource::File(at(name)))]);
            assert_eq!(Secrets::new(sources).try_read("s").is_ok(), there, "{name}");
        }
        let sources = BTreeMap::from([("s".to_owned(), SecretSource::File(folder.path().into()))]);
        assert!(Secrets::new(sources).try_read("s").is_err());
    }
}
