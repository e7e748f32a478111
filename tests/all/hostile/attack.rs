//! One component of the corpus: what it tries, what must become of it under each shape of grants, and its bytes.
//!
//! The mistake it stops: an attack that «fails», and nobody said how it had to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::root;
use serde_json::{Value, json};

use super::shape::Shape;

/// Where it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Not installed, whatever is granted.
    Admission,
    /// Not installed, because what it imports is not granted: nothing is linked.
    Link,
    /// Installed, and its call ends so.
    Run,
}

/// What its file holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// WebAssembly text.
    Text(String),
    Bytes(Vec<u8>),
}

/// One component.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    /// Also the name that it is installed under.
    pub(crate) name: String,
    pub(crate) attack: String,
    /// Rows of the threat model.
    pub(crate) threats: Vec<String>,
    pub(crate) must: String,
    /// Capabilities that it imports, such as `environment/observe`.
    pub(crate) needs: Vec<String>,
    stops: Stop,
    exit: i32,
    exits: BTreeMap<String, i32>,
    effects: BTreeMap<String, u64>,
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    /// Words of the answer, where it ran with all that it wants.
    pub(crate) says: Vec<String>,
    /// It is called a second time, and must come to the same.
    pub(crate) again: bool,
    pub(crate) content: Content,
}

impl Attack {
    /// An attack that is installed and runs; what must become of it is said by the methods below.
    pub(crate) fn new(name: &str, threats: &str, attack: &str, content: Content) -> Self {
        Self {
            name: name.into(),
            attack: attack.into(),
            threats: threats.split_whitespace().map(str::to_owned).collect(),
            must: String::new(),
            needs: Vec::new(),
            stops: Stop::Run,
            exit: 0,
            exits: BTreeMap::new(),
            effects: BTreeMap::new(),
            tool: "run".into(),
            arguments: json!({}),
            says: Vec::new(),
            again: false,
            content,
        }
    }

    /// Refused before anything of it runs (or after `describe`, for those that attack with it).
    pub(crate) fn refused(mut self, exit: i32, must: &str) -> Self {
        (self.stops, self.exit, self.must) = (Stop::Admission, exit, must.into());
        self
    }

    /// Runs, and ends so.
    pub(crate) fn ends(mut self, exit: i32, must: &str) -> Self {
        (self.stops, self.exit, self.must) = (Stop::Run, exit, must.into());
        self
    }

    pub(crate) fn needs(mut self, capabilities: &[&str]) -> Self {
        self.needs = capabilities.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Another exit code under one shape.
    pub(crate) fn under(mut self, shape: &str, exit: i32) -> Self {
        self.exits.insert(shape.into(), exit);
        self
    }

    /// So many effects at most, all of them granted, under one shape.
    pub(crate) fn effects(mut self, shape: &str, most: u64) -> Self {
        self.effects.insert(shape.into(), most);
        self
    }

    pub(crate) fn says(mut self, words: &str) -> Self {
        self.says.push(words.into());
        self
    }

    pub(crate) fn calls(mut self, tool: &str, arguments: Value) -> Self {
        (self.tool, self.arguments) = (tool.into(), arguments);
        self
    }

    /// Whether all that it imports is granted.
    pub(crate) fn has_all(&self, shape: &Shape) -> bool {
        self.needs.iter().all(|capability| shape.grants(capability))
    }

    /// Where it must end under a shape, and with which exit code.
    pub(crate) fn expected(&self, shape: &Shape) -> (Stop, i32) {
        if !self.has_all(shape) {
            return (Stop::Link, 3);
        }
        (self.stops, self.exits.get(shape.name).copied().unwrap_or(self.exit))
    }

    /// How many effects it may have under a shape.
    pub(crate) fn most_effects(&self, shape: &Shape) -> u64 {
        self.effects.get(shape.name).copied().unwrap_or(0)
    }
}

/// A header of a file: `;; key: value`, where a key may be followed by the name of a shape.
fn headers(text: &str) -> Result<Vec<(String, String)>> {
    text.lines()
        .map_while(|line| line.strip_prefix(";; "))
        .map(|line| {
            let (key, value) = line.split_once(':').with_context(|| format!("`{line}`"))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// Reads a component that was written by hand.
pub(crate) fn read(name: &str, text: &str) -> Result<Attack> {
    let mut attack = Attack::new(name, "", "", Content::Text(text.to_owned()));
    let mut said = BTreeSet::new();
    for (key, value) in headers(text)? {
        let (key, shape) = key.split_once(' ').unwrap_or((&key, ""));
        if !shape.is_empty() {
            ensure!(Shape::named(shape).is_some(), "{name}: `{shape}` is no shape of grants");
        }
        match (key, shape) {
            ("attack", "") => attack.attack = value,
            ("threat", "") => {
                attack.threats = value.split_whitespace().map(str::to_owned).collect();
            }
            ("must", "") => attack.must = value,
            ("needs", "") => attack.needs = value.split_whitespace().map(str::to_owned).collect(),
            ("stops", "") => {
                attack.stops = match value.as_str() {
                    "admission" => Stop::Admission,
                    "run" => Stop::Run,
                    other => bail!("{name}: `{other}` is no place to stop"),
                }
            }
            ("exit", "") => attack.exit = value.parse()?,
            ("exit", shape) => drop(attack.exits.insert(shape.into(), value.parse()?)),
            ("effects", shape) if !shape.is_empty() => {
                attack.effects.insert(shape.into(), value.parse()?);
            }
            ("call", "") => {
                let (tool, arguments) = value.split_once(' ').unwrap_or((&value, "{}"));
                (attack.tool, attack.arguments) = (tool.into(), serde_json::from_str(arguments)?);
            }
            ("says", "") => attack.says.push(value),
            ("again", "") => attack.again = value == "same",
            _ => bail!("{name}: `{key}` is not a header"),
        }
        said.insert(key.to_owned());
    }
    for key in ["attack", "threat", "must", "stops", "exit"] {
        ensure!(said.contains(key), "{name} has no `{key}:`");
    }
    Ok(attack)
}

/// The components of `tests/hostile/`.
pub(crate) fn written() -> Result<Vec<Attack>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/hostile"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path)?;
            all.push(read(&name, &text).with_context(|| name.clone())?);
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}
