//! What lies in the folders of an environment and is nobody's: a service that was parked by moving its folder or its
//! definition away, a file that a person left there. An effect that deletes a folder would take it along, with nobody
//! told; and a replica in it would run on without anything that could find it. Such an effect is not forecast, and not
//! begun: a person moves the thing away first.

use super::{
    captured,
    disk::{Folder, is_temporary},
    environments::{DEFINITION, ENVIRONMENT, Environment, SERVICES, Service},
    model::Operation,
    order::{CONFIG, EXIT, LOCK, ORDER, Order, RECORD, RUNNER_ERRORS},
    replica::REPLICAS,
    runner::HEALTHY,
    sample,
    state::{CONFIGS, STATE},
};
use crate::ProviderFault;
use cap_std::fs::FileType;
use std::collections::BTreeSet;

/// The longest name that is told of a stranger, in characters.
const MAX_TOLD: usize = 80;

/// A number as we write it: `1`, and neither `01` nor `+1`, which would be another file.
fn number(name: &str) -> Option<u32> {
    name.parse().ok().filter(|n: &u32| n.to_string() == name)
}

/// Why the operation would delete what nobody was shown; nothing where it would not. Asked under the environment's lock.
pub(super) fn in_the_way(
    environment: &Environment,
    operation: &Operation,
) -> Result<Option<String>, ProviderFault> {
    let found = match operation {
        Operation::DeleteService(name) => match environment.service(name)? {
            Some(service) => service.stranger()?,
            None => None,
        },
        Operation::DeleteEnvironment => environment.stranger()?,
        // It keeps the folders and deletes what is inside them.
        Operation::Recreate => {
            let mut found = None;
            for service in environment.services()? {
                found = found.or(service.stranger_inside()?);
            }
            found
        }
        _ => None,
    };
    Ok(found.map(|path| {
        format!(
            "`{path}` is there too, belongs to no service, and would be deleted with it; a person moves it away first"
        )
    }))
}

/// The first name of a folder that is not what it may be, below the environment.
fn first(
    folder: &Folder,
    place: &str,
    known: impl Fn(&str, FileType) -> bool,
) -> Result<Option<String>, ProviderFault> {
    let ours =
        |name: &str, kind: FileType| known(name, kind) || (kind.is_file() && is_temporary(name));
    Ok(folder.first_unlike(ours)?.map(|name| {
        let name: String = name.escape_debug().take(MAX_TOLD).collect();
        format!("{place}{name}")
    }))
}

impl Environment {
    /// What is nobody's in the whole environment.
    fn stranger(&self) -> Result<Option<String>, ProviderFault> {
        let own = first(&self.folder, "", |name, kind| match name {
            ENVIRONMENT | STATE | sample::MARKER => kind.is_file(),
            SERVICES => kind.is_dir(),
            _ => false,
        })?;
        if own.is_some() {
            return Ok(own);
        }
        let services = self.services()?;
        let Some(folder) = self.services_folder()? else { return Ok(None) };
        let names: BTreeSet<&str> = services.iter().map(|s| s.name.as_str()).collect();
        let mut found =
            first(&folder, "services/", |name, kind| kind.is_dir() && names.contains(name))?;
        for service in services {
            found = found.or(service.stranger()?);
        }
        Ok(found)
    }
}

impl Service {
    fn place(&self, inside: &str) -> String {
        format!("services/{}/{inside}", self.name)
    }

    /// What is nobody's in the folder of the service.
    fn stranger(&self) -> Result<Option<String>, ProviderFault> {
        let own = first(&self.folder, &self.place(""), |name, kind| match name {
            DEFINITION | STATE => kind.is_file(),
            CONFIGS | HEALTHY | REPLICAS | "work" => kind.is_dir(),
            _ => false,
        })?;
        if own.is_some() { Ok(own) } else { self.stranger_inside() }
    }

    /// What is nobody's in what the provider keeps of the service. Whatever is in `work` is the service's own, and counted.
    fn stranger_inside(&self) -> Result<Option<String>, ProviderFault> {
        for name in [CONFIGS, HEALTHY] {
            if let Some(folder) = self.folder.find(name)? {
                let place = self.place(&format!("{name}/"));
                let found =
                    first(&folder, &place, |name, kind| kind.is_file() && number(name).is_some())?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        let Some(folder) = self.folder.find(REPLICAS)? else { return Ok(None) };
        let place = self.place(&format!("{REPLICAS}/"));
        let mut found =
            first(&folder, &place, |name, kind| kind.is_dir() && number(name).is_some())?;
        for replica in self.replicas()? {
            let place = format!("{place}{}/", replica.index);
            found = found.or(first(&replica.folder, &place, |name, kind| match name {
                LOCK | ORDER | RECORD | EXIT | RUNNER_ERRORS | captured::NOW | captured::BEFORE => {
                    kind.is_file()
                }
                CONFIG => kind.is_dir(),
                _ => false,
            })?);
        }
        Ok(found)
    }

    /// Files that are deleted with the service and are neither a version that it has nor in `work`: what a crash left
    /// beside its configuration, and what the service put beside the configuration that it was given. `None` where they
    /// cannot be counted.
    pub(super) fn files_beside(&self) -> Result<Option<u64>, ProviderFault> {
        let mut beside = 0u64;
        if let Some(folder) = self.folder.find(CONFIGS)? {
            let versions = folder.entries()?;
            let more = versions.iter().filter_map(|(name, _)| number(name));
            beside += more.filter(|n| !(1..=self.state.latest()).contains(n)).count() as u64;
        }
        for replica in self.replicas()? {
            let Some(config) = replica.folder.find(CONFIG)? else { continue };
            let Some(files) = config.count_files()? else { return Ok(None) };
            // An order that cannot be read names no file: then each of them counts.
            let order: Option<Order> = replica.folder.read_json(ORDER).ok().flatten();
            let given = match order {
                Some(order) => config.read(&order.config_file)?.is_some(),
                None => false,
            };
            beside = beside.saturating_add(files.saturating_sub(u64::from(given)));
        }
        Ok(Some(beside))
    }
}
