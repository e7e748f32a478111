//! The flow of an invocation, as one readable function: requested, checked, authorized, run behind the
//! gate, told. Data goes one way; nothing here reaches back.

use crate::{
    Host, HostError,
    gate::{Ended, GateParts, RunGate, RunLog},
    host::Installed,
    record::{Event, EventBody},
    response::{DeniedCall, EffectStatus, Outcome, PlanEnd, Response},
    schema,
};
use interlock_authority::{Invocation, Mode, Principal, authorize};
use interlock_sandbox::{RunOutcome, RunReport, RunSettings, Tool, ToolErrorKind};
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
}

/// Runs one request from end to end.
///
/// # Errors
/// Only what keeps a run from being decided at all: no such plugin or tool, bytes that are not the
/// installed ones, a record that cannot be written. Every decision and every end of a run is in the
/// [`Response`].
pub(crate) async fn run(host: &Host, request: Request, mode: Mode) -> Result<Response, HostError> {
    let plugin = host.installed(&request.plugin).await?;
    let tool = plugin.tool(&request.tool)?;
    let run = Run { host, invocation: ulid(), mode };
    let limits = host.config().limits.clone();
    let deadline = Instant::now() + limits.sandbox.time;

    run.record(EventBody::Requested {
        principal: request.principal.clone(),
        plugin: request.plugin.clone(),
        digest: plugin.admitted.digest,
        tool: request.tool.clone(),
        mode,
    })?;

    let asked = Invocation {
        principal: &request.principal,
        known_principals: &host.config().principals,
        plugin: &request.plugin,
        digest: plugin.admitted.digest,
        imports: &plugin.admitted.imports,
        grants: &plugin.grants,
        tool: &tool.name,
        uses: tool.uses.as_deref(),
        mode,
    };
    let authorized = match authorize(&asked, host.catalogue()) {
        Ok(authorized) => authorized,
        Err(refusal) => return run.refuse(refusal.code(), refusal.to_string()),
    };
    let checked = check_arguments(host, &plugin, &tool.name, &request.arguments, deadline).await;
    if let Err(outcome) = checked {
        return Ok(run.end(outcome, RunLog::default(), None));
    }
    run.record(EventBody::Authorized {
        links: authorized.links().clone(),
        preopens: plugin.preopens.iter().map(|p| (p.host.clone(), p.guest.clone())).collect(),
    })?;

    let gate = Arc::new(RunGate::new(
        GateParts {
            invocation: run.invocation.clone(),
            authorized: authorized.clone(),
            catalogue: host.catalogue().clone(),
            recorder: host.recorder().clone(),
            freeze: host.freeze().clone(),
            host_calls: limits.host_calls,
            host_bytes: limits.host_bytes,
            deadline,
            tasks: host.tasks().clone(),
        },
        host.providers(),
    ));
    let settings = RunSettings {
        limits: limits.sandbox,
        preopens: plugin.preopens.clone(),
        clock_base: SystemTime::now(),
        seed: seed()?,
        deadline: Some(deadline),
    };
    let report = host
        .sandbox()
        .run(&plugin.admitted, &authorized, &request.arguments, settings, gate.clone())
        .await;

    let mut log = gate.log();
    let told = run.withheld(&report, &mut log);
    let outcome = run.unless_untold(told, conclude(mode, &report, &log));
    Ok(run.end(outcome, log, Some(report)))
}

/// What every step of one invocation shares.
struct Run<'a> {
    host: &'a Host,
    invocation: String,
    mode: Mode,
}

impl Run<'_> {
    fn record(&self, body: EventBody) -> Result<(), HostError> {
        self.host.recorder().record(&Event::now(Some(&self.invocation), body))
    }

    fn refuse(&self, code: &str, message: String) -> Result<Response, HostError> {
        self.record(EventBody::Refused { code: code.to_owned(), message: message.clone() })?;
        let outcome = Outcome::Refused { code: code.to_owned(), message };
        Ok(self.end(outcome, RunLog::default(), None))
    }

    /// Notes the calls of withheld functions: they met a stub and never came to the gate.
    fn withheld(&self, report: &RunReport, log: &mut RunLog) -> Result<(), HostError> {
        for calls in &report.withheld {
            log.deny(DeniedCall {
                interface: calls.interface.clone(),
                function: calls.function.to_string(),
                code: calls.reason.code().to_owned(),
                message: calls.reason.sentence().to_owned(),
                count: calls.count,
            });
            self.record(EventBody::Withheld {
                interface: calls.interface.clone(),
                function: calls.function.to_string(),
                reason: calls.reason,
                count: calls.count,
            })?;
        }
        Ok(())
    }

    /// A run that cannot be written down any more has still happened: the caller is told of the failure
    /// and of every effect, in one answer.
    fn unless_untold(&self, told: Result<(), HostError>, outcome: Outcome) -> Outcome {
        match (told, outcome) {
            (Err(error), outcome) if !matches!(outcome, Outcome::Unknown { .. }) => {
                let message = format!("the run ended `{}`, but {error}", outcome.code());
                Outcome::HostFault { message }
            }
            (_, outcome) => outcome,
        }
    }

    fn end(&self, outcome: Outcome, log: RunLog, report: Option<RunReport>) -> Response {
        let (text, dropped) = report.map_or((String::new(), 0), |report| {
            let dropped = report.stdout.dropped_bytes.saturating_add(report.stderr.dropped_bytes);
            (report.stdout.text + &report.stderr.text, dropped)
        });
        let told = self.record(EventBody::Ended {
            code: outcome.code().to_owned(),
            host_calls: log.host_calls,
            dropped_log_bytes: dropped,
        });
        let outcome = self.unless_untold(told, outcome);
        debug_assert!(self.mode == Mode::Call || log.effects.is_empty(), "a plan performs nothing");
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

/// A new invocation id (ULID).
fn ulid() -> String {
    let millis = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    let mut random = [0u8; 16];
    // A repeated id would only merge two entries of the record; it decides nothing.
    let _ = getrandom::fill(&mut random);
    ulid::Ulid::from_parts(millis, u128::from_le_bytes(random)).to_string()
}

/// The seed of a run's random numbers.
fn seed() -> Result<[u8; 32], HostError> {
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed)
        .map_err(|e| HostError::io("cannot get random numbers")(std::io::Error::other(e)))?;
    Ok(seed)
}

