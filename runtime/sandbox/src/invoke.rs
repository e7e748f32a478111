//! From a tool's arguments to the values of its export, and from its results to an outcome: for both
//! forms of plugins.

use crate::{
    Limits, RunOutcome, ToolErrorKind, excerpt,
    report::LimitKind,
    value::{Floats, fields_from, json_bytes, parse_json, to_json},
};
use serde::Deserialize;
use serde_json::Value;
use wasmtime::component::{Val, types::ComponentFunc};

/// `tool-error` of the SDK contract, as JSON.
#[derive(Deserialize)]
struct ToolError {
    kind: String,
    message: String,
    details: Option<String>,
}

/// The parameters of `call` in the SDK contract.
pub(crate) fn sdk_parameters(tool: &str, arguments: &Value) -> Vec<Val> {
    vec![Val::String(tool.to_owned()), Val::String(arguments.to_string())]
}

/// The parameters of a plain function: an object, named by the function's own parameters.
///
/// # Errors
/// What does not fit; nothing ran.
pub(crate) fn wit_parameters(
    function: &ComponentFunc,
    arguments: &Value,
) -> Result<Vec<Val>, RunOutcome> {
    let invalid = |message: String| RunOutcome::Invalid { message: excerpt::sentence(message) };
    let Some(object) = arguments.as_object() else {
        return Err(invalid("the arguments are not a JSON object".into()));
    };
    let parameters: Vec<_> = function.params().collect();
    let values = fields_from(object, &parameters)
        .map_err(|misfit| invalid(format!("the arguments do not fit: {misfit}")))?;
    Ok(values.into_iter().map(|(_, value)| value).collect())
}

/// What `call` of the SDK contract came to.
pub(crate) fn sdk_outcome(
    function: &ComponentFunc,
    results: &[Val],
    limits: &Limits,
) -> RunOutcome {
    // Typed at admission as `result<string, tool-error>`.
    match results {
        [Val::Result(Ok(Some(text)))] => {
            let Val::String(text) = text.as_ref() else {
                return broken("the tool's result is not a string".into());
            };
            if text.len() as u64 > limits.output {
                return too_large(text.len() as u64, limits);
            }
            match parse_json(text) {
                Ok(value) => RunOutcome::Returned(value),
                Err(e) => broken(format!("the tool's result is not JSON: {e}")),
            }
        }
        [val @ Val::Result(Err(Some(error)))] => {
            let Some(ty) = function.results().next() else {
                return broken("the tool has no result".into());
            };
            let json = match to_json(val, &ty, Floats::AsText) {
                Ok(json) if json_bytes(&json) > limits.output => {
                    return too_large(json_bytes(&json), limits);
                }
                Ok(json) => json,
                Err(e) => return broken(e.to_string()),
            };
            let parsed = json.get("err").cloned().map(serde_json::from_value::<ToolError>);
            match parsed {
                Some(Ok(error)) => tool_error(error),
                _ => broken(format!("the tool's error is not one of the contract: {error:?}")),
            }
        }
        _ => broken("the tool returned something else than its contract says".into()),
    }
}

/// It ran; only what it returned is wrong.
fn broken(message: String) -> RunOutcome {
    RunOutcome::BrokenContract { message: excerpt::sentence(message) }
}

fn tool_error(error: ToolError) -> RunOutcome {
    let kind = match error.kind.as_str() {
        "invalid-arguments" => ToolErrorKind::InvalidArguments,
        "unknown-tool" => ToolErrorKind::UnknownTool,
        "denied" => ToolErrorKind::Denied,
        _ => ToolErrorKind::Failed,
    };
    // Details that are not JSON are still what the tool said.
    let details = error.details.map(|text| parse_json(&text).unwrap_or(Value::String(text)));
    RunOutcome::ToolError { kind, message: excerpt::tool_message(error.message), details }
}

/// What a plain function came to. The error of a `result` is the tool's failure.
pub(crate) fn wit_outcome(
    function: &ComponentFunc,
    results: &[Val],
    limits: &Limits,
) -> RunOutcome {
    let (Some(val), Some(ty)) = (results.first(), function.results().next()) else {
        return RunOutcome::Returned(Value::Null);
    };
    let value = match to_json(val, &ty, Floats::AsText) {
        Ok(value) => value,
        Err(misfit) => return broken(format!("the tool's result: {misfit}")),
    };
    let bytes = json_bytes(&value);
    if bytes > limits.output {
        return too_large(bytes, limits);
    }
    match (val, value) {
        (Val::Result(Ok(_)), Value::Object(mut object)) => {
            RunOutcome::Returned(object.remove("ok").unwrap_or(Value::Null))
        }
        (Val::Result(Err(_)), Value::Object(mut object)) => {
            let details = object.remove("err").unwrap_or(Value::Null);
            let message = match &details {
                Value::String(text) => excerpt::tool_message(text.clone()),
                _ => "the tool returned an error".to_owned(),
            };
            RunOutcome::ToolError { kind: ToolErrorKind::Failed, message, details: Some(details) }
        }
        (_, value) => RunOutcome::Returned(value),
    }
}

fn too_large(bytes: u64, limits: &Limits) -> RunOutcome {
    RunOutcome::Limit {
        limit: LimitKind::Output,
        message: format!("the result has {bytes} bytes; it may have {}", limits.output),
    }
}
