//! One effect, from its forecast or its ticket to its outcome. The intent is on disk before the provider
//! is called, and the call runs in a task of its own: at the run's deadline the caller is told `unknown`,
//! while the task goes on and still writes the outcome. Nothing here retries.

use super::{Applying, Ended, Hands, RunGate, RunLog, Stop, write};
use crate::{
    freeze::Freeze,
    record::{Event, EventBody, Record, Recorder, space},
    response::{Effect, EffectStatus},
};
use interlock_authority::{
    Authorized, Class, Denial, Permitted, PermittedEffect, Resource, Revision,
    permit::{judge, permit_effect, permit_ticket},
};
use interlock_providers::{FROZEN, Forecasted, NOT_STARTED, Performed, Performer, StillAllowed};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How the task of an effect ended.
enum Ending {
    /// The provider answered.
    Answered(Value),
    /// Nothing was done.
    NotStarted(Stop),
    /// The provider failed in a way that leaves the effect unknown.
    Lost(String),
}

/// What became of a wish for an effect.
enum Wished {
    /// It may happen.
    Effect(Box<PermittedEffect>),
    /// There would be no effect: the guest gets this answer.
    Answer(Value),
}

/// Everything the task of one effect needs, so that it can outlive its run.
struct Task {
    invocation: String,
    step: u64,
    effect: PermittedEffect,
    authorized: Authorized,
    applying: Option<Applying>,
    performer: Arc<dyn Performer>,
    recorder: Arc<dyn Recorder>,
    freeze: Freeze,
    log: Arc<Mutex<RunLog>>,
}

