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
        let wit = |source: &'_ CatalogueSource| source.wit.clone();
        let mut catalogues = texts(
            sources
                .iter()
                .flat_map(|s| [(s.file.clone(), s.text.clone())].into_iter().chain(wit(s))),
        );
        if !places.is_empty() {
            catalogues.insert("places".to_owned(), places);
        }
        let text = RulesText {
            policies: texts(config.policies.iter().map(|p| (p.file.clone(), p.text.clone()))),
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
            for of_it in text.lines() {
                line(out, &format!("{name}: {of_it}"));
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
                line(&mut out, &format!("{what} {name}: {}", members.join(", ")));
            }
        }
        for (principal, teams) in &self.teams {
            let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
            line(&mut out, &format!("teams of {principal}: {}", teams.join(", ")));
        }
        for attribute in &self.attributes {
            line(&mut out, &format!("resource {attribute}"));
        }
        let presence = if roster.presence == Presence::Destroy { "destroy" } else { "off" };
        out.push_str(&format!(
            "presence: {presence}\nsolo: {}\nseal: {}\n",
            roster.solo, self.seal
        ));
        out
    }
}

/// INVARIANT SHOWN-IS-SIGNED: one thing is one line. A name with a line's end in it makes no second one.
fn line(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            // As it stands in files.
            '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out.push('\n');
}

fn name_of(file: &str) -> String {
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    // A name ends where its text begins, so it is one word.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let shown = |c: char| if plain(c) { c.to_string() } else { c.escape_unicode().to_string() };
    name.chars().map(shown).collect()
}

/// Files by short names; where one is taken, by the name and a number. None is left out: whatever binds is shown to
/// whoever is to accept it.
fn texts(files: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (file, text) in files {
        let short = name_of(&file);
        let numbered = (1_u32..).map(|number| format!("{short} ({number})"));
        let name = [short.clone()].into_iter().chain(numbered).find(|n| !all.contains_key(n));
        all.insert(name.unwrap_or(file), text);
    }
    all
}

/// Where resources lead: endpoints and folders, a line for each thing that is said of one.
fn places(config: &Config) -> String {
    let mut out = String::new();
    for (name, endpoint) in &config.endpoints {
        for (key, value) in endpoint.said() {
            line(&mut out, &format!("http.{name} {key} = {value}"));
        }
    }
    for (name, folder) in &config.files {
        line(&mut out, &format!("files.{name} path = {}", folder.path.display()));
        line(&mut out, &format!("files.{name} write = {}", folder.write));
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(policies: &[(&str, &str)]) -> RulesText {
        let files = policies.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
        RulesText { policies: texts(files), ..RulesText::default() }
    }

    /// INVARIANT SHOWN-IS-SIGNED: what binds is what is shown, to the last file.
    #[test]
    fn shown_is_signed_every_file_of_the_rules_is_shown_whatever_it_is_called() {
        let lossy = String::from_utf8_lossy(b"policies/z\xfe.cedar").into_owned();
        for files in [
            [("a/x.cedar", "one"), ("b/x.cedar", "two"), ("c/x.cedar", "three")],
            [("a/x.cedar (1)", "one"), ("a/x.cedar", "two"), ("b/x.cedar", "three")],
            [("a/x y.cedar", "one"), ("b/x y.cedar", "two"), ("c/x y.cedar (1)", "three")],
            [(lossy.as_str(), "one"), (lossy.as_str(), "two"), ("x.cedar", "three")],
        ] {
            let lines = of(&files).lines();
            for word in ["one", "two", "three"] {
                assert_eq!(lines.matches(&format!(": {word}\n")).count(), 1, "{lines}");
            }
        }
    }

    #[test]
    fn shown_is_signed_no_name_makes_a_line_of_another() {
        let forged = "default.cedar: forbid (principal, action, resource);\nzz.cedar";
        let mut text = of(&[("default.cedar", "permit"), (forged, "text")]);
        text.operators.insert("bot\nsolo: true".into(), vec!["a\nseal: false".into()]);
        text.attributes.push("a\nb".into());
        let lines = text.lines();
        assert!(!lines.contains("default.cedar: forbid"), "{lines}");
        // Two files, one operator, one attribute, presence, solo and seal.
        assert_eq!(lines.lines().count(), 7, "{lines}");
        assert_eq!(lines.lines().filter(|line| line.starts_with("solo: ")).count(), 1);
    }
}
