//! `service.toml`: what a person says a service is. Read strictly: an unknown key or a value that means
//! nothing is an error with its line, because a misread definition would start the wrong process.
//!
//! ```toml
//! command = ["/usr/bin/python3", "server.py", "{config}"]   # no shell; the program is an absolute path
//! directory = "app"                # working directory, below the service's `work` folder
//! replicas = 2
//! variables = { LANG = "C.UTF-8" } # all it gets, besides INTERLOCK_CONFIG, _REPLICA and _INSTANCE
//! ready-seconds = 5                # how long a start waits for a first healthy answer
//! stop-seconds = 3                 # from SIGTERM to SIGKILL
//!
//! [config]
//! file = "server.toml"             # its name; the service finds the path in INTERLOCK_CONFIG or `{config}`
//! initial = "mode = \"normal\"\n"  # version 1
//!
//! [health]                         # optional; loopback addresses only
//! http = "http://127.0.0.1:8080/health"   # or: tcp = "127.0.0.1:8080"
//! per-replica = true               # replica n listens at this port + n; else one check speaks for all
//! ```

use super::health::{Check, Probe};
use crate::ProviderFault;
use interlock_authority::vocabulary::is_segment;
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr};
use toml::Spanned;

/// The most replicas of one service.
pub(super) const MAX_REPLICAS: u32 = 64;
/// The longest that a service may be waited for, at its start and at its end, in seconds.
pub(super) const MAX_SECONDS: u64 = 30;
/// The largest configuration content, in bytes; the catalogue says the same.
pub(super) const MAX_CONTENT: usize = 65_536;

/// One service, validated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Definition {
    pub(super) command: Vec<String>,
    /// Path segments below `work`.
    pub(super) directory: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) replicas: u32,
    pub(super) config_file: String,
    pub(super) initial: String,
    pub(super) check: Option<Check>,
    pub(super) ready_seconds: u64,
    pub(super) stop_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    command: Spanned<Vec<String>>,
    directory: Option<Spanned<String>>,
    replicas: Option<Spanned<u32>>,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, String>,
    ready_seconds: Option<Spanned<u64>>,
    stop_seconds: Option<Spanned<u64>>,
    config: Option<RawConfig>,
    health: Option<Spanned<RawHealth>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    file: Option<Spanned<String>>,
    initial: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawHealth {
    http: Option<String>,
    tcp: Option<String>,
    #[serde(default)]
    per_replica: bool,
}

struct Text<'a> {
    file: &'a str,
    text: &'a str,
}

impl Text<'_> {
    fn fault(&self, offset: Option<usize>, problem: String) -> ProviderFault {
        let line = offset.map(|o| 1 + self.text.bytes().take(o).filter(|b| *b == b'\n').count());
        ProviderFault::Definition { file: self.file.to_owned(), line, problem }
    }
    fn at<T>(&self, place: &Spanned<T>, problem: impl Into<String>) -> ProviderFault {
        self.fault(Some(place.span().start), problem.into())
    }
}

impl Definition {
    /// Reads a `service.toml`.
    ///
    /// # Errors
    /// [`ProviderFault::Definition`] with the line.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ProviderFault> {
        let here = Text { file, text };
        let raw: Raw = toml::from_str(text)
            .map_err(|e| here.fault(e.span().map(|s| s.start), e.message().to_owned()))?;
        let command = raw.command.get_ref();
        if !command.first().is_some_and(|program| program.starts_with('/')) {
            return Err(here.at(
                &raw.command,
                "`command` starts with the absolute path of a program, such as [\"/usr/bin/env\"]; no shell and no search path is used",
            ));
        }
        if command.iter().any(|word| word.contains('\0')) {
            return Err(here.at(&raw.command, "a word of `command` contains a NUL byte"));
        }
        for (name, value) in &raw.variables {
            let plain = name.get_ref().chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && name.get_ref().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !plain || name.get_ref().starts_with("INTERLOCK_") || value.contains('\0') {
                return Err(here.at(name, format!(
                    "variable `{}`: a name has letters, digits and `_` and does not start with a digit or `INTERLOCK_`; a value has no NUL byte",
                    name.get_ref()
                )));
            }
        }
        let replicas = match &raw.replicas {
            None => 1,
            Some(n) if (1..=MAX_REPLICAS).contains(n.get_ref()) => *n.get_ref(),
            Some(n) => {
                return Err(here.at(n, format!("`replicas` is from 1 to {MAX_REPLICAS}")));
            }
        };
        let seconds = |value: &Option<Spanned<u64>>, default, name: &str| match value {
            None => Ok(default),
            Some(n) if *n.get_ref() <= MAX_SECONDS => Ok(*n.get_ref()),
            Some(n) => Err(here.at(n, format!("`{name}` is from 0 to {MAX_SECONDS}"))),
        };
        let (config_file, initial) = config(&here, raw.config)?;
        Ok(Self {
            directory: directory(&here, raw.directory.as_ref())?,
            variables: raw.variables.into_iter().map(|(k, v)| (k.into_inner(), v)).collect(),
            replicas,
            config_file,
            initial,
            check: raw.health.map(|health| check(&here, &health)).transpose()?,
            ready_seconds: seconds(&raw.ready_seconds, 5, "ready-seconds")?,
            stop_seconds: seconds(&raw.stop_seconds, 3, "stop-seconds")?,
            command: raw.command.into_inner(),
        })
    }
}

