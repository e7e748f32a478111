//! The sandbox as its owner sees it: one engine, admission, runs.

use crate::{
    AdmissionError, Admitted, Artifact, ArtifactCache, Compiler, Gate, Inspection, Interrupt,
    Limits, PluginBytes, RunOutcome, RunReport, SandboxError,
    admission::{self, Described, Target, description},
    compile,
    engine::TickingEngine,
    excerpt, invoke, link,
    run::{self, Observed, RunState},
};
use interlock_authority::{Authorized, Catalogue, Digest, Grant};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::SystemTime,
};
use wasmtime::component::{Component, InstancePre};

/// How a sandbox works.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where compiled artifacts are kept; `None` compiles at each admission.
    pub cache: Option<ArtifactCache>,
    /// Where components are compiled.
    pub compiler: Compiler,
}

/// Settings of one run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// What it may use.
    pub limits: Limits,
    /// Folders it may read.
    pub preopens: Vec<Preopen>,
    /// Where its clocks start. They advance by a fixed step per read, plus sleeps.
    pub clock_base: SystemTime,
    /// What its random numbers come from.
    pub seed: [u8; 32],
    /// When it must have ended; `None` means `limits.time` from the start. The earlier of both holds.
    pub deadline: Option<tokio::time::Instant>,
    /// What ends it before that, from outside.
    pub interrupt: Interrupt,
}

/// A folder that a run may read, by grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    /// The folder on the host.
    pub host: PathBuf,
    /// Its path as the plugin sees it.
    pub guest: String,
}

/// Link states that are kept instantiable for one plugin.
const MAX_LINKED: usize = 64;

/// Admits and runs plugins. One for a process; cheap to share behind an [`Arc`].
pub struct Sandbox {
    engine: TickingEngine,
    settings: Arc<SandboxSettings>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts an engine and the thread that ends endless loops.
    ///
    /// # Errors
    /// The engine or the thread cannot start.
    pub fn new(settings: SandboxSettings) -> Result<Self, SandboxError> {
        Ok(Self { engine: TickingEngine::new()?, settings: Arc::new(settings) })
    }

    /// Says what a plugin is, without any grant: only `describe` runs, with every import a stub.
    ///
    /// # Errors
    /// The bytes are not a plugin, or `describe` breaks its contract.
    pub async fn inspect(
        &self,
        plugin: &PluginBytes,
        catalogue: &Catalogue,
    ) -> Result<Inspection, AdmissionError> {
        let (sdk, compiled) = self.compile(plugin).await?;
        admission::inspect(&self.engine, plugin, compiled, sdk, catalogue).await
    }

    /// Admits a plugin under the grants of its configuration.
    ///
    /// # Errors
    /// Why not. Nothing of the plugin ran unless the error says so.
    pub async fn admit(
        &self,
        bytes: &PluginBytes,
        plugin: &str,
        grants: &[Grant],
        catalogue: &Catalogue,
    ) -> Result<Admitted, AdmissionError> {
        let (sdk, compiled) = self.compile(bytes).await?;
        admission::admit(&self.engine, bytes, compiled, sdk, plugin, grants, catalogue).await
    }

    /// What admission found of these bytes before, against the catalogues of this digest. No code is loaded for it,
    /// and it permits nothing: grants are the caller's to check, and whoever runs the plugin admits it first.
    pub fn described(&self, plugin: Digest, catalogues: Digest) -> Described {
        match &self.settings.cache {
            Some(cache) => description::read(cache, self.engine.engine(), plugin, catalogues),
            None => Described::Nothing,
        }
    }

    /// Keeps what admission found, for [`Sandbox::described`].
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn describe(&self, found: &Inspection, catalogues: Digest) -> std::io::Result<()> {
        match &self.settings.cache {
            Some(cache) => description::write(cache, self.engine.engine(), found, catalogues),
            None => Ok(()),
        }
    }

