//! What the configuration means: `raw.rs` is what was typed, [`Config`] is what it says, checked. A
//! configuration that loads has no dangling names, no unreadable sizes and no empty principals.

pub mod edit;
mod files;
mod http;
mod kv;
mod limits;
mod people;
pub(crate) mod places;
mod raw;
mod secrets;
mod serving;

pub use limits::RunLimits;
pub use people::Asking;
pub use places::wit_of;
pub use serving::Serving;

use crate::HostError;
use interlock_authority::{
    Digest, Grant, InterfaceName, Principal, Resource,
    budget::Budget,
    policy::{Attribute, PolicySource},
    roster::RosterSource,
    vocabulary::is_segment,
};
use interlock_providers::{
    files::FolderSettings, http::Endpoint, kv::Quota, secrets::SecretSource,
};
use raw::{RawConfig, RawGrant, RawPlugin};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use toml::Spanned;

/// A checked configuration. Paths are absolute or relative to the working directory, never to the file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// What people call the host.
    pub name: String,
    /// Where the host keeps keys, compiled artifacts and its journal.
    pub state: PathBuf,
    /// The journal's file.
    pub store: PathBuf,
    /// Places outside that keep checkpoints of the journal.
    pub publish: Vec<PathBuf>,
    /// The folder of the policies; absent where none is named, and then everything is refused.
    pub policy_folder: Option<PathBuf>,
    /// The policies, by file.
    pub policies: Vec<PolicySource>,
    /// Who may approve.
    pub roster: RosterSource,
    /// The file of their keys, where one is named.
    pub roster_file: Option<PathBuf>,
    /// Whether changed rules must be accepted by the people of the old ones.
    pub seal: bool,
    /// How often people may be asked.
    pub asking: Asking,
    /// The teams of each principal.
    pub teams: BTreeMap<Principal, BTreeSet<String>>,
    /// The people who operate each agent, by the names on the roster.
    pub operators: BTreeMap<String, Vec<String>>,
    /// What is said of resources, for policies.
    pub attributes: BTreeMap<Resource, BTreeMap<String, Attribute>>,
    /// Catalogue files, beside the built-in ones.
    pub catalogues: Vec<PathBuf>,
    /// Who asks on the command line where nobody is named.
    pub cli_principal: Option<Principal>,
    /// Where the embedded environment provider keeps its environments.
    pub environment_root: PathBuf,
    /// The installed plugins, by name.
    pub plugins: BTreeMap<String, PluginConfig>,
    /// Everyone who may ask.
    pub principals: BTreeSet<Principal>,
    /// The limits of every run.
    pub limits: RunLimits,
    /// Where secrets come from, by name.
    pub secrets: BTreeMap<String, SecretSource>,
    /// The endpoints that plugins can be granted, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// The folders that plugins can be granted, by name.
    pub files: BTreeMap<String, FolderSettings>,
    /// How much each plugin may keep.
    pub kv: Quota,
    /// How agents are served over HTTP.
    pub serving: Serving,
}

/// One installed plugin.
#[derive(Debug, Clone)]
pub struct PluginConfig {
    /// Its name on every surface.
    pub name: String,
    /// Where its bytes are.
    pub file: PathBuf,
    /// The identity of the bytes that were installed.
    pub digest: Digest,
    /// Who published it, by the name on the roster: they do not count for what it asks.
    pub publisher: Option<String>,
    /// Its standing grants.
    pub grants: Vec<Grant>,
    /// Host folders that it may read, and where it sees them.
    pub preopens: Vec<(PathBuf, String)>,
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    base: &'a Path,
}

