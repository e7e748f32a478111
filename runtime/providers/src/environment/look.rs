//! Looking at the world for an effect: which revision it has, what the effect would touch, and the
//! numbers that [`Model`] reckons with. Forecasting and performing both look through here, so that they
//! cannot see different things.

use super::{
    environments::{DEFINITION, Environment, Service},
    model::{Effect, Model, Operation},
    provider::Inner,
    state::STATE,
};
use crate::ProviderFault;
use interlock_authority::{Resource, Revision};
use std::collections::BTreeMap;

impl Inner {
    /// The new revisions of what was touched and of all above it.
    pub(super) fn revisions_after(
        &self,
        name: &str,
        number: u64,
        touches: &[Resource],
    ) -> Result<BTreeMap<Resource, Revision>, ProviderFault> {
        let mut revisions = BTreeMap::new();
        let environment = self.root.environment(name)?;
        for resource in touches.iter().flat_map(Resource::lineage) {
            // `environment/E/service` is a step on the way, not a thing.
            let revision = match (resource.segments(), &environment) {
                ([_], _) => Some(self.root.revision()?),
                ([_, _], Some(environment)) => self.revision(environment, None)?,
                ([_, _, _, service], Some(environment)) => {
                    self.revision(environment, Some(service))?
                }
                ([_, _] | [_, _, _, _], None) => None,
                _ => continue,
            };
            let revision = revision
                .unwrap_or_else(|| self.root.revision_of_gone(&resource.to_string(), number));
            revisions.insert(resource, revision);
        }
        Ok(revisions)
    }

    /// The revision of an environment or of one of its services; `None` where there is none.
    pub(super) fn revision(
        &self,
        environment: &Environment,
        service: Option<&str>,
    ) -> Result<Option<Revision>, ProviderFault> {
        match service {
            None => {
                let services = environment.service_folders()?;
                self.root.environment_revision(&environment.folder, &services).map(Some)
            }
            Some(service) => {
                let Some(services) = environment.services_folder()? else { return Ok(None) };
                match services.find(service)? {
                    Some(folder) if folder.read(DEFINITION)?.is_some() => {
                        self.root.service_revision(&environment.folder, &folder).map(Some)
                    }
                    _ => Ok(None),
                }
            }
        }
    }

    /// The environment as arithmetic: these services, or all.
    pub(super) fn model(
        &self,
        environment: &Environment,
        names: Option<Vec<&str>>,
    ) -> Result<Model, ProviderFault> {
        let services = match names {
            None => environment.services()?,
            Some(names) => {
                let mut services = Vec::new();
                for name in names {
                    services.extend(environment.service(name)?);
                }
                services
            }
        };
        let adopted = environment.folder.read(STATE)?.is_some();
        let mut model = Model { exists: true, adopted, ..Model::default() };
        for service in services {
            model.services.insert(service.name.clone(), service.as_model()?);
        }
        Ok(model)
    }
}

/// Everything an effect touches, its own resource included, sorted.
pub(super) fn touches(
    environment: &str,
    operation: &Operation,
    effect: &Effect,
) -> Result<Vec<Resource>, ProviderFault> {
    let bad = |e: interlock_authority::AuthorityError| ProviderFault::Damaged {
        what: format!("environment `{environment}`"),
        problem: e.to_string(),
    };
    let whole = Resource::from_segments(["environment", environment]).map_err(bad)?;
    let mut touches = Vec::new();
    for service in &effect.services {
        touches.push(whole.child(["service", service.as_str()]).map_err(bad)?);
    }
    if operation.service().is_none() {
        touches.push(whole);
    }
    touches.sort();
    Ok(touches)
}

impl Service {
    fn as_model(&self) -> Result<super::model::Service, ProviderFault> {
        let work_files = match self.folder.find("work")? {
            None => Some(0),
            Some(work) => work.count_files()?,
        };
        let work_files = match (work_files, self.files_beside()?) {
            (Some(work), Some(beside)) => work.saturating_add(beside),
            _ => u64::MAX,
        };
        Ok(super::model::Service {
            defined: self.definition.replicas,
            wanted: self.state.wanted,
            stopped: self.state.stopped,
            running: self.running()?,
            in_force: self.state.in_force,
            latest: self.state.latest(),
            work_files,
            adopted: self.adopted,
            moved: false,
        })
    }
}
