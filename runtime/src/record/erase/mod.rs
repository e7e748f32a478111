//! Erasing what old entries say. The leaves stay and the log verifies; that it was done, by whom and how far back
//! is an entry of its own, written before the first word goes. What may go is decided in [`over`], from leaves
//! that were compared with the signed head; the mistake it stops is a broom that takes what is still needed.

mod over;

pub use over::Stays;

use super::{Event, EventBody, Journal, Record, Recorder, refused};
use crate::HostError;
use interlock_authority::request::RequestBody;
use interlock_store::Stored;
use over::{Entry, Seen};
use serde_json::Value;
use std::collections::BTreeMap;

/// What can be erased of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasable {
    /// Everything is older than this, unix milliseconds.
    pub before_ms: u64,
    /// The leaves whose words can go, in the order in which they go.
    pub leaves: Vec<u64>,
    /// How many there are of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How many others are as old and stay, and why.
    pub stays: BTreeMap<Stays, u64>,
}

/// Finds what was written before a moment and is over, with all that it belongs to. Changes nothing.
///
/// # Errors
/// A journal that is not as it was written: nothing of it is erased.
pub fn erasable(journal: &Journal, before_ms: u64) -> Result<Erasable, HostError> {
    let mut seen = Seen::default();
    let see = |stored: Stored| {
        seen.see(&Entry {
            leaf: stored.leaf,
            time_ms: stored.time_ms,
            kind: &stored.kind,
            marks: &stored.marks,
            there: stored.payload.is_some(),
            until_ms: until_ms(&stored),
        });
    };
    journal.store().survey(see).map_err(refused)?;
    let (found, stays) = seen.over(before_ms);
    let mut kinds = BTreeMap::<_, u64>::new();
    for (_, kind) in &found {
        *kinds.entry(*kind).or_default() += 1;
    }
    let leaves = found.into_iter().map(|(leaf, _)| leaf).collect();
    Ok(Erasable { before_ms, leaves, kinds, stays })
}

/// Erases it, and says how much there was. The journal is told first; where there is nothing to erase it is told
/// nothing, and traces that an earlier run left are wiped.
///
/// # Errors
/// When it cannot be written down, or not be wiped: `wal-in-use`.
pub async fn erase(journal: &Journal, what: &Erasable, by: &str) -> Result<u64, HostError> {
    if !what.leaves.is_empty() {
        let entries = what.leaves.len() as u64;
        let body = EventBody::Erasure { before: what.before_ms / 1000, entries, by: by.to_owned() };
        journal.write(Record::of(Event::alone(body))).await?;
    }
    let (store, leaves) = (journal.store().clone(), what.leaves.clone());
    let erased = tokio::task::spawn_blocking(move || store.erase(&leaves)).await;
    let lost = |_| HostError::Journal {
        code: "journal-stopped",
        message: "erasing was ended in the middle; erase again".to_owned(),
    };
    erased.map_err(lost)?.map_err(refused)
}

/// When a request expires, or the elevation that a grant brought into force ends.
fn until_ms(stored: &Stored) -> Option<u64> {
    let event = || serde_json::from_slice::<Value>(stored.payload.as_ref()?).ok();
    let seconds = match stored.kind.as_str() {
        "request" => {
            RequestBody::parse(event()?.get("canonical")?.as_str()?.as_bytes()).ok()?.expires
        }
        "grant" => event()?.get("until")?.as_u64()?,
        _ => return None,
    };
    seconds.checked_mul(1000)
}