impl Reader<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> HostError {
        let line = 1 + self.text.bytes().take(at.span().start).filter(|b| *b == b'\n').count();
        HostError::Config { file: self.file.into(), line: Some(line), message: message.into() }
    }

    fn parse<T: std::str::FromStr>(&self, at: &Spanned<String>) -> Result<T, HostError>
    where
        T::Err: std::fmt::Display,
    {
        at.get_ref().parse().map_err(|e: T::Err| self.error(at, e.to_string()))
    }

    fn path(&self, text: &str) -> PathBuf {
        self.base.join(text)
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn load(file: &Path) -> Result<Self, HostError> {
        let none = |message: &str| {
            Err(HostError::Config { file: file.into(), line: None, message: message.to_owned() })
        };
        match std::fs::metadata(file).map_err(|error| error.kind()) {
            Err(std::io::ErrorKind::NotFound) => {
                return none(
                    "there is no configuration here; make one with `interlock init`, or name another with `--config`",
                );
            }
            Err(std::io::ErrorKind::PermissionDenied) => {
                return none(
                    "the configuration may not be read by this user; commands run as the user of the host, and agents connect with `interlock mcp --connect`",
                );
            }
            // Whatever else is wrong is told when it is read.
            _ => {}
        }
        let text = edit::read_text(file)?;
        Self::parse(file, &text)
    }

    /// Checks a configuration's text; `file` is for messages and for paths relative to it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, HostError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| HostError::Config {
            file: file.into(),
            line: error
                .span()
                .map(|span| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count()),
            message: error.message().to_owned(),
        })?;
        let base = file.parent().unwrap_or_else(|| Path::new(""));
        let reader = Reader { file, text, base };
        let principals = principals(&reader, &raw)?;
        let cli_principal = raw
            .cli
            .principal
            .as_ref()
            .map(|at| {
                let principal: Principal = reader.parse(at)?;
                if principals.contains(&principal) {
                    Ok(principal)
                } else {
                    let table =
                        if matches!(principal, Principal::Agent(_)) { "agents" } else { "people" };
                    let name = principal.name().to_owned();
                    Err(reader.error(
                        at,
                        format!("`{principal}` is not configured; add a table `[{table}.{name}]`"),
                    ))
                }
            })
            .transpose()?;
        let mut plugins = BTreeMap::new();
        for plugin in &raw.plugin {
            let checked = check_plugin(&reader, plugin)?;
            if plugins.insert(checked.name.clone(), checked).is_some() {
                return Err(reader.error(&plugin.name, "another plugin has this name"));
            }
        }
        let secrets = secrets::check(&reader, &raw.secrets)?;
        let state = reader.path(raw.state.as_deref().unwrap_or(".interlock"));
        let (policy_folder, policies) = people::policies(&reader, raw.policies.as_ref())?;
        let people = raw
            .people
            .iter()
            .map(|(name, person)| (name.get_ref().clone(), person.principals.clone()))
            .collect();
        Ok(Self {
            file: file.to_owned(),
            name: host_name(&reader, raw.name.as_ref(), file)?,
            store: store(&reader, raw.store.url.as_ref(), &state)?,
            publish: publish(&reader, &raw.journal.publish, &state)?,
            policy_folder,
            policies,
            roster: people::roster(&reader, &raw.approvers, people)?,
            roster_file: (raw.approvers.allowed_signers.as_ref())
                .map(|file| reader.path(file.get_ref())),
            seal: raw.seal.required,
            asking: people::requests(&reader, &raw.requests)?,
            teams: people::teams(&raw),
            operators: raw
                .agents
                .iter()
                .map(|(name, agent)| (name.get_ref().clone(), agent.operators.clone()))
                .collect(),
            attributes: people::attributes(&reader, &raw)?,
            state,
            catalogues: raw.catalogues.iter().map(|c| reader.path(c.get_ref())).collect(),
            cli_principal,
            environment_root: reader
                .path(raw.environment.root.as_deref().unwrap_or("environments")),
            plugins,
            principals,
            limits: limits::check(&raw.limits, |at, message| reader.error(at, message))?,
            endpoints: http::check(&reader, &raw.http, &secrets)?,
            secrets,
            files: files::check(&reader, &raw.files)?,
            kv: kv::check(&reader, &raw.kv)?,
            serving: serving::check(&reader, &raw.serve)?,
        })
    }
}

/// The name that people know the host by: the folder's, where nobody says.
fn host_name(
    reader: &Reader<'_>,
    named: Option<&Spanned<String>>,
    file: &Path,
) -> Result<String, HostError> {
    if let Some(at) = named {
        return if is_segment(at.get_ref()) {
            Ok(at.get_ref().clone())
        } else {
            Err(reader.error(at, "a host's name has letters, digits, `.`, `_` and `-`"))
        };
    }
    let folder =
        std::path::absolute(file).ok().and_then(|f| Some(f.parent()?.file_name()?.to_owned()));
    let name = folder.map(|name| name.to_string_lossy().into_owned());
    Ok(name.filter(|name| is_segment(name)).unwrap_or_else(|| "interlock".to_owned()))
}

