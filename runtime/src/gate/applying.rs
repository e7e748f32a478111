//! A run that applies a decided plan: it holds the plan's tickets, and gives out the next one only.

use super::Ended;
use interlock_authority::{
    Digest, Permitted, Resource, Revision,
    apply::MayApply,
    ticket::{Ticket, Tickets},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The decided plan that a run applies.
#[derive(Debug, Clone)]
pub struct Applying {
    /// The proof that it may be applied.
    pub may: Arc<MayApply>,
    /// The digest of the plan.
    pub plan: Digest,
    /// The request whose approval this is; absent where policy alone allowed the plan.
    pub request: Option<String>,
    /// When the approval ends, unix milliseconds.
    pub not_after_ms: Option<u64>,
    tickets: Arc<Mutex<Tickets>>,
}

impl Applying {
    /// The tickets of a decided plan, for one run.
    pub fn new(may: MayApply, plan: Digest, request: Option<String>, ends: Option<u64>) -> Self {
        let tickets = Arc::new(Mutex::new(may.tickets()));
        Self { may: Arc::new(may), plan, request, not_after_ms: ends, tickets }
    }

    fn lock(&self) -> MutexGuard<'_, Tickets> {
        // A matcher that a panic left behind is plain data; it can only be stricter than it was.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call is the next effect of the plan.
    pub(super) fn is_next(&self, permitted: &Permitted) -> bool {
        self.lock().next().is_some_and(|next| next.is_for(permitted.call()))
    }

    /// INVARIANT PLAN-IS-THE-GRANT: the next ticket, or the run ends and what is left is void.
    pub(super) fn take(&self, permitted: &Permitted) -> Result<Ticket, Ended> {
        self.lock().offer(permitted.call()).map_err(Ended::Deviated)
    }

    /// Notes the revisions that an effect returned: later tickets expect them.
    pub(super) fn performed(&self, revisions: &BTreeMap<Resource, Revision>) {
        self.lock().performed(revisions);
    }

    /// Whatever is left can never be used.
    pub(crate) fn void(&self) {
        self.lock().void();
    }

    /// How many tickets the plan has.
    pub(super) fn count(&self) -> u64 {
        self.may.plan().effects.len() as u64
    }
}