fn directory(here: &Text<'_>, raw: Option<&Spanned<String>>) -> Result<Vec<String>, ProviderFault> {
    let Some(raw) = raw.filter(|d| d.get_ref() != ".") else { return Ok(Vec::new()) };
    let segments: Vec<String> = raw.get_ref().split('/').map(str::to_owned).collect();
    if segments.len() > 16 || !segments.iter().all(|s| is_segment(s)) {
        let problem = "`directory` is a path below the service's `work` folder: plain segments joined by `/`, without `..`";
        return Err(here.at(raw, problem));
    }
    Ok(segments)
}

fn config(here: &Text<'_>, raw: Option<RawConfig>) -> Result<(String, String), ProviderFault> {
    let Some(raw) = raw else { return Ok(("config".to_owned(), String::new())) };
    if let Some(file) = raw.file.as_ref().filter(|f| !is_segment(f.get_ref())) {
        return Err(here.at(file, "the name of the configuration file is one plain segment"));
    }
    if let Some(initial) = raw.initial.as_ref().filter(|i| i.get_ref().len() > MAX_CONTENT) {
        return Err(here.at(initial, format!("`initial` is at most {MAX_CONTENT} bytes")));
    }
    Ok((
        raw.file.map_or_else(|| "config".to_owned(), Spanned::into_inner),
        raw.initial.map(Spanned::into_inner).unwrap_or_default(),
    ))
}

fn check(here: &Text<'_>, raw: &Spanned<RawHealth>) -> Result<Check, ProviderFault> {
    let health = raw.get_ref();
    let bad = |problem: &str| here.at(raw, problem.to_owned());
    let address = |text: &str| {
        text.parse::<SocketAddr>()
            .ok()
            .filter(|a| a.ip().is_loopback() && a.port() != 0)
            .ok_or_else(|| {
                bad("a health check goes to a loopback address and port, such as 127.0.0.1:8080")
            })
    };
    let (probe, address) = match (&health.http, &health.tcp) {
        (Some(url), None) => {
            let rest =
                url.strip_prefix("http://").ok_or_else(|| bad("`http` starts with http://"))?;
            let (host, path) = match rest.find('/') {
                Some(at) => rest.split_at(at),
                None => (rest, "/"),
            };
            if path.len() > 1024 || !path.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(bad("the path of `http` is printable ASCII without blanks"));
            }
            (Probe::Http { path: path.to_owned() }, address(host)?)
        }
        (None, Some(tcp)) => (Probe::Tcp, address(tcp)?),
        _ => return Err(bad("give `http` or `tcp`, one of the two")),
    };
    Ok(Check { probe, address, per_replica: health.per_replica })
}

/// What `environment.toml` may say. The services are the folders beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvironment {
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// Checks an `environment.toml`; it says nothing that the provider acts on.
///
/// # Errors
/// [`ProviderFault::Definition`] with the line.
pub(super) fn check_environment(file: &str, text: &str) -> Result<(), ProviderFault> {
    let here = Text { file, text };
    toml::from_str::<RawEnvironment>(text)
        .map(|_| ())
        .map_err(|e| here.fault(e.span().map(|s| s.start), e.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::Definition;

    fn error(text: &str) -> String {
        Definition::parse("service.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn whole_definition() {
        let text = "command = [\"/bin/x\", \"{config}\"]\ndirectory = \"a/b\"\nreplicas = 3\nvariables = { A = \"1\" }\n[config]\nfile = \"x.toml\"\ninitial = \"v\"\n[health]\nhttp = \"http://127.0.0.1:80/h?x\"\nper-replica = true\n";
        let definition = Definition::parse("service.toml", text).unwrap();
        assert_eq!(definition.directory, ["a", "b"]);
        assert_eq!((definition.replicas, definition.initial.as_str()), (3, "v"));
        assert_eq!(definition.check.unwrap().address_of(2).port(), 82);
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let ok = "command = [\"/bin/x\"]\n";
        for (text, expected) in [
            ("command = []", "service.toml:1"),
            ("command = [\"x\"]", "absolute path"),
            (&format!("{ok}comand = 1"), "service.toml:2"),
            (&format!("{ok}directory = \"../x\""), "service.toml:2"),
            (&format!("{ok}directory = \"/x\""), "`directory`"),
            (&format!("{ok}directory = \"a//b\""), "`directory`"),
            (&format!("{ok}replicas = 0"), "from 1 to 64"),
            (&format!("{ok}replicas = 65"), "from 1 to 64"),
            (&format!("{ok}variables = {{ \"A=B\" = \"\" }}"), "variable `A=B`"),
            (&format!("{ok}variables = {{ INTERLOCK_CONFIG = \"\" }}"), "INTERLOCK_"),
            (&format!("{ok}[config]\nfile = \"../x\""), "service.toml:3"),
            (&format!("{ok}[health]\ntcp = \"10.0.0.1:80\""), "loopback"),
            (&format!("{ok}[health]\nhttp = \"https://127.0.0.1/\""), "http://"),
            (&format!("{ok}[health]\nhttp = \"http://127.0.0.1:1/a b\""), "blanks"),
            (
                &format!("{ok}[health]\nhttp = \"http://127.0.0.1:1/\"\ntcp = \"127.0.0.1:1\""),
                "one of the two",
            ),
            ("command = [\"/bin/x\"", "service.toml:1"),
        ] {
            let message = error(text);
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }
}
