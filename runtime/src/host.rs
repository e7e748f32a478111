//! The composition root: one [`Host`] owns the catalogue, the providers, the sandbox, the record and the
//! switch, and hands each room only what it needs. The binary uses nothing else, and neither does a
//! program that embeds Interlock.

use crate::{
    BoxFuture, Config, HostError, Request, Response,
    config::{
        PluginConfig,
        edit::{SecretKey, read_text, secret_key},
    },
    endpoints, folders,
    freeze::Freeze,
    gate::EffectTasks,
    helper::Helper,
    installed::Installed,
    pipeline::{self, Control},
    programs,
    record::{Clock, Event, EventBody, Journal, Recorder, receipt, system_clock},
    rules::{Rules, grants_digest},
    seal::Seal,
    statement::{Envelope, StatementSigner},
    telemetry::{Telemetry, Timed},
    validated::Validated,
};
use interlock_authority::{
    Catalogue, Digest, Grant, Policies,
    catalogue::{CatalogueSource, Interface},
};
use interlock_providers::{
    Provider, environment, files, http,
    kv::{self, KvProvider},
};
use interlock_sandbox::{
    Admitted, Artifact, ArtifactCache, Compiler, Inspection, PluginBytes, Sandbox, SandboxSettings,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, Once, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Everything an invocation needs, built once.
pub struct Host {
    config: Config,
    catalogue: Arc<Catalogue>,
    providers: BTreeMap<String, Provider>,
    sandbox: Sandbox,
    rules: Rules,
    seal: Seal,
    journal: Journal,
    statements: StatementSigner,
    /// Whether the journal was told, by this host, which key that is.
    declared: Once,
    recorder: Arc<dyn Recorder>,
    telemetry: Telemetry,
    freeze: Freeze,
    tasks: EffectTasks,
    /// Places for checks of arguments: one that outlives its deadline keeps its place until it ends.
    checks: Arc<Semaphore>,
    installed: Mutex<BTreeMap<String, Arc<Installed>>>,
}

/// How to build a [`Host`].
pub struct HostBuilder {
    config: Config,
    catalogues: Vec<CatalogueSource>,
    providers: BTreeMap<String, Provider>,
    recorder: Option<Arc<dyn Recorder>>,
    telemetry: Telemetry,
    helper: Option<Helper>,
    clock: Clock,
}

impl HostBuilder {
    /// The program that plays the hidden roles; this one, where nothing is said.
    #[must_use]
    pub fn helper(mut self, helper: Helper) -> Self {
        self.helper = Some(helper);
        self
    }

    /// A capability beside the built-in ones.
    #[must_use]
    pub fn catalogue(mut self, source: CatalogueSource) -> Self {
        self.catalogues.push(source);
        self
    }

    /// A provider that catalogues can name. It replaces a built-in one of the same name.
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>, provider: Provider) -> Self {
        self.providers.insert(name.into(), provider);
        self
    }

    /// Where events go, instead of the journal: for tests of what is written, and of what is not.
    #[must_use]
    pub fn recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// What tells the time by which requests, budgets and elevations end, instead of the system's clock. It
    /// cannot be configured: it is for tests, in which time passes when they say so.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What it is watched by: that of another host of this process, where it is to go on there.
    #[must_use]
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Builds the host: reads catalogues, checks grants, opens providers and keys.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration, the catalogues or the machine.
    pub fn build(self) -> Result<Host, HostError> {
        let helper = match self.helper {
            Some(helper) => helper,
            None => Helper::this_program()?,
        };
        let config = self.config;
        let (catalogue, sources) = load_catalogue_with_sources(&config, self.catalogues)?;
        let catalogue = Arc::new(catalogue);
        interlock_providers::tell_operator(|resource, fault| {
            tracing::warn!(%resource, error = %fault, "an effect was not begun");
        });
        check_grants(&config, &catalogue)?;
        programs::check_secrets(&config, &catalogue)?;
        let mut providers = self.providers;
        for (name, provider) in programs::providers(&config, &catalogue) {
            providers.entry(name).or_insert(provider);
        }
        if !providers.contains_key("environment") {
            let root = &config.environment_root;
            std::fs::create_dir_all(root)
                .map_err(HostError::io(format!("cannot make {}", root.display())))?;
            let (program, arguments) = helper.role("runner");
            let provider = environment::EnvironmentProvider::open(
                &config.environment_root,
                environment::RunnerProgram { program, arguments },
            )?;
            providers.insert("environment".to_owned(), Provider::new(Arc::new(provider)));
        }
        providers.entry("http".to_owned()).or_insert_with(|| endpoints::provider(&config));
        if !providers.contains_key(files::PROVIDER) {
            providers.insert(files::PROVIDER.to_owned(), folders::provider(&config, &catalogue)?);
        }
        providers
            .entry("kv".to_owned())
            .or_insert_with(|| Provider::new(Arc::new(KvProvider::new(&config.state, config.kv))));
        check_providers(&catalogue, &providers.keys().map(String::as_str).collect())?;
        let validated = Validated::in_state(&config.state);
        let rules = Rules::load(&config, &sources, &catalogue, validated.as_ref())?;
        crate::state::prepare(&config.state)?;
        let journal = Journal::open_with(&config, self.clock)?;
        let seal = Seal::of(journal.clone(), rules.epoch.clone()).keeping_in(&config.state);
        seal.started(&rules)?;
        let statements = StatementSigner::in_state(&config.state)?;
        let recorder = match self.recorder {
            Some(recorder) => recorder,
            None => Arc::new(journal.clone()),
        };
        let recorder = Arc::new(Timed::new(recorder, self.telemetry.clone()));
        let key = secret_key(&config.state, SecretKey::Artifact)?;
        let (program, arguments) = helper.role("compile");
        let sandbox = Sandbox::new(SandboxSettings {
            cache: Some(ArtifactCache { dir: config.state.join("artifacts"), key }),
            compiler: Compiler::Child { program, arguments },
        })?;
        Ok(Host {
            freeze: Freeze::in_state(&config.state),
            config,
            catalogue,
            rules,
            seal,
            journal,
            statements,
            declared: Once::new(),
            providers,
            sandbox,
            recorder,
            telemetry: self.telemetry,
            tasks: EffectTasks::default(),
            checks: Arc::new(Semaphore::new(4)),
            installed: Mutex::default(),
        })
    }
}

