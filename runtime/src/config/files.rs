//! The `[files.NAME]` tables: the folders that plugins can be granted. A folder that nobody says may be written
//! is read-only, and a bound that is mistyped is an error, not no bound.

use super::{Reader, raw::RawFolder};
use crate::HostError;
use bytesize::ByteSize;
use interlock_authority::vocabulary::is_segment;
use interlock_providers::files::{FolderLimits, FolderSettings, MAX_DEPTH, MAX_ENTRIES, MAX_FILE};
use std::collections::BTreeMap;
use toml::Spanned;

/// Reads the tables.
pub(super) fn check(
    reader: &Reader<'_>,
    raw: &BTreeMap<Spanned<String>, RawFolder>,
) -> Result<BTreeMap<String, FolderSettings>, HostError> {
    raw.iter()
        .map(|(name, folder)| {
            if !is_segment(name.get_ref()) {
                let rule = "the name of a folder has letters, digits, `.`, `_` and `-`";
                return Err(reader.error(name, rule));
            }
            Ok((name.get_ref().clone(), settings(reader, folder)?))
        })
        .collect()
}

fn settings(reader: &Reader<'_>, raw: &RawFolder) -> Result<FolderSettings, HostError> {
    if raw.path.get_ref().is_empty() {
        return Err(reader.error(&raw.path, "the path of the folder is empty"));
    }
    let size = |at: &Option<Spanned<String>>, most: u64, otherwise: u64| match at {
        None => Ok(otherwise),
        Some(at) => match at.get_ref().parse::<ByteSize>() {
            Ok(size) if (1..=most).contains(&size.as_u64()) => Ok(size.as_u64()),
            Ok(_) => {
                let rule = format!("must be at least 1 byte and at most {}", ByteSize(most));
                Err(reader.error(at, rule))
            }
            Err(_) => {
                let rule = format!("`{}` is not a size; write one such as `1MiB`", at.get_ref());
                Err(reader.error(at, rule))
            }
        },
    };
    let number = |at: &Option<Spanned<u64>>, most: u64, otherwise: u64| match at {
        None => Ok(otherwise),
        Some(at) if (1..=most).contains(at.get_ref()) => Ok(*at.get_ref()),
        Some(at) => Err(reader.error(at, format!("must be at least 1 and at most {most}"))),
    };
    let usual = FolderLimits::default();
    let depth = number(&raw.max_depth, u64::from(MAX_DEPTH), u64::from(usual.depth))?;
    Ok(FolderSettings {
        path: reader.path(raw.path.get_ref()),
        write: raw.write,
        limits: FolderLimits {
            file: size(&raw.max_file, MAX_FILE, usual.file)?,
            total: size(&raw.max_total, 1 << 40, usual.total)?,
            entries: number(&raw.max_entries, MAX_ENTRIES, usual.entries)?,
            depth: u32::try_from(depth).unwrap_or(usual.depth),
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use std::path::Path;

    #[test]
    fn read_only_and_bounded_where_nothing_is_said() {
        let text = "[files.notes]\npath = \"notes\"\n[files.logs]\npath = \"/var/x\"\nwrite = true\nmax-file = \"2MiB\"\nmax-entries = 7\n";
        let config = Config::parse(Path::new("/etc/x/interlock.toml"), text).unwrap();
        let notes = &config.files["notes"];
        assert_eq!((notes.path.as_path(), notes.write), (Path::new("/etc/x/notes"), false));
        assert_eq!(notes.limits, interlock_providers::files::FolderLimits::default());
        let logs = &config.files["logs"];
        assert_eq!((logs.write, logs.limits.file, logs.limits.entries), (true, 2 << 20, 7));
        for (text, line, words) in [
            ("\n[files.a]\n", 2, "path"),
            ("[files.a]\npath = \"\"\n", 2, "empty"),
            ("[files.a]\npath = \"x\"\nwritable = true\n", 3, "writable"),
            ("[files.a]\npath = \"x\"\nmax-file = \"1GiB\"\n", 3, "at most"),
            ("[files.a]\npath = \"x\"\nmax-file = \"many\"\n", 3, "not a size"),
            ("[files.a]\npath = \"x\"\nmax-depth = 0\n", 3, "at least 1"),
            ("[files.\"a/b\"]\npath = \"x\"\n", 1, "letters"),
        ] {
            let problem = Config::parse(Path::new("i.toml"), text).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("i.toml:{line}:")), "{text}: {problem}");
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
