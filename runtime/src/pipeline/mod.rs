//! The flow of a call, as one readable function: requested, checked, authorized; then run directly, or
//! planned, decided, and applied or put before people. Data goes one way; nothing here reaches back.

mod approved;
mod arguments;
mod conclude;
mod control;
mod offers;
mod one_run;

pub use control::{CancelOnDrop, Control, Stage};
pub(crate) use offers::offers;
pub use offers::{Offer, Reach};

use crate::{
    Host, HostError,
    desk::{self, Asked, ask},
    gate::Applying,
    installed::{Code, Installed},
    record::{Event, EventBody, Record, receipt},
    response::{Outcome, PlanEnd, Response},
};
use interlock_authority::{
    Authorized, Digest, Grant, Invocation, Mode, Principal, Refusal, apply, authorize,
    desk::Holder,
    plan::{Plan, PlanEffect, PluginRef},
};
use interlock_sandbox::Tool;
use one_run::{Ran, Start};
use serde_json::Value;
use std::{sync::Arc, time::SystemTime};
use tokio::time::Instant;

/// One wish of a principal to run a tool.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// The plugin's configured name.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// The arguments: a JSON object.
    pub arguments: Value,
    /// The request that people approved, where this call is to apply it.
    pub request: Option<String>,
    /// What the asker says about it, shown to people as unchecked words.
    pub said: Option<String>,
}

impl Request {
    /// A first call: nothing was approved yet, and nothing is said about it.
    pub fn new(principal: Principal, plugin: &str, tool: &str, arguments: Value) -> Self {
        let (plugin, tool) = (plugin.to_owned(), tool.to_owned());
        Self { principal, plugin, tool, arguments, request: None, said: None }
    }
}

/// What every step of one call shares.
pub(crate) struct Call<'a> {
    pub(crate) host: &'a Host,
    pub(crate) request: &'a Request,
    pub(crate) control: &'a Control,
    pub(crate) plugin: Arc<Installed>,
    pub(crate) code: Arc<Code>,
    /// The tool's name.
    pub(crate) tool: String,
    /// The interfaces that it says it uses.
    uses: Option<Vec<String>>,
    pub(crate) invocation: String,
    /// The digest of the arguments, where they have a canonical form.
    pub(crate) arguments: Option<Digest>,
    pub(crate) deadline: Instant,
    /// The plugin's standing grants, and the elevations that are in force for whoever asks.
    pub(crate) grants: Vec<Grant>,
}

/// Runs one request from end to end.
///
/// # Errors
/// Only what keeps a run from being decided at all: no such plugin or tool, bytes that are not the
/// installed ones, a journal that cannot be written. Every decision and every end of a run is in the
/// [`Response`].
pub(crate) async fn call(
    host: &Host,
    request: &Request,
    control: &Control,
) -> Result<Response, HostError> {
    let call = Call::open(host, request, control)
        .await
        .inspect_err(|error| host.telemetry().undecided(error))?;
    host.telemetry().call(&call, follow(&call)).await
}

/// The flow itself.
async fn follow(call: &Call<'_>) -> Result<Response, HostError> {
    let (host, request) = (call.host, call.request);
    let planning = match call.authorize(Mode::Plan) {
        Ok(authorized) => authorized,
        Err(refusal) => return call.refuse(Mode::Call, &refusal).await,
    };
    if let Some(outcome) = call.check_arguments().await {
        return Ok(call.not_run(Mode::Call, outcome).await);
    }
    if let Some(id) = &request.request {
        return approved::apply(call, id).await;
    }
    if !must_plan(host, &planning) {
        let authorized = match call.authorize(Mode::Call) {
            Ok(authorized) => authorized,
            Err(refusal) => return call.refuse(Mode::Call, &refusal).await,
        };
        let ran = one_run::run(call, &authorized, &Start::now()?, None).await?;
        return Ok(call.end(ran.outcome, Some(ran.seen)).await);
    }

    let start = Start::now()?;
    let planned = one_run::run(call, &planning, &start, None).await?;
    let (end, result) = match &planned.outcome {
        Outcome::Planned { end, result, .. } => (end.clone(), result.clone()),
        // It failed, was refused or met a limit before there was a plan.
        other => return Ok(call.end(other.clone(), Some(planned.seen)).await),
    };
    if planned.seen.log.judged.is_empty() {
        return Ok(call.without_effects(planned, end, result).await);
    }
    let plan = call.plan(&planned, &start, end);
    let digest = call.keep(&plan).await?;
    let verdict = apply::decide(&planning, host.policies(), plan.clone(), &planned.seen.log.judged);
    match verdict {
        Err(denial) => {
            let outcome =
                Outcome::Refused { code: denial.code().to_owned(), message: denial.to_string() };
            Ok(call.end(outcome, Some(planned.seen)).await)
        }
        Ok(apply::Verdict::Allowed(may)) => {
            let applying = Applying::new(*may, digest, None, None);
            apply_plan(call, &start, applying).await
        }
        Ok(apply::Verdict::NeedsPeople(needs)) => {
            let outcome = match ask(call, plan, needs).await? {
                Asked::Waiting(waiting) => Outcome::ApprovalRequired(waiting),
                Asked::Refused(refusal) => Outcome::Refused {
                    code: refusal.code().to_owned(),
                    message: refusal.to_string(),
                },
            };
            Ok(call.end(outcome, Some(planned.seen)).await)
        }
    }
}

