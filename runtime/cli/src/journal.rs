//! `interlock journal`: what was decided and done, read by a person, and proven to anybody. `verify` of an
//! export needs the log's public key and nothing else of the host.

mod backup;
mod erase;

use super::{
    Ending,
    approval::by,
    arguments::{JournalArguments, JournalCommand},
    output::{DIM, GREEN, Output, plain, styled},
    problem::Problem,
    receipt::{self, Keys},
};
use interlock::{
    Config, HostError,
    record::{Event, EventBody, Journal, Record, Recorder, Told, refused, space},
    statement::StatementSigner,
};
use interlock_authority::document::timestamp;
use interlock_journal::{JournalError, LogIdentity, export::Verifier};
use interlock_store::Payloads;
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::BufReader,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

pub(super) async fn run(arguments: &JournalArguments, file: &Path, output: &Output) -> Ending {
    if let JournalCommand::Verify { file: Some(given), receipt, keys } = &arguments.command {
        let keys = Keys::parse(keys, file)?;
        return match receipt {
            Some(receipt) => receipt::against(given, receipt, &keys, output),
            None if receipt::is_one(given)? => receipt::verify(given, &keys, output),
            None => verify(given, &keys.log()?, output),
        };
    }
    let config = Config::load(file)?;
    let journal = Journal::open(&config)?;
    match &arguments.command {
        JournalCommand::List { last } => {
            let all = journal.last(*last)?;
            let shown: Vec<Value> = all.iter().map(value).collect();
            output.result(&shown, || all.iter().map(line).collect());
        }
        JournalCommand::Show { id, receipt: true } => {
            receipt::show(&journal, &config, id, output).await?;
        }
        JournalCommand::Show { id, receipt: false } => show(&journal, id, output)?,
        JournalCommand::Verify { .. } => {
            let leaves = journal.store().audit().map_err(refused)?;
            behind(&journal)?;
            let key = journal.store().identity().to_string();
            let statements = StatementSigner::in_state(&config.state)?.public().to_string();
            let told = json!({"status": "verified", "leaves": leaves, "key": key, "statement_key": statements});
            output.result(&told, || {
                format!(
                    "{}: {leaves} leaves, each as it was written\nlog key: {key}\nstatement key: {statements}",
                    styled(GREEN, "verified")
                )
            });
        }
        JournalCommand::Export { file } => {
            let leaves = export(&journal, file)?;
            let key = journal.store().identity().to_string();
            output.result(
                &json!({"status": "exported", "leaves": leaves, "file": file, "key": key}),
                || {
                    format!(
                        "{leaves} leaves in {}\nlog key: {key}",
                        plain(&file.display().to_string())
                    )
                },
            );
        }
        JournalCommand::Resolve { id, done, not_done: _ } => {
            resolve(&journal, id, *done).await?;
            output.result(&json!({"status": "resolved", "effect": id, "done": done}), || {
                format!("resolved {}", plain(id))
            });
        }
        JournalCommand::Acknowledge => acknowledge(&journal, output).await?,
        JournalCommand::Backup { file } => backup::run(&journal, file, output)?,
        JournalCommand::Erase { older_than, dry_run } => {
            behind(&journal)?;
            erase::run(&journal, &config, older_than, *dry_run, output).await?;
        }
    }
    Ok(0)
}

fn verify(file: &Path, log: &LogIdentity, output: &Output) -> Ending {
    let opened =
        File::open(file).map_err(HostError::io(format!("cannot read {}", file.display())))?;
    let verified = Verifier::new(log).verify(BufReader::new(opened), &mut Payloads);
    let verified = verified.map_err(|error: JournalError| {
        let message = format!("{} is not what the log signed: {error}", file.display());
        Problem::new(6, "export-broken", message)
    })?;
    let leaves = verified.checkpoint.size();
    output.result(&json!({"status": "verified", "leaves": leaves}), || {
        format!("{}: {leaves} leaves, each as the log signed it", styled(GREEN, "verified"))
    });
    Ok(0)
}

fn behind(journal: &Journal) -> Result<(), Problem> {
    match journal.store().behind(journal.places()).map_err(refused)? {
        None => Ok(()),
        Some(behind) => {
            let message = format!(
                "the journal is not what was published in {}: {}",
                behind.place.display(),
                behind.problem
            );
            Err(Problem::new(6, "journal-behind", message)
                .more("  If you restored it on purpose: `interlock journal acknowledge`."))
        }
    }
}

