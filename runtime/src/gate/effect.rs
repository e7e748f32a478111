//! One effect, from its forecast to its outcome. The intent is on disk before the provider is called,
//! and the call runs in a task of its own: at the run's deadline the caller is told `unknown`, while the
//! task goes on and still writes the outcome. Nothing here retries.

use super::{Ended, Hands, RunGate, RunLog, Stop};
use crate::{
    freeze::Freeze,
    record::{Event, EventBody, Recorder},
    response::{Effect, EffectStatus},
};
use interlock_authority::{Denial, Permitted, PermittedEffect, permit_effect};
use interlock_providers::{FROZEN, Forecasted, Performed, Performer, StillAllowed};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The effects of a host that are under way, whether or not their runs still wait for them.
#[derive(Debug, Clone)]
pub struct EffectTasks(watch::Sender<usize>);

impl Default for EffectTasks {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

/// Counts one effect as under way for as long as it lives.
struct UnderWay(watch::Sender<usize>);

impl EffectTasks {
    fn start(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.0.clone())
    }

    /// Waits until no effect is under way, at most this long. Says whether none is.
    pub async fn drained(&self, most: Duration) -> bool {
        let mut count = self.0.subscribe();
        tokio::time::timeout(most, count.wait_for(|count| *count == 0))
            .await
            .is_ok_and(|r| r.is_ok())
    }

