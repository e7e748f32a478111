//! `interlock freeze` and `thaw`: one switch over all effects of all hosts on this state folder.

use super::{Ending, arguments::FreezeArguments, output::Output};
use crate::{
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
    Freeze::in_state(&config.state).set(&reason)?;
    record(&config, EventBody::Freeze { reason: reason.clone() })?;
    output.result(&json!({"status": "frozen", "reason": reason}), || {
        "All effects are stopped. Let them happen again with `interlock thaw`.".to_owned()
    });
    Ok(0)
}

pub(super) fn thaw(file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    // The record first: effects must not start again unrecorded.
    record(&config, EventBody::Thaw)?;
    let was = Freeze::in_state(&config.state).clear()?;
    output.result(&json!({"status": "thawed", "was_frozen": was}), || {
        if was { "Effects may happen again." } else { "Effects were not frozen." }.to_owned()
    });
    Ok(0)
}

fn record(config: &Config, body: EventBody) -> Result<(), crate::HostError> {
    JsonLines::open(&config.state.join("record.jsonl"))?.record(&Event::now(None, body))
}
