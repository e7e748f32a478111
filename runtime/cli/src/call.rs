//! `interlock call`: run a tool. The result goes to standard output, what happened to standard error.

use super::{
    Ending,
    arguments::{CallArguments, WishArguments},
    output::{DIM, GREEN, Output, RED, YELLOW, plain, plain_lines, styled},
    problem::Problem,
    shell,
};
use interlock::{
    Host, HostError, Outcome, Request, Response, config::Config, response::EffectStatus,
    statement::Envelope,
};
use interlock_authority::{
    Principal,
    ticket::{Brief, Deviation},
};
use serde::Serialize;
use serde_json::Value;
use std::{io::Read, path::Path, time::Duration};

/// How long the process waits, after the caller has its answer, for an effect that is still under way.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// The longest arguments that are read.
const MAX_ARGUMENTS: u64 = 16 << 20;

pub(super) async fn run(arguments: &CallArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let request = request(arguments, &config)?;
    let host = Host::builder(config).build()?;
    // Nothing retries them: whoever starts a host is told, until a person has looked.
    let unknown = host.journal().open_intents()?.len();
    if unknown > 0 {
        let effects = if unknown == 1 { "effect was" } else { "effects were" };
        output.aside(format!(
            "{unknown} {effects} started and the journal does not know the end; `interlock doctor` names what to look at"
        ));
    }
    let progress = output.progress(format!("running {}", arguments.wish.tool));
    let mut response = host.call(request.clone()).await;
    while arguments.wait
        && matches!(&response, Ok(Response { outcome: Outcome::ApprovalRequired(_), .. }))
    {
        // People decide in minutes; asking each second costs nothing.
        tokio::time::sleep(Duration::from_secs(1)).await;
        response = host.call(request.clone()).await;
    }
    drop(progress);
    let ending = match response {
        Ok(response) => {
            // A person asks for it when they want it; a program gets it with the answer.
            let mut told = Told::of(&response, unknown);
            if output.is_json() {
                told.add(host.receipt(&response.invocation).await);
            }
            show(&told, output);
            Ok(response.outcome.exit_code())
        }
        Err(error) => Err(super::plugin::explain_installed(error, &host)),
    };
    // However it ended, and whether or not anybody could be told.
    if host.effects_under_way() > 0 {
        output.aside("waiting for an effect that is still under way, to write down its outcome");
        if !host.drain(LAST_WAIT).await {
            output.aside(
                "an effect has not ended; its end is unknown, and `interlock doctor` keeps telling of it",
            );
        }
    }
    ending
}

/// Reads who asks for what.
pub(super) fn request(arguments: &CallArguments, config: &Config) -> Result<Request, Problem> {
    let first = first(&arguments.wish, config)?;
    Ok(Request { request: arguments.request.clone(), said: arguments.reason.clone(), ..first })
}

/// A wish that nobody has decided about yet.
pub(super) fn first(wish: &WishArguments, config: &Config) -> Result<Request, Problem> {
    let (plugin, tool) = wish.tool.split_once('.').ok_or_else(|| {
        Problem::usage(format!("`{}` is not a tool; write `plugin.tool`", wish.tool))
    })?;
    let principal = principal(wish.principal.as_deref(), config)?;
    Ok(Request::new(principal, plugin, tool, read_arguments(&wish.arguments)?))
}

pub(super) fn principal(named: Option<&str>, config: &Config) -> Result<Principal, Problem> {
    let Some(text) = named else {
        return config.cli_principal.clone().ok_or_else(|| {
            Problem::new(
                3,
                "unknown-principal",
                "nobody asks: name a principal with `--as`, or set `principal` under `[cli]`",
            )
        });
    };
    if text.contains("::") {
        return Ok(text.parse()?);
    }
    let mut same = config.principals.iter().filter(|p| p.name() == text);
    match (same.next(), same.next()) {
        (Some(principal), None) => Ok(principal.clone()),
        (Some(_), Some(_)) => Err(Problem::usage(format!(
            "both an agent and a person are called `{text}`; write `Agent::{text}` or `Person::{text}`"
        ))),
        (None, _) => Err(Problem::new(
            3,
            "unknown-principal",
            format!(
                "nobody configured is called `{text}`; add a table `[agents.{text}]` or `[people.{text}]`"
            ),
        )),
    }
}

fn read_arguments(text: &str) -> Result<Value, Problem> {
    let unreadable = |e: std::io::Error| Problem::usage(format!("cannot read the arguments: {e}"));
    let mut read = String::new();
    let text = if text == "-" {
        std::io::stdin().take(MAX_ARGUMENTS + 1).read_to_string(&mut read).map_err(unreadable)?;
        if read.len() as u64 > MAX_ARGUMENTS {
            return Err(Problem::usage(format!(
                "the arguments are longer than {MAX_ARGUMENTS} bytes"
            )));
        }
        read.as_str()
    } else {
        text
    };
    interlock_sandbox::parse_json(text).map_err(|e| {
        Problem::new(2, "invalid-arguments", format!("the arguments are not JSON: {e}"))
    })
}

