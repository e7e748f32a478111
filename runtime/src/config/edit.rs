//! Changing files that people keep: the configuration through `toml_edit`, so that comments and order
//! survive, and every file by writing beside it and renaming, so that a crash leaves the old or the new.

use crate::HostError;
use interlock_authority::{Digest, Grant};
use interlock_providers::open_regular;
use rustix::process::geteuid;
use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

/// A plugin's entry as it is to stand in the configuration.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// Its name.
    pub name: String,
    /// Its file, as the configuration will say it.
    pub file: String,
    /// Its identity.
    pub digest: Digest,
    /// Its grants; `None` keeps those that stand there.
    pub grants: Option<Vec<Grant>>,
    /// Read-only folders, host and guest; `None` keeps those that stand there.
    pub preopens: Option<Vec<(String, String)>>,
}

/// The text of a configuration with this plugin added or replaced.
///
/// # Errors
/// When the text is not TOML, or `plugin` is not a list of tables.
pub fn with_plugin(file: &Path, text: &str, entry: &PluginEntry) -> Result<String, HostError> {
    let mut document = parse(file, text)?;
    let plugins = plugins(file, &mut document)?;
    let index = plugins.iter().position(|t| name_of(t) == Some(&entry.name));
    if index.is_none() {
        plugins.push(Table::new());
    }
    let index = index.unwrap_or(plugins.len() - 1);
    if let Some(table) = plugins.get_mut(index) {
        set(table, "name", &entry.name);
        set(table, "file", &entry.file);
        set(table, "sha256", &entry.digest.to_string());
        if let Some(preopens) = &entry.preopens {
            set_preopens(table, preopens);
        }
        if let Some(grants) = &entry.grants {
            set_grants(table, grants);
        }
    }
    Ok(document.to_string())
}

/// The text of a configuration without this plugin; `None` where it has none.
///
/// # Errors
/// As [`with_plugin`].
pub fn without_plugin(file: &Path, text: &str, name: &str) -> Result<Option<String>, HostError> {
    let mut document = parse(file, text)?;
    let plugins = plugins(file, &mut document)?;
    let Some(index) = plugins.iter().position(|t| name_of(t) == Some(name)) else {
        return Ok(None);
    };
    plugins.remove(index);
    Ok(Some(document.to_string()))
}

fn parse(file: &Path, text: &str) -> Result<DocumentMut, HostError> {
    text.parse().map_err(|error: toml_edit::TomlError| HostError::Config {
        file: file.into(),
        line: None,
        message: error.message().to_owned(),
    })
}

fn plugins<'a>(
    file: &Path,
    document: &'a mut DocumentMut,
) -> Result<&'a mut ArrayOfTables, HostError> {
    // An empty list says the same as none.
    if document.get("plugin").and_then(Item::as_array).is_some_and(Array::is_empty) {
        document.remove("plugin");
    }
    document
        .entry("plugin")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| HostError::Config {
            file: file.into(),
            line: None,
            message: "`plugin` is not a list of tables; write each plugin as `[[plugin]]`".into(),
        })
}

fn name_of(table: &Table) -> Option<&str> {
    table.get("name").and_then(Item::as_str)
}

/// Sets a string and keeps the comment behind the old one.
fn set(table: &mut Table, key: &str, text: &str) {
    let mut item = value(text);
    if let (Some(old), Some(new)) = (table.get(key).and_then(Item::as_value), item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, item);
}

fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Item {
    let array: Array = items.into_iter().map(|s| s.as_ref().to_owned()).collect();
    value(array)
}

fn set_preopens(table: &mut Table, preopens: &[(String, String)]) {
    if preopens.is_empty() {
        table.remove("preopens");
        return;
    }
    let array: Array = preopens
        .iter()
        .map(|(host, guest)| {
            let mut preopen = InlineTable::new();
            preopen.insert("host", host.as_str().into());
            preopen.insert("guest", guest.as_str().into());
            preopen
        })
        .collect();
    table.insert("preopens", value(array));
}

fn set_grants(table: &mut Table, grants: &[Grant]) {
    if grants.is_empty() {
        table.remove("grant");
        return;
    }
    let mut tables = ArrayOfTables::new();
    for grant in grants {
        let mut entry = Table::new();
        entry.insert("capability", value(grant.interface.as_str()));
        if let Some(functions) = &grant.functions {
            entry.insert("functions", strings(functions));
        }
        entry.insert("resources", strings(grant.resources.iter().map(ToString::to_string)));
        if let Some(budget) = &grant.budget {
            let mut table = InlineTable::new();
            table.insert("effects", i64::try_from(budget.effects).unwrap_or(i64::MAX).into());
            table.insert("per", format!("{}s", budget.per_seconds).into());
            entry.insert("budget", value(table));
        }
        tables.push(entry);
    }
    table.insert("grant", Item::ArrayOfTables(tables));
}

