//! Admission: everything that is decided about a plugin's bytes before anything of it may run. The
//! order matters: shape, compilation, imports against the host and the grants, types, and only then,
//! for plugins of the SDK, `describe`, with nothing granted.

mod definitions;
pub(crate) mod description;
mod exports;
mod imports;
pub(crate) mod schema;
mod structure;
mod text;
mod types_are_ours;

pub use description::Described;
pub(crate) use exports::Export;

use crate::{
    AdmissionError, Artifact, Form, Interrupt, Limits, MissingGrant, PluginBytes, RunOutcome,
    RunSettings, Tool,
    engine::TickingEngine,
    excerpt,
    link::{self, Linkable, Links},
    run::{self, Observed, RunState},
    value::{Floats, to_json},
};
use exports::Exports;
use imports::ImportSheet;
use interlock_authority::{
    Catalogue, Digest, Grant, LinkState, Refusal,
    authorize::{Imports, check_imports},
    refusal::Withheld,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use wasmtime::component::{Component, InstancePre};

/// How long `describe` may take, start functions included.
const DESCRIBE_TIME: Duration = Duration::from_secs(5);

/// What a plugin is, as read from its bytes and from `describe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// Its identity.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The capability functions it imports, by interface.
    pub imports: Imports,
    /// The WASI interfaces it imports; the host links them inert.
    pub inert: Vec<String>,
    /// Imports that this host does not know, each with what is wrong. Empty for an admitted plugin.
    #[serde(skip)]
    pub unknown: Vec<UnknownImport>,
    /// Its tools, by name.
    pub tools: Vec<Tool>,
    /// Exports that are not tools, each with why.
    pub passed_over: Vec<String>,
    /// The contract it was written for.
    pub form: Form,
    /// The version of the guest SDK it says it was built with.
    pub sdk: Option<String>,
    /// Where its compiled artifact came from.
    #[serde(skip, default = "cached")]
    pub artifact: Artifact,
}

/// Where the artifact is of a plugin that was admitted before.
const fn cached() -> Artifact {
    Artifact::Cached
}

impl Inspection {
    /// A tool by name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Whether another look at the same plugin found the same, wherever its artifact came from.
    pub fn agrees(&self, other: &Self) -> bool {
        Self { artifact: other.artifact.clone(), ..self.clone() } == *other
    }
}

/// An import that this host cannot link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImport {
    /// The import's name.
    pub import: String,
    /// What the host has instead, and the next step.
    pub problem: String,
}

/// A plugin that may be run: checked, compiled and described. Cheap to clone.
#[derive(Clone)]
pub struct Admitted {
    pub(crate) inspection: Arc<Inspection>,
    pub(crate) runnable: Arc<Runnable>,
}

impl std::ops::Deref for Admitted {
    type Target = Inspection;
    fn deref(&self) -> &Inspection {
        &self.inspection
    }
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Admitted").field(&self.inspection).finish()
    }
}

/// The compiled side of an admitted plugin.
pub(crate) struct Runnable {
    pub(crate) component: Component,
    pub(crate) linkable: Linkable,
    pub(crate) target: Target,
    /// INVARIANT ABSENT-NOT-DENIED: an instance is reused for the very same link states of this very
    /// admission only.
    pub(crate) linked: Mutex<Vec<(Links, InstancePre<RunState>)>>,
}

/// What is called for a tool.
pub(crate) enum Target {
    /// `call` of the SDK contract, for each tool.
    Sdk(Export),
    /// The tool's own export.
    Wit(BTreeMap<String, Export>),
}

/// A plugin whose shape, imports and exports were read. Nothing of it ran.
struct Read {
    component: Component,
    sheet: ImportSheet,
    exports: Exports,
    passed_over: Vec<String>,
    sdk: Option<String>,
    artifact: Artifact,
}

/// Checks the shape of a plugin, which needs no compilation.
///
/// # Errors
/// Not a component, or out of bounds.
pub(crate) fn check_shape(plugin: &PluginBytes) -> Result<Option<String>, AdmissionError> {
    Ok(structure::read(plugin.bytes())?.sdk)
}

/// Reads a compiled plugin for `inspect`.
///
/// # Errors
/// As [`admit`], except for what a grant or an unknown import would make one.
pub(crate) async fn inspect(
    engine: &TickingEngine,
    plugin: &PluginBytes,
    compiled: (Component, Artifact),
    sdk: Option<String>,
    catalogue: &Catalogue,
) -> Result<Inspection, AdmissionError> {
    let read = read(engine, compiled, sdk, catalogue)?;
    let (inspection, _) = finish(engine, plugin, read).await?;
    Ok(inspection)
}

/// Admits a compiled plugin under grants.
///
/// # Errors
/// Why not.
pub(crate) async fn admit(
    engine: &TickingEngine,
    bytes: &PluginBytes,
    compiled: (Component, Artifact),
    sdk: Option<String>,
    plugin: &str,
    grants: &[Grant],
    catalogue: &Catalogue,
) -> Result<Admitted, AdmissionError> {
    let read = read(engine, compiled, sdk, catalogue)?;
    if let Some(unknown) = read.sheet.unknown.first() {
        let UnknownImport { import, problem } = unknown.clone();
        return Err(AdmissionError::UnknownImport { import, problem });
    }
    // INVARIANT ABSENT-NOT-DENIED: before one instruction of the plugin runs.
    if let Err(refusals) = check_imports(plugin, &read.sheet.imports, grants, catalogue) {
        return Err(not_granted(plugin, &read.sheet.imports, refusals));
    }
    let (inspection, runnable) = finish(engine, bytes, read).await?;
    Ok(Admitted { inspection: Arc::new(inspection), runnable: Arc::new(runnable) })
}