    /// Runs one tool once, in a store of its own.
    pub async fn run(
        &self,
        plugin: &Admitted,
        authorized: &Authorized,
        arguments: &Value,
        settings: RunSettings,
        gate: Arc<dyn Gate>,
    ) -> RunReport {
        let started = std::time::Instant::now();
        let observed = Observed::new(settings.limits.log);
        let ended = self.outcome(plugin, authorized, arguments, &settings, gate, &observed).await;
        let (outcome, fuel) = ended.unwrap_or_else(|outcome| (outcome, None));
        RunReport {
            outcome,
            stdout: observed.stdout.captured(),
            stderr: observed.stderr.captured(),
            withheld: observed.withheld_calls(),
            fuel,
            elapsed: started.elapsed(),
        }
    }

    async fn outcome(
        &self,
        plugin: &Admitted,
        authorized: &Authorized,
        arguments: &Value,
        settings: &RunSettings,
        gate: Arc<dyn Gate>,
        observed: &Arc<Observed>,
    ) -> Result<(RunOutcome, Option<u64>), RunOutcome> {
        if authorized.digest() != plugin.digest {
            let message = format!(
                "the invocation is authorized for {:?}, but the plugin is {:?}",
                authorized.digest(),
                plugin.digest
            );
            return Err(RunOutcome::HostFault { message });
        }
        let tool = authorized.tool();
        let no_tool = || RunOutcome::Invalid {
            message: format!("the plugin has no tool `{}`", excerpt::name(tool)),
        };
        let (export, parameters) = match &plugin.runnable.target {
            Target::Sdk(call) => {
                plugin.tool(tool).ok_or_else(no_tool)?;
                (call, invoke::sdk_parameters(tool, arguments))
            }
            Target::Wit(exports) => {
                let export = exports.get(tool).ok_or_else(no_tool)?;
                (export, invoke::wit_parameters(&export.function, arguments)?)
            }
        };
        let instance = self.linked(plugin, authorized)?;
        let returned = run::call(run::Call {
            engine: &self.engine,
            instance: &instance,
            export: export.index,
            parameters,
            results: export.function.results().len(),
            settings,
            gate: Some(gate),
            observed: observed.clone(),
        })
        .await?;
        let outcome = match &plugin.runnable.target {
            Target::Sdk(_) => {
                invoke::sdk_outcome(&export.function, &returned.results, &settings.limits)
            }
            Target::Wit(_) => {
                invoke::wit_outcome(&export.function, &returned.results, &settings.limits)
            }
        };
        Ok((outcome, Some(returned.fuel)))
    }

    /// The plugin, linked for exactly these link states.
    fn linked(
        &self,
        plugin: &Admitted,
        authorized: &Authorized,
    ) -> Result<InstancePre<RunState>, RunOutcome> {
        let not_linked = |e: wasmtime::Error| RunOutcome::NotLinked {
            message: excerpt::sentence(format!("{e:#}")),
        };
        let runnable = &plugin.runnable;
        let mut linked = runnable.linked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, instance)) = linked.iter().find(|(links, _)| links == authorized.links()) {
            return Ok(instance.clone());
        }
        let linker = link::linker(self.engine.engine(), &runnable.linkable, authorized.links())
            .map_err(not_linked)?;
        let instance = linker.instantiate_pre(&runnable.component).map_err(not_linked)?;
        if linked.len() < MAX_LINKED {
            linked.push((authorized.links().clone(), instance.clone()));
        }
        Ok(instance)
    }

    /// Checks the shape and compiles, aside from the runtime's own threads: both may take seconds.
    async fn compile(
        &self,
        plugin: &PluginBytes,
    ) -> Result<(Option<String>, (Component, Artifact)), AdmissionError> {
        let (engine, settings, plugin) =
            (self.engine.engine().clone(), self.settings.clone(), plugin.clone());
        tokio::task::spawn_blocking(move || {
            let sdk = admission::check_shape(&plugin)?;
            let cache = settings.cache.as_ref();
            let compiled = compile::component(&engine, &settings.compiler, cache, &plugin)?;
            Ok((sdk, compiled))
        })
        .await
        .map_err(|e| AdmissionError::Compile(e.to_string()))?
    }
}
