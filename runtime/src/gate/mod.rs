//! The one door. Every capability call of every plugin passes `RunGate::gate`, which names and checks
//! the call by the host's catalogue, asks the authority, calls the provider under the run's deadline,
//! and tells the recorder each step. There is no other way to a provider: the handles live here, for
//! the providers of live interfaces only, and what providers take can be minted only by the authority.

mod applying;
mod effect;
mod log;
mod tasks;
mod write;

pub use applying::Applying;
pub use log::{Ended, RunLog};
pub use tasks::EffectTasks;

use crate::{
    freeze::Freeze,
    record::{Answer, Asked, Calls, Recorder, What},
    response::{DeniedCall, EffectStatus},
    seal::Seal,
};
use async_trait::async_trait;
use interlock_authority::{
    Authorized, Catalogue, Class, Denial, LinkState, Mode, Permitted,
    permit::{judge, permit},
    policy::Policies,
};
use interlock_providers::{
    Forecasted, Forecaster, Performer, Provider, ProviderFault, Reader, Told,
};
use interlock_sandbox::{Gate, GateAnswer, GuestCall};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{task::JoinHandle, time::Instant};

/// The most effects of one plan: more than a person reads.
pub const MAX_PLANNED: usize = 50;

/// What a denial or an end counts for, in bytes, where calls are recorded.
const WORDS: u64 = 256;

/// What one run may reach of a provider.
#[derive(Clone)]
struct Hands {
    reader: Arc<dyn Reader>,
    forecaster: Arc<dyn Forecaster>,
    /// Absent while planning: a plan holds nothing that can act.
    performer: Option<Arc<dyn Performer>>,
}

/// What a gate is made of.
pub struct GateParts {
    /// The invocation, for the record.
    pub invocation: String,
    /// The decision that the run is under.
    pub authorized: Authorized,
    /// What every capability function does.
    pub catalogue: Arc<Catalogue>,
    /// The policies in force.
    pub policies: Arc<Policies>,
    /// The decided plan that the run applies; absent in every other run.
    pub applying: Option<Applying>,
    /// Where each step is kept.
    pub recorder: Arc<dyn Recorder>,
    /// The switch that stops all effects.
    pub freeze: Freeze,
    /// Whether the rules that the run is decided by are those in force.
    pub seal: Seal,
    /// Capability calls in this run.
    pub host_calls: u64,
    /// Bytes of arguments and results of all capability calls in this run.
    pub host_bytes: u64,
    /// Bytes that a run which plans may tell the world outside.
    pub plan_bytes: u64,
    /// Bytes of calls and answers that are recorded of this run; 0 records nothing.
    pub recording: u64,
    /// When the run ends.
    pub deadline: Instant,
    /// Where effects that outlive their run are waited for.
    pub tasks: EffectTasks,
}

/// The gate of one run. Clones are the same gate.
#[derive(Clone)]
pub struct RunGate {
    parts: Arc<GateParts>,
    hands: Arc<BTreeMap<String, Hands>>,
    log: Arc<Mutex<RunLog>>,
    calls: Arc<Mutex<Calls>>,
}

/// The task of one call. It does not outlive whoever waits for it: a run that is over decides nothing more, and
/// starts nothing more, even where its task is in the middle of something that cannot be interrupted.
struct Tied<'a> {
    task: JoinHandle<Result<(Value, u64), Stop>>,
    gate: &'a RunGate,
    /// Whether it was answered, or told that it is too late.
    settled: bool,
}

impl Drop for Tied<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.gate.lock().over = true;
            self.task.abort();
        }
    }
}

/// Why a call got no answer.
pub(crate) enum Stop {
    /// The guest is told; it may go on.
    Denied(Denial),
    /// The run ends.
    End(Ended),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::End(ended)
    }
}

impl From<ProviderFault> for Stop {
    fn from(fault: ProviderFault) -> Self {
        match fault {
            ProviderFault::Denied { rule, problem } => {
                Self::Denied(Denial::Resource { rule, problem })
            }
            fault => Self::End(Ended::Fault(fault.to_string())),
        }
    }
}

impl RunGate {
    /// A gate that holds only what this run's live functions need.
    pub fn new(parts: GateParts, providers: &BTreeMap<String, Provider>) -> Self {
        let mut hands = BTreeMap::new();
        for (name, functions) in parts.authorized.links() {
            // INVARIANT ABSENT-NOT-DENIED: a run in which nothing of an interface is live holds no
            // handle of its provider.
            if !functions.values().any(|state| *state == LinkState::Live) {
                continue;
            }
            let Some(interface) = parts.catalogue.interface(name) else { continue };
            if let Some(provider) = providers.get(&interface.provider) {
                hands.insert(
                    interface.provider.clone(),
                    Hands {
                        reader: provider.reader.clone(),
                        forecaster: provider.forecaster.clone(),
                        performer: (parts.authorized.mode() != Mode::Plan)
                            .then(|| provider.performer.clone()),
                    },
                );
            }
        }
        let calls = Arc::new(Mutex::new(Calls::new(parts.recording)));
        Self { parts: Arc::new(parts), hands: Arc::new(hands), log: Arc::default(), calls }
    }

