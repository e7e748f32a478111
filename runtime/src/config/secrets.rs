//! The `[secrets.NAME]` tables: where the host gets a secret that programs of a catalogue are given. The
//! values are nowhere in the configuration, so it can be kept in version control.

use super::{Reader, raw::RawSecret};
use crate::HostError;
use interlock_authority::vocabulary::is_segment;
use interlock_providers::secrets::SecretSource;
use std::collections::BTreeMap;
use toml::Spanned;

/// Reads the tables.
pub(super) fn check(
    reader: &Reader<'_>,
    raw: &BTreeMap<Spanned<String>, RawSecret>,
) -> Result<BTreeMap<String, SecretSource>, HostError> {
    raw.iter()
        .map(|(name, secret)| {
            if !is_segment(name.get_ref()) {
                let rule = "the name of a secret has letters, digits, `.`, `_` and `-`";
                return Err(reader.error(name, rule));
            }
            Ok((name.get_ref().clone(), source(reader, name, secret)?))
        })
        .collect()
}

fn source(
    reader: &Reader<'_>,
    name: &Spanned<String>,
    raw: &RawSecret,
) -> Result<SecretSource, HostError> {
    match (&raw.file, &raw.env, &raw.command) {
        (Some(file), None, None) if !file.is_empty() => Ok(SecretSource::File(reader.path(file))),
        (None, Some(variable), None) if !variable.is_empty() && !variable.contains(['=', '\0']) => {
            Ok(SecretSource::Environment(variable.clone()))
        }
        (None, None, Some(argv)) => match argv.get_ref().first() {
            Some(program) if program.starts_with('/') => {
                Ok(SecretSource::Command(argv.get_ref().clone()))
            }
            _ => Err(reader.error(
                argv,
                "the command of a secret begins with an absolute path, such as `/usr/bin/pass`",
            )),
        },
        _ => Err(reader.error(
            name,
            "a secret has exactly one source: `file = \"…\"`, `env = \"…\"` or `command = [\"…\"]`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use interlock_providers::secrets::SecretSource;
    use std::path::Path;

    #[test]
    fn one_source_each() {
        let text = "[secrets.a]\nfile = \"a.key\"\n[secrets.b]\nenv = \"B\"\n[secrets.c]\ncommand = [\"/bin/c\", \"x\"]\n";
        let config = Config::parse(Path::new("/etc/x/interlock.toml"), text).unwrap();
        assert_eq!(config.secrets["a"], SecretSource::File("/etc/x/a.key".into()));
        assert_eq!(config.secrets["b"], SecretSource::Environment("B".into()));
        assert_eq!(config.secrets["c"], SecretSource::Command(vec!["/bin/c".into(), "x".into()]));
        for (text, line, words) in [
            ("\n[secrets.a]\n", 2, "exactly one source"),
            ("[secrets.a]\nfile = \"x\"\nenv = \"y\"\n", 1, "exactly one source"),
            ("[secrets.a]\nvalue = \"x\"\n", 2, "value"),
            ("[secrets.a]\ncommand = [\"pass\"]\n", 2, "absolute path"),
            ("[secrets.a]\ncommand = []\n", 2, "absolute path"),
            ("[secrets.\"a b\"]\nenv = \"x\"\n", 1, "letters"),
        ] {
            let problem = Config::parse(Path::new("i.toml"), text).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("i.toml:{line}:")), "{text}: {problem}");
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
