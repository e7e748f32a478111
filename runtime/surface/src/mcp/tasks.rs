//! A call that waits for people, as a task (extension `io.modelcontextprotocol/tasks`): the task is the
//! request, so it outlives connections and restarts, and is nobody's but the asker's. It completes when
//! enough people agreed and the apply has run, or when it is clear that this will never be.

use super::{agent::Agent, resources};
use interlock::{HostError, desk::Waiting};
use interlock_authority::desk::RequestState;
use rmcp::{
    ErrorData,
    model::{
        CallToolResult, CreateTaskResult, DetailedTask, GetTaskResult, JsonObject, Task,
        TaskPayload, TaskStatus,
    },
};
use serde_json::Value;
use std::sync::Arc;

/// How often a client may ask.
const POLL_MS: u64 = 2_000;

/// The task of a call that waits.
///
/// # Errors
/// A request that cannot be read back.
pub(super) async fn create(
    agent: &Arc<Agent>,
    waiting: &Waiting,
) -> Result<CreateTaskResult, ErrorData> {
    let request = agent.request(&waiting.request).await.map_err(|e| unreadable(&e))?;
    agent.wait(&waiting.request);
    let task = Task::new(&waiting.request, TaskStatus::Working, &request.made, &request.made)
        .with_status_message(&waiting.message)
        .with_poll_interval_ms(POLL_MS);
    Ok(CreateTaskResult::new(task))
}

/// What a task is now.
///
/// # Errors
/// No such task of this principal.
pub(super) async fn get(agent: &Arc<Agent>, id: &str) -> Result<GetTaskResult, ErrorData> {
    let request = agent.request(id).await.map_err(|e| unreadable(&e))?;
    let now = interlock_authority::document::timestamp(now());
    let task = |message: &str| {
        Task::new(id, TaskStatus::Working, &request.made, &now)
            .with_status_message(message)
            .with_poll_interval_ms(POLL_MS)
    };
    let working = |message: &str| DetailedTask::new(task(message), TaskPayload::Working);
    let detailed = match &request.state {
        RequestState::Pending => {
            agent.wait(id);
            let message =
                format!("nothing has been done; {} must approve {}", request.needs, request.wish);
            working(&message)
        }
        RequestState::Approved => {
            // A task of before a restart goes on here.
            agent.wait(id);
            working("enough people agreed; it is being applied")
        }
        RequestState::Consumed { .. } if agent.waits_for(id) => {
            working("enough people agreed; it is being applied")
        }
        RequestState::Revoked { by } if *by == agent.principal().to_string() => {
            DetailedTask::new(task("it was taken back by whoever asked"), TaskPayload::Cancelled)
        }
        _ => match agent.came_to(&request).await {
            Some(result) => {
                let payload = TaskPayload::Completed { result: object(&result) };
                DetailedTask::new(task("it has ended"), payload)
            }
            None => working("it is looked at"),
        },
    };
    Ok(GetTaskResult::new(detailed))
}

/// Takes a task back.
///
/// # Errors
/// No such task of this principal.
pub(super) async fn cancel(agent: &Arc<Agent>, id: &str) -> Result<(), ErrorData> {
    match agent.withdraw(id).await {
        // One that is over has nothing to be taken back: the client sees that in its state.
        Ok(())
        | Err(HostError::Refused {
            code: "request-denied" | "request-revoked" | "request-expired" | "request-consumed",
            ..
        }) => Ok(()),
        Err(error) => Err(unreadable(&error)),
    }
}

fn object(result: &CallToolResult) -> JsonObject {
    match serde_json::to_value(result) {
        Ok(Value::Object(object)) => object,
        _ => JsonObject::new(),
    }
}

fn unreadable(error: &HostError) -> ErrorData {
    match resources::refused(error) {
        Some(message) => ErrorData::invalid_params(message, None),
        None => ErrorData::internal_error("the host failed", None),
    }
}

/// Unix seconds.
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