    /// The calls of the run, with their answers. They are not part of [`RunGate::log`], which is copied.
    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has happened in the run so far.
    pub fn log(&self) -> RunLog {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, RunLog> {
        // The log is plain data: a panic elsewhere leaves it whole.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// INVARIANT ONE-DOOR: the whole way of a capability call.
    /// Gives the answer with its size as JSON.
    async fn gate(&self, call: GuestCall) -> Result<(Value, u64), Stop> {
        // A run that was ended has one end. The sandbox stops its code there; this does not lean on that.
        if let Some(ended) = self.lock().ended.clone() {
            return Err(ended.into());
        }
        self.charge(1, call.bytes)?;
        let arguments = call.arguments.map_err(|problem| Denial::Malformed {
            function: format!("{}#{}", call.interface, call.function),
            problem,
        })?;
        let plugin = self.parts.authorized.plugin();
        let resolved =
            self.parts.catalogue.resolve_for(plugin, &call.interface, &call.function, arguments)?;
        let provider = self
            .parts
            .catalogue
            .interface(&call.interface)
            .and_then(|interface| self.hands.get(&interface.provider))
            .cloned();
        let so_far = self.lock().so_far();
        let permitted = permit(&self.parts.authorized, &self.parts.policies, resolved, so_far)?;
        let Some(hands) = provider else {
            return Err(Ended::Fault(format!("no provider serves `{}`", call.interface)).into());
        };
        let answer = match (permitted.call().class(), self.parts.authorized.mode()) {
            (Class::Read, _) => self.read(permitted, hands).await?,
            (Class::Change | Class::Destroy, Mode::Plan) => self.plan(permitted, hands).await?,
            (Class::Change | Class::Destroy, Mode::Call | Mode::Apply) => {
                self.effect(permitted, hands).await?
            }
        };
        let size = serde_json::to_vec(&answer).map_or(u64::MAX, |text| text.len() as u64);
        self.charge(0, size)?;
        Ok((answer, size))
    }

    /// Charges the run's budgets of calls and bytes.
    fn charge(&self, calls: u64, bytes: u64) -> Result<(), Ended> {
        let mut log = self.lock();
        log.host_calls = log.host_calls.saturating_add(calls);
        log.host_bytes = log.host_bytes.saturating_add(bytes);
        if log.host_calls > self.parts.host_calls {
            let most = self.parts.host_calls;
            return Err(Ended::limit(
                "host-calls",
                format!("a run may make {most} capability calls"),
            ));
        }
        if log.host_bytes > self.parts.host_bytes {
            let most = self.parts.host_bytes;
            return Err(Ended::limit(
                "host-bytes",
                format!("the capability calls of a run may carry {most} bytes"),
            ));
        }
        Ok(())
    }

    /// What a run that plans tells the world outside, before it is told: nobody has approved that code, and a
    /// question carries what it is asked with.
    fn tell(&self, permitted: &Permitted, reader: &dyn Reader) -> Result<(), Ended> {
        if self.parts.authorized.mode() != Mode::Plan {
            return Ok(());
        }
        let bytes = match reader.told(permitted) {
            Told::Nothing => return Ok(()),
            Told::NotWhilePlanning(why) => return Err(Ended::Horizon(why)),
            Told::Bytes(bytes) => bytes,
        };
        let mut log = self.lock();
        log.told_bytes = log.told_bytes.saturating_add(bytes);
        if log.told_bytes > self.parts.plan_bytes {
            let most = self.parts.plan_bytes;
            let message = format!("a run that plans may tell the world outside {most} bytes");
            return Err(Ended::limit("plan-bytes", message));
        }
        Ok(())
    }

    async fn read(&self, permitted: Permitted, hands: Hands) -> Result<Value, Stop> {
        let call = permitted.call().clone();
        // A read of what an earlier planned effect changes would be about a world that does not exist.
        if self.lock().planned().iter().any(|planned| planned.overlaps(call.resource())) {
            let reason = format!(
                "the tool reads `{}` ({}), which an earlier effect of the plan changes",
                call.resource(),
                call.function()
            );
            return Err(Ended::Horizon(reason).into());
        }
        self.tell(&permitted, &*hands.reader)?;
        let what = What::Read { resource: call.resource().clone() };
        self.lock().transcript.add(call.interface(), call.function(), what, 1);
        Ok(hands.reader.read(&permitted).await?)
    }

    async fn plan(&self, permitted: Permitted, hands: Hands) -> Result<Value, Stop> {
        let earlier = self.lock().planned();
        let so_far = earlier.len() as u64;
        if earlier.len() >= MAX_PLANNED {
            let reason = format!("a plan has at most {MAX_PLANNED} effects");
            return Err(Ended::Horizon(reason).into());
        }
        let call = permitted.call().clone();
        self.tell(&permitted, &*hands.reader)?;
        let forecast = match hands.forecaster.forecast(&permitted, &earlier).await? {
            Forecasted::Exact(forecast) => forecast.bounded(),
            Forecasted::NoEffect(answer) => return Ok(answer),
            Forecasted::Inexact(why) => {
                let reason = format!("`{}` on `{}`: {why}", call.function(), call.resource());
                return Err(Ended::Horizon(reason).into());
            }
        };
        let result = forecast.result.clone();
        let what = What::Planned {
            step: so_far + 1,
            class: call.class(),
            resource: call.resource().clone(),
            touches: forecast.touches.clone(),
        };
        let (authorized, policies) = (&self.parts.authorized, &self.parts.policies);
        let judged = judge(authorized, policies, permitted, forecast, so_far)?;
        let mut log = self.lock();
        log.transcript.add(call.interface(), call.function(), what, 1);
        log.judged.push(judged);
        Ok(result)
    }

    /// Why a call got no answer by the run's deadline: from here on nothing starts. An effect that was started goes
    /// on in a task of its own, and nobody can say here how it ended.
    fn late(&self) -> Ended {
        let mut log = self.lock();
        log.over = true;
        match log.effects.iter().find(|effect| effect.status == EffectStatus::Unknown) {
            Some(effect) => Ended::Unknown(format!(
                "`{}` on `{}` was started and had not ended at the run's deadline",
                effect.function, effect.resource
            )),
            None => Ended::limit("time", "a provider did not answer before the run's deadline"),
        }
    }

    /// Keeps a denial for the caller, bounded, and for the operator with what would permit it.
    fn denied(
        &self,
        interface: &interlock_authority::InterfaceName,
        function: &str,
        denial: &Denial,
    ) {
        let would_permit = match denial {
            Denial::OutsideGrant { resource } | Denial::TouchesOutsideGrant { resource } => {
                Some(format!(
                    "[[plugin.grant]] capability = \"{interface}\", functions = [\"{function}\"], resources = [\"{resource}\"]"
                ))
            }
            _ => None,
        };
        let what = What::Denied { denial: denial.clone(), would_permit };
        let mut log = self.lock();
        log.transcript.add(interface, function, what, 1);
        log.deny(DeniedCall {
            interface: interface.clone(),
            function: function.to_owned(),
            code: denial.code().to_owned(),
            message: denial.to_string(),
            count: 1,
        });
    }
}

#[async_trait]
impl Gate for RunGate {
    async fn call(&self, call: GuestCall) -> GateAnswer {
        let (interface, function) = (call.interface.clone(), call.function.clone());
        let asked = self.calls().wanted().then(|| (Asked::from(&call), call.bytes));
        // On a thread's own stack: here it may be a guest's fiber, whose size the policy evaluator, which
        // looks after its stack, cannot know (docs/decisions/0010). In one task for the decision and the provider's
        // work, until the deadline: a provider that blocks holds up that task, not the run, and one that panics ends
        // only this run.
        let gate = self.clone();
        let task = tokio::spawn(async move { gate.gate(call).await });
        let mut deciding = Tied { task, gate: self, settled: false };
        let in_time = tokio::time::timeout_at(self.parts.deadline, &mut deciding.task).await;
        deciding.settled = true;
        let decided = match in_time {
            Ok(decided) => {
                let panicked = |_| Ended::Fault("the provider panicked, or its gate".to_owned());
                decided.map_err(panicked).unwrap_or_else(|ended| Err(ended.into()))
            }
            Err(_) => {
                deciding.task.abort();
                Err(self.late().into())
            }
        };
        let (answer, size) = match decided {
            Ok((answer, size)) => (GateAnswer::Result(answer), size),
            Err(Stop::Denied(denial)) => {
                self.denied(&interface, &function, &denial);
                (GateAnswer::denied(&denial), WORDS)
            }
            Err(Stop::End(ended)) => {
                let answer = GateAnswer::End {
                    code: ended.code().into(),
                    message: ended.message().to_owned(),
                    limit: matches!(ended, Ended::Limit { .. }),
                };
                self.lock().ended.get_or_insert(ended);
                (answer, WORDS)
            }
        };
        if let Some((asked, bytes)) = asked {
            self.calls().add(asked, Answer::from(&answer), bytes.saturating_add(size));
        }
        answer
    }
}