fn export(journal: &Journal, file: &Path) -> Result<u64, HostError> {
    let failed = || format!("cannot write {}", file.display());
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(HostError::io(failed()))?;
    let leaves = journal.store().export(&mut out).map_err(refused)?;
    out.sync_all().map_err(HostError::io(failed()))?;
    Ok(leaves)
}

/// Everything of an invocation or a request, or one leaf.
fn show(journal: &Journal, id: &str, output: &Output) -> Result<(), Problem> {
    let mut leaves = journal.find(space::INVOCATION, id)?;
    leaves.extend(journal.find(space::ABOUT, id)?);
    if let Ok(leaf) = id.parse() {
        leaves.push(leaf);
    }
    leaves.sort_unstable();
    leaves.dedup();
    let mut all = Vec::new();
    for leaf in leaves {
        all.extend(journal.told(leaf)?);
    }
    if all.is_empty() {
        let message = format!("the journal has nothing called `{}`", plain(id));
        return Err(Problem::new(2, "no-entry", message));
    }
    let shown: Vec<Value> = all.iter().map(value).collect();
    output.result(&shown, || {
        all.iter()
            .map(|told| {
                let event = told
                    .event
                    .as_ref()
                    .map(|e| serde_json::to_string_pretty(e).unwrap_or_default());
                format!("{}{}\n", line(told), event.unwrap_or_else(|| "(erased)".to_owned()))
            })
            .collect()
    });
    Ok(())
}

/// INVARIANT AT-MOST-ONCE: only a person closes an effect whose end nobody knows, and nothing runs again.
async fn resolve(journal: &Journal, id: &str, done: bool) -> Result<(), Problem> {
    let open = journal.open_intents()?;
    let Some((key, _)) = open.iter().find(|(key, _)| key == id) else {
        let keys: Vec<&str> = open.iter().map(|(key, _)| key.as_str()).collect();
        let known = if keys.is_empty() { "there are none".to_owned() } else { keys.join(", ") };
        let message = format!("`{}` is no effect of unknown end; {known}", plain(id));
        return Err(Problem::new(2, "not-open", message));
    };
    let (invocation, step) = key.rsplit_once('/').unwrap_or((key, "0"));
    let body = EventBody::Resolution { step: step.parse().unwrap_or_default(), done, by: by() };
    let record = Record::of(Event::of(invocation, body)).once(space::OUTCOME, key);
    Ok(journal.write(record).await.map_err(HostError::from)?)
}

async fn acknowledge(journal: &Journal, output: &Output) -> Result<(), Problem> {
    let behind = journal.store().behind(journal.places()).map_err(refused)?;
    let Some(behind) = behind else {
        output.result(&json!({"status": "in-order"}), || {
            "the journal has everything that was published; there is nothing to acknowledge"
                .to_owned()
        });
        return Ok(());
    };
    let body = EventBody::Acknowledgement { published: behind.published, by: by() };
    journal.write(Record::of(Event::alone(body))).await.map_err(HostError::from)?;
    journal.store().publish_over(journal.places()).map_err(refused)?;
    output.result(&json!({"status": "acknowledged"}), || {
        "acknowledged, and written down; elevated work goes on from here".to_owned()
    });
    Ok(())
}

fn value(told: &Told) -> Value {
    json!({"leaf": told.leaf, "time": timestamp(told.time_ms / 1000), "kind": told.kind, "event": told.event})
}

/// One line: number, time, kind, and what it is about.
fn line(told: &Told) -> String {
    let time = timestamp(told.time_ms / 1000);
    let clock = time.get(11..19).unwrap_or_default();
    let words = [
        "principal",
        "plugin",
        "tool",
        "class",
        "resource",
        "function",
        "status",
        "request",
        "person",
        "by",
        "code",
        "reason",
    ];
    let about: Vec<String> = words
        .iter()
        .filter_map(|word| told.text(word))
        .map(|text| plain(&text.chars().take(60).collect::<String>()))
        .collect();
    let about = if told.event.is_none() { "(erased)".to_owned() } else { about.join("  ") };
    let about = format!("{:<12} {about}", told.kind);
    format!("{:>6}  {}  {about}\n", told.leaf, styled(DIM, clock))
}
