//! The questions that are under way in the sessions of one principal, by the ids that clients gave them. The protocol's side
//! finds answers by these ids: a second question with the id of one that has no answer yet would take that one's
//! answer, and what was kept for the first would stay until its session ends.

use hyper::header::HeaderValue;
use rmcp::model::RequestId;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Key = (HeaderValue, RequestId);

/// All of them.
#[derive(Default)]
pub(super) struct Asked(Mutex<HashSet<Key>>);

impl Asked {
    /// One more; `None` where one with this id is under way in this session.
    pub(super) fn begin(self: &Arc<Self>, session: HeaderValue, id: RequestId) -> Option<Asking> {
        let key = (session, id);
        let new = self.all().insert(key.clone());
        new.then(|| Asking { _one: Arc::new(One { of: self.clone(), key }) })
    }

    fn all(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is under way, until the last of these is dropped. It goes with the request into its handler and is
/// gone before the answer is sent: whoever has the answer may use the id again.
#[derive(Clone)]
pub(super) struct Asking {
    _one: Arc<One>,
}

struct One {
    of: Arc<Asked>,
    key: Key,
}

impl Drop for One {
    fn drop(&mut self) {
        self.of.all().remove(&self.key);
    }
}