fn store(
    reader: &Reader<'_>,
    url: Option<&Spanned<String>>,
    state: &Path,
) -> Result<PathBuf, HostError> {
    let Some(at) = url else { return Ok(state.join("journal.db")) };
    match at.get_ref().strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        Some(path) => Ok(reader.path(path)),
        None => Err(reader.error(at, "the store is a file, such as `sqlite:interlock.db`")),
    }
}

/// Places outside: a checkpoint beside the journal is restored with it, and proves nothing.
fn publish(
    reader: &Reader<'_>,
    places: &[Spanned<String>],
    state: &Path,
) -> Result<Vec<PathBuf>, HostError> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    places
        .iter()
        .map(|at| {
            let place = reader.path(at.get_ref());
            if real(&place).starts_with(real(state)) {
                return Err(
                    reader.error(at, "a place for checkpoints lies outside the state folder")
                );
            }
            Ok(place)
        })
        .collect()
}

fn principals(reader: &Reader<'_>, raw: &RawConfig) -> Result<BTreeSet<Principal>, HostError> {
    let mut all = BTreeSet::new();
    let rule = "a name starts with a letter or digit, then letters, digits, `.`, `_` or `-`";
    for (name, agent) in &raw.agents {
        if !is_segment(name.get_ref()) {
            return Err(reader.error(name, rule));
        }
        if agent.teams.iter().chain(&agent.operators).any(|n| n.trim().is_empty()) {
            return Err(reader.error(name, "a team or an operator has an empty name"));
        }
        all.insert(Principal::Agent(name.get_ref().clone()));
    }
    for (name, person) in &raw.people {
        if !is_segment(name.get_ref()) {
            return Err(reader.error(name, rule));
        }
        if person.principals.iter().any(|n| n.trim().is_empty()) {
            return Err(reader.error(name, "one of the person's principals is empty"));
        }
        all.insert(Principal::Person(name.get_ref().clone()));
    }
    Ok(all)
}

/// Whether a name can be a plugin's: `[a-z0-9][a-z0-9-]{0,30}`, short enough for `plugin__tool` to be
/// a name that every MCP client takes.
pub fn is_plugin_name(name: &str) -> bool {
    name.len() <= 31
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn check_plugin(reader: &Reader<'_>, raw: &RawPlugin) -> Result<PluginConfig, HostError> {
    let name = raw.name.get_ref();
    if !is_plugin_name(name) {
        let rule = "a plugin's name has lower-case letters, digits and `-`, at most 31, and does not start with `-`";
        return Err(reader.error(&raw.name, rule));
    }
    if raw.file.get_ref().is_empty() {
        return Err(reader.error(&raw.file, "the file is empty"));
    }
    let mut preopens: Vec<(PathBuf, String)> = Vec::new();
    for preopen in &raw.preopens {
        let guest = preopen.guest.get_ref();
        let plain = guest
            .strip_prefix('/')
            .is_some_and(|path| path.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
        if !plain {
            return Err(reader.error(
                &preopen.guest,
                "a guest folder is an absolute path of plain segments, such as `/notes`",
            ));
        }
        if preopens.iter().any(|(_, other)| other == guest) {
            return Err(reader.error(&preopen.guest, "another folder of the plugin has this path"));
        }
        if preopen.host.get_ref().is_empty() {
            return Err(reader.error(&preopen.host, "the host folder is empty"));
        }
        preopens.push((reader.path(preopen.host.get_ref()), guest.clone()));
    }
    Ok(PluginConfig {
        name: name.clone(),
        file: reader.path(raw.file.get_ref()),
        digest: reader.parse(&raw.sha256)?,
        publisher: raw.publisher.as_ref().map(|p| p.get_ref().clone()),
        grants: raw.grant.iter().map(|g| check_grant(reader, g)).collect::<Result<_, _>>()?,
        preopens,
    })
}

fn check_grant(reader: &Reader<'_>, raw: &RawGrant) -> Result<Grant, HostError> {
    let interface: InterfaceName = reader.parse(&raw.capability)?;
    let resources =
        raw.resources.iter().map(|r| reader.parse::<Resource>(r)).collect::<Result<Vec<_>, _>>()?;
    let functions = raw.functions.as_ref().map(|f| f.get_ref().iter().cloned().collect());
    let budget = raw
        .budget
        .as_ref()
        .map(|at| {
            let per_seconds = people::seconds(reader, &at.get_ref().per)?;
            Ok::<_, HostError>(Budget { effects: at.get_ref().effects, per_seconds })
        })
        .transpose()?;
    Ok(Grant { interface, functions, resources, budget, elevation: None })
}