/// Writes a file whole: beside it, to disk, then renamed over it. An existing file keeps its mode.
///
/// # Errors
/// When any step fails; the old file stands then.
pub fn write_atomically(file: &Path, bytes: &[u8], mode: u32) -> Result<(), HostError> {
    let failed = |source| HostError::io(format!("cannot write {}", file.display()))(source);
    // A link that leads somewhere stays a link: what it leads to is replaced.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let file = target.as_path();
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let standing = fs::metadata(file).ok().map(|m| m.mode() & 0o777);
    let mode = standing.unwrap_or(mode);
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|e| failed(std::io::Error::other(e)))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = parent.join(format!(".{name}.{:016x}", u64::from_le_bytes(random)));
    let written = (|| {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        new.write_all(bytes)?;
        if let Some(mode) = standing {
            // Whatever the umask took away.
            new.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        new.sync_all()?;
        fs::rename(&beside, file)?;
        fs::File::open(parent)?.sync_all()
    })();
    if written.is_err() {
        // Best effort: the file of a random name is nobody's.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// The longest configuration, catalogue or WIT file that is read, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// Reads a text that people keep: a regular file of bounded size, so that a device or a pipe named by
/// mistake is an error and not a host that hangs.
///
/// # Errors
/// Not a regular file, longer than 4 MiB, or not UTF-8.
pub fn read_text(file: &Path) -> Result<String, HostError> {
    let failed = |source| HostError::io(format!("cannot read {}", file.display()))(source);
    let opened = open_regular(OpenOptions::new().read(true), file).map_err(failed)?;
    let mut text = String::new();
    opened.take(MAX_TEXT + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_TEXT {
        return Err(failed(std::io::Error::other("it is longer than 4 MiB")));
    }
    Ok(text)
}

/// Puts a new file there, whole, unless there is one already.
fn publish(file: &Path, bytes: &[u8]) -> Result<(), HostError> {
    let failed = |source| HostError::io(format!("cannot write {}", file.display()))(source);
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|e| failed(std::io::Error::other(e)))?;
    let beside = file.with_extension(format!("{:016x}", u64::from_le_bytes(random)));
    let written = (|| {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        new.write_all(bytes)?;
        new.sync_all()?;
        match fs::hard_link(&beside, file) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    })();
    // Best effort: the file of a random name is nobody's.
    let _ = fs::remove_file(&beside);
    written.map_err(failed)
}

/// A key of the state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKey {
    /// Of the MAC over compiled artifacts.
    Artifact,
    /// Of the journal's log.
    Log,
    /// Of statements.
    Statement,
}

impl SecretKey {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Artifact, Self::Log, Self::Statement];

    /// Its file in the state folder.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Artifact => "artifact.key",
            Self::Log => "log.key",
            Self::Statement => "statement.key",
        }
    }

    /// The next step where it cannot be used.
    const fn otherwise(self) -> &'static str {
        match self {
            Self::Artifact => {
                "delete it, and a new one is made: plugins are compiled again, and nothing is lost"
            }
            Self::Log => {
                "restore it from a backup: the journal is signed with this key, and no other opens it"
            }
            Self::Statement => "restore it from a backup, or delete it, and a new one is declared",
        }
    }
}

/// Reads a key of 32 random bytes, making it, mode 0600, where it is missing.
///
/// # Errors
/// A key that others can read, or of another size.
pub fn secret_key(state: &Path, key: SecretKey) -> Result<[u8; 32], HostError> {
    let (file, otherwise) = (&state.join(key.file()), key.otherwise());
    let wrong = |problem: &str| HostError::Config {
        file: file.into(),
        line: None,
        message: format!("{problem}; {otherwise}"),
    };
    match open_regular(OpenOptions::new().read(true), file) {
        Ok(opened) => {
            let failed = || format!("cannot read {}", file.display());
            let metadata = opened.metadata().map_err(HostError::io(failed()))?;
            if metadata.mode() & 0o077 != 0 {
                return Err(wrong(
                    "other users can read this key: run `chmod 600` on it if you trust them all",
                ));
            }
            if metadata.uid() != geteuid().as_raw() {
                return Err(wrong("this key belongs to another user, who knows it"));
            }
            let mut bytes = Vec::new();
            opened.take(33).read_to_end(&mut bytes).map_err(HostError::io(failed()))?;
            bytes.try_into().map_err(|_| wrong("this key does not have 32 bytes"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut made = [0u8; 32];
            getrandom::fill(&mut made).map_err(|e| {
                HostError::io("cannot get random numbers")(std::io::Error::other(e))
            })?;
            publish(file, &made)?;
            // Whoever came first has the key; the file says which it is.
            secret_key(state, key)
        }
        Err(error) => Err(HostError::io(format!("cannot read {}", file.display()))(error)),
    }
}
