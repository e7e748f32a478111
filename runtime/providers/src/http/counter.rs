//! Revisions of resources whose server tells none: a number for each effect that this host began, kept in the state
//! folder. It cannot see what others do, and says so in its words; it sees that the same wish, planned twice and
//! approved twice, already happened.

use crate::{ProviderFault, exec::lock};
use interlock_authority::{Resource, Revision};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

/// The most resources whose numbers are kept apart; of those that are forgotten the newest number stays.
const KEPT: usize = 1024;

/// The counters of all endpoints, one file each.
#[derive(Debug)]
pub(super) struct Counters {
    /// The folder of the files.
    pub(super) folder: PathBuf,
    /// The folder of the locks.
    pub(super) locks: PathBuf,
}

/// The effects on one endpoint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Never the same again, should the file be lost.
    epoch: String,
    number: u64,
    /// The newest number of all that were forgotten.
    forgotten: u64,
    /// The newest number of each resource.
    effects: BTreeMap<Resource, u64>,
}

/// How a begun effect found its resource.
pub(super) enum Begun {
    /// As it was expected; these are the revisions that it made.
    Yes(BTreeMap<Resource, Revision>),
    /// Moved.
    Stale,
    /// Somebody else is acting there.
    Busy,
    /// It is no longer allowed.
    Stopped(String),
}

impl State {
    fn new() -> io::Result<Self> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(io::Error::from)?;
        let epoch = random.iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self { epoch, number: 0, forgotten: 0, effects: BTreeMap::new() })
    }

    fn told(&self, number: u64) -> Revision {
        Revision::new(format!("{}-{number} (counted by this host alone)", self.epoch))
    }

    /// The newest effect on a resource, below it or above it.
    fn revision(&self, resource: &Resource) -> Revision {
        let near = self.effects.iter().filter(|(r, _)| r.overlaps(resource)).map(|(_, n)| *n);
        self.told(near.max().unwrap_or(0).max(self.forgotten))
    }

    fn count(&mut self, resource: &Resource) {
        self.number += 1;
        self.effects.insert(resource.clone(), self.number);
        while self.effects.len() > KEPT {
            let oldest = self.effects.iter().min_by_key(|(_, n)| **n).map(|(r, _)| r.clone());
            let gone = oldest.and_then(|oldest| self.effects.remove(&oldest));
            self.forgotten = self.forgotten.max(gone.unwrap_or(0));
        }
    }
}

impl Counters {
    fn file(&self, resource: &Resource) -> PathBuf {
        let endpoint = resource.segments().get(1).map_or("none", String::as_str);
        self.folder.join(format!("{endpoint}.json"))
    }

    fn fault(&self, resource: &Resource, source: io::Error) -> ProviderFault {
        let what = format!("the count of effects in {}", self.file(resource).display());
        ProviderFault::Io { what, source }
    }

