//! Arguments against the tool's schema, before anything runs: what an agent made up is refused with words
//! it can act on, and checking it cannot hold up the host: what could take long is done aside.

use crate::{Host, installed::Code, response::Outcome};
use serde_json::Value;
use tokio::time::Instant;

/// Holds arguments to the tool's schema, before anything runs. The schema is the plugin's and the
/// arguments are the agent's: the work is bounded in size and ends with the run's deadline.
pub(super) async fn check(
    host: &Host,
    plugin: &Code,
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
    let Some(schema) = plugin.schemas.get(tool).cloned() else {
        return Err(fault("the tool has no compiled schema"));
    };
    let misfit = |message| Outcome::InvalidArguments { message };
    if schema.is_quick_for(size) {
        return match schema.problems(arguments) {
            None => Ok(()),
            Some(message) => Err(misfit(message)),
        };
    }
    let arguments = arguments.clone();
    let places = host.checks().clone();
    let check = async move {
        // The place goes with the work: work that nobody waits for any more still holds it.
        let place = places.acquire_owned().await.ok();
        let work = tokio::task::spawn_blocking(move || {
            let problems = schema.problems(&arguments);
            drop(place);
            problems
        });
        work.await
    };
    match tokio::time::timeout_at(deadline, check).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(message))) => Err(misfit(message)),
        Ok(Err(_)) => Err(fault("checking the arguments panicked")),
        Err(_) => Err(Outcome::Limit {
            code: "time".to_owned(),
            message: "the arguments could not be checked before the run's deadline".to_owned(),
        }),
    }
}
