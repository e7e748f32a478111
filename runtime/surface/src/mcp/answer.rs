//! From what became of a call to what an MCP client gets: a structured envelope, and the same as text for
//! clients that read nothing else. A tool's failure is a result, so that the model sees it; nothing that is
//! meant for the operator is in either.

use super::{tools::Entry, words::words};
use interlock::{
    HostError, Outcome, Response,
    desk::{Answer, OwnRequest, RunTold, Waiting},
    response::{DeniedCall, Effect},
};
use interlock_authority::desk::{DeskRefusal, RequestState};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

/// What a client gets of a call that was answered.
pub(super) fn answered(answer: &Answer, entry: Option<&Entry>) -> CallToolResult {
    match answer {
        Answer::Ended(response) => ended(response, entry),
        Answer::Told(told) => told_only(told),
    }
}

/// What a client gets of a call that could not be decided.
pub(super) fn failed(error: &HostError) -> CallToolResult {
    let (code, message) = match error {
        HostError::Refused { code, message } => (*code, message.clone()),
        HostError::Document(error) => (error.code(), error.to_string()),
        // Paths, digests and keys of the host are in these.
        _ => ("host-fault", String::new()),
    };
    refused(code, &message, Map::new())
}

/// What a client gets of a request that will never be applied.
pub(super) fn over(request: &OwnRequest) -> Option<CallToolResult> {
    let refusal = match &request.state {
        RequestState::Denied { by, reason } => {
            let mut more = Map::new();
            more.insert("details".to_owned(), json!({"reason": reason}));
            let refusal = DeskRefusal::Denied(by.clone());
            return Some(of_request(request, &refusal, more));
        }
        RequestState::Revoked { by } => DeskRefusal::Revoked(by.clone()),
        RequestState::Expired => DeskRefusal::Expired,
        // It asked for no call.
        RequestState::Granted { .. } => DeskRefusal::Granted,
        RequestState::Pending | RequestState::Approved | RequestState::Consumed { .. } => {
            return None;
        }
    };
    Some(of_request(request, &refusal, Map::new()))
}

fn of_request(
    request: &OwnRequest,
    refusal: &DeskRefusal,
    mut more: Map<String, Value>,
) -> CallToolResult {
    more.insert("request".to_owned(), request.request.clone().into());
    more.insert("happened".to_owned(), json!([]));
    refused(refusal.code(), &refusal.to_string(), more)
}

/// A refusal in the agent's words.
pub(super) fn refused(code: &str, sentence: &str, more: Map<String, Value>) -> CallToolResult {
    let words = words(code, sentence);
    let mut envelope = Map::new();
    envelope.insert("status".to_owned(), code.into());
    envelope.insert("message".to_owned(), words.message.into());
    envelope.insert("help".to_owned(), words.help.into());
    envelope.extend(more);
    result(envelope, true)
}

fn ended(response: &Response, entry: Option<&Entry>) -> CallToolResult {
    let mut more = told(response);
    match &response.outcome {
        Outcome::Done { result } => done(result, more, response, entry),
        Outcome::Planned { .. } => {
            // A surface for agents never asks for a plan alone.
            refused("host-fault", "", more)
        }
        Outcome::ApprovalRequired(waiting) => {
            let mut envelope = Map::new();
            envelope.insert("status".to_owned(), response.outcome.code().into());
            envelope.extend(wait(waiting));
            envelope.extend(more);
            result(envelope, false)
        }
        Outcome::Deviated { deviation, done } => {
            let brief = |brief: &interlock_authority::ticket::Brief| json!({"class": brief.class, "resource": brief.resource, "function": brief.function});
            let details = json!({
                "approved_next": deviation.expected.as_ref().map(brief),
                "asked_for": brief(&deviation.asked),
                "done_before": done,
            });
            more.insert("details".to_owned(), details);
            let sentence = format!(
                "the run asked for an effect that was not approved: {}",
                deviation.kind.sentence()
            );
            refused(response.outcome.code(), &sentence, more)
        }
        Outcome::Failed { message, details } => {
            if let Some(details) = details {
                more.insert("details".to_owned(), details.clone());
            }
            refused(response.outcome.code(), message, more)
        }
        Outcome::Cancelled => refused("cancelled", "the call was ended before it was done", more),
        Outcome::InvalidArguments { message }
        | Outcome::Refused { message, .. }
        | Outcome::Limit { message, .. }
        | Outcome::Trapped { message }
        | Outcome::Unknown { message }
        | Outcome::HostFault { message } => refused(response.outcome.code(), message, more),
    }
}