/// The built-in catalogues, those of the configuration, and these.
///
/// # Errors
/// The first catalogue that cannot be read or does not fit its WIT.
pub fn load_catalogue(config: &Config, more: Vec<CatalogueSource>) -> Result<Catalogue, HostError> {
    load_catalogue_with_sources(config, more).map(|(catalogue, _)| catalogue)
}

/// As [`load_catalogue`], with the texts that it was made of.
///
/// # Errors
/// As [`load_catalogue`].
pub fn load_catalogue_with_sources(
    config: &Config,
    more: Vec<CatalogueSource>,
) -> Result<(Catalogue, Vec<CatalogueSource>), HostError> {
    let mut sources =
        vec![environment::catalogue(), files::catalogue(), http::catalogue(), kv::catalogue()];
    for file in &config.catalogues {
        sources.push(read_catalogue(file)?);
    }
    sources.extend(more);
    Ok((Catalogue::load(&sources)?, sources))
}

/// Reads a catalogue with the WIT file or folder that it names.
fn read_catalogue(file: &Path) -> Result<CatalogueSource, HostError> {
    let text = read_text(file)?;
    let name = file.display().to_string();
    let path = interlock_authority::catalogue::wit_path(&name, &text)?;
    let wit = file.parent().unwrap_or_else(|| Path::new("")).join(path);
    let mut files = Vec::new();
    if wit.is_dir() {
        let entries = std::fs::read_dir(&wit)
            .map_err(HostError::io(format!("cannot read {}", wit.display())))?;
        for entry in entries {
            let path =
                entry.map_err(HostError::io(format!("cannot read {}", wit.display())))?.path();
            if path.extension().is_some_and(|e| e == "wit") {
                files.push((path.display().to_string(), read_text(&path)?));
            }
        }
        files.sort();
    } else {
        files.push((wit.display().to_string(), read_text(&wit)?));
    }
    Ok(CatalogueSource { file: name, text, wit: files })
}

/// Checks that every grant of a configuration names something that exists.
///
/// # Errors
/// The first grant that does not.
pub fn check_grants(config: &Config, catalogue: &Catalogue) -> Result<(), HostError> {
    for plugin in config.plugins.values() {
        for grant in &plugin.grants {
            grant.check(catalogue).map_err(|e| HostError::Config {
                file: config.file.clone(),
                line: None,
                message: format!("plugin `{}`: {e}", plugin.name),
            })?;
        }
    }
    Ok(())
}

