//! One run of a tool in the sandbox, behind its gate: decided, run, told. A call may take two of them, one
//! that plans and one that applies.

use super::{Call, Stage, conclude::conclude};
use crate::{
    HostError,
    gate::{Applying, GateParts, RunGate, RunLog},
    record::{End, Event, EventBody, NotKept, Recording, Terms, What},
    response::{DeniedCall, EffectStatus, Outcome, Response},
};
use interlock_authority::{Authorized, Digest, InterfaceName, LinkState, Mode, Refusal};
use interlock_sandbox::{RunOutcome, RunReport, RunSettings};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// What each imported function is in one run.
type Links = BTreeMap<InterfaceName, BTreeMap<String, LinkState>>;

/// What a run starts from, so that the one that applies sees the clock and the random numbers of the one
/// that planned.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// Unix milliseconds.
    pub(super) clock_base: u64,
    pub(super) seed: [u8; 32],
}

impl Start {
    pub(super) fn now() -> Result<Self, HostError> {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed)
            .map_err(|e| HostError::io("cannot get random numbers")(std::io::Error::other(e)))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self { clock_base: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), seed })
    }

    /// The seed as 64 hexadecimal digits.
    pub(super) fn seed_text(&self) -> String {
        Digest::from_bytes(self.seed).to_string()
    }
}

/// How a run ended, and all that its gate saw.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) seen: Seen,
}

/// All that the gate of a run and its sandbox saw.
pub(super) struct Seen {
    pub(super) log: RunLog,
    report: RunReport,
}

/// Runs the tool once.
pub(super) async fn run(
    call: &Call<'_>,
    authorized: &Authorized,
    start: &Start,
    applying: Option<Applying>,
) -> Result<Ran, HostError> {
    let (host, limits) = (call.host, &call.host.config().limits);
    call.note(decision(call, authorized)).await?;
    let gate = Arc::new(RunGate::new(
        GateParts {
            invocation: call.invocation.clone(),
            authorized: authorized.clone(),
            catalogue: host.catalogue().clone(),
            policies: host.policies().clone(),
            applying: applying.clone(),
            recorder: host.recorder().clone(),
            freeze: host.freeze().clone(),
            seal: host.seal().clone(),
            host_calls: limits.host_calls,
            host_bytes: limits.host_bytes,
            plan_bytes: limits.plan_bytes,
            recording: limits.recording,
            deadline: call.deadline,
            tasks: host.tasks().clone(),
        },
        host.providers(),
    ));
    let settings = RunSettings {
        limits: limits.sandbox.clone(),
        preopens: call.plugin.preopens.clone(),
        clock_base: SystemTime::UNIX_EPOCH + Duration::from_millis(start.clock_base),
        seed: start.seed,
        deadline: Some(call.deadline),
        interrupt: call.control.interrupt().clone(),
    };
    call.control.reached(match authorized.mode() {
        Mode::Plan => Stage::Planning,
        Mode::Call => Stage::Running,
        Mode::Apply => Stage::Applying,
    });
    let (plugin, arguments) = (&call.code.admitted, &call.request.arguments);
    let report = host.sandbox().run(plugin, authorized, arguments, settings, gate.clone()).await;
    if matches!(report.outcome, RunOutcome::Cancelled) {
        settle(call, &gate).await;
    }
    if let Some(applying) = applying {
        // INVARIANT PLAN-IS-THE-GRANT: however the run ended, what is left of the plan is void.
        applying.void();
    }
    let mut log = gate.log();
    withheld(&report, &mut log);
    let outcome = conclude(authorized.mode(), &report, &log);
    let (steps, dropped) = log.transcript.take();
    let told = if steps.is_empty() && dropped == 0 {
        Ok(())
    } else {
        call.note(EventBody::Transcript { steps, dropped }).await
    };
    let told = match told {
        Ok(()) => record(call, authorized, start, &gate, &report).await,
        failed => failed,
    };
    let outcome = unless_untold(told, outcome);
    Ok(Ran { outcome, seen: Seen { log, report } })
}

/// Writes the whole run down, so that it can be done again.
async fn record(
    call: &Call<'_>,
    authorized: &Authorized,
    start: &Start,
    gate: &RunGate,
    report: &RunReport,
) -> Result<(), HostError> {
    let limits = &call.host.config().limits;
    if limits.recording == 0 {
        return Ok(());
    }
    let kept = match call.plugin.preopens.is_empty() {
        true => gate.calls().take(),
        false => Err(NotKept::Preopens),
    };
    let kept = kept.and_then(|(calls, left)| {
        let run = Recording {
            host: env!("CARGO_PKG_VERSION").to_owned(),
            mode: authorized.mode(),
            principal: authorized.principal().clone(),
            plugin: authorized.plugin().to_owned(),
            digest: authorized.digest(),
            tool: authorized.tool().to_owned(),
            arguments: call.request.arguments.clone(),
            clock_base: start.clock_base,
            seed: start.seed_text(),
            links: authorized.links().clone(),
            limits: limits.sandbox.clone(),
            calls,
            end: End::from(report),
        };
        run.checked(left)
    });
    let (run, not_kept) = match kept {
        Ok(run) => (Some(Box::new(run)), None),
        Err(why) => (None, Some(why)),
    };
    call.note(EventBody::Recording { run, not_kept }).await
}