fn not_granted(plugin: &str, imports: &Imports, refusals: Vec<Refusal>) -> AdmissionError {
    let mut missing = Vec::new();
    for refusal in refusals {
        match refusal {
            Refusal::NotGranted { interface, .. } => {
                let functions = imports.get(&interface).cloned().unwrap_or_default();
                missing.push(MissingGrant { interface, functions });
            }
            other => {
                return AdmissionError::UnknownImport {
                    import: plugin.to_owned(),
                    problem: format!("which is refused: {other}"),
                };
            }
        }
    }
    AdmissionError::NotGranted { plugin: plugin.to_owned(), missing }
}

fn read(
    engine: &TickingEngine,
    (component, artifact): (Component, Artifact),
    sdk: Option<String>,
    catalogue: &Catalogue,
) -> Result<Read, AdmissionError> {
    let sheet = imports::read(engine.engine(), &component.component_type(), catalogue);
    let (exports, passed_over) = exports::read(engine.engine(), &component)?;
    Ok(Read { component, sheet, exports, passed_over, sdk, artifact })
}

/// Types, then `describe`.
async fn finish(
    engine: &TickingEngine,
    plugin: &PluginBytes,
    mut read: Read,
) -> Result<(Inspection, Runnable), AdmissionError> {
    // INVARIANT TYPES-ARE-OURS.
    if let Some(wrong) = read.sheet.wrong_type.take() {
        return Err(wrong);
    }
    // Also where nothing is described: what cannot be linked now cannot be linked later.
    let linked = describable(engine, &read.component, &read.sheet);
    let (form, tools, target) = match read.exports {
        Exports::Wit(found) => {
            let (tools, exports): (Vec<Tool>, Vec<_>) =
                found.into_iter().map(|(tool, export)| (tool.clone(), (tool.name, export))).unzip();
            if read.sheet.unknown.is_empty() {
                linked?;
            }
            (Form::Wit, tools, Target::Wit(exports.into_iter().collect()))
        }
        Exports::Sdk { describe, call } => {
            let tools = self::describe(engine, &linked?, &describe).await?;
            (Form::Sdk, tools, Target::Sdk(call))
        }
    };
    let inspection = Inspection {
        digest: plugin.digest(),
        size: plugin.len(),
        imports: read.sheet.imports,
        inert: read.sheet.inert,
        unknown: read.sheet.unknown,
        tools,
        passed_over: read.passed_over,
        form,
        sdk: read.sdk,
        artifact: read.artifact,
    };
    let runnable = Runnable {
        component: read.component,
        linkable: read.sheet.linkable,
        target,
        linked: Mutex::default(),
    };
    Ok((inspection, runnable))
}

/// The plugin with every import a stub: no capability is live in it.
fn describable(
    engine: &TickingEngine,
    component: &Component,
    sheet: &ImportSheet,
) -> Result<InstancePre<RunState>, AdmissionError> {
    let failed =
        |e: wasmtime::Error| AdmissionError::Unlinkable(excerpt::sentence(format!("{e:#}")));
    let links = sheet.linkable.all(LinkState::Withheld(Withheld::Describing));
    let mut linker = link::linker(engine.engine(), &sheet.linkable, &links).map_err(failed)?;
    if !sheet.unknown.is_empty() {
        link::stub_unknown(engine.engine(), &mut linker, component, &links).map_err(failed)?;
    }
    linker.instantiate_pre(component).map_err(failed)
}

/// Runs `describe`. No gate is in its store.
async fn describe(
    engine: &TickingEngine,
    instance: &InstancePre<RunState>,
    export: &Export,
) -> Result<Vec<Tool>, AdmissionError> {
    let settings = RunSettings {
        limits: Limits { time: DESCRIBE_TIME, ..Limits::default() },
        preopens: Vec::new(),
        clock_base: SystemTime::UNIX_EPOCH,
        seed: [0; 32],
        deadline: None,
        interrupt: Interrupt::default(),
    };
    let returned = run::call(run::Call {
        engine,
        instance,
        export: export.index,
        parameters: Vec::new(),
        results: export.function.results().len(),
        settings: &settings,
        gate: None,
        observed: Observed::new(settings.limits.log),
    })
    .await
    .map_err(|outcome| AdmissionError::DescribeFailed {
        message: failure(&outcome),
        outcome: Box::new(outcome),
    })?;
    let (Some(val), Some(ty)) = (returned.results.first(), export.function.results().next()) else {
        return Err(AdmissionError::BadDescription("`describe` returned nothing".into()));
    };
    let described = to_json(val, &ty, Floats::Refused)
        .map_err(|e| AdmissionError::BadDescription(e.to_string()))?;
    definitions::check(described)
}

/// Why `describe` did not return, in a sentence.
fn failure(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Limit { limit, message } => format!("limit `{limit}`: {message}"),
        RunOutcome::Refused { interface, function, reason } => {
            format!("it calls `{interface}` `{function}`, but {}", reason.sentence())
        }
        RunOutcome::Trap { message }
        | RunOutcome::Ended { message, .. }
        | RunOutcome::Invalid { message }
        | RunOutcome::NotLinked { message }
        | RunOutcome::HostFault { message } => message.clone(),
        RunOutcome::Cancelled => "it was cancelled".into(),
        RunOutcome::Returned(_)
        | RunOutcome::ToolError { .. }
        | RunOutcome::BrokenContract { .. } => "it returned".into(),
    }
}

#[cfg(test)]
pub(crate) mod guest;
