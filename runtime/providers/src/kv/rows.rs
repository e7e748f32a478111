//! What is in the file, for one plugin: every statement names the plugin, so that nothing here can read or write
//! across plugins. Versions come from one counter of the whole file that only grows. An absent key has one too: that
//! of its deletion, or that of the newest deletion that is no longer kept, so that it never comes back either.

use super::quota::Used;
use interlock_authority::Revision;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// How many deletions of a plugin are remembered one by one.
const REMEMBERED: u64 = 256;

/// The rows of a plugin.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    plugin: &'c str,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) value: Option<String>,
    version: u64,
}

impl Row {
    /// A key of a plugin that never kept anything.
    pub(super) const NEVER: Self = Self { value: None, version: 0 };

    pub(super) fn revision(&self) -> Revision {
        Revision::new(format!("kv {}", self.version))
    }
}

impl<'c> Rows<'c> {
    pub(super) fn of(connection: &'c Connection, plugin: &'c str) -> Self {
        Self { connection, plugin }
    }

    pub(super) fn get(&self, key: &str) -> Result<Row> {
        let found = self
            .connection
            .prepare_cached("select value, version from entry where plugin = ?1 and key = ?2")?
            .query_row(params![self.plugin, key.as_bytes()], |row| {
                let value: Option<Vec<u8>> = row.get(0)?;
                Ok(Row { value: value.map(text).transpose()?, version: row.get(1)? })
            })
            .optional()?;
        match found {
            Some(row) => Ok(row),
            None => Ok(Row { value: None, version: self.gone()? }),
        }
    }

    fn gone(&self) -> Result<u64> {
        let gone = self
            .connection
            .query_row("select gone from space where plugin = ?1", [self.plugin], |row| row.get(0))
            .optional()?;
        Ok(gone.unwrap_or(0))
    }

    pub(super) fn used(&self) -> Result<Used> {
        self.connection
            .prepare_cached(
                "select count(*), coalesce(sum(length(key) + length(value)), 0) from entry
                 where plugin = ?1 and value is not null",
            )?
            .query_row([self.plugin], |row| Ok(Used { keys: row.get(0)?, bytes: row.get(1)? }))
    }

    /// Whether these many deletions more make earlier ones be forgotten, so that absent keys get another revision.
    pub(super) fn forgets_after(&self, deletions: u64) -> Result<bool> {
        let remembered: u64 = self
            .connection
            .prepare_cached("select count(*) from entry where plugin = ?1 and value is null")?
            .query_row([self.plugin], |row| row.get(0))?;
        Ok(remembered.saturating_add(deletions) > REMEMBERED)
    }

    /// The keys below a folder, or all of them, after this one; at most one more than `most`.
    pub(super) fn keys(
        &self,
        folder: Option<&str>,
        after: Option<&str>,
        most: u64,
    ) -> Result<Vec<String>> {
        // `/` is followed by `0`: everything below `a/` sorts between `a/` and `a0`.
        let first = folder.map_or_else(Vec::new, |folder| format!("{folder}/").into_bytes());
        let end = folder.map(|folder| format!("{folder}0").into_bytes());
        let after = after.map(|after| after.as_bytes().to_vec());
        self.connection
            .prepare_cached(
                "select key from entry where plugin = ?1 and value is not null and key >= ?2
                 and (?3 is null or key < ?3) and (?4 is null or key > ?4) order by key limit ?5",
            )?
            .query_map(params![self.plugin, first, end, after, most.saturating_add(1)], |row| {
                text(row.get(0)?)
            })?
            .collect()
    }

    /// Gives a key a value, or none, under a new version.
    pub(super) fn put(&self, key: &str, value: Option<&str>) -> Result<Row> {
        let version: u64 = self.connection.query_row(
            "update store set version = version + 1 where id = 1 returning version",
            [],
            |row| row.get(0),
        )?;
        self.connection
            .prepare_cached(
                "insert into entry (plugin, key, value, version) values (?1, ?2, ?3, ?4)
                 on conflict (plugin, key) do update set value = ?3, version = ?4",
            )?
            .execute(params![self.plugin, key.as_bytes(), value.map(str::as_bytes), version])?;
        if value.is_none() {
            self.forget()?;
        }
        Ok(Row { value: value.map(str::to_owned), version })
    }

    /// Forgets the oldest deletions. Their versions live on in that of the space: nothing that was looked at
    /// before is taken for what is there now.
    fn forget(&self) -> Result<()> {
        let oldest_to_keep: Option<u64> = self
            .connection
            .query_row(
                "select version from entry where plugin = ?1 and value is null
                 order by version desc limit 1 offset ?2",
                params![self.plugin, REMEMBERED],
                |row| row.get(0),
            )
            .optional()?;
        let Some(last) = oldest_to_keep else { return Ok(()) };
        self.connection.execute(
            "insert into space (plugin, gone) values (?1, ?2)
             on conflict (plugin) do update set gone = max(gone, ?2)",
            params![self.plugin, last],
        )?;
        self.connection.execute(
            "delete from entry where plugin = ?1 and value is null and version <= ?2",
            params![self.plugin, last],
        )?;
        Ok(())
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| rusqlite::Error::Utf8Error(0, error.utf8_error()))
}