impl RunGate {
    pub(super) async fn effect(&self, permitted: Permitted, hands: Hands) -> Result<Value, Stop> {
        if self.parts.freeze.reason().is_some() {
            return Err(Denial::Frozen { class: permitted.call().class() }.into());
        }
        // Rules that were changed behind the back of the people who sealed them decide nothing.
        if self.parts.seal.broken().is_some() {
            return Err(Denial::Sealed.into());
        }
        let wished = match &self.parts.applying {
            Some(applying) => self.ticketed(applying, permitted, &hands).await?,
            None => self.direct(permitted, &hands).await?,
        };
        let effect = match wished {
            Wished::Effect(effect) => *effect,
            Wished::Answer(answer) => return Ok(answer),
        };
        let Some(performer) = hands.performer else {
            return Err(Ended::Fault("a plan holds nothing that can act".to_owned()).into());
        };
        let described = format!("`{}` on `{}`", effect.call().function(), effect.call().resource());
        let task = Task {
            invocation: self.parts.invocation.clone(),
            step: self.begin(&effect)?,
            effect,
            authorized: self.parts.authorized.clone(),
            applying: self.parts.applying.clone(),
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
        // Whoever waits for this call stops at the run's deadline; the task goes on, for dropping its handle detaches it.
        match running.await {
            Ok(Ending::Answered(value)) => Ok(value),
            Ok(Ending::NotStarted(stop)) => Err(stop),
            Ok(Ending::Lost(why)) => Err(Ended::Unknown(format!("{described}: {why}")).into()),
            Err(_) => Err(Ended::Unknown(format!("{described}: the provider panicked")).into()),
        }
    }

    /// An effect of a direct run: judged by its forecast.
    async fn direct(&self, permitted: Permitted, hands: &Hands) -> Result<Wished, Stop> {
        let forecast = match hands.forecaster.forecast(&permitted, &[]).await? {
            Forecasted::Exact(forecast) => forecast,
            Forecasted::NoEffect(answer) => return Ok(Wished::Answer(answer)),
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
        let (authorized, policies) = (&self.parts.authorized, &self.parts.policies);
        let so_far = self.lock().so_far();
        let judged = judge(authorized, policies, permitted, forecast, so_far)?;
        Ok(Wished::Effect(Box::new(permit_effect(authorized, judged)?)))
    }

    /// An effect of an applied plan: the next ticket, or the run ends.
    async fn ticketed(
        &self,
        applying: &Applying,
        permitted: Permitted,
        hands: &Hands,
    ) -> Result<Wished, Stop> {
        if !applying.is_next(&permitted) {
            // A call without effect is in no plan: it is answered here as it was answered there.
            let forecasted = hands.forecaster.forecast(&permitted, &[]).await?;
            if let Forecasted::NoEffect(answer) = forecasted {
                return Ok(Wished::Answer(answer));
            }
        }
        let ticket = applying.take(&permitted)?;
        let (authorized, policies) = (&self.parts.authorized, &self.parts.policies);
        let so_far = self.lock().so_far();
        let may = &applying.may;
        let effect = permit_ticket(authorized, may, policies, permitted, ticket, so_far);
        // A plan that may not go on is over: its tickets are no use to anybody after this.
        let effect = effect.inspect_err(|_| applying.void())?;
        Ok(Wished::Effect(Box::new(effect)))
    }

    /// Notes a started effect; until its task says otherwise its end is unknown.
    ///
    /// # Errors
    /// The run was over before this came to be started: then nothing is.
    fn begin(&self, effect: &PermittedEffect) -> Result<u64, Ended> {
        let call = effect.call();
        let mut log = self.lock();
        if log.over {
            return Err(Ended::limit("time", "the run was over before the effect was started"));
        }
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
        Ok(step)
    }
}

impl Task {
    async fn run(self) -> Ending {
        let call = self.effect.call();
        let class = call.class();
        let applying = self.applying.as_ref();
        let intent =
            write::intent(&self.invocation, self.step, &self.effect, &self.authorized, applying);
        // INVARIANT INTENT-BEFORE-EFFECT: on disk, with the ticket spent and the budgets charged in the
        // same transaction, or there is no effect.
        if let Err(error) = self.recorder.write(intent).await {
            self.forget();
            return Ending::NotStarted(write::refused(error, applying.is_some()));
        }
        // What is destroyed is first told outside: a journal restored from yesterday is then seen to be
        // behind.
        if class == Class::Destroy
            && let Err(error) = self.recorder.publish().await
        {
            let message = format!("{error}; nothing was destroyed");
            let stop = Ended::Refused { code: "publish-failed", message };
            return self.not_started(Some("publish-failed"), stop.into()).await;
        }
        // A freeze that came while the intent was written still stops the effect.
        if self.freeze.reason().is_some() {
            self.void();
            return self.not_started(Some(FROZEN), Denial::Frozen { class }.into()).await;
        }
        let freeze = self.freeze.clone();
        let still_allowed: StillAllowed = Arc::new(move || match freeze.reason() {
            None => Ok(()),
            Some(_) => Err("effects are frozen by an operator".to_owned()),
        });
        let performed = self.performer.perform(&self.effect, &still_allowed).await;
        let none = BTreeMap::new();
        match performed {
            Ok(Performed::Done { result, revisions }) => {
                if let Some(applying) = applying {
                    applying.performed(&revisions);
                }
                self.ended(EffectStatus::Done, None, revisions, result).await
            }
            Ok(Performed::Refused { code: FROZEN, .. }) => {
                self.void();
                self.not_started(Some(FROZEN), Denial::Frozen { class }.into()).await
            }
            // What people agreed to is not what would happen, or cannot happen now.
            Ok(Performed::Refused { code, .. }) if applying.is_some() => {
                let why = match code {
                    "busy" => "somebody else is acting there",
                    NOT_STARTED => "what would have done it could not be started",
                    _ => "the world is not as it was when the plan was made",
                };
                let message =
                    format!("`{}` on `{}` was not done: {why}", call.function(), call.resource());
                self.not_started(Some(code), Ended::Refused { code, message }.into()).await
            }
            Ok(Performed::Refused { code, result }) => {
                self.ended(EffectStatus::Refused, Some(code.to_owned()), none, result).await
            }
            Ok(Performed::Failed { result, revisions }) => {
                // What comes after it was agreed to as what comes after it was done.
                self.void();
                self.ended(EffectStatus::Failed, Some(result.to_string()), revisions, result).await
            }
            // INVARIANT AT-MOST-ONCE: nobody knows; a person looks, nothing retries.
            Err(fault) => {
                let why = fault.to_string();
                let written = self.outcome(EffectStatus::Unknown, Some(why.clone()), none).await;
                Ending::Lost(written.err().unwrap_or(why))
            }
        }
    }

    /// INVARIANT PLAN-IS-THE-GRANT: a plan of which one step did not happen is over, whatever the tool asks for next. The
    /// tool is answered, so that it can say what went wrong.
    fn void(&self) {
        if let Some(applying) = &self.applying {
            applying.void();
        }
    }

    /// The effect did not happen, and that is written down.
    async fn not_started(&self, code: Option<&str>, stop: Stop) -> Ending {
        let detail = code.map(str::to_owned);
        match self.outcome(EffectStatus::Refused, detail, BTreeMap::new()).await {
            Ok(()) => Ending::NotStarted(stop),
            Err(error) => Ending::NotStarted(Ended::Fault(error).into()),
        }
    }

    async fn ended(
        &self,
        status: EffectStatus,
        detail: Option<String>,
        revisions: BTreeMap<Resource, Revision>,
        answer: Value,
    ) -> Ending {
        match self.outcome(status, detail, revisions).await {
            Ok(()) => Ending::Answered(answer),
            Err(error) => Ending::Lost(format!("it ended `{}`, but {error}", status.as_str())),
        }
    }

    async fn outcome(
        &self,
        status: EffectStatus,
        detail: Option<String>,
        revisions: BTreeMap<Resource, Revision>,
    ) -> Result<(), String> {
        let body = EventBody::Outcome { step: self.step, status, detail, revisions };
        let mut record = Record::of(Event::of(&self.invocation, body));
        // An outcome of `unknown` leaves the intent open: a person closes it.
        if status != EffectStatus::Unknown {
            record = record.once(space::OUTCOME, write::key(&self.invocation, self.step));
        }
        if let Some(request) = self.applying.as_ref().and_then(|a| a.request.as_ref()) {
            record = record.mark(space::ABOUT, request);
        }
        self.recorder.write(record).await.map_err(|e| e.to_string())?;
        self.log.lock().unwrap_or_else(PoisonError::into_inner).ended_as(self.step, status);
        let call = self.effect.call();
        // By its id, not by a span: the effect may outlive its call.
        tracing::info!(
            invocation = self.invocation,
            step = self.step,
            function = %format_args!("{}.{}", call.interface(), call.function()),
            resource = %call.resource(),
            class = call.class().as_str(),
            status = status.as_str(),
            "effect ended"
        );
        Ok(())
    }

    /// Takes back an effect that never became an intent.
    fn forget(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.effects.retain(|e| e.step != self.step);
    }
}
