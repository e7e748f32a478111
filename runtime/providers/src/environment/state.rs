//! What the provider remembers, and the revisions made from it. Every effect takes a number from one
//! counter of the root that only grows, and writes it before it acts: a revision can then neither come
//! back after a deletion nor stay the same when a crash leaves an effect half done.

use super::{
    definition::Definition,
    disk::{Folder, Lock, io, random_hex},
};
use crate::ProviderFault;
use interlock_authority::Revision;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, path::Path, time::Duration};

/// The file with the state, in the root's own folder, an environment and a service.
pub(super) const STATE: &str = "state.json";
/// The folder with one file per configuration version.
pub(super) const CONFIGS: &str = "config";
/// The root's own folder. No environment can have this name: a segment does not start with a dot.
const OWN: &str = ".interlock";
const FORMAT: u32 = 1;
/// The most configuration versions of one service.
pub(super) const MAX_VERSIONS: usize = 1000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootState {
    format: u32,
    /// Random; makes the revisions of two roots different.
    origin: String,
    /// The number of the newest effect.
    counter: u64,
    /// The number of the newest deletion of an environment.
    floor: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentState {
    format: u32,
    /// The number of the newest effect on it or below it.
    revision: u64,
    /// The number of the newest deletion below it: what is made anew starts above it.
    floor: u64,
}

/// What the provider remembers of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceState {
    format: u32,
    /// The number of the newest effect on it.
    pub(super) revision: u64,
    pub(super) wanted: u32,
    /// Stopped on purpose, until it is restarted.
    pub(super) stopped: bool,
    /// The configuration version in force, from 1.
    pub(super) in_force: u32,
    /// SHA-256 of each version's content, version 1 first.
    pub(super) versions: Vec<String>,
}

impl ServiceState {
    /// A service as its definition says, before any effect on it.
    pub(super) fn new(definition: &Definition) -> Self {
        Self {
            format: FORMAT,
            revision: 0,
            wanted: definition.replicas,
            stopped: false,
            in_force: 1,
            versions: vec![hex_digest([definition.initial.as_bytes()])],
        }
    }

    /// The newest configuration version.
    pub(super) fn latest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    /// Reads the state of a service; `None` before any effect on it.
    pub(super) fn read(service: &Folder) -> Result<Option<Self>, ProviderFault> {
        let Some(state) = service.read_json::<Self>(STATE)? else { return Ok(None) };
        let sound = state.format == FORMAT
            && (1..=state.latest()).contains(&state.in_force)
            && state.versions.len() <= MAX_VERSIONS
            && (1..=super::definition::MAX_REPLICAS).contains(&state.wanted);
        if sound {
            return Ok(Some(state));
        }
        Err(ProviderFault::Damaged {
            what: format!("`{}`", service.path_of(STATE)),
            problem: "its numbers do not fit together".to_owned(),
        })
    }
}

/// SHA-256 over parts with their lengths, so that no two lists of parts look the same.
pub(super) fn hex_digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// A revision from everything that it depends on.
fn revision<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Revision {
    Revision::new(hex_digest(parts).chars().take(24).collect::<String>())
}

