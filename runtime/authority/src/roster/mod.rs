//! Who may approve. Keys come from an OpenSSH `allowed_signers` file, people from the configuration: what
//! counts is a person, however many keys they hold. Whatever makes it unclear whose key it is (wildcards,
//! several names on a line, authorities, one key under two names) is refused when the roster is read.

mod line;

use crate::{canonical, needs::Needs, vocabulary::Digest};
use line::Line;
use serde::{Deserialize, Serialize};
use ssh_key::public::KeyData;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// When a key must prove that somebody touched it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Never.
    #[default]
    Off,
    /// For whatever destroys.
    Destroy,
}

/// A roster as it was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterSource {
    /// The file, for messages.
    pub file: String,
    /// The text of the `allowed_signers` file.
    pub allowed_signers: String,
    /// Names on the file, by person.
    pub people: BTreeMap<String, Vec<String>>,
    /// Names on the file, by group.
    pub groups: BTreeMap<String, Vec<String>>,
    /// When presence is demanded.
    pub presence: Presence,
    /// Whether one person is the whole team.
    pub solo: bool,
}

/// What is wrong with a roster.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct RosterProblem {
    /// The file.
    pub file: String,
    /// The line, from 1; absent where the configuration is at fault.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// One key of a roster.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) principal: String,
    pub(crate) key: KeyData,
    /// Unix seconds.
    pub(crate) valid_after: Option<u64>,
    /// Unix seconds.
    pub(crate) valid_before: Option<u64>,
}

/// Who may approve.
#[derive(Debug, Clone)]
pub struct Roster {
    entries: Vec<Entry>,
    /// Person by name on the file.
    people: BTreeMap<String, String>,
    /// People by group.
    groups: BTreeMap<String, BTreeSet<String>>,
    presence: Presence,
    solo: bool,
    digest: Digest,
}

impl Roster {
    /// Reads a roster.
    ///
    /// # Errors
    /// The first thing that makes it unclear who may approve.
    pub fn parse(source: &RosterSource) -> Result<Self, RosterProblem> {
        let wrong = |line: Option<usize>, message: String| RosterProblem {
            file: source.file.clone(),
            line,
            message,
        };
        let mut entries: Vec<Entry> = Vec::new();
        for (number, text) in (1..).zip(source.allowed_signers.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let entry = Line::parse(text).map_err(|m| wrong(Some(number), m))?;
            // A person may hold several keys; a key belongs to one name.
            let other = entries.iter().find(|e| e.key == entry.key);
            if let Some(other) = other {
                let message = format!(
                    "this key stands already under `{}`; one key is one person's",
                    other.principal
                );
                return Err(wrong(Some(number), message));
            }
            entries.push(entry);
        }
        let known: BTreeSet<&str> = entries.iter().map(|e| e.principal.as_str()).collect();
        let mut people: BTreeMap<String, String> =
            known.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        let mut joined: BTreeSet<&str> = BTreeSet::new();
        for (person, names) in &source.people {
            if known.contains(person.as_str()) && !names.contains(person) {
                let message = format!("`{person}` is a person, and a name of somebody's key");
                return Err(wrong(None, message));
            }
            for name in names {
                if !joined.insert(name) {
                    let message = format!("`{name}` belongs to two people");
                    return Err(wrong(None, message));
                }
                // Somebody without a key yet is nobody's mistake: they cannot sign.
                people.insert(name.clone(), person.clone());
            }
        }
        let mut groups = BTreeMap::new();
        for (group, names) in &source.groups {
            let mut members = BTreeSet::new();
            for name in names {
                let Some(person) = people.get(name) else {
                    let message =
                        format!("group `{group}` names `{name}`, who is not on the roster");
                    return Err(wrong(None, message));
                };
                members.insert(person.clone());
            }
            groups.insert(group.clone(), members);
        }
        let digest = digest(source).map_err(|e| wrong(None, e.to_string()))?;
        let (presence, solo) = (source.presence, source.solo);
        Ok(Self { entries, people, groups, presence, solo, digest })
    }

    /// The digest of everything that decides who may approve.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// When presence is demanded.
    pub const fn presence(&self) -> Presence {
        self.presence
    }

    /// Whether one person is the whole team.
    pub const fn solo(&self) -> bool {
        self.solo
    }

    /// How many people have a key.
    pub fn people_with_keys(&self) -> usize {
        let people: BTreeSet<&str> =
            self.entries.iter().map(|e| self.person(&e.principal)).collect();
        people.len()
    }

    /// Whether there are enough people with keys to agree to what needs so many.
    pub fn can_meet(&self, needs: &Needs) -> bool {
        let with_keys: BTreeSet<&str> =
            self.entries.iter().map(|e| self.person(&e.principal)).collect();
        needs.people.iter().all(|(group, count)| {
            let there = with_keys.iter().filter(|person| self.is_in(person, group)).count();
            there >= if self.solo { 1 } else { usize::from(*count) }
        })
    }

    /// The person behind a name; a name that nobody claims is a person of its own.
    pub fn person<'a>(&'a self, principal: &'a str) -> &'a str {
        self.people.get(principal).map_or(principal, String::as_str)
    }

    /// Whether a person belongs to a group; the empty name is everybody on the roster.
    pub fn is_in(&self, person: &str, group: &str) -> bool {
        if group.is_empty() {
            return self.people.values().any(|p| p == person);
        }
        self.groups.get(group).is_some_and(|members| members.contains(person))
    }

    pub(crate) fn entry(&self, key: &KeyData) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == *key)
    }
}

/// Over the lines that mean something: a comment is no rule.
fn digest(source: &RosterSource) -> Result<Digest, canonical::CanonicalError> {
    let lines: Vec<&str> = source
        .allowed_signers
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let rules = serde_json::json!({
        "lines": lines, "people": source.people, "groups": source.groups,
        "presence": source.presence, "solo": source.solo,
    });
    canonical::digest("interlock-roster/v1", &rules)
}