/// The providers that every host has.
pub const BUILT_IN_PROVIDERS: &[&str] = &["environment", "files", "http", "kv"];

/// Checks that every interface of the catalogues has a provider.
///
/// # Errors
/// The first that has none.
pub fn check_providers(catalogue: &Catalogue, known: &BTreeSet<&str>) -> Result<(), HostError> {
    // Programs that a catalogue names need nothing else of the host.
    let served = |i: &&Interface| i.exec().is_some() || known.contains(i.provider.as_str());
    match catalogue.interfaces().find(|i| !served(i)) {
        None => Ok(()),
        Some(interface) => Err(HostError::NoProvider {
            interface: interface.name.to_string(),
            provider: interface.provider.clone(),
            known: known.iter().copied().collect::<Vec<_>>().join(", "),
        }),
    }
}

impl Host {
    /// A host from a configuration file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_file(file: impl AsRef<Path>) -> Result<HostBuilder, HostError> {
        Ok(Self::builder(Config::load(file.as_ref())?))
    }

    /// A host from a checked configuration.
    pub fn builder(config: Config) -> HostBuilder {
        HostBuilder {
            config,
            catalogues: Vec::new(),
            providers: BTreeMap::new(),
            recorder: None,
            telemetry: Telemetry::default(),
            helper: None,
            clock: system_clock(),
        }
    }

    /// Runs a tool. What policies allow happens at once; what needs people becomes a request, or applies one
    /// that they approved.
    ///
    /// # Errors
    /// As [`crate::pipeline`] says: what keeps a run from being decided.
    #[inline(never)]
    pub fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, HostError>> {
        Box::pin(async move { pipeline::call(self, &request, &Control::default()).await })
    }

    /// Finds the effects that a tool would have. Nothing is performed.
    ///
    /// # Errors
    /// As [`Host::call`].
    #[inline(never)]
    pub fn plan(&self, request: Request) -> BoxFuture<'_, Result<Response, HostError>> {
        Box::pin(async move { pipeline::plan(self, &request, &Control::default()).await })
    }

    /// As [`Host::call`], with a handle that ends the call and tells how far it is. The future is to be
    /// driven to its end: a call is ended by its handle, not by dropping it.
    ///
    /// # Errors
    /// As [`Host::call`].
    #[inline(never)]
    pub fn call_with<'a>(
        &'a self,
        request: &'a Request,
        control: &'a Control,
    ) -> BoxFuture<'a, Result<Response, HostError>> {
        Box::pin(pipeline::call(self, request, control))
    }

    /// Looks at a plugin without granting it anything.
    ///
    /// # Errors
    /// Why the bytes are not a plugin.
    #[inline(never)]
    pub fn inspect<'a>(
        &'a self,
        plugin: &'a PluginBytes,
    ) -> BoxFuture<'a, Result<Inspection, HostError>> {
        Box::pin(async move {
            let found = self.sandbox.inspect(plugin, &self.catalogue).await;
            found.map_err(|source| HostError::Admission {
                plugin: plugin.digest().short(),
                source: Box::new(source),
            })
        })
    }

    /// Admits a plugin against these grants, without installing it.
    ///
    /// # Errors
    /// Why it is not admitted; nothing of it has run when a grant is missing.
    #[inline(never)]
    pub fn admit<'a>(
        &'a self,
        plugin: &'a PluginBytes,
        name: &'a str,
        grants: &'a [Grant],
    ) -> BoxFuture<'a, Result<Admitted, HostError>> {
        Box::pin(async move {
            let admitted = self.sandbox.admit(plugin, name, grants, &self.catalogue).await;
            let admitted = admitted.map_err(|source| HostError::Admission {
                plugin: name.to_owned(),
                source: Box::new(source),
            })?;
            if let Artifact::Recompiled { problem } = &admitted.artifact {
                let (plugin, problem) = (name.to_owned(), problem.clone());
                let body = EventBody::ArtifactReplaced { plugin, problem };
                self.recorder.note(Event::alone(body)).await?;
            }
            Ok(admitted)
        })
    }

    /// The receipt of an invocation, signed: what the journal says of it now.
    ///
    /// # Errors
    /// No such invocation, or a journal that is not as it was written.
    pub async fn receipt(&self, invocation: &str) -> Result<Envelope, HostError> {
        receipt::issue(&self.journal, &self.statements, invocation).await
    }

    /// Tells the journal, once per host and before its first invocation, which key signs statements.
    pub(crate) fn declare_statement_key(&self) {
        self.declared.call_once(|| {
            // Where it fails, whoever asks for a receipt hears of it: it is tried again then.
            let _ = receipt::declare(&self.journal, self.statements.public());
        });
    }

    /// The tools of an installed plugin, admitted if it was not yet.
    ///
    /// # Errors
    /// Why the plugin cannot be used.
    #[inline(never)]
    pub fn tools<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, Result<Admitted, HostError>> {
        Box::pin(
            async move { Ok(self.installed(plugin).await?.code(self).await?.admitted.clone()) },
        )
    }

    /// Waits for effects that outlived their runs, at most this long. Says whether all ended.
    pub async fn drain(&self, most: Duration) -> bool {
        self.tasks.drained(most).await
    }

    /// How many effects are under way.
    pub fn effects_under_way(&self) -> usize {
        self.tasks.under_way()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }
    /// What every capability function does.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
    /// Whether those are the rules in force.
    pub const fn seal(&self) -> &Seal {
        &self.seal
    }
    /// The policies in force.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.rules.policies
    }
    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
    /// The switch that stops all effects.
    pub fn freeze(&self) -> &Freeze {
        &self.freeze
    }
    /// Where each step is kept.
    pub fn recorder(&self) -> &Arc<dyn Recorder> {
        &self.recorder
    }
    /// What it is watched by.
    pub const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
    pub(crate) fn providers(&self) -> &BTreeMap<String, Provider> {
        &self.providers
    }
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
    pub(crate) fn checks(&self) -> &Arc<Semaphore> {
        &self.checks
    }
    pub(crate) fn tasks(&self) -> &EffectTasks {
        &self.tasks
    }

    /// The digest of the standing grants of an installed plugin.
    pub(crate) fn grants_digest(&self, plugin: &str) -> Result<Digest, HostError> {
        grants_digest(self.plugin(plugin)?)
    }

    /// A plugin of the configuration.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn plugin(&self, name: &str) -> Result<&PluginConfig, HostError> {
        self.config.plugins.get(name).ok_or_else(|| HostError::NoPlugin {
            name: name.to_owned(),
            known: self.config.plugins.keys().cloned().collect(),
        })
    }

    /// A plugin that was looked up before.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Installed>> {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Keeps a plugin that was looked up; where somebody was quicker, theirs.
    pub(crate) fn know(&self, plugin: Arc<Installed>) -> Arc<Installed> {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        installed.entry(plugin.name.clone()).or_insert(plugin).clone()
    }
}

