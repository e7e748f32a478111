//! What an asker may know of its own request, and what is remembered of calls so that the same one again is
//! answered and not repeated. Nobody's keys, signatures or names of policies are in here.

use super::Case;
use crate::{Host, HostError, Response, pipeline::Control, record::Journal, record::space};
use interlock_authority::desk::RequestState;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedMutexGuard, watch};

/// The most answers that are kept for a client that asks again.
const REMEMBERED: usize = 256;

/// A request, as its asker sees it.
#[derive(Debug, Clone, Serialize)]
pub struct OwnRequest {
    /// Its id.
    pub request: String,
    /// The digest of its document.
    pub document: String,
    /// What it is now.
    #[serde(flatten)]
    pub state: RequestState,
    /// Who must approve.
    pub needs: String,
    /// What for.
    pub wish: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// What people read, exactly.
    #[serde(skip)]
    pub text: String,
    /// The run that used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunTold>,
}

/// A run, as far as the journal tells of it. What the tool returned is not kept.
#[derive(Debug, Clone, Serialize)]
pub struct RunTold {
    /// The request that it applied.
    pub request: String,
    /// The run.
    pub invocation: String,
    /// How it ended: a stable code; absent while it is under way.
    pub ended: Option<String>,
    /// Its effects, in order: step, class, resource, function and status.
    pub happened: Vec<Value>,
}

impl OwnRequest {
    pub(super) fn read(host: &Host, case: &Case) -> Result<Self, HostError> {
        let state = case.state(host)?;
        let run = match &state {
            RequestState::Consumed { run } => Some(told_run(host.journal(), &case.body.id, run)?),
            _ => None,
        };
        let time = interlock_authority::document::timestamp;
        Ok(Self {
            request: case.body.id.clone(),
            document: case.digest.to_string(),
            state,
            needs: case.body.needs.sentence(),
            wish: case.body.wish.summary(),
            made: time(case.body.created),
            expires: time(case.body.expires),
            text: case.document.clone(),
            run,
        })
    }
}

/// What the journal tells of a run.
///
/// # Errors
/// A leaf that is not as it was written.
pub(super) fn told_run(journal: &Journal, request: &str, run: &str) -> Result<RunTold, HostError> {
    let mut told = RunTold {
        request: request.to_owned(),
        invocation: run.to_owned(),
        ended: None,
        happened: Vec::new(),
    };
    for leaf in journal.find(space::INVOCATION, run)? {
        let Some(leaf) = journal.told(leaf)? else { continue };
        let Some(event) = &leaf.event else { continue };
        let of = |name: &str| event.get(name).cloned().unwrap_or(Value::Null);
        match leaf.kind.as_str() {
            "intent" => told.happened.push(json!({
                "step": of("step"), "class": of("class"), "resource": of("resource"),
                "function": of("function"), "status": "unknown",
            })),
            "outcome" => {
                let step = of("step");
                let same = |effect: &&mut Value| effect.get("step") == Some(&step);
                if let Some(effect) = told.happened.iter_mut().find(same)
                    && let Some(status) = effect.get_mut("status")
                {
                    *status = of("status");
                }
            }
            "ended" => told.ended = leaf.text("code").map(str::to_owned),
            _ => {}
        }
    }
    Ok(told)
}

/// What is remembered of the calls of a process.
#[derive(Debug)]
pub(super) struct Known {
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    answers: Mutex<VecDeque<(String, Response)>>,
    calls: watch::Sender<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    running: BTreeMap<u64, Control>,
    stopped: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            turns: Mutex::default(),
            answers: Mutex::default(),
            calls: watch::Sender::new(Calls::default()),
        }
    }
}

/// Counts a call as under way for as long as it lives.
pub(super) struct UnderWay<'k>(&'k Known, u64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.calls.send_modify(|calls| {
            calls.running.remove(&self.1);
        });
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data: a panic elsewhere leaves it whole.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// Notes a call; `None` once everything was stopped.
    pub(super) fn begin(&self, control: &Control) -> Option<UnderWay<'_>> {
        let mut number = None;
        self.calls.send_modify(|calls| {
            if !calls.stopped {
                calls.next += 1;
                calls.running.insert(calls.next, control.clone());
                number = Some(calls.next);
            }
        });
        number.map(|number| UnderWay(self, number))
    }

    /// Ends every call, and keeps new ones from starting.
    pub(super) fn stop(&self) {
        self.calls.send_modify(|calls| {
            calls.stopped = true;
            calls.running.values().for_each(Control::cancel);
        });
    }

    /// Waits until no call is under way.
    pub(super) async fn idle(&self) {
        let _ = self.calls.subscribe().wait_for(|calls| calls.running.is_empty()).await;
    }

    pub(super) fn under_way(&self) -> usize {
        self.calls.borrow().running.len()
    }

    /// The turn of one call with this request.
    pub(super) async fn turn(&self, request: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = held(&self.turns);
            // Those that nobody waits for are only in this map.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(request.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// The answer that was given for a request.
    pub(super) fn answer(&self, request: &str) -> Option<Box<Response>> {
        let answers = held(&self.answers);
        answers.iter().find(|(id, _)| id == request).map(|(_, answer)| Box::new(answer.clone()))
    }

    /// Keeps the answer for a request; the oldest makes room.
    pub(super) fn remember(&self, request: &str, response: &Response) {
        let mut answers = held(&self.answers);
        if answers.len() >= REMEMBERED {
            answers.pop_front();
        }
        answers.push_back((request.to_owned(), response.clone()));
    }
}
