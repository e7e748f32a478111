//! Connections on which nobody has shown a good token yet. Anybody can open those, and as many as there are places:
//! they have no more than their share of the places, and the oldest goes when another comes. Whoever means to
//! ask has long asked by then; whoever says nothing keeps nobody out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All of them, in the order in which they came.
pub(super) struct Strangers {
    most: usize,
    all: Mutex<Came>,
}

#[derive(Default)]
struct Came {
    next: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

impl Strangers {
    pub(super) fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self { most, all: Mutex::default() })
    }

    /// One more; where there are as many as there may be, the oldest is sent away.
    pub(super) fn come(self: &Arc<Self>) -> Stranger {
        let away = CancellationToken::new();
        let mut all = self.all();
        if all.waiting.len() >= self.most
            && let Some((_, oldest)) = all.waiting.pop_first()
        {
            oldest.cancel();
        }
        let number = all.next;
        all.next += 1;
        all.waiting.insert(number, away.clone());
        drop(all);
        Stranger { of: self.clone(), number, away, place: OnceLock::new() }
    }

    fn all(&self) -> MutexGuard<'_, Came> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection. It is forgotten when it is dropped.
pub(super) struct Stranger {
    of: Arc<Strangers>,
    number: u64,
    away: CancellationToken,
    /// Among the connections of whom it is.
    place: OnceLock<OwnedSemaphorePermit>,
}

impl Stranger {
    /// From now on it is somebody's, and is not sent away for others. One of too many of the same principal stays a
    /// stranger: those who have a token keep nobody out either.
    pub(super) fn known(&self, places: &Arc<Semaphore>) {
        if self.place.get().is_none()
            && let Ok(place) = places.clone().try_acquire_owned()
        {
            let _ = self.place.set(place);
            self.forget();
        }
    }

    fn forget(&self) {
        self.of.all().waiting.remove(&self.number);
    }

    /// Waits until it is to go.
    pub(super) async fn sent_away(&self) {
        self.away.cancelled().await;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_still_a_stranger_goes() {
        let strangers = Strangers::at_most(3);
        let came: Vec<Stranger> = (0..3).map(|_| strangers.come()).collect();
        let away = |came: &[Stranger]| -> Vec<bool> {
            came.iter().map(|one| one.away.is_cancelled()).collect()
        };
        let places = Arc::new(Semaphore::new(1));
        came[0].known(&places);
        // One too many of its principal.
        came[1].known(&places);
        let fourth = strangers.come();
        assert_eq!(away(&came), [false, false, false]);
        let fifth = strangers.come();
        assert_eq!(away(&came), [false, true, false]);
        drop(fourth);
        let sixth = strangers.come();
        assert_eq!(away(&came), [false, true, false]);
        assert!(!fifth.away.is_cancelled() && !sixth.away.is_cancelled());
        drop((came, fifth, sixth));
        assert_eq!((strangers.all().waiting.len(), places.available_permits()), (0, 1));
    }
}
