//! `interlock freeze` and `thaw`: one switch over all effects of all hosts on this state folder. Each
//! failure says which way the switch stands: somebody who believes that effects are stopped, and they
//! are not, is worse off than without a switch.

use super::{
    Ending,
    arguments::FreezeArguments,
    output::{Output, plain},
    problem::Problem,
};
use interlock::{
    HostError,
    config::{Config, edit::read_text},
    freeze::Freeze,
    record::{Event, EventBody, Journal, Record, Recorder},
};
use serde_json::json;
use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

pub(super) async fn freeze(arguments: &FreezeArguments, file: &Path, output: &Output) -> Ending {
    let (state, config) = state_of(file, output)?;
    let reason = arguments.reason.clone();
    // The switch first: a record that cannot be written must not keep effects going.
    Freeze::in_state(&state).set(&reason).map_err(|error| {
        Problem::new(5, "not-frozen", format!("effects are NOT stopped: {error}"))
    })?;
    let started = match &config {
        None => Ok(Vec::new()),
        Some(config) => record(config, EventBody::Freeze { reason: reason.clone() })
            .await
            .map(|journal| under_way(&journal)),
    };
    let started = started.map_err(|error| {
        let message = format!(
            "all effects ARE stopped; only that could not be written down: {error}; mend the journal, then freeze again"
        );
        Problem::new(5, "record", message).details(json!({"frozen": true}))
    })?;
    // The switch is read before an effect, not during one: what had started goes to its end.
    output.result(&json!({"status": "frozen", "reason": reason, "under_way": started}), || {
        let mut text =
            "All effects are stopped. Let them happen again with `interlock thaw`.\n".to_owned();
        for effect in &started {
            text.push_str(&format!(
                "Already started, and not stopped by this: {}\n",
                plain(effect)
            ));
        }
        text
    });
    Ok(0)
}

/// The state folder to freeze. A host that is already running goes on when somebody breaks its
/// configuration, so a broken one must not keep anybody from stopping it: then the folder is what the
/// file says, as far as it can be read, and must be there.
fn state_of(file: &Path, output: &Output) -> Result<(PathBuf, Option<Config>), Problem> {
    let error = match Config::load(file) {
        Ok(config) => {
            // A switch needs a place to stand. That others could write it is told by what starts a host.
            DirBuilder::new().recursive(true).mode(0o700).create(&config.state).map_err(
                |error| {
                    let error =
                        HostError::io(format!("cannot make {}", config.state.display()))(error);
                    Problem::new(5, "not-frozen", format!("effects are NOT stopped: {error}"))
                },
            )?;
            return Ok((config.state.clone(), Some(config)));
        }
        Err(error) => error,
    };
    let named = read_text(file)
        .ok()
        .and_then(|text| text.parse::<toml_edit::DocumentMut>().ok())
        .and_then(|document| document.get("state")?.as_str().map(str::to_owned));
    let state = file
        .parent()
        .unwrap_or_else(|| Path::new(""))
        .join(named.unwrap_or_else(|| ".interlock".to_owned()));
    if !state.is_dir() {
        return Err(error.into());
    }
    output.aside(format!("the configuration does not load: {error}"));
    output.aside(format!("freezing the state folder {}", state.display()));
    output.aside("the journal is not told: where it is, the configuration would say");
    Ok((state, None))
}

pub(super) async fn thaw(file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let freeze = Freeze::in_state(&config.state);
    let was = freeze.reason().is_some();
    if was {
        // The record first: effects must not start again unrecorded.
        record(&config, EventBody::Thaw).await.map_err(|error| {
            let message =
                format!("effects are still stopped: the thaw could not be written down: {error}");
            Problem::new(5, "record", message).details(json!({"frozen": true}))
        })?;
        if let Err(error) = freeze.clear() {
            return Err(still_frozen(&config, &error).await);
        }
    }
    output.result(&json!({"status": "thawed", "was_frozen": was}), || {
        if was { "Effects may happen again." } else { "Effects were not frozen." }.to_owned()
    });
    Ok(0)
}

/// The thaw is in the record and did not happen: the record must not go on saying that it did.
async fn still_frozen(config: &Config, error: &HostError) -> Problem {
    let reason = format!("a thaw failed, and effects are still stopped: {error}");
    let mut message = format!("effects are still stopped: {error}");
    if let Err(also) = record(config, EventBody::Freeze { reason }).await {
        message.push_str(&format!(
            "; the record says that they were let go, and that could not be put right: {also}"
        ));
    }
    Problem::new(5, "still-frozen", message).details(json!({"frozen": true}))
}

async fn record(config: &Config, body: EventBody) -> Result<Journal, HostError> {
    let journal = Journal::open(config)?;
    journal.write(Record::of(Event::alone(body))).await?;
    Ok(journal)
}

/// The effects without an outcome: under way, or lost. None where they cannot be read.
fn under_way(journal: &Journal) -> Vec<String> {
    let open = journal.open_intents().unwrap_or_default();
    open.iter()
        .filter_map(|(_, leaf)| journal.told(*leaf).ok().flatten())
        .map(|told| {
            let text = |name| told.text(name).unwrap_or("(erased)").to_owned();
            format!("{} on {}", text("function"), text("resource"))
        })
        .collect()
}