/// Finds the effects that a tool would have. Nothing is performed, and nobody is asked.
///
/// # Errors
/// As [`call`].
pub(crate) async fn plan(
    host: &Host,
    request: &Request,
    control: &Control,
) -> Result<Response, HostError> {
    let call = Call::open(host, request, control)
        .await
        .inspect_err(|error| host.telemetry().undecided(error))?;
    host.telemetry().call(&call, plan_only(&call)).await
}

async fn plan_only(call: &Call<'_>) -> Result<Response, HostError> {
    let authorized = match call.authorize(Mode::Plan) {
        Ok(authorized) => authorized,
        Err(refusal) => return call.refuse(Mode::Plan, &refusal).await,
    };
    if let Some(outcome) = call.check_arguments().await {
        return Ok(call.not_run(Mode::Plan, outcome).await);
    }
    let ran = one_run::run(call, &authorized, &Start::now()?, None).await?;
    Ok(call.end(ran.outcome, Some(ran.seen)).await)
}

/// Runs the tool again, now against the tickets of a decided plan.
async fn apply_plan(
    call: &Call<'_>,
    start: &Start,
    applying: Applying,
) -> Result<Response, HostError> {
    let authorized = match call.authorize(Mode::Apply) {
        Ok(authorized) => authorized,
        Err(refusal) => return call.refuse(Mode::Apply, &refusal).await,
    };
    let ran = one_run::run(call, &authorized, start, Some(applying)).await?;
    Ok(call.end(ran.outcome, Some(ran.seen)).await)
}

/// Whether what the run could do may need people, or a decision on the whole.
fn must_plan(host: &Host, planning: &Authorized) -> bool {
    let live = planning.live_effects(host.catalogue());
    host.policies().must_plan(planning.principal(), live)
}

impl<'a> Call<'a> {
    async fn open(
        host: &'a Host,
        request: &'a Request,
        control: &'a Control,
    ) -> Result<Self, HostError> {
        let plugin = host.installed(&request.plugin).await?;
        // Not the whole of it: its schemas are larger than most runs.
        let Tool { name, uses, .. } = plugin.tool(&request.tool)?;
        let (tool, uses) = (name.clone(), uses.clone());
        let code = plugin.code(host).await?;
        let deadline = Instant::now() + host.config().limits.sandbox.time;
        let grants = plugin.grants.clone();
        let arguments = receipt::arguments(&request.arguments);
        host.declare_statement_key();
        let invocation = ulid();
        let mut call = Self {
            host,
            request,
            control,
            plugin,
            code,
            tool,
            uses,
            invocation,
            arguments,
            deadline,
            grants,
        };
        let elevated = desk::in_force(host, &call.holder(host.journal().deployment()))?;
        call.grants.extend(elevated);
        Ok(call)
    }

    fn authorize(&self, mode: Mode) -> Result<Authorized, Refusal> {
        let asked = Invocation {
            principal: &self.request.principal,
            known_principals: &self.host.config().principals,
            plugin: &self.request.plugin,
            digest: self.plugin.described.digest,
            publisher: self.plugin.publisher.as_deref(),
            imports: &self.plugin.described.imports,
            grants: &self.grants,
            tool: &self.tool,
            uses: self.uses.as_deref(),
            mode,
        };
        authorize(&asked, self.host.catalogue(), self.host.policies())
    }

    /// Who calls which plugin here, under which rules.
    fn holder<'h>(&'h self, deployment: &'h str) -> Holder<'h> {
        self.plugin.holder(self.host, &self.request.principal, deployment)
    }

    async fn check_arguments(&self) -> Option<Outcome> {
        let (arguments, deadline) = (&self.request.arguments, self.deadline);
        arguments::check(self.host, &self.code, &self.tool, arguments, deadline).await.err()
    }

    /// A plan without effects: every read was real, so the result is the result.
    async fn without_effects(&self, ran: Ran, end: PlanEnd, result: Option<Value>) -> Response {
        let outcome = match (end, result) {
            (PlanEnd::Complete, Some(result)) => Outcome::Done { result },
            (PlanEnd::Complete, None) => Outcome::HostFault {
                message: "the tool ended by itself and returned nothing".to_owned(),
            },
            (PlanEnd::Horizon { reason }, _) => {
                Outcome::Refused { code: "inexact".to_owned(), message: reason }
            }
        };
        self.end(outcome, Some(ran.seen)).await
    }

    fn plan(&self, planned: &Ran, start: &Start, end: PlanEnd) -> Plan {
        Plan {
            principal: self.request.principal.clone(),
            plugin: PluginRef {
                name: self.plugin.name.clone(),
                digest: self.plugin.described.digest,
                publisher: self.plugin.publisher.clone(),
            },
            tool: self.tool.clone(),
            arguments: self.request.arguments.clone(),
            effects: PlanEffect::number(planned.seen.log.planned()),
            end,
            clock_base: start.clock_base,
            seed: start.seed_text(),
        }
    }

    /// Writes a plan down.
    async fn keep(&self, plan: &Plan) -> Result<Digest, HostError> {
        let canonical = plan.canonical()?;
        let digest = plan.digest()?;
        let body = EventBody::Plan {
            plan: digest,
            canonical: String::from_utf8_lossy(&canonical).into_owned(),
            effects: plan.effects.len() as u64,
        };
        self.host.recorder().write(Record::of(Event::of(&self.invocation, body))).await?;
        Ok(digest)
    }
}

/// A new id of an invocation or a request (ULID).
pub(crate) fn ulid() -> String {
    let millis = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    let mut random = [0u8; 16];
    // A repeated id is refused by the journal, where it would decide anything.
    let _ = getrandom::fill(&mut random);
    ulid::Ulid::from_parts(millis, u128::from_le_bytes(random)).to_string()
}
