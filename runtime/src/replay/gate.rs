//! What stands where the gate stood: it answers each capability call as it was answered then, and ends the
//! run at the first call that is another. No provider is behind it.

use super::Difference;
use crate::record::{Asked, RecordedCall};
use async_trait::async_trait;
use interlock_sandbox::{Gate, GateAnswer, GuestCall};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The code of a run that asked for something else.
const DIFFERS: &str = "replay-differs";

/// The recorded calls, and how far a run came with them.
#[derive(Debug)]
pub(super) struct Recorded {
    calls: Vec<RecordedCall>,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    answered: usize,
    differs: Option<Difference>,
}

impl Recorded {
    pub(super) fn new(calls: Vec<RecordedCall>) -> Self {
        Self { calls, progress: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were answered.
    pub(super) fn answered(&self) -> usize {
        self.lock().answered
    }

    /// The first call that was another, or was not made.
    pub(super) fn difference(&self) -> Option<Difference> {
        let progress = self.lock();
        let missing = || {
            let next = self.calls.get(progress.answered)?;
            let recorded = Some(Box::new(next.asked.clone()));
            Some(Difference::Call { at: progress.answered + 1, recorded, replayed: None })
        };
        progress.differs.clone().or_else(missing)
    }
}

#[async_trait]
impl Gate for Recorded {
    async fn call(&self, call: GuestCall) -> GateAnswer {
        let asked = Asked::from(&call);
        let mut progress = self.lock();
        let recorded = self.calls.get(progress.answered);
        match recorded {
            Some(recorded) if recorded.asked == asked && progress.differs.is_none() => {
                progress.answered += 1;
                recorded.answer.clone().into()
            }
            other => {
                let at = progress.answered + 1;
                let recorded = other.map(|call| Box::new(call.asked.clone()));
                let replayed = Some(Box::new(asked));
                progress.differs.get_or_insert(Difference::Call { at, recorded, replayed });
                GateAnswer::End {
                    code: DIFFERS.into(),
                    message: format!("capability call {at} is not the recorded one"),
                    limit: false,
                }
            }
        }
    }
}
