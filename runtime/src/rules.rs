//! The rules in force: policies, catalogues and approvers, each with the digest that binds a request to
//! them. A request of another epoch is refused with the name of the part that changed.

use crate::{Config, HostError, config::PluginConfig, validated::Validated};
use interlock_authority::{
    Catalogue, Digest, Resource, canonical,
    catalogue::CatalogueSource,
    epoch::Epoch,
    policy::{Attribute, Directory, Policies},
    roster::{Presence, Roster, RosterSource},
    seal::Sealed,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// The rules in force.
#[derive(Clone)]
pub struct Rules {
    /// The policies.
    pub policies: Arc<Policies>,
    /// Who may approve.
    pub roster: Arc<Roster>,
    /// The digests of policies, catalogues and approvers.
    pub epoch: Epoch,
    /// The same with the seal, as the journal tells it.
    pub sealed: Sealed,
    /// All of it as text, for the journal.
    pub text: RulesText,
}

impl Rules {
    /// Reads the rules of a configuration. Policies that `validated` holds are read, but not validated again.
    ///
    /// # Errors
    /// Policies or a roster that mean nothing. INVARIANT FAIL-CLOSED: a host does not start with them.
    pub fn load(
        config: &Config,
        sources: &[CatalogueSource],
        catalogue: &Arc<Catalogue>,
        validated: Option<&Validated>,
    ) -> Result<Self, HostError> {
        let roster = Roster::parse(&config.roster)?;
        let directory = Directory {
            teams: config.teams.clone(),
            attributes: config.attributes.clone(),
            groups: config.roster.groups.keys().cloned().collect::<BTreeSet<_>>(),
        };
        let mut before = false;
        let known = |digest| {
            before = validated.is_some_and(|validated| validated.holds(digest));
            before
        };
        let policies = Policies::load_unless(&config.policies, catalogue, directory, known)
            .map_err(HostError::Policies)?;
        if let Some(validated) = validated
            && !before
        {
            validated.keep(policies.digest());
        }
        let places = places(config);
        let mut catalogues: Vec<Value> = sources
            .iter()
            .map(|s| {
                let wit: Vec<&String> = s.wit.iter().map(|(_, text)| text).collect();
                json!({"text": s.text, "wit": wit})
            })
            .collect();
        // Where a resource leads is a rule like what may be done to it.
        if !places.is_empty() {
            catalogues.push(json!({"places": places}));
        }
        let operators: BTreeMap<String, &Vec<String>> =
            config.operators.iter().map(|(agent, names)| (agent.clone(), names)).collect();
        let approvers = json!({
            "roster": roster.digest(),
            "operators": operators,
            "seal": config.seal,
        });
        let epoch = Epoch {
            policies: policies.digest(),
            catalogues: digest("interlock-catalogues/v1", &Value::from(catalogues))?,
            approvers: digest("interlock-approvers/v1", &approvers)?,
        };
        let mut catalogues = texts(sources);
        if !places.is_empty() {
            catalogues.insert("places".to_owned(), places);
        }
        let text = RulesText {
            policies: config.policies.iter().map(|p| (name_of(&p.file), p.text.clone())).collect(),
            catalogues,
            roster: config.roster.clone(),
            operators: config.operators.clone(),
            teams: config.teams.iter().map(|(p, t)| (p.to_string(), t.clone())).collect(),
            attributes: attributes(config),
            seal: config.seal,
        };
        let needs = policies.largest_needs();
        Ok(Self {
            policies: Arc::new(policies),
            roster: Arc::new(roster),
            epoch: epoch.clone(),
            sealed: Sealed { epoch, seal: config.seal, needs },
            text,
        })
    }
}

/// The rules as text: what the journal keeps of them, so that a later host can still say what they were, and
/// count by the roster that they had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesText {
    /// Policies, by the names of their files.
    pub policies: BTreeMap<String, String>,
    /// Catalogues and their WIT, by the names of their files.
    pub catalogues: BTreeMap<String, String>,
    /// Who may approve.
    pub roster: RosterSource,
    /// Who operates each agent.
    pub operators: BTreeMap<String, Vec<String>>,
    /// The teams of each principal.
    pub teams: BTreeMap<String, BTreeSet<String>>,
    /// What is said of resources, one line each.
    pub attributes: Vec<String>,
    /// Whether a change must be accepted.
    pub seal: bool,
}