/// A response, with the receipt of its invocation where there is one.
#[derive(Serialize)]
struct Told<'r> {
    #[serde(flatten)]
    response: &'r Response,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Envelope>,
    /// Why there is none, where there should be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_missing: Option<String>,
    /// Effects of before that nobody knows the end of, where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    unknown_effects: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl<'r> Told<'r> {
    const fn of(response: &'r Response, unknown_effects: usize) -> Self {
        Self { response, receipt: None, receipt_missing: None, unknown_effects }
    }

    fn add(&mut self, receipt: Result<Envelope, HostError>) {
        match receipt {
            Ok(receipt) => self.receipt = Some(receipt),
            // Only asked again while people decide: nothing was decided, nothing is missing.
            Err(HostError::Refused { code: "no-decision", .. }) => {}
            Err(error) => self.receipt_missing = Some(error.to_string()),
        }
    }
}

fn show(told: &Told<'_>, output: &Output) {
    let response = told.response;
    for effect in &response.happened {
        let (style, word) = match effect.status {
            EffectStatus::Done => (GREEN, "done"),
            EffectStatus::Refused => (YELLOW, "refused"),
            EffectStatus::Failed => (RED, "failed"),
            EffectStatus::Unknown => (RED, "unknown"),
        };
        output.aside(format!(
            "{}  {}  {}  {}",
            styled(style, format!("{word:<7}")),
            effect.class,
            effect.resource,
            effect.function
        ));
    }
    for denied in &response.denied {
        let times =
            if denied.count > 1 { format!(" ({} times)", denied.count) } else { String::new() };
        output.aside(format!(
            "{}  {}#{}: {} [{}]{times}",
            styled(YELLOW, "denied "),
            denied.interface,
            denied.function,
            plain(&denied.message),
            denied.code
        ));
    }
    log(response, output);
    match &response.outcome {
        Outcome::Done { result } if !output.is_json() => output.data(result),
        _ => output.result(told, String::new),
    }
    if !matches!(response.outcome, Outcome::Done { .. } | Outcome::Planned { .. }) {
        let word = response.outcome.code();
        output.aside(format!("{} {}", styled(RED, format!("{word}:")), message(&response.outcome)));
        if let Outcome::ApprovalRequired(waiting) = &response.outcome {
            output.aside(format!(
                "People read it with:  interlock approval show {}",
                shell::word(&waiting.request)
            ));
        } else if response.happened.is_empty() {
            output.aside("Nothing was changed.");
        }
    }
    let id = &response.invocation;
    output.aside(styled(
        DIM,
        format!("invocation {id}   receipt: interlock journal show {id} --receipt"),
    ));
}

/// What the plugin wrote, marked as the plugin's.
pub(super) fn log(response: &Response, output: &Output) {
    for line in response.log.lines() {
        output.aside(styled(DIM, format!("  | {}", plain(line))));
    }
    if response.dropped_log_bytes > 0 {
        let dropped = response.dropped_log_bytes;
        output.aside(styled(DIM, format!("  | … {dropped} more bytes of log were dropped")));
    }
}

/// The sentence of an outcome that is not a result.
pub(super) fn message(outcome: &Outcome) -> String {
    let text = match outcome {
        Outcome::Done { .. } | Outcome::Planned { .. } => "",
        Outcome::ApprovalRequired(waiting) => &waiting.message,
        Outcome::Cancelled => "the call was ended before it was done",
        Outcome::Deviated { deviation, done } => return deviated(deviation, *done),
        Outcome::Failed { message, .. }
        | Outcome::InvalidArguments { message }
        | Outcome::Refused { message, .. }
        | Outcome::Limit { message, .. }
        | Outcome::Trapped { message }
        | Outcome::Unknown { message }
        | Outcome::HostFault { message } => message,
    };
    plain_lines(text)
}

/// What was approved next, and what was asked for.
fn deviated(deviation: &Deviation, done: u64) -> String {
    let brief = |brief: &Brief| {
        format!(
            "{}  {}  {}",
            brief.class,
            plain(&brief.resource.to_string()),
            plain(&brief.function)
        )
    };
    let next = match (&deviation.expected, deviation.step) {
        (Some(expected), Some(step)) => format!("  approved next  {step}  {}\n", brief(expected)),
        _ => String::new(),
    };
    format!(
        "the run asked for an effect that was not approved: {}\n{next}  asked for         {}\n  Done before it stopped: {done}. What was left of the approval is void.",
        deviation.kind.sentence(),
        brief(&deviation.asked)
    )
}
