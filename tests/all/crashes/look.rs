//! What can be seen afterwards: effects counted on disk without asking the host, and what its journal says,
//! read with the real binary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use interlock_tests::run;
use serde_json::Value;

use super::scene::Place;

/// An effect as the plugin asked for it: the content that it wrote, or the service that it stopped.
pub(super) type What = String;

/// How often each effect is to be seen on disk, and how many have begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) seen: BTreeMap<What, usize>,
    /// The provider's own counter of effects, which only grows.
    pub(super) begun: u64,
}

/// Looks at the environments' files.
pub(super) fn look_at_world(deployment: &Path) -> Result<World> {
    let root = deployment.join("environments");
    let number = |file: &Path, name: &str| -> Result<Option<Value>> {
        if !file.is_file() {
            return Ok(None);
        }
        let state: Value = serde_json::from_slice(&std::fs::read(file)?)
            .with_context(|| format!("{} is torn", file.display()))?;
        Ok(state.get(name).cloned())
    };
    let begun = number(&root.join(".interlock/state.json"), "counter")?;
    let begun = begun.and_then(|counter| counter.as_u64()).unwrap_or(0);
    let mut seen = BTreeMap::new();
    for service in ["api", "db", "worker"] {
        let folder = root.join("prod/services").join(service);
        if number(&folder.join("state.json"), "stopped")? == Some(Value::Bool(true)) {
            *seen.entry(service.to_owned()).or_default() += 1;
        }
        let Ok(versions) = std::fs::read_dir(folder.join("config")) else { continue };
        for version in versions {
            let version = version?;
            // What begins with a dot was never put in its place.
            if !version.file_name().to_string_lossy().starts_with('.') {
                let content = std::fs::read_to_string(version.path())?;
                if ["one", "two", "three"].contains(&content.as_str()) {
                    *seen.entry(content).or_default() += 1;
                }
            }
        }
    }
    Ok(World { seen, begun })
}

/// What the journal says.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Invocation and step of each intent, with what it was.
    pub(super) intents: BTreeMap<(String, u64), What>,
    /// The tickets that intents spent, by request and step.
    pub(super) tickets: Vec<(String, u64)>,
    /// Intents whose end is told, with how.
    pub(super) outcomes: BTreeMap<(String, u64), String>,
    pub(super) claims: usize,
    /// Who signed.
    pub(super) people: Vec<String>,
}

impl Told {
    /// Intents whose end nobody knows.
    pub(super) fn open(&self) -> BTreeSet<String> {
        let known = |key: &&(String, u64)| self.outcomes.get(*key).is_some_and(|s| s != "unknown");
        let open = self.intents.keys().filter(|key| !known(key));
        open.map(|(invocation, step)| format!("{invocation}/{step}")).collect()
    }

    /// How often each effect was announced.
    pub(super) fn announced(&self, what: &str) -> usize {
        self.intents.values().filter(|announced| *announced == what).count()
    }
}

/// Has the journal verified, and read.
pub(super) fn look_at_journal(place: &Place) -> Result<Told> {
    let path = place.path();
    let verified = run(path, &["journal", "verify", "--json"], "")?;
    ensure!(verified.code == 0, "the journal does not verify\n{verified}");
    let all = run(path, &["journal", "list", "--last", "1000", "--json"], "")?.exit(0)?.json()?;
    let mut told = Told::default();
    for leaf in all.as_array().context("not a list")? {
        let (kind, event) = (leaf["kind"].as_str().unwrap_or_default(), &leaf["event"]);
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let key = || (text("invocation"), event["step"].as_u64().unwrap_or_default());
        match kind {
            "intent" => {
                let arguments = &event["arguments"];
                let what = arguments["content"].as_str().or(arguments["service"].as_str());
                let what = what.context("an intent of nothing")?.to_owned();
                ensure!(told.intents.insert(key(), what).is_none(), "an intent is there twice");
                if let Some(request) = event.pointer("/ticket/request").and_then(Value::as_str) {
                    let step =
                        event.pointer("/ticket/step").and_then(Value::as_u64).unwrap_or_default();
                    told.tickets.push((request.to_owned(), step));
                }
            }
            "outcome" => {
                told.outcomes.insert(key(), text("status"));
            }
            "claim" => told.claims += 1,
            "approval" => told.people.push(text("person")),
            _ => {}
        }
    }
    Ok(told)
}
