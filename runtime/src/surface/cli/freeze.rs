//! `interlock freeze` and `thaw`: one switch over all effects of all hosts on this state folder. Each
//! failure says which way the switch stands: somebody who believes that effects are stopped, and they
//! are not, is worse off than without a switch.

use super::{Ending, arguments::FreezeArguments, output::Output, problem::Problem};
use crate::{
    HostError,
    config::Config,
    freeze::Freeze,
    record::{Event, EventBody, JsonLines, Recorder},
};
use serde_json::json;
use std::path::Path;

pub(super) fn freeze(arguments: &FreezeArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let reason = arguments.reason.clone();
    // The switch first: a record that cannot be written must not keep effects going.
    Freeze::in_state(&config.state).set(&reason).map_err(|error| {
        Problem::new(5, "not-frozen", format!("effects are NOT stopped: {error}"))
    })?;
    record(&config, EventBody::Freeze { reason: reason.clone() }).map_err(|error| {
        let message = format!(
            "all effects ARE stopped; only that could not be written down: {error}; mend the record, then freeze again"
        );
        Problem::new(5, "record", message).details(json!({"frozen": true}))
    })?;
    output.result(&json!({"status": "frozen", "reason": reason}), || {
        "All effects are stopped. Let them happen again with `interlock thaw`.".to_owned()
    });
    Ok(0)
}

pub(super) fn thaw(file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let freeze = Freeze::in_state(&config.state);
    let was = freeze.reason().is_some();
    if was {
        // The record first: effects must not start again unrecorded.
        record(&config, EventBody::Thaw).map_err(|error| {
            let message =
                format!("effects are still stopped: the thaw could not be written down: {error}");
            Problem::new(5, "record", message).details(json!({"frozen": true}))
        })?;
        freeze.clear().map_err(|error| still_frozen(&config, &error))?;
    }
    output.result(&json!({"status": "thawed", "was_frozen": was}), || {
        if was { "Effects may happen again." } else { "Effects were not frozen." }.to_owned()
    });
    Ok(0)
}

/// The thaw is in the record and did not happen: the record must not go on saying that it did.
fn still_frozen(config: &Config, error: &HostError) -> Problem {
    let reason = format!("a thaw failed, and effects are still stopped: {error}");
    let mut message = format!("effects are still stopped: {error}");
    if let Err(also) = record(config, EventBody::Freeze { reason }) {
        message.push_str(&format!(
            "; the record says that they were let go, and that could not be put right: {also}"
        ));
    }
    Problem::new(5, "still-frozen", message).details(json!({"frozen": true}))
}

fn record(config: &Config, body: EventBody) -> Result<(), HostError> {
    JsonLines::open(&config.state.join("record.jsonl"))?.record(&Event::now(None, body))
}
