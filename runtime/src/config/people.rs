//! Who may approve, who answers for whom, and how often people may be asked, as the configuration says it.

use super::{
    Reader,
    raw::{RawApprovers, RawConfig, RawRequests},
};
use crate::{HostError, config::edit::read_text};
use interlock_authority::{
    Principal, Resource,
    policy::{Attribute, PolicySource},
    roster::{Presence, RosterSource},
    vocabulary::is_segment,
};
use jiff::SignedDuration;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};
use toml::Spanned;

/// How often people may be asked, and for how long.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Requests of one principal in the window.
    pub count: u64,
    /// The window, seconds.
    pub per_seconds: u64,
    /// How long a principal waits after a denial, seconds.
    pub cooling_seconds: u64,
    /// How long a request waits, at most, and where no policy says; seconds.
    pub ttl_seconds: u64,
}

impl Default for Asking {
    fn default() -> Self {
        Self { count: 10, per_seconds: 3600, cooling_seconds: 600, ttl_seconds: 1800 }
    }
}

pub(super) fn requests(reader: &Reader<'_>, raw: &RawRequests) -> Result<Asking, HostError> {
    let mut asking = Asking::default();
    if let Some(rate) = &raw.per_principal {
        asking.count = rate.get_ref().count;
        asking.per_seconds = seconds(reader, &rate.get_ref().per)?;
    }
    if let Some(cooling) = &raw.cooling {
        asking.cooling_seconds = seconds(reader, cooling)?;
    }
    if let Some(ttl) = &raw.ttl {
        asking.ttl_seconds = seconds(reader, ttl)?;
    }
    Ok(asking)
}

/// A time such as `30m`, from one second to a year.
pub(super) fn seconds(reader: &Reader<'_>, at: &Spanned<String>) -> Result<u64, HostError> {
    let time = at.get_ref().parse::<SignedDuration>().ok();
    time.and_then(|time| u64::try_from(time.as_secs()).ok())
        .filter(|seconds| (1..=365 * 24 * 3600).contains(seconds))
        .ok_or_else(|| {
            reader.error(at, format!("`{}` is not a time; write one such as `30m`", at.get_ref()))
        })
}

pub(super) fn roster(
    reader: &Reader<'_>,
    raw: &RawApprovers,
    people: BTreeMap<String, Vec<String>>,
) -> Result<RosterSource, HostError> {
    let mut source = RosterSource { people, solo: raw.solo, ..RosterSource::default() };
    source.file = "[approvers]".to_owned();
    if let Some(file) = &raw.allowed_signers {
        let path = reader.path(file.get_ref());
        // INVARIANT FAIL-CLOSED: a roster that cannot be read is no empty roster.
        source.allowed_signers = read_text(&path).map_err(|e| reader.error(file, e.to_string()))?;
        source.file = path.display().to_string();
    }
    if let Some(presence) = &raw.presence {
        source.presence = match presence.get_ref().as_str() {
            "off" => Presence::Off,
            "destroy" => Presence::Destroy,
            _ => return Err(reader.error(presence, "presence is \"off\" or \"destroy\"")),
        };
    }
    for (name, members) in &raw.groups {
        if !is_segment(name.get_ref()) {
            let rule = "a group's name starts with a letter or digit, then letters, digits, `.`, `_` or `-`";
            return Err(reader.error(name, rule));
        }
        source.groups.insert(name.get_ref().clone(), members.clone());
    }
    Ok(source)
}

/// All policy files of the folder that the configuration names, in order of their names.
pub(super) fn policies(
    reader: &Reader<'_>,
    folder: Option<&Spanned<String>>,
) -> Result<(Option<PathBuf>, Vec<PolicySource>), HostError> {
    let Some(at) = folder else { return Ok((None, Vec::new())) };
    let folder = reader.path(at.get_ref());
    // INVARIANT FAIL-CLOSED: a folder that is named and is not there is an error, not an empty set.
    let entries = std::fs::read_dir(&folder).map_err(|e| {
        reader.error(at, format!("the policies in {} cannot be read: {e}", folder.display()))
    })?;
    let mut files = BTreeSet::new();
    for entry in entries {
        let path = entry.map_err(|e| reader.error(at, e.to_string()))?.path();
        if path.extension().is_some_and(|e| e == "cedar") {
            files.insert(path);
        }
    }
    let sources = files
        .iter()
        .map(|path| {
            let text = read_text(path).map_err(|e| reader.error(at, e.to_string()))?;
            Ok(PolicySource { file: path.display().to_string(), text })
        })
        .collect::<Result<Vec<_>, HostError>>()?;
    Ok((Some(folder), sources))
}

/// The teams of each principal.
pub(super) fn teams(raw: &RawConfig) -> BTreeMap<Principal, BTreeSet<String>> {
    let agents = raw.agents.iter().map(|(name, agent)| {
        (Principal::Agent(name.get_ref().clone()), agent.teams.iter().cloned().collect())
    });
    let people = raw.people.iter().map(|(name, person)| {
        (Principal::Person(name.get_ref().clone()), person.teams.iter().cloned().collect())
    });
    agents.chain(people).collect()
}

/// What the configuration says of resources.
pub(super) fn attributes(
    reader: &Reader<'_>,
    raw: &RawConfig,
) -> Result<BTreeMap<Resource, BTreeMap<String, Attribute>>, HostError> {
    let mut all = BTreeMap::new();
    let mut kinds: BTreeMap<&str, std::mem::Discriminant<Attribute>> = BTreeMap::new();
    for (name, values) in &raw.resources {
        let resource: Resource = reader.parse(name)?;
        let mut attributes = BTreeMap::new();
        for (key, value) in values {
            let attribute = match value {
                super::raw::RawAttribute::Bool(b) => Attribute::Bool(*b),
                super::raw::RawAttribute::Long(n) => Attribute::Long(*n),
                super::raw::RawAttribute::Text(text) => Attribute::Text(text.clone()),
            };
            if !is_segment(key) {
                return Err(reader.error(name, format!("`{}` is no name", key.escape_debug())));
            }
            let kind = std::mem::discriminant(&attribute);
            if *kinds.entry(key).or_insert(kind) != kind {
                let message = format!("`{key}` is of another kind on another resource");
                return Err(reader.error(name, message));
            }
            attributes.insert(key.clone(), attribute);
        }
        all.insert(resource, attributes);
    }
    Ok(all)
}