/// Reads the file of an installed plugin, which must be what was installed.
///
/// # Errors
/// Anything else: missing, unreadable, no component, or other bytes.
pub fn read_pinned(plugin: &PluginConfig) -> Result<PluginBytes, HostError> {
    let broken = |problem: String| HostError::PinnedBytes {
        plugin: plugin.name.clone(),
        file: plugin.file.clone(),
        pinned: plugin.digest,
        problem,
    };
    // The bytes that are compared are the bytes that are compiled: the file is read once.
    let bytes = read_plugin(&plugin.file).map_err(|error| match error {
        HostError::Io { source, .. } => broken(format!("cannot be read ({source})")),
        HostError::Admission { source, .. } => {
            broken(format!("is no component any more ({source})"))
        }
        other => other,
    })?;
    if bytes.digest() == plugin.digest {
        Ok(bytes)
    } else {
        Err(broken(format!("has the digest {}", bytes.digest())))
    }
}

/// Reads a plugin's file, `.wasm` or `.wat`.
///
/// # Errors
/// When it cannot be read, is too large, or is not a component.
pub fn read_plugin(file: &Path) -> Result<PluginBytes, HostError> {
    use std::io::Read;
    let failed = || format!("cannot read the plugin {}", file.display());
    let mut bytes = Vec::new();
    let source = interlock_providers::open_regular(std::fs::OpenOptions::new().read(true), file)
        .map_err(HostError::io(failed()))?;
    // One byte more than the cap is enough to know that a file is too large.
    let most = interlock_sandbox::bytes::MAX_PLUGIN_BYTES + 1;
    source.take(most).read_to_end(&mut bytes).map_err(HostError::io(failed()))?;
    PluginBytes::from_file_bytes(bytes).map_err(|source| HostError::Admission {
        plugin: file.display().to_string(),
        source: Box::new(source),
    })
}
