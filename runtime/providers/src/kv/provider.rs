//! The three roles over the file. Looking never makes it. An effect is one transaction that begins by taking the
//! file's write lock: in it the version is compared, the bounds are counted, the host is asked a last time, and the
//! value is written; of many processes at one key exactly one finds the version that it expects.

use super::{
    change::{After, Change},
    file,
    quota::Quota,
    rows::{Row, Rows},
};
use crate::{
    FROZEN, Forecasted, Forecaster, NOT_STARTED, Performed, Performer, ProviderFault, Reader,
    StillAllowed, blocking::blocking, unbegun::not_begun,
};
use async_trait::async_trait;
use interlock_authority::{Permitted, PermittedEffect, Planned, catalogue::ResolvedCall};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(super) const PACKAGE: &str = "interlock:kv";
/// The most keys of a page, as the catalogue says.
const MOST: u64 = 1000;

/// The keys and values of all plugins of a host.
#[derive(Clone)]
pub struct KvProvider {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    quota: Quota,
    connection: Mutex<Option<Connection>>,
}

impl KvProvider {
    /// The store in this state folder. Nothing is made there before something is kept.
    pub fn new(state: &Path, quota: Quota) -> Self {
        let path = state.join("kv.db");
        Self { inner: Arc::new(Inner { path, quota, connection: Mutex::default() }) }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        // A transaction that a panic left is rolled back when it is dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, error: &rusqlite::Error) -> ProviderFault {
        file::fault(&self.path, error)
    }

    /// Looks at one moment of the file; `none` where there is no file.
    fn look<T>(
        &self,
        none: T,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ProviderFault> {
        let mut held = self.lock();
        if held.is_none() {
            *held = file::open_existing(&self.path)?;
        }
        let Some(connection) = held.as_mut() else { return Ok(none) };
        let transaction = connection.transaction().map_err(|e| self.fault(&e))?;
        look(&transaction).map_err(|e| self.fault(&e))
    }

    fn read(&self, call: &ResolvedCall) -> Result<Value, ProviderFault> {
        let plugin = owner(call)?;
        let most = call.number("most").unwrap_or(0).min(MOST);
        let page = |folder: Option<&str>| {
            let keys = self.look(Vec::new(), |connection| {
                Rows::of(connection, plugin).keys(folder, call.text("after"), most)
            })?;
            let more = keys.len() as u64 > most;
            let keys: Vec<String> = keys.into_iter().take(most as usize).collect();
            Ok(json!({"ok": {"keys": keys, "more": more}}))
        };
        match (call.function(), call.text("key"), call.text("folder")) {
            ("get", Some(key), _) => {
                let row = self.look(Row::NEVER, |c| Rows::of(c, plugin).get(key))?;
                Ok(json!({"ok": row.value}))
            }
            ("keys", _, Some(folder)) => page(Some(folder)),
            ("all-keys", ..) => page(None),
            _ => Err(not_served(call)),
        }
    }

    fn forecast(
        &self,
        call: &ResolvedCall,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let plugin = owner(call)?;
        let change = Change::of(call).ok_or_else(|| not_served(call))?;
        let look = |connection: &Connection| {
            change.after_all(&Rows::of(connection, plugin), earlier, plugin, &self.quota)
        };
        // Where there is no file yet, an empty one in memory is looked at.
        let found = match self.look(None, |connection| look(connection).map(Some))? {
            Some(found) => found,
            None => file::empty().and_then(|empty| look(&empty)).map_err(|e| self.fault(&e))?,
        };
        Ok(match found {
            (_, _, After::Same(answer)) => Forecasted::NoEffect(answer),
            (_, _, After::Moving) => Forecasted::Inexact(
                "the plan deletes so many keys before that it is no longer known when this one was absent".to_owned(),
            ),
            (now, before, After::Changed(result)) => {
                Forecasted::Exact(change.forecast(call, &now, before.as_deref(), result))
            }
        })
    }

    fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        let call = effect.call();
        let plugin = owner(call)?;
        let change = Change::of(call).ok_or_else(|| not_served(call))?;
        let mut held = self.lock();
        // Until it is committed nothing has happened, whatever went wrong.
        let not_started = |fault: ProviderFault| {
            let words = not_begun(call.resource(), &fault);
            refused(NOT_STARTED, json!({"err": {"failed": format!("not-kept: {words}")}}))
        };
        if held.is_none() {
            match file::open_or_make(&self.path) {
                Ok(connection) => *held = Some(connection),
                Err(fault) => return Ok(not_started(fault)),
            }
        }
        let Some(connection) = held.as_mut() else { return Err(not_served(call)) };
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) if file::is_busy(&error) => {
                let words = "another effect at the store is still under way";
                return Ok(refused("busy", json!({"err": {"conflict": words}})));
            }
            Err(error) => return Ok(not_started(self.fault(&error))),
        };
        match self.act(&transaction, plugin, &change, effect, still_allowed) {
            Ok(done @ Performed::Done { .. }) => {
                // INVARIANT AT-MOST-ONCE: whether a commit that failed is on disk, nobody knows.
                transaction.commit().map_err(|error| self.fault(&error))?;
                Ok(done)
            }
            Ok(other) => Ok(other),
            Err(error) => Ok(not_started(self.fault(&error))),
        }
    }

    fn act(
        &self,
        transaction: &Transaction<'_>,
        plugin: &str,
        change: &Change<'_>,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> rusqlite::Result<Performed> {
        let rows = Rows::of(transaction, plugin);
        let now = rows.get(change.key)?;
        if now.revision() != *effect.expected() {
            let words = "the key changed since it was looked at; look again";
            return Ok(refused("stale", json!({"err": {"conflict": words}})));
        }
        let result = match change.after(now.value.as_deref(), rows.used()?, &self.quota) {
            After::Changed(result) => result,
            // Others of the plugin used up what was left.
            After::Same(answer) => return Ok(refused(NOT_STARTED, answer)),
            After::Moving => {
                let words = "the key is not as it was foreseen; look again";
                return Ok(refused("stale", json!({"err": {"conflict": words}})));
            }
        };
        if let Err(why) = still_allowed() {
            return Ok(refused(FROZEN, json!({"err": {"denied": format!("{FROZEN}: {why}")}})));
        }
        let revision = rows.put(change.key, change.value)?.revision();
        let revisions = [(effect.call().resource().clone(), revision)].into();
        Ok(Performed::Done { result, revisions })
    }
}

fn refused(code: &'static str, result: Value) -> Performed {
    Performed::Refused { code, result }
}

fn not_served(call: &ResolvedCall) -> ProviderFault {
    ProviderFault::not_served(super::PROVIDER, call)
}

/// Whose keys a call is about, as the host said.
fn owner(call: &ResolvedCall) -> Result<&str, ProviderFault> {
    let ours = call.interface().package() == PACKAGE;
    call.owner().filter(|_| ours).ok_or_else(|| not_served(call))
}

#[async_trait]
impl Reader for KvProvider {
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault> {
        let (inner, call) = (self.inner.clone(), call.call().clone());
        blocking(move || inner.read(&call)).await
    }
}

#[async_trait]
impl Forecaster for KvProvider {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let (inner, call, earlier) = (self.inner.clone(), call.call().clone(), earlier.to_vec());
        blocking(move || inner.forecast(&call, &earlier)).await
    }
}

#[async_trait]
impl Performer for KvProvider {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        let (inner, effect, still) = (self.inner.clone(), effect.clone(), still_allowed.clone());
        blocking(move || inner.perform(&effect, &still)).await
    }
}