/// Holds arguments to the tool's schema, before anything runs. The schema is the plugin's and the
/// arguments are the agent's: the work is bounded in size and ends with the run's deadline.
async fn check_arguments(
    host: &Host,
    plugin: &Installed,
    tool: &str,
    arguments: &Value,
    deadline: Instant,
) -> Result<(), Outcome> {
    let limits = &host.config().limits;
    let fault = |message: &str| Outcome::HostFault { message: message.to_owned() };
    let size = serde_json::to_vec(arguments).map_or(u64::MAX, |text| text.len() as u64);
    if size > limits.sandbox.call {
        let most = limits.sandbox.call;
        let message = format!("the arguments take {size} bytes; at most {most} are passed");
        return Err(Outcome::Limit { code: "call".to_owned(), message });
    }
    let Some(validator) = plugin.schemas.get(tool).cloned() else {
        return Err(fault("the tool has no compiled schema"));
    };
    let arguments = arguments.clone();
    let places = host.checks().clone();
    let check = async move {
        // The place goes with the work: work that nobody waits for any more still holds it.
        let place = places.acquire_owned().await.ok();
        let work = tokio::task::spawn_blocking(move || {
            let problems = schema::problems(&validator, &arguments);
            drop(place);
            problems
        });
        work.await
    };
    match tokio::time::timeout_at(deadline, check).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(message))) => Err(Outcome::InvalidArguments { message }),
        Ok(Err(_)) => Err(fault("checking the arguments panicked")),
        Err(_) => Err(Outcome::Limit {
            code: "time".to_owned(),
            message: "the arguments could not be checked before the run's deadline".to_owned(),
        }),
    }
}

/// Reads the end of a run off the sandbox's report and the gate's log. Where the two disagree the gate
/// wins: an effect that it saw start has started, whatever the guest said afterwards.
fn conclude(mode: Mode, report: &RunReport, log: &RunLog) -> Outcome {
    let lost = log.effects.iter().find(|e| e.status == EffectStatus::Unknown);
    if let Some(Ended::Unknown(message)) = &log.ended {
        return Outcome::Unknown { message: message.clone() };
    }
    if let Some(effect) = lost {
        let message = format!(
            "`{}` on `{}` was started, and the run ended before it did",
            effect.function, effect.resource
        );
        return Outcome::Unknown { message };
    }
    let plan = |end, result| Outcome::Planned { effects: log.planned.clone(), end, result };
    match &log.ended {
        Some(Ended::Horizon(reason)) => {
            return plan(PlanEnd::Horizon { reason: reason.clone() }, None);
        }
        Some(Ended::Limit { code, message }) => {
            return Outcome::Limit { code: (*code).to_owned(), message: message.clone() };
        }
        Some(Ended::Fault(message)) => return Outcome::HostFault { message: message.clone() },
        Some(Ended::Inexact(message)) => {
            return Outcome::Refused { code: "inexact".to_owned(), message: message.clone() };
        }
        Some(Ended::Unknown(_)) | None => {}
    }
    match &report.outcome {
        RunOutcome::Returned(value) => match mode {
            Mode::Call => Outcome::Done { result: value.clone() },
            Mode::Plan => plan(PlanEnd::Complete, Some(value.clone())),
        },
        RunOutcome::ToolError { kind, message, details } => match (kind, log.denied.first()) {
            (ToolErrorKind::InvalidArguments, _) => {
                Outcome::InvalidArguments { message: message.clone() }
            }
            // A tool that says `denied` is believed only where the host did deny something.
            (ToolErrorKind::Denied, Some(denied)) => Outcome::Refused {
                code: denied.code.clone(),
                message: format!("{}#{}: {}", denied.interface, denied.function, denied.message),
            },
            _ => Outcome::Failed { message: message.clone(), details: details.clone() },
        },
        RunOutcome::Ended { code, message } => {
            Outcome::Refused { code: (*code).to_owned(), message: message.clone() }
        }
        RunOutcome::Refused { interface, function, reason } => Outcome::Refused {
            code: reason.code().to_owned(),
            message: format!("{interface}#{function}: {}", reason.sentence()),
        },
        RunOutcome::Limit { limit, message } => {
            Outcome::Limit { code: limit.to_string(), message: message.clone() }
        }
        RunOutcome::NotLinked { message } => {
            Outcome::Refused { code: "not-linked".to_owned(), message: message.clone() }
        }
        RunOutcome::Trap { message } => Outcome::Trapped { message: message.clone() },
        RunOutcome::BrokenContract { message } => Outcome::Trapped { message: message.clone() },
        RunOutcome::Invalid { message } => Outcome::InvalidArguments { message: message.clone() },
        RunOutcome::HostFault { message } => Outcome::HostFault { message: message.clone() },
    }
}

impl Installed {
    fn tool(&self, name: &str) -> Result<&Tool, HostError> {
        self.admitted.tool(name).ok_or_else(|| HostError::NoTool {
            plugin: self.name.clone(),
            tool: name.to_owned(),
            known: self.admitted.tools.iter().map(|tool| tool.name.clone()).collect(),
        })
    }
}
