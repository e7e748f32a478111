//! Deployments to measure: a folder, a configuration, plugins with compiled artifacts. One asks the host as a
//! library, the others are served by the real binary.
//!
//! The mistake it stops: numbers of a host that was put together in another way than a user's.

use anyhow::{Context, Result};
use async_trait::async_trait;
use interlock::{
    Config, Host,
    authority::{
        Forecast, Permitted, PermittedEffect, Planned, Revision, catalogue::CatalogueSource,
        policy::WHERE_GRANTED,
    },
    helper::Helper,
    providers::{
        Forecasted, Forecaster, Performed, Performer, Provider, ProviderFault, Reader, StillAllowed,
    },
    sandbox::PluginBytes,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use tempfile::TempDir;

/// The capability of this program: one read, one change, and a provider that does nothing, so that what is measured
/// is the way to it.
pub(crate) const WIT: &str = "package bench:box@1.0.0;
interface look { stats: func(key: string) -> result<string, string>; }
interface tune { variant error { denied(string), failed(string) } put: func(key: string) -> result<_, error>; }
";

const CATALOGUE: &str = r#"wit = "bench-box.wit"
[interface."bench:box/look@1.0.0"]
provider = "box"
[interface."bench:box/look@1.0.0".function.stats]
class = "read"
resource = "box/{key}"
[interface."bench:box/tune@1.0.0"]
provider = "box"
[interface."bench:box/tune@1.0.0".function.put]
class = "change"
resource = "box/{key}"
"#;

pub(crate) fn catalogue() -> CatalogueSource {
    CatalogueSource {
        file: "bench.toml".into(),
        text: CATALOGUE.into(),
        wit: vec![("bench-box.wit".into(), WIT.into())],
    }
}

/// Answers at once.
#[derive(Debug)]
struct Idle;

#[async_trait]
impl Reader for Idle {
    async fn read(&self, _: &Permitted) -> Result<Value, ProviderFault> {
        Ok(json!({"ok": "fine"}))
    }
}

#[async_trait]
impl Forecaster for Idle {
    async fn forecast(&self, call: &Permitted, _: &[Planned]) -> Result<Forecasted, ProviderFault> {
        Ok(Forecasted::Exact(Forecast {
            verb: "put".into(),
            counts: BTreeMap::new(),
            touches: vec![call.call().resource().clone()],
            revision: Revision::new("1"),
            result: json!({"ok": null}),
            note: None,
        }))
    }
}

#[async_trait]
impl Performer for Idle {
    async fn perform(
        &self,
        _: &PermittedEffect,
        _: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        Ok(Performed::Done { result: json!({"ok": null}), revisions: BTreeMap::new() })
    }
}

pub(crate) fn provider() -> Provider {
    Provider::new(Arc::new(Idle))
}

/// A deployment in a folder that goes away with it.
pub(crate) struct Scene {
    folder: TempDir,
}

/// One plugin of it.
pub(crate) struct Plugin<'a> {
    pub(crate) name: String,
    pub(crate) bytes: &'a [u8],
    /// Lines of `[[plugin.grant]]` tables.
    pub(crate) grants: &'a str,
}

impl Scene {
    /// Makes it below `root`, which decides the disk that is measured.
    ///
    /// # Errors
    /// A disk that does not take it, or a plugin that is none.
    pub(crate) fn new(root: &Path, plugins: &[Plugin<'_>], more: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(root)?;
        let path = folder.path();
        std::fs::create_dir(path.join("policies"))?;
        std::fs::create_dir(path.join("plugins"))?;
        std::fs::write(path.join("policies/bench.cedar"), WHERE_GRANTED)?;
        let mut text = format!("policies = \"policies\"\n[agents.bot]\n{more}\n");
        for plugin in plugins {
            let bytes = PluginBytes::from_file_bytes(plugin.bytes.to_vec())?;
            let file = format!("plugins/{}.wasm", plugin.name);
            std::fs::write(path.join(&file), plugin.bytes)?;
            writeln!(
                text,
                "[[plugin]]\nname = \"{}\"\nfile = \"{file}\"\nsha256 = \"{}\"\n{}",
                plugin.name,
                bytes.digest(),
                plugin.grants
            )?;
        }
        std::fs::write(path.join("interlock.toml"), text)?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("interlock.toml")
    }

    /// A host of it, in this process, with the capability of this program.
    ///
    /// # Errors
    /// What is wrong with the deployment.
    pub(crate) fn host(&self) -> Result<Host> {
        let builder = Host::builder(Config::load(&self.file())?)
            .helper(Helper::this_program()?)
            .catalogue(catalogue())
            .provider("box", provider());
        Ok(builder.build()?)
    }

    /// Compiles every plugin into the artifact cache, as the first start does.
    ///
    /// # Errors
    /// A plugin that is not admitted.
    pub(crate) fn compile(&self, runtime: &tokio::runtime::Runtime) -> Result<()> {
        let host =
            Host::builder(Config::load(&self.file())?).helper(Helper::this_program()?).build()?;
        let names: Vec<String> = host.config().plugins.keys().cloned().collect();
        for name in names {
            runtime.block_on(host.tools(&name)).with_context(|| name)?;
        }
        Ok(())
    }
}

/// A runtime as the binary has it.
///
/// # Errors
/// Threads that cannot be started.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

/// Times work in a task of the runtime, where a surface has its calls: whoever waits from outside has a hand-over
/// between threads besides, which is none of the work.
///
/// # Errors
/// Those of the work.
pub(crate) fn in_a_task<T: Send + 'static>(
    runtime: &tokio::runtime::Runtime,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<f64> {
    runtime.block_on(runtime.spawn(async move {
        let start = Instant::now();
        work.await?;
        Ok(start.elapsed().as_nanos() as f64)
    }))?
}

/// The same component with another digest: a custom section at its end says a number.
pub(crate) fn variant(component: &[u8], number: u32) -> Vec<u8> {
    let mut bytes = component.to_vec();
    // Section 0, its size, the length of its name, the name, four bytes.
    bytes.extend([0, 10, 5]);
    bytes.extend(b"bench");
    bytes.extend(number.to_le_bytes());
    bytes
}
