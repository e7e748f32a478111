//! Installed plugins. What their tools are is known from what admission found before, under the host's MAC; their
//! code is read, compared with its pin, admitted and loaded when one of them is first called. A host of a thousand
//! plugins starts like a host of one, and keeps in memory what is used.

use crate::{
    Host, HostError,
    config::PluginConfig,
    folders::check_preopens,
    host::read_pinned,
    record::{Event, EventBody},
    rules::grants_digest,
    schema::{self, Schema},
};
use interlock_authority::{Digest, Grant, Principal, authorize::check_imports, desk::Holder};
use interlock_sandbox::{
    AdmissionError, Admitted, Described, Inspection, PluginBytes, Preopen, Tool,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::OnceCell;

/// A plugin as it is installed.
pub(crate) struct Installed {
    pub(crate) name: String,
    /// What it is: found now, or when these very bytes were admitted before.
    pub(crate) described: Inspection,
    pub(crate) grants: Vec<Grant>,
    /// The digest of its standing grants: its own part of the epoch.
    pub(crate) grants_digest: Digest,
    pub(crate) publisher: Option<String>,
    pub(crate) preopens: Vec<Preopen>,
    code: OnceCell<Arc<Code>>,
}

/// A plugin that can be run.
pub(crate) struct Code {
    pub(crate) admitted: Admitted,
    /// The compiled input schema of each tool.
    pub(crate) schemas: BTreeMap<String, Arc<Schema>>,
}

impl Installed {
    /// Looks a plugin up: by what was kept of it, where that holds and its file is there, else by loading it.
    ///
    /// # Errors
    /// Why the plugin cannot be used.
    pub(crate) async fn find(host: &Host, plugin: &PluginConfig) -> Result<Self, HostError> {
        let (described, code) = match kept(host, plugin).await? {
            Some(described) => (described, OnceCell::new()),
            None => {
                let code = Code::load(host, plugin).await?;
                code.keep(host, &plugin.name);
                ((*code.admitted).clone(), OnceCell::from(Arc::new(code)))
            }
        };
        Ok(Self {
            name: plugin.name.clone(),
            described,
            grants: plugin.grants.clone(),
            grants_digest: grants_digest(plugin)?,
            publisher: plugin.publisher.clone(),
            preopens: plugin
                .preopens
                .iter()
                .map(|(host, guest)| Preopen { host: host.clone(), guest: guest.clone() })
                .collect(),
            code,
        })
    }

    /// Its code, loaded at the first call.
    ///
    /// # Errors
    /// Why the plugin cannot be run. Nothing that was kept of it is believed against its bytes.
    pub(crate) async fn code(&self, host: &Host) -> Result<Arc<Code>, HostError> {
        let load = || async {
            let code = Code::load(host, host.plugin(&self.name)?).await?;
            if !self.described.agrees(&code.admitted) {
                // Another build of the host may find something else. What was offered is not run; the next start
                // offers what there is.
                code.keep(host, &self.name);
                let message = "another host found other tools in it; start the host again";
                return Err(HostError::Admission {
                    plugin: self.name.clone(),
                    source: Box::new(AdmissionError::BadDescription(message.to_owned())),
                });
            }
            Ok(Arc::new(code))
        };
        self.code.get_or_try_init(load).await.cloned()
    }

    /// Somebody who wants to use what was approved for this plugin here, under the rules of this host.
    pub(crate) fn holder<'h>(
        &'h self,
        host: &'h Host,
        principal: &'h Principal,
        deployment: &'h str,
    ) -> Holder<'h> {
        Holder {
            deployment,
            epoch: &host.rules().epoch,
            grants: self.grants_digest,
            principal,
            plugin: &self.name,
            digest: self.described.digest,
        }
    }

    /// One of its tools.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn tool(&self, name: &str) -> Result<&Tool, HostError> {
        self.described.tool(name).ok_or_else(|| HostError::NoTool {
            plugin: self.name.clone(),
            tool: name.to_owned(),
            known: self.described.tools.iter().map(|tool| tool.name.clone()).collect(),
        })
    }
}

impl Code {
    /// Admits a plugin with its schemas. Nothing is kept of it but its artifact.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) async fn of(
        host: &Host,
        bytes: &PluginBytes,
        name: &str,
        grants: &[Grant],
    ) -> Result<Self, HostError> {
        let admitted = host.admit(bytes, name, grants).await?;
        let schemas = compile_schemas(name, &admitted)?;
        Ok(Self { admitted, schemas })
    }

    async fn load(host: &Host, plugin: &PluginConfig) -> Result<Self, HostError> {
        Self::of(host, &read_pinned(plugin)?, &plugin.name, &plugin.grants).await
    }

    /// Keeps what was found, for the next start.
    pub(crate) fn keep(&self, host: &Host, name: &str) {
        let catalogues = host.rules().epoch.catalogues;
        if let Err(error) = host.sandbox().describe(&self.admitted, catalogues) {
            tracing::warn!(plugin = name, %error, "what was found of a plugin cannot be kept");
        }
    }
}

/// What was kept of a plugin, if that is all that is needed: its file is as large as it was, and what it imports
/// is still granted. Whoever calls it has the file read and its digest compared.
async fn kept(host: &Host, plugin: &PluginConfig) -> Result<Option<Inspection>, HostError> {
    let found = match host.sandbox().described(plugin.digest, host.rules().epoch.catalogues) {
        Described::Nothing => return Ok(None),
        Described::Bad { problem } => {
            let body = EventBody::ArtifactReplaced { plugin: plugin.name.clone(), problem };
            host.recorder().note(Event::alone(body)).await?;
            return Ok(None);
        }
        Described::Found(found) => *found,
    };
    let there =
        plugin.file.symlink_metadata().is_ok_and(|file| file.is_file() && file.len() == found.size);
    // INVARIANT ABSENT-NOT-DENIED: also of a plugin whose code is not loaded. Where a grant is missing, loading it
    // says which.
    let granted = check_imports(&plugin.name, &found.imports, &plugin.grants, host.catalogue());
    Ok((there && granted.is_ok()).then_some(found))
}

/// Compiles the input schemas of a plugin.
///
/// # Errors
/// The first schema that cannot be used; the plugin is not admitted then.
fn compile_schemas(
    plugin: &str,
    admitted: &Inspection,
) -> Result<BTreeMap<String, Arc<Schema>>, HostError> {
    let compile = |tool: &Tool| {
        let compiled = schema::compile(&tool.input_schema).map_err(|problem| {
            let message = format!("the input schema of `{}` cannot be used: {problem}", tool.name);
            HostError::Admission {
                plugin: plugin.to_owned(),
                source: Box::new(AdmissionError::BadDescription(message)),
            }
        })?;
        Ok((tool.name.clone(), Arc::new(compiled)))
    };
    admitted.tools.iter().map(compile).collect()
}

impl Host {
    /// An installed plugin, looked up once per host.
    ///
    /// # Errors
    /// Why the plugin cannot be used.
    pub(crate) async fn installed(&self, name: &str) -> Result<Arc<Installed>, HostError> {
        let plugin = self.plugin(name)?;
        // Each time: a link that was retargeted since must not be followed into the state.
        check_preopens(self.config(), plugin)?;
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        let installed = Arc::new(Installed::find(self, plugin).await?);
        Ok(self.know(installed))
    }
}
