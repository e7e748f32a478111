//! The permission sheet: what a plugin can do, asks for and cannot reach, for somebody who decides
//! whether to install it and does not read code. Everything on it is read off the bytes and the host's
//! catalogue; nothing is the plugin's word but its tools' names and its SDK's version.

use super::output::{BOLD, DIM, GREEN, RED, YELLOW, plain, size, styled};
use interlock_authority::{Catalogue, Class, Digest, InterfaceName, Scope, authorize::uses_names};
use interlock_sandbox::{Inspection, Tool};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A permission sheet as data.
#[derive(Debug, Serialize)]
pub(super) struct Sheet {
    name: String,
    digest: Digest,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk: Option<String>,
    tools: Vec<ToolLine>,
    asks_for: Vec<AskLine>,
    unknown: Vec<UnknownLine>,
    cannot_reach: Vec<ReachLine>,
    /// It can read folders, where a preopen names some.
    reads_folders: bool,
    inert: Vec<String>,
    passed_over: Vec<String>,
}

/// The WASI package that is inert only for as long as no preopen is granted.
const FILESYSTEM: &str = "wasi:filesystem";

#[derive(Debug, Serialize)]
struct ToolLine {
    name: String,
    arguments: Vec<String>,
    /// The most dangerous class the tool can reach; absent where it reaches nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reaches: Option<Class>,
    description: String,
}

#[derive(Debug, Serialize)]
struct AskLine {
    interface: InterfaceName,
    class: Class,
    functions: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
struct ReachLine {
    interface: InterfaceName,
    class: Class,
}

#[derive(Debug, Serialize)]
struct UnknownLine {
    import: String,
    problem: String,
}

impl Sheet {
    pub(super) fn new(name: &str, inspection: &Inspection, catalogue: &Catalogue) -> Self {
        let class_of = |interface: &InterfaceName, functions: &BTreeSet<String>| {
            functions
                .iter()
                .filter_map(|f| catalogue.function(interface, f).map(|f| f.class))
                .max()
                .unwrap_or(Class::Read)
        };
        Self {
            name: name.to_owned(),
            digest: inspection.digest,
            bytes: inspection.size,
            sdk: inspection.sdk.clone(),
            tools: inspection
                .tools
                .iter()
                .map(|tool| ToolLine {
                    name: tool.name.clone(),
                    arguments: argument_names(&tool.input_schema),
                    reaches: reaches(tool, inspection, catalogue),
                    description: tool.description.clone(),
                })
                .collect(),
            asks_for: inspection
                .imports
                .iter()
                .map(|(interface, functions)| AskLine {
                    interface: interface.clone(),
                    class: class_of(interface, functions),
                    functions: functions.clone(),
                })
                .collect(),
            unknown: inspection
                .unknown
                .iter()
                .map(|u| UnknownLine { import: u.import.clone(), problem: u.problem.clone() })
                .collect(),
            cannot_reach: catalogue
                .interfaces()
                .filter(|i| !inspection.imports.contains_key(&i.name))
                .map(|i| ReachLine { interface: i.name.clone(), class: i.class() })
                .collect(),
            reads_folders: can_read_folders(inspection),
            inert: inert_packages(&inspection.inert),
            passed_over: inspection.passed_over.clone(),
        }
    }

    /// What the plugin would be called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces that it would have to be granted.
    pub(super) fn asks_for(&self) -> impl Iterator<Item = &InterfaceName> {
        self.asks_for.iter().map(|line| &line.interface)
    }

    /// Whether each of its imports is something that this host knows.
    pub(super) fn is_served(&self) -> bool {
        self.unknown.is_empty()
    }