/// What people are asked, and what the asker does meanwhile.
fn wait(waiting: &Waiting) -> Map<String, Value> {
    let mut told = Map::new();
    let mut put = |name: &str, value: String| told.insert(name.to_owned(), value.into());
    put("request", waiting.request.clone());
    put("document", format!("sha256:{}", waiting.document));
    put("expires", waiting.expires.clone());
    put("needs", waiting.needs.clone());
    put("message", waiting.message.clone());
    put(
        "help",
        format!(
            "Tell the people you work for that request {} waits for them; they read exactly what would happen, and sign or deny it. Then call again with the same arguments and `{}` set to it.",
            waiting.request,
            super::schema::REQUEST
        ),
    );
    told
}

fn done(
    value: &Value,
    more: Map<String, Value>,
    response: &Response,
    entry: Option<&Entry>,
) -> CallToolResult {
    let mut envelope = Map::new();
    envelope.insert("status".to_owned(), "done".into());
    // A result that is not what its schema says is still told, where no schema is held against it.
    if entry.is_none_or(|entry| entry.fits(value)) {
        envelope.insert("result".to_owned(), value.clone());
    } else {
        let message =
            "the tool's result is not of the form that its schema says; it is in the text";
        envelope.insert("message".to_owned(), message.into());
    }
    envelope.extend(more);
    let mut content = vec![ContentBlock::text(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })];
    if !response.happened.is_empty() {
        content.push(ContentBlock::text(effects(&response.happened)));
    }
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(Value::Object(envelope));
    result
}

/// What every answer says of its call.
fn told(response: &Response) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("invocation".to_owned(), response.invocation.clone().into());
    told.insert("happened".to_owned(), response.happened.iter().map(effect).collect());
    if !response.denied.is_empty() {
        told.insert("denied".to_owned(), response.denied.iter().map(denied).collect());
    }
    told
}

fn effect(effect: &Effect) -> Value {
    json!({
        "step": effect.step,
        "class": effect.class,
        "resource": effect.resource,
        "function": effect.function,
        "status": effect.status,
    })
}

fn denied(call: &DeniedCall) -> Value {
    json!({
        "function": format!("{}#{}", call.interface, call.function),
        "code": call.code,
        "message": words(&call.code, &call.message).message,
        "count": call.count,
    })
}

fn effects(happened: &[Effect]) -> String {
    let line =
        |e: &Effect| format!("{} {} {} {}", e.status.as_str(), e.class, e.resource, e.function);
    format!("Effects:\n{}", happened.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A request that an earlier run used: what the journal tells of it.
fn told_only(told: &RunTold) -> CallToolResult {
    let mut more = Map::new();
    more.insert("request".to_owned(), told.request.clone().into());
    more.insert("invocation".to_owned(), told.invocation.clone().into());
    more.insert("happened".to_owned(), told.happened.clone().into());
    more.insert("ended".to_owned(), told.ended.clone().into());
    let sentence = match told.ended.as_deref() {
        Some("done") => "the request was applied by an earlier call, which ended `done`; what the tool returned is not kept".to_owned(),
        Some(code) => format!("the request was used by an earlier call, which ended `{code}`"),
        None => "the request was used by an earlier call, of whose end nothing is known yet".to_owned(),
    };
    let mut result = refused("request-consumed", &sentence, more);
    result.is_error = Some(told.ended.as_deref() != Some("done"));
    result
}

/// An envelope, with the same as text.
fn result(mut envelope: Map<String, Value>, is_error: bool) -> CallToolResult {
    // Absent, not null: the schema says text.
    envelope.retain(|name, value| name == "result" || !value.is_null());
    let value = Value::Object(envelope);
    let content = vec![ContentBlock::text(value.to_string())];
    let mut result =
        if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(value);
    result
}