    /// How many effects are under way.
    pub fn under_way(&self) -> usize {
        *self.0.borrow()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// How the task of an effect ended.
enum Ending {
    /// The provider answered.
    Answered(Value),
    /// Nothing was done.
    NotStarted(Stop),
    /// The provider failed in a way that leaves the effect unknown.
    Lost(String),
}

/// Everything the task of one effect needs, so that it can outlive its run.
struct Task {
    invocation: String,
    step: u64,
    effect: PermittedEffect,
    performer: Arc<dyn Performer>,
    recorder: Arc<dyn Recorder>,
    freeze: Freeze,
    log: Arc<Mutex<RunLog>>,
}

impl RunGate {
    pub(super) async fn effect(&self, permitted: Permitted, hands: Hands) -> Result<Value, Stop> {
        let class = permitted.call().class();
        if self.parts.freeze.reason().is_some() {
            return Err(Denial::Frozen { class }.into());
        }
        let (permitted, forecasted) =
            self.forecast(permitted, hands.forecaster, Vec::new()).await?;
        let forecast = match forecasted {
            Forecasted::Exact(forecast) => forecast.bounded(),
            Forecasted::NoEffect(answer) => return Ok(answer),
            Forecasted::Inexact(why) => {
                let call = permitted.call();
                let message = format!(
                    "what `{}` would touch below `{}` cannot be known beforehand: {why}",
                    call.function(),
                    call.resource()
                );
                return Err(Ended::Inexact(message).into());
            }
        };
        let effect = permit_effect(&self.parts.authorized, permitted, forecast)?;
        let Some(performer) = hands.performer else {
            return Err(Ended::Fault("a plan holds nothing that can act".to_owned()).into());
        };
        let described = format!("`{}` on `{}`", effect.call().function(), effect.call().resource());
        let step = self.begin(&effect);
        let task = Task {
            invocation: self.parts.invocation.clone(),
            step,
            effect,
            performer,
            recorder: self.parts.recorder.clone(),
            freeze: self.parts.freeze.clone(),
            log: self.log.clone(),
        };
        let under_way = self.parts.tasks.start();
        let running = tokio::spawn(async move {
            let ending = task.run().await;
            drop(under_way);
            ending
        });
        match tokio::time::timeout_at(self.parts.deadline, running).await {
            Ok(Ok(Ending::Answered(value))) => Ok(value),
            Ok(Ok(Ending::NotStarted(stop))) => Err(stop),
            Ok(Ok(Ending::Lost(why))) => Err(Ended::Unknown(format!("{described}: {why}")).into()),
            Ok(Err(_)) => Err(Ended::Unknown(format!("{described}: the provider panicked")).into()),
            // The task goes on: dropping its handle detaches it.
            Err(_) => Err(Ended::Unknown(format!(
                "{described} was started and had not ended at the run's deadline"
            ))
            .into()),
        }
    }

    /// Notes a started effect; until its task says otherwise its end is unknown.
    fn begin(&self, effect: &PermittedEffect) -> u64 {
        let call = effect.call();
        let mut log = self.lock();
        let step = log.effects.len() as u64 + 1;
        log.effects.push(Effect {
            step,
            interface: call.interface().clone(),
            function: call.function().to_owned(),
            class: call.class(),
            resource: call.resource().clone(),
            arguments: call.arguments().clone(),
            status: EffectStatus::Unknown,
        });
        step
    }
}

impl Task {
    async fn run(self) -> Ending {
        let call = self.effect.call();
        let intent = EventBody::Intent {
            step: self.step,
            interface: call.interface().clone(),
            function: call.function().to_owned(),
            class: call.class(),
            resource: call.resource().clone(),
            arguments: call.arguments().clone(),
            revision: self.effect.expected().clone(),
            touches: self.effect.forecast().touches.clone(),
        };
        // INVARIANT INTENT-BEFORE-EFFECT: on disk, or there is no effect.
        if let Err(error) = self.record(intent) {
            self.forget();
            let message = format!("{error}; the effect was not started");
            return Ending::NotStarted(Ended::Fault(message).into());
        }
        // A freeze that came while the intent was written still stops the effect.
        if self.freeze.reason().is_some() {
            let refused =
                self.outcome(EffectStatus::Refused, Some("frozen".into()), BTreeMap::new());
            return match refused {
                Ok(()) => Ending::NotStarted(Denial::Frozen { class: call.class() }.into()),
                Err(error) => Ending::NotStarted(Ended::Fault(error).into()),
            };
        }
        let freeze = self.freeze.clone();
        let still_allowed: StillAllowed = Arc::new(move || match freeze.reason() {
            None => Ok(()),
            Some(_) => Err("effects are frozen by an operator".to_owned()),
        });
        let class = call.class();
        let performed = self.performer.perform(&self.effect, &still_allowed).await;
        let (status, detail, revisions, answer) = match performed {
            Ok(Performed::Done { result, revisions }) => {
                (EffectStatus::Done, None, revisions, result)
            }
            Ok(Performed::Refused { code, result }) => {
                (EffectStatus::Refused, Some(code.to_owned()), BTreeMap::new(), result)
            }
            Ok(Performed::Failed { result, revisions }) => {
                (EffectStatus::Failed, Some(result.to_string()), revisions, result)
            }
            // INVARIANT AT-MOST-ONCE: nobody knows; a person looks, nothing retries.
            Err(fault) => {
                let why = fault.to_string();
                let written =
                    self.outcome(EffectStatus::Unknown, Some(why.clone()), BTreeMap::new());
                return Ending::Lost(written.err().unwrap_or(why));
            }
        };
        let frozen = status == EffectStatus::Refused && detail.as_deref() == Some(FROZEN);
        match self.outcome(status, detail, revisions) {
            Ok(()) if frozen => Ending::NotStarted(Denial::Frozen { class }.into()),
            Ok(()) => Ending::Answered(answer),
            Err(error) => Ending::Lost(format!("it ended `{}`, but {error}", status.as_str())),
        }
    }

    fn record(&self, body: EventBody) -> Result<(), String> {
        let event = Event::now(Some(&self.invocation), body);
        self.recorder.record(&event).map_err(|e| e.to_string())
    }

    fn outcome(
        &self,
        status: EffectStatus,
        detail: Option<String>,
        revisions: BTreeMap<interlock_authority::Resource, interlock_authority::Revision>,
    ) -> Result<(), String> {
        self.record(EventBody::Outcome {
            step: self.step,
            status: status.as_str(),
            detail,
            revisions,
        })?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(effect) = log.effects.iter_mut().find(|e| e.step == self.step) {
            effect.status = status;
        }
        Ok(())
    }

    /// Takes back an effect that never became an intent.
    fn forget(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.effects.retain(|e| e.step != self.step);
    }
}
