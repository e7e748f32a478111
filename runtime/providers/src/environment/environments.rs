//! Environments and services as they lie on disk, opened by name. Only names that are plain segments are
//! ever looked up, and a symbolic link in their place is an error, never followed.

use super::{
    definition::{self, Definition},
    disk::Folder,
    replica::Replica,
    runner::HEALTHY,
    state::{CONFIGS, Root, ServiceState, hex_digest},
};
use crate::ProviderFault;
use interlock_authority::vocabulary::is_segment;
use std::collections::BTreeSet;

/// The file that makes a folder an environment.
pub(super) const ENVIRONMENT: &str = "environment.toml";
/// The file that makes a folder a service.
pub(super) const DEFINITION: &str = "service.toml";
/// The folder of services in an environment.
pub(super) const SERVICES: &str = "services";

/// One environment.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) folder: Folder,
}

/// One service, with its definition and its state.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) folder: Folder,
    pub(super) definition: Definition,
    pub(super) state: ServiceState,
    /// Whether there was an effect on it yet; else the state is what the definition says.
    pub(super) adopted: bool,
}

fn utf8(folder: &Folder, name: &str, bytes: Vec<u8>) -> Result<String, ProviderFault> {
    String::from_utf8(bytes).map_err(|_| ProviderFault::Definition {
        file: folder.path_of(name),
        line: None,
        problem: "it is not UTF-8 text".to_owned(),
    })
}

impl Root {
    /// The names of all environments, sorted.
    pub(super) fn environments(&self) -> Result<Vec<String>, ProviderFault> {
        let mut names = Vec::new();
        for (name, kind) in self.folder.entries()? {
            if kind.is_dir()
                && is_segment(&name)
                && let Some(folder) = self.folder.find(&name)?
                && folder.read(ENVIRONMENT)?.is_some()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// One environment; `None` where there is none.
    pub(super) fn environment(&self, name: &str) -> Result<Option<Environment>, ProviderFault> {
        if !is_segment(name) {
            return Ok(None);
        }
        let Some(folder) = self.folder.find(name)? else { return Ok(None) };
        let Some(bytes) = folder.read(ENVIRONMENT)? else { return Ok(None) };
        let text = utf8(&folder, ENVIRONMENT, bytes)?;
        definition::check_environment(&folder.path_of(ENVIRONMENT), &text)?;
        Ok(Some(Environment { folder }))
    }
}

impl Environment {
    /// The folder of services; `None` where there is none.
    pub(super) fn services_folder(&self) -> Result<Option<Folder>, ProviderFault> {
        self.folder.find(SERVICES)
    }

    /// The folders of all services, sorted by name.
    ///
    /// # Errors
    /// A symbolic link or a folder with another name than a segment: what an effect on the whole
    /// environment would do with it could not be said.
    pub(super) fn service_folders(&self) -> Result<Vec<(String, Folder)>, ProviderFault> {
        let Some(folder) = self.services_folder()? else { return Ok(Vec::new()) };
        let mut services = Vec::new();
        for (name, kind) in folder.entries()? {
            if kind.is_file() {
                continue;
            }
            if !is_segment(&name) {
                return Err(ProviderFault::Damaged {
                    what: format!("`{}`", folder.path_of(&name)),
                    problem: "the name of a service is one plain segment".to_owned(),
                });
            }
            if let Some(service) = folder.find(&name)?
                && service.read(DEFINITION)?.is_some()
            {
                services.push((name, service));
            }
        }
        Ok(services)
    }

    /// One service; `None` where there is none.
    pub(super) fn service(&self, name: &str) -> Result<Option<Service>, ProviderFault> {
        if !is_segment(name) {
            return Ok(None);
        }
        let Some(services) = self.services_folder()? else { return Ok(None) };
        let Some(folder) = services.find(name)? else { return Ok(None) };
        Service::load(name, folder)
    }

    /// All services.
    pub(super) fn services(&self) -> Result<Vec<Service>, ProviderFault> {
        let folders = self.service_folders()?;
        let mut services = Vec::new();
        for (name, folder) in folders {
            services.extend(Service::load(&name, folder)?);
        }
        Ok(services)
    }
}

impl Service {
    fn load(name: &str, folder: Folder) -> Result<Option<Self>, ProviderFault> {
        let Some(bytes) = folder.read(DEFINITION)? else { return Ok(None) };
        let text = utf8(&folder, DEFINITION, bytes)?;
        let definition = Definition::parse(&folder.path_of(DEFINITION), &text)?;
        let state = ServiceState::read(&folder)?;
        let adopted = state.is_some();
        let state = state.unwrap_or_else(|| ServiceState::new(&definition));
        Ok(Some(Self { name: name.to_owned(), folder, definition, state, adopted }))
    }

    /// The content of one configuration version; `None` where there is none.
    pub(super) fn config(&self, version: u32) -> Result<Option<String>, ProviderFault> {
        let index = usize::try_from(version).ok().and_then(|v| v.checked_sub(1));
        let Some(digest) = index.and_then(|i| self.state.versions.get(i)) else { return Ok(None) };
        if !self.adopted {
            return Ok(Some(self.definition.initial.clone()));
        }
        let name = version.to_string();
        let damaged = |problem: &str| ProviderFault::Damaged {
            what: format!("`{}/{CONFIGS}/{name}`", self.folder.shown()),
            problem: problem.to_owned(),
        };
        let folder = self.folder.find(CONFIGS)?.ok_or_else(|| damaged("it is missing"))?;
        let bytes = folder.read(&name)?.ok_or_else(|| damaged("it is missing"))?;
        if hex_digest([bytes.as_slice()]) != *digest {
            return Err(damaged("it is not what was written"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| damaged("it is not UTF-8 text"))
    }

    /// The versions that were seen healthy.
    pub(super) fn seen_healthy(&self) -> Result<BTreeSet<u32>, ProviderFault> {
        let Some(folder) = self.folder.find(HEALTHY)? else { return Ok(BTreeSet::new()) };
        let all = folder.entries()?.into_iter().filter_map(|(name, _)| name.parse().ok());
        Ok(all.filter(|v| self.adopted && (1..=self.state.latest()).contains(v)).collect())
    }

    /// All replicas that were ever started and whose folder is still there.
    pub(super) fn replicas(&self) -> Result<Vec<Replica>, ProviderFault> {
        let Some(folder) = self.folder.find(super::replica::REPLICAS)? else {
            return Ok(Vec::new());
        };
        let mut replicas = Vec::new();
        for (name, kind) in folder.entries()? {
            if let Ok(index) = name.parse::<u32>()
                && kind.is_dir()
                && let Some(found) = folder.find(&name)?
            {
                replicas.push(Replica { index, folder: found });
            }
        }
        replicas.sort_by_key(|replica| replica.index);
        Ok(replicas)
    }

    /// The replicas that run now.
    pub(super) fn running(&self) -> Result<BTreeSet<u32>, ProviderFault> {
        let mut running = BTreeSet::new();
        for replica in self.replicas()? {
            if replica.is_running()? {
                running.insert(replica.index);
            }
        }
        Ok(running)
    }
}
