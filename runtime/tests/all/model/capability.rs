//! The world of a sequence: two clusters of keys with revisions, behind the capability that the other tests use. It
//! counts what happened, and in the middle of a run it does what a sequence says: takes a copy of the journal as a
//! crash would leave it, lets time pass, stops effects, takes an approval back, or moves under the run.

use super::op::{At, During, Meanwhile};
use async_trait::async_trait;
use interlock::{
    Host,
    authority::{Forecast, Permitted, PermittedEffect, Planned, Resource, Revision},
    desk::Approver,
    providers::{
        FROZEN, Forecasted, Forecaster, Performed, Performer, ProviderFault, Reader, StillAllowed,
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

/// What is to happen in the run that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Armed {
    pub(crate) during: During,
    /// The request that the run applies, with its last moment.
    pub(crate) request: Option<(String, u64)>,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) host: Mutex<Weak<Host>>,
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) armed: Mutex<Option<Armed>>,
    /// The files of the journal, as a crash left them.
    pub(crate) crashed: Mutex<Option<Files>>,
    pub(crate) sour: Mutex<bool>,
    revisions: Mutex<BTreeMap<String, u64>>,
    performed: AtomicU64,
}

/// Files with what is in them.
pub(crate) type Files = Vec<(PathBuf, Vec<u8>)>;

/// The files of a journal as they are: what a host that is killed now leaves behind. Nothing may be on its way to
/// them. After an intent nothing is; elsewhere it was waited for.
pub(crate) fn copy(host: &Host) -> Files {
    let store = host.journal().store();
    let name = |end: &str| PathBuf::from(format!("{}{end}", store.path().display()));
    ["", "-wal"]
        .map(name)
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(file).unwrap()))
        .collect()
}

impl World {
    pub(crate) fn performed(&self) -> u64 {
        self.performed.load(Ordering::SeqCst)
    }

    fn revision(&self, resource: &Resource) -> Revision {
        let all = self.revisions.lock().unwrap();
        Revision::new(format!("r{}", all.get(&resource.to_string()).copied().unwrap_or_default()))
    }

    /// Something happened to a resource: it, what is above it, and what is known below it are others now.
    pub(crate) fn advance(&self, resource: &Resource) {
        let mut all = self.revisions.lock().unwrap();
        let known = ["cache/a", "cache/b", "cache/a/key/k", "cache/a/key/z", "cache/b/key/k"];
        for name in known {
            if name.parse::<Resource>().unwrap().overlaps(resource) {
                *all.entry(name.to_owned()).or_default() += 1;
            }
        }
    }

    /// Does what is to happen at this moment, once. An error ends a run whose host is gone.
    async fn meanwhile(&self, at: At) -> Result<(), ProviderFault> {
        let gone = || ProviderFault::Damaged { what: "host".into(), problem: "it is gone".into() };
        if self.crashed.lock().unwrap().is_some() {
            return Err(gone());
        }
        let armed = {
            let mut armed = self.armed.lock().unwrap();
            armed.take_if(|armed| armed.during.is_some_and(|(when, _)| when == at))
        };
        let Some(Armed { during: Some((_, what)), request }) = armed else { return Ok(()) };
        let host = self.host.lock().unwrap().upgrade().unwrap();
        match (what, request) {
            (Meanwhile::Crash, _) => {
                if at == At::Reading {
                    host.journal().store().flush().await.unwrap();
                }
                let files = copy(&host);
                *self.crashed.lock().unwrap() = Some(files);
                return Err(gone());
            }
            (Meanwhile::Expiry, Some((_, ends))) => {
                self.clock.fetch_max(ends, Ordering::SeqCst);
            }
            (Meanwhile::Revoke, Some((id, _))) => {
                Approver::of(&host).revoke(&id, "ops").await.unwrap();
            }
            (Meanwhile::Freeze, _) => host.freeze().set("now").unwrap(),
            (Meanwhile::Touch, _) => self.advance(&"cache/a/key/k".parse().unwrap()),
            (Meanwhile::Expiry | Meanwhile::Revoke, None) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Reader for World {
    async fn read(&self, _: &Permitted) -> Result<Value, ProviderFault> {
        self.meanwhile(At::Reading).await?;
        Ok(if *self.sour.lock().unwrap() { json!({"err": "sour"}) } else { json!({"ok": "fine"}) })
    }
}

#[async_trait]
impl Forecaster for World {
    async fn forecast(&self, call: &Permitted, _: &[Planned]) -> Result<Forecasted, ProviderFault> {
        let resource = call.call().resource().clone();
        Ok(Forecasted::Exact(Forecast {
            verb: "clear".into(),
            counts: BTreeMap::new(),
            revision: self.revision(&resource),
            touches: vec![resource],
            result: json!({"ok": null}),
            note: None,
        }))
    }
}

#[async_trait]
impl Performer for World {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        self.meanwhile(At::Starting).await?;
        let resource = effect.call().resource();
        if let Err(why) = still_allowed() {
            return Ok(Performed::Refused {
                code: FROZEN,
                result: json!({"err": {"denied": why}}),
            });
        }
        if *effect.expected() != self.revision(resource) {
            let result = json!({"err": {"failed": "it changed"}});
            return Ok(Performed::Refused { code: "stale", result });
        }
        self.performed.fetch_add(1, Ordering::SeqCst);
        self.advance(resource);
        let revisions = BTreeMap::from([(resource.clone(), self.revision(resource))]);
        self.meanwhile(At::Performed).await?;
        Ok(Performed::Done { result: json!({"ok": null}), revisions })
    }
}