    /// The sheet for people.
    pub(super) fn text(&self) -> String {
        let mut out = styled(BOLD, format!("{:<36}", plain(&self.name)));
        out.push_str(&format!(" sha256:{}   {}", self.digest.short(), size(self.bytes)));
        if let Some(sdk) = &self.sdk {
            out.push_str(&format!("   interlock-guest {}", plain(sdk)));
        }
        out.push_str("\n\nTools\n");
        for tool in &self.tools {
            let call = plain(&format!("{}({})", tool.name, tool.arguments.join(", ")));
            let (style, words) = match tool.reaches {
                // It may reach something: nobody here knows what.
                None if !self.unknown.is_empty() => (YELLOW, "asks for what is not known here"),
                None => (GREEN, "reaches nothing outside the sandbox"),
                Some(Class::Read) => (GREEN, "only reads"),
                Some(Class::Change) => (YELLOW, "may change things"),
                Some(Class::Destroy) => (RED, "may destroy things"),
            };
            out.push_str(&format!("  {call:<34} {}\n", styled(style, words)));
        }
        self.asks(&mut out);
        if !self.unknown.is_empty() {
            out.push_str("\nAsks for what this host does not have\n");
            for unknown in &self.unknown {
                out.push_str(&format!(
                    "  {}  {}\n",
                    plain(&unknown.import),
                    plain(&unknown.problem)
                ));
            }
        }
        if !self.cannot_reach.is_empty() {
            out.push_str(&format!("\n{:<46} class\n", "Cannot reach"));
            for line in &self.cannot_reach {
                let name = line.interface.as_str();
                out.push_str(&format!("  {name:<44} {:<9} not imported\n", line.class));
            }
        }
        if !self.inert.is_empty() {
            out.push_str(
                "\nInert (present so that the language runtime starts; connected to nothing)\n",
            );
            out.push_str(&format!("  {}\n", styled(DIM, self.inert.join(", "))));
        }
        if !self.passed_over.is_empty() {
            out.push_str("\nExports that are not tools\n");
            for line in &self.passed_over {
                out.push_str(&format!("  {}\n", plain(line)));
            }
        }
        out
    }

    fn asks(&self, out: &mut String) {
        if self.asks_for.is_empty() && !self.reads_folders {
            if !self.unknown.is_empty() {
                return;
            }
            out.push_str("\nAsks for nothing: its arguments are all it sees.\n");
            return;
        }
        out.push_str(&format!("\n{:<46} class     functions it uses\n", "Asks for"));
        for line in &self.asks_for {
            let style = match line.class {
                Class::Read => GREEN,
                Class::Change => YELLOW,
                Class::Destroy => RED,
            };
            let functions: Vec<&str> = line.functions.iter().map(String::as_str).collect();
            out.push_str(&format!(
                "  {:<44} {} {}\n",
                line.interface.as_str(),
                styled(style, format!("{:<9}", line.class)),
                functions.join(", ")
            ));
        }
        if self.reads_folders {
            out.push_str(&format!(
                "  {FILESYSTEM:<44} {} only the folders that a preopen names; none where none does\n",
                styled(GREEN, format!("{:<9}", Class::Read))
            ));
        }
    }
}

/// The argument names of an input schema, in the order in which the schema has them.
fn argument_names(schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

/// The most dangerous class among the functions that a tool can reach: its plugin's imports, narrowed
/// by what it declared. The host enforces the narrowing, so the sheet may say it.
fn reaches(tool: &Tool, inspection: &Inspection, catalogue: &Catalogue) -> Option<Class> {
    inspection
        .imports
        .iter()
        .filter(|(name, _)| {
            tool.uses.as_ref().is_none_or(|uses| uses.iter().any(|u| uses_names(u, name)))
        })
        .flat_map(|(name, functions)| {
            functions.iter().filter_map(|f| catalogue.function(name, f).map(|f| f.class))
        })
        .chain(can_read_folders(inspection).then_some(Class::Read))
        .max()
}

/// Whether the plugin imports WASI's filesystem; without a preopen it finds no folder there.
fn can_read_folders(inspection: &Inspection) -> bool {
    inspection.inert.iter().any(|name| name.starts_with(FILESYSTEM))
}

/// `wasi:cli/environment@0.2.6` and its like as packages: `wasi:cli`.
fn inert_packages(interfaces: &[String]) -> Vec<String> {
    let packages: BTreeSet<&str> = interfaces
        .iter()
        .filter_map(|name| name.split('/').next())
        .filter(|p| *p != FILESYSTEM)
        .collect();
    packages.into_iter().map(str::to_owned).collect()
}

/// Which function is how dangerous, for messages about missing grants.
pub(super) fn functions_by_class(
    catalogue: &Catalogue,
    interface: &InterfaceName,
    functions: &BTreeSet<String>,
) -> BTreeMap<Class, Vec<(String, Scope)>> {
    let mut by_class: BTreeMap<Class, Vec<(String, Scope)>> = BTreeMap::new();
    for name in functions {
        if let Some(function) = catalogue.function(interface, name) {
            by_class.entry(function.class).or_default().push((name.clone(), function.scope));
        }
    }
    by_class
}