impl RulesText {
    /// One text for a comparison line by line. Everything that the digests cover is in it.
    pub fn lines(&self) -> String {
        let mut out = String::new();
        let file = |out: &mut String, name: &str, text: &str| {
            for line in text.lines() {
                out.push_str(&format!("{name}: {line}\n"));
            }
        };
        for (name, text) in self.policies.iter().chain(&self.catalogues) {
            file(&mut out, name, text);
        }
        let roster = &self.roster;
        file(&mut out, "allowed_signers", &roster.allowed_signers);
        let lists = [
            ("people", &roster.people),
            ("groups", &roster.groups),
            ("operators of", &self.operators),
        ];
        for (what, list) in lists {
            for (name, members) in list {
                out.push_str(&format!("{what} {name}: {}\n", members.join(", ")));
            }
        }
        for (principal, teams) in &self.teams {
            let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
            out.push_str(&format!("teams of {principal}: {}\n", teams.join(", ")));
        }
        for line in &self.attributes {
            out.push_str(&format!("resource {line}\n"));
        }
        let presence = if roster.presence == Presence::Destroy { "destroy" } else { "off" };
        out.push_str(&format!(
            "presence: {presence}\nsolo: {}\nseal: {}\n",
            roster.solo, self.seal
        ));
        out
    }
}

fn name_of(file: &str) -> String {
    Path::new(file)
        .file_name()
        .map_or_else(|| file.to_owned(), |n| n.to_string_lossy().into_owned())
}

/// Catalogues and WIT by short names; a name that two files have gets a number.
fn texts(sources: &[CatalogueSource]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let files = sources.iter().flat_map(|source| {
        let wit = source.wit.iter().map(|(name, text)| (name, text));
        [(&source.file, &source.text)].into_iter().chain(wit)
    });
    for (name, text) in files {
        let name = name_of(name);
        let taken = all.keys().filter(|k: &&String| k.starts_with(&name)).count();
        let name = if taken == 0 { name } else { format!("{name} ({taken})") };
        all.insert(name, text.clone());
    }
    all
}

/// Where resources lead: endpoints and folders, a line for each thing that is said of one.
fn places(config: &Config) -> String {
    let one = |(name, endpoint): (&String, &interlock_providers::http::Endpoint)| {
        let said = endpoint.said();
        said.iter().map(|(key, value)| format!("http.{name} {key} = {value}\n")).collect::<String>()
    };
    let folder = |(name, folder): (&String, &interlock_providers::files::FolderSettings)| {
        let (path, write) = (folder.path.display(), folder.write);
        format!("files.{name} path = {path}\nfiles.{name} write = {write}\n")
    };
    let endpoints: String = config.endpoints.iter().map(one).collect();
    endpoints + &config.files.iter().map(folder).collect::<String>()
}

fn attributes(config: &Config) -> Vec<String> {
    let one = |(resource, values): (&Resource, &BTreeMap<String, Attribute>)| {
        let values = serde_json::to_string(values).unwrap_or_default();
        format!("{resource}: {values}")
    };
    config.attributes.iter().map(one).collect()
}

/// The digest of what a plugin may do by itself: the part of the epoch that is the plugin's own.
///
/// # Errors
/// When the grants have no canonical form.
pub fn grants_digest(plugin: &PluginConfig) -> Result<Digest, HostError> {
    let grants = json!({
        "grants": plugin.grants,
        "preopens": plugin.preopens.iter().map(|(h, g)| json!([h.display().to_string(), g])).collect::<Vec<_>>(),
        "publisher": plugin.publisher,
    });
    digest("interlock-grants/v1", &grants)
}

fn digest(domain: &str, value: &Value) -> Result<Digest, HostError> {
    Ok(canonical::digest(domain, value)?)
}