/// Waits for the outcome of an effect that was under way when its run was cancelled, until the deadline: a
/// caller that cancelled is told what happened, and not `unknown` where a moment's patience knows.
async fn settle(call: &Call<'_>, gate: &RunGate) {
    let tasks = call.host.tasks();
    let unsettled =
        || gate.log().effects.iter().any(|effect| effect.status == EffectStatus::Unknown);
    while unsettled() && tasks.under_way() > 0 && tokio::time::Instant::now() < call.deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Call<'_> {
    /// The end of a call that was cancelled before it came to a run.
    pub(super) async fn cancelled(&self) -> Option<Response> {
        if self.control.interrupt().is_pulled() {
            Some(self.end(Outcome::Cancelled, None).await)
        } else {
            None
        }
    }

    pub(super) async fn note(&self, body: EventBody) -> Result<(), HostError> {
        self.host.recorder().note(Event::of(&self.invocation, body)).await
    }

    /// A call that is refused before anything runs.
    pub(super) async fn refuse(
        &self,
        mode: Mode,
        refusal: &Refusal,
    ) -> Result<Response, HostError> {
        let why = match refusal {
            Refusal::Policy { denial } => denial.for_operator(),
            other => other.to_string(),
        };
        self.note(self.refusal(mode, refusal.code(), Some(why))).await?;
        let (code, message) = (refusal.code().to_owned(), refusal.to_string());
        Ok(self.end(Outcome::Refused { code, message }, None).await)
    }

    /// The answer to a call that was to apply a request, and of which nothing ran.
    pub(super) async fn unrun(&self, code: &str, message: String) -> Response {
        self.not_run(Mode::Apply, Outcome::Refused { code: code.to_owned(), message }).await
    }

    /// The answer to a call of which nothing ran. Who asked for what is written down all the same.
    pub(super) async fn not_run(&self, mode: Mode, outcome: Outcome) -> Response {
        let why = match &outcome {
            Outcome::Refused { message, .. } => Some(message.clone()),
            _ => None,
        };
        let told = self.note(self.refusal(mode, outcome.code(), why)).await;
        self.end(unless_untold(told, outcome), None).await
    }

    /// The decision that nothing runs: nothing is linked.
    fn refusal(&self, mode: Mode, code: &str, why: Option<String>) -> EventBody {
        let links = Default::default();
        EventBody::Decision {
            principal: self.request.principal.clone(),
            plugin: self.plugin.name.clone(),
            digest: self.plugin.described.digest,
            tool: self.request.tool.clone(),
            arguments: self.arguments,
            mode,
            terms: self.terms(),
            refused: Some(code.to_owned()),
            why,
            policies: Vec::new(),
            absent: self.absent(&links),
            links,
            preopens: Vec::new(),
        }
    }

    /// The rules that it is decided under.
    fn terms(&self) -> Terms {
        let rules = self.host.rules();
        let epoch = &rules.epoch;
        Terms {
            policies: epoch.policies,
            catalogues: epoch.catalogues,
            approvers: epoch.approvers,
            grants: self.plugin.grants_digest,
            presence: rules.roster.presence(),
            solo: rules.roster.solo(),
        }
    }

    /// The interfaces of the catalogues that are not linked.
    fn absent(&self, links: &Links) -> Vec<InterfaceName> {
        let all = self.host.catalogue().interfaces().map(|interface| &interface.name);
        all.filter(|name| !links.contains_key(*name)).cloned().collect()
    }

    /// Ends the call: written down, and told.
    pub(super) async fn end(&self, outcome: Outcome, seen: Option<Seen>) -> Response {
        let (log, report) = seen.map_or_else(Default::default, |s| (s.log, Some(s.report)));
        let (text, dropped) = report.map_or((String::new(), 0), |report| {
            let dropped = report.stdout.dropped_bytes.saturating_add(report.stderr.dropped_bytes);
            (report.stdout.text + &report.stderr.text, dropped)
        });
        let ended = EventBody::Ended {
            code: outcome.code().to_owned(),
            host_calls: log.host_calls,
            dropped_log_bytes: dropped,
            request: self.request.request.clone(),
        };
        let outcome = unless_untold(self.note(ended).await, outcome);
        Response {
            invocation: self.invocation.clone(),
            outcome,
            happened: log.effects,
            denied: log.denied,
            log: text,
            dropped_log_bytes: dropped,
        }
    }
}

fn decision(call: &Call<'_>, authorized: &Authorized) -> EventBody {
    EventBody::Decision {
        principal: authorized.principal().clone(),
        plugin: authorized.plugin().to_owned(),
        digest: authorized.digest(),
        tool: authorized.tool().to_owned(),
        arguments: call.arguments,
        mode: authorized.mode(),
        terms: call.terms(),
        refused: None,
        why: None,
        policies: authorized.policies().to_vec(),
        links: authorized.links().clone(),
        absent: call.absent(authorized.links()),
        preopens: call.plugin.preopens.iter().map(|p| (p.host.clone(), p.guest.clone())).collect(),
    }
}

/// Notes the calls of withheld functions: they met a stub and never came to the gate.
fn withheld(report: &RunReport, log: &mut RunLog) {
    for calls in &report.withheld {
        let function = calls.function.to_string();
        let what = What::Withheld { reason: calls.reason };
        log.transcript.add(&calls.interface, &function, what, calls.count);
        log.deny(DeniedCall {
            interface: calls.interface.clone(),
            function,
            code: calls.reason.code().to_owned(),
            message: calls.reason.sentence().to_owned(),
            count: calls.count,
        });
    }
}

/// A run that cannot be written down any more has still happened: the caller is told of the failure and of
/// every effect, in one answer.
fn unless_untold(told: Result<(), HostError>, outcome: Outcome) -> Outcome {
    match (told, outcome) {
        (Err(error), outcome) if !matches!(outcome, Outcome::Unknown { .. }) => {
            let message = format!("the run ended `{}`, but {error}", outcome.code());
            Outcome::HostFault { message }
        }
        (_, outcome) => outcome,
    }
}