    fn load(&self, resource: &Resource) -> Result<Option<State>, ProviderFault> {
        match fs::read(self.file(resource)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                let what = self.file(resource).display().to_string();
                ProviderFault::Damaged { what, problem: e.to_string() }
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault(resource, error)),
        }
    }

    fn save(&self, resource: &Resource, state: &State) -> Result<(), ProviderFault> {
        let file = self.file(resource);
        let write = || {
            let partial = file.with_extension("json.partial");
            let mut open = fs::OpenOptions::new();
            let mut out =
                open.write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
            out.write_all(&serde_json::to_vec(state)?)?;
            out.sync_all()?;
            fs::rename(&partial, &file)?;
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| self.fault(resource, e))
    }

    /// The state of an endpoint; it is made where there is none, so that what is told stays true.
    fn state(&self, resource: &Resource) -> Result<State, ProviderFault> {
        if let Some(state) = self.load(resource)? {
            return Ok(state);
        }
        let fault = |e| self.fault(resource, e);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(fault)?;
        let state = State::new().map_err(fault)?;
        self.save(resource, &state)?;
        Ok(state)
    }

    /// Whether the revision of a resource is another one once the host began effects on these, which are not near it:
    /// only the newest numbers are kept apart.
    pub(super) fn moves(
        &self,
        resource: &Resource,
        earlier: &[Resource],
    ) -> Result<bool, ProviderFault> {
        let Some(mut state) = self.load(resource)? else { return Ok(false) };
        let now = state.revision(resource);
        for resource in earlier {
            state.count(resource);
        }
        Ok(state.revision(resource) != now)
    }

    /// The revision of a resource now. It may wait for a lock.
    pub(super) fn revision(&self, resource: &Resource) -> Result<Option<Revision>, ProviderFault> {
        if let Some(state) = self.load(resource)? {
            return Ok(Some(state.revision(resource)));
        }
        let Some(_lock) = lock::lock(&self.locks, resource, lock::LOCK_WAIT)? else {
            return Ok(None);
        };
        Ok(Some(self.state(resource)?.revision(resource)))
    }

    /// Compares and counts under the endpoint's lock, right before an effect. An effect that was counted and then
    /// did not happen makes other plans stale; one that happened and was not counted would not.
    pub(super) fn begin(
        &self,
        resource: &Resource,
        expected: Option<&Revision>,
        still_allowed: &dyn Fn() -> Result<(), String>,
    ) -> Result<Begun, ProviderFault> {
        let Some(_lock) = lock::lock(&self.locks, resource, lock::LOCK_WAIT)? else {
            return Ok(Begun::Busy);
        };
        let mut state = self.state(resource)?;
        if expected.is_some_and(|expected| state.revision(resource) != *expected) {
            return Ok(Begun::Stale);
        }
        if let Err(why) = still_allowed() {
            return Ok(Begun::Stopped(why));
        }
        state.count(resource);
        self.save(resource, &state)?;
        // Of the resource and its ancestors, down from the endpoint: on all of them this is the newest effect.
        let told = resource.lineage().filter(|r| r.segments().len() > 1);
        Ok(Begun::Yes(told.map(|r| (r, state.told(state.number))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Begun, Counters, KEPT, State};
    use std::slice::from_ref;

    fn resource(text: &str) -> interlock_authority::Resource {
        text.parse().unwrap()
    }

    #[test]
    fn an_effect_moves_what_is_above_and_below_and_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            || Counters { folder: folder.path().join("http"), locks: folder.path().join("locks") };
        let counters = open();
        let now = |path: &str| counters.revision(&resource(path)).unwrap().unwrap();
        let all =
            ["http/s/a", "http/s/a/1", "http/s/a/1/x", "http/s/a/2", "http/s/b", "http/t/a/1"];
        let before = all.map(now);
        let Begun::Yes(told) =
            counters.begin(&resource("http/s/a/1"), Some(&before[1]), &|| Ok(())).unwrap()
        else {
            panic!("not begun");
        };
        let moved: Vec<&str> = all
            .into_iter()
            .zip(&before)
            .filter(|(path, old)| now(path) != **old)
            .map(|(p, _)| p)
            .collect();
        assert_eq!(moved, ["http/s/a", "http/s/a/1", "http/s/a/1/x"]);
        assert_eq!(
            told.keys().map(ToString::to_string).collect::<Vec<_>>(),
            ["http/s", "http/s/a", "http/s/a/1"]
        );
        assert!(told.iter().all(|(r, revision)| *revision == now(&r.to_string())));
        // Another host with this state folder knows it, and the same expectation does not hold twice.
        let again = open().begin(&resource("http/s/a/1"), Some(&before[1]), &|| Ok(())).unwrap();
        assert!(matches!(again, Begun::Stale));
        let stopped = counters.begin(&resource("http/s/b"), None, &|| Err("no".into())).unwrap();
        assert!(matches!(stopped, Begun::Stopped(_)) && now("http/s/b") == before[4]);
    }

    #[test]
    fn what_is_forgotten_never_looks_unmoved() {
        let mut state = State::new().unwrap();
        let before = state.revision(&resource("http/s/0"));
        for n in 0..=KEPT {
            state.count(&resource(&format!("http/s/{n}")));
        }
        assert_eq!(state.effects.len(), KEPT);
        assert_ne!(state.revision(&resource("http/s/0")), before);
    }

    #[test]
    fn a_plan_that_makes_a_number_be_forgotten_is_seen_before() {
        let folder = tempfile::tempdir().unwrap();
        let counters =
            Counters { folder: folder.path().join("http"), locks: folder.path().join("locks") };
        let (new, other) = (resource("http/s/new"), resource("http/s/other"));
        assert!(!counters.moves(&new, from_ref(&other)).unwrap());
        let mut state = State::new().unwrap();
        std::fs::create_dir_all(&counters.folder).unwrap();
        for n in 0..KEPT {
            state.count(&resource(&format!("http/s/{n}")));
        }
        counters.save(&new, &state).unwrap();
        let last = resource(&format!("http/s/{}", KEPT - 1));
        assert!(counters.moves(&new, from_ref(&other)).unwrap());
        assert!(!counters.moves(&new, from_ref(&last)).unwrap(), "it is counted already");
        assert!(!counters.moves(&last, from_ref(&other)).unwrap(), "it is among the newest");
        // And so it is.
        let before = counters.revision(&new).unwrap().unwrap();
        assert!(matches!(counters.begin(&other, None, &|| Ok(())).unwrap(), Begun::Yes(_)));
        let stale = counters.begin(&new, Some(&before), &|| Ok(())).unwrap();
        assert!(matches!(stale, Begun::Stale));
    }

    #[test]
    fn a_damaged_count_is_no_fresh_start() {
        let folder = tempfile::tempdir().unwrap();
        let counters =
            Counters { folder: folder.path().to_owned(), locks: folder.path().join("l") };
        std::fs::write(folder.path().join("s.json"), "{").unwrap();
        assert!(counters.begin(&resource("http/s/a"), None, &|| Ok(())).is_err());
    }
}