/// The root folder with its own state.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) folder: Folder,
    own: Folder,
    locks: Folder,
    trash: Folder,
    origin: String,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, ProviderFault> {
        let folder = Folder::ambient(path).map_err(io(format!(
            "opening the environments folder `{}`; make it, or correct `root` under `[environment]`",
            path.display()
        )))?;
        let own = folder.make(OWN)?;
        let _lock = lock_own(&own)?;
        let state = match own.read_json::<RootState>(STATE)? {
            Some(state) => state,
            None => {
                let fresh =
                    RootState { format: FORMAT, origin: random_hex(16)?, counter: 0, floor: 0 };
                own.write_json(STATE, &fresh)?;
                fresh
            }
        };
        let (locks, trash) = (own.make("locks")?, own.make("trash")?);
        // What a crash left there is deleted already as far as anybody can see.
        let _next_time = trash.clear();
        Ok(Self { folder, own, locks, trash, origin: state.origin })
    }

    fn state(&self) -> Result<RootState, ProviderFault> {
        let state = self.own.read_json::<RootState>(STATE)?;
        state.filter(|s| s.format == FORMAT && s.origin == self.origin).ok_or_else(|| {
            ProviderFault::Damaged {
                what: format!("`{}`", self.own.path_of(STATE)),
                problem: "it is missing or was replaced while the host was running".to_owned(),
            }
        })
    }

    /// The next number, on disk before it is used.
    pub(super) fn advance(&self, deletes_environment: bool) -> Result<u64, ProviderFault> {
        let _lock = lock_own(&self.own)?;
        let mut state = self.state()?;
        state.counter = state.counter.checked_add(1).ok_or_else(|| ProviderFault::Damaged {
            what: format!("`{}`", self.own.path_of(STATE)),
            problem: "its counter is at its end, which no number of effects brings about"
                .to_owned(),
        })?;
        if deletes_environment {
            state.floor = state.counter;
        }
        self.own.write_json(STATE, &state)?;
        Ok(state.counter)
    }

    /// Locks one environment, alone for effects, shared for looking at it as a whole.
    pub(super) fn lock(
        &self,
        environment: &str,
        alone: bool,
        wait: Duration,
    ) -> Result<Option<Lock>, ProviderFault> {
        self.locks.lock(environment, alone, wait)
    }

    /// Takes an entry out of sight in one step, and deletes it after that; whether there was one.
    pub(super) fn discard(&self, from: &Folder, name: &str) -> Result<bool, ProviderFault> {
        let (bin, moved) = {
            // A host that opens the root empties the trash, and would take the bin away before anything is in it.
            let _lock = lock_own(&self.own)?;
            let bin = self.trash.make(&random_hex(8)?)?;
            let moved = from.move_to(name, &bin, name)?;
            (bin, moved)
        };
        bin.clear()?;
        // The empty folder goes when the next host opens the root, if not now.
        let _next_time = self.trash.remove_empty(bin);
        Ok(moved)
    }

    /// As [`Root::discard`], of what was there a moment ago.
    pub(super) fn destroy(&self, from: &Folder, name: &str) -> Result<(), ProviderFault> {
        if self.discard(from, name)? {
            return Ok(());
        }
        Err(ProviderFault::Damaged {
            what: from.path_of(name),
            problem: "it was to be deleted and is not there any more".to_owned(),
        })
    }

    /// The revision of `environment`, the root of all.
    pub(super) fn revision(&self) -> Result<Revision, ProviderFault> {
        let counter = self.state()?.counter.to_le_bytes();
        Ok(revision([self.origin.as_bytes(), b"root", &counter]))
    }

    /// The revision of something that is not there any more.
    pub(super) fn revision_of_gone(&self, resource: &str, number: u64) -> Revision {
        let number = number.to_le_bytes();
        revision([self.origin.as_bytes(), b"gone", resource.as_bytes(), &number])
    }

    fn environment_state(&self, environment: &Folder) -> Result<EnvironmentState, ProviderFault> {
        let floor = self.state()?.floor;
        let state = environment.read_json::<EnvironmentState>(STATE)?;
        Ok(match state {
            Some(state) => EnvironmentState { floor: state.floor.max(floor), ..state },
            None => EnvironmentState { format: FORMAT, revision: floor, floor },
        })
    }

    /// Notes effect `number` on an environment.
    pub(super) fn advance_environment(
        &self,
        environment: &Folder,
        number: u64,
        deletes: bool,
    ) -> Result<(), ProviderFault> {
        let mut state = self.environment_state(environment)?;
        state.revision = number;
        if deletes {
            state.floor = number;
        }
        environment.write_json(STATE, &state)
    }

    /// The revision of a service. It needs no sound state: one damaged service must not keep its
    /// neighbours from being healed.
    pub(super) fn service_revision(
        &self,
        environment: &Folder,
        service: &Folder,
    ) -> Result<Revision, ProviderFault> {
        let floor = self.environment_state(environment)?.floor;
        self.service_revision_above(floor, service)
    }

    fn service_revision_above(
        &self,
        floor: u64,
        service: &Folder,
    ) -> Result<Revision, ProviderFault> {
        let definition = service.read(super::environments::DEFINITION)?.unwrap_or_default();
        // The state holds the number of the newest effect, so its bytes never repeat.
        let state = service.read(STATE)?.unwrap_or_else(|| floor.to_le_bytes().to_vec());
        Ok(revision([
            self.origin.as_bytes(),
            b"service",
            service.identity()?.as_bytes(),
            &definition,
            &state,
        ]))
    }

    /// The revision of an environment, from everything in it.
    pub(super) fn environment_revision(
        &self,
        environment: &Folder,
        services: &[(String, Folder)],
    ) -> Result<Revision, ProviderFault> {
        let state = self.environment_state(environment)?;
        let definition = environment.read(super::environments::ENVIRONMENT)?.unwrap_or_default();
        let mut parts: Vec<Vec<u8>> = vec![
            self.origin.clone().into_bytes(),
            b"environment".to_vec(),
            environment.identity()?.into_bytes(),
            definition,
            state.revision.to_le_bytes().to_vec(),
        ];
        for (name, folder) in services {
            let below = self.service_revision_above(state.floor, folder)?;
            parts.push(name.clone().into_bytes());
            parts.push(below.as_str().as_bytes().to_vec());
        }
        Ok(revision(parts.iter().map(Vec::as_slice)))
    }
}

fn lock_own(own: &Folder) -> Result<Lock, ProviderFault> {
    own.lock("lock", true, Duration::from_secs(10))?.ok_or_else(|| {
        io(format!("locking `{}`", own.path_of("lock")))(std::io::ErrorKind::TimedOut.into())
    })
}
