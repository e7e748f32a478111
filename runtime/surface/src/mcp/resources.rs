//! The requests of an asker as MCP resources: the document that people read, what became of it, and the signed
//! receipt; and the receipt of each of its calls. They are readable by whoever asked, and by nobody else; to
//! others there is no such resource.

use super::agent::Agent;
use interlock::HostError;
use rmcp::{
    ErrorData,
    model::{
        ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
        ResourceContents, ResourceTemplate,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The most requests that a list shows.
const MOST: usize = 50;
const PREFIX: &str = "interlock://request/";
/// Where the receipts of calls are.
const CALLS: &str = "interlock://invocation/";
const RECEIPT: &str = "receipt";
const RECEIPT_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// What can be read of a request.
const PARTS: &[(&str, &str, &str)] = &[
    ("document", "text/plain", "what people read and sign, exactly"),
    ("result", "application/json", "its state, and once it was applied what came of it"),
    (RECEIPT, RECEIPT_TYPE, "the signed receipt of the run that applied it"),
];

/// The resources of an asker.
///
/// # Errors
/// A journal that is not as it was written.
pub(super) async fn list(agent: &Agent) -> Result<ListResourcesResult, ErrorData> {
    let own = agent.requests(MOST).await.map_err(|e| failed(&e))?;
    let resources = own.iter().flat_map(|request| {
        // A receipt is of a run: before there is one, there is none.
        let parts = PARTS.iter().filter(|(part, ..)| *part != RECEIPT || request.run.is_some());
        parts.map(|(part, mime, what)| {
            let id = &request.request;
            Resource::new(format!("{PREFIX}{id}/{part}"), format!("request {id}: {part}"))
                .with_description(format!("{}: {what}", request.wish))
                .with_mime_type(*mime)
        })
    });
    Ok(ListResourcesResult::with_all_items(resources.collect()))
}

/// How their names are made.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |(part, mime, what): &(&str, &str, &str)| {
        ResourceTemplate::new(format!("{PREFIX}{{request}}/{part}"), format!("request {part}"))
            .with_description(format!("Of a request that you made: {what}."))
            .with_mime_type(*mime)
    };
    let mut all: Vec<ResourceTemplate> = PARTS.iter().map(template).collect();
    all.push(
        ResourceTemplate::new(format!("{CALLS}{{invocation}}/{RECEIPT}"), "receipt of a call")
            .with_description("Of a call that you made: what was decided and done, signed.")
            .with_mime_type(RECEIPT_TYPE),
    );
    ListResourceTemplatesResult::with_all_items(all)
}

/// Reads one.
///
/// # Errors
/// No such resource of this principal.
pub(super) async fn read(agent: &Arc<Agent>, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    // Bounded: what an agent made up is not handed round.
    let named: String = uri.chars().take(100).collect();
    let none =
        || ErrorData::resource_not_found("there is no such resource", Some(json!({"uri": named})));
    if let Some(invocation) = uri.strip_prefix(CALLS) {
        let invocation = invocation.strip_suffix(RECEIPT).and_then(|i| i.strip_suffix('/'));
        let text = receipt(agent, invocation.ok_or_else(none)?).await?.ok_or_else(none)?;
        let contents = ResourceContents::text(text, uri).with_mime_type(RECEIPT_TYPE);
        return Ok(ReadResourceResult::new(vec![contents]));
    }
    let (id, part) =
        uri.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or_else(none)?;
    let (part, mime, _) = PARTS.iter().find(|(name, ..)| *name == part).ok_or_else(none)?;
    let request = match agent.request(id).await {
        Ok(request) => request,
        Err(error) if refused(&error).is_some() => return Err(none()),
        Err(error) => return Err(failed(&error)),
    };
    let text = if *part == "document" {
        request.text.clone()
    } else if *part == RECEIPT {
        let run = request.run.as_ref().ok_or_else(none)?;
        receipt(agent, &run.invocation).await?.ok_or_else(none)?
    } else {
        let mut value = serde_json::to_value(&request).unwrap_or(Value::Null);
        let came_to = agent.came_to(&request).await.and_then(|result| result.structured_content);
        if let (Value::Object(told), Some(came_to)) = (&mut value, came_to) {
            told.insert("answer".to_owned(), came_to);
        }
        value.to_string()
    };
    let contents = ResourceContents::text(text, uri).with_mime_type(*mime);
    Ok(ReadResourceResult::new(vec![contents]))
}

/// The receipt of an invocation of this principal, as text; `None` where it has no such one.
async fn receipt(agent: &Arc<Agent>, invocation: &str) -> Result<Option<String>, ErrorData> {
    match agent.receipt(invocation).await {
        Ok(envelope) => Ok(serde_json::to_string(&envelope).ok()),
        Err(error) if refused(&error).is_some() => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// The sentence of a refusal; `None` for what is the host's own failure.
pub(super) fn refused(error: &HostError) -> Option<String> {
    match error {
        HostError::Refused { code, message } => Some(super::words::words(code, message).message),
        _ => None,
    }
}

fn failed(error: &HostError) -> ErrorData {
    tracing::error!(%error, "a request cannot be read");
    ErrorData::internal_error("the host failed; its operator can see why", None)
}
