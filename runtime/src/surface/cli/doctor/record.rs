//! Effects that the record knows to have been started, and not how they ended: the host, the machine or
//! the provider was lost in between. Nothing retries them (AT-MOST-ONCE), so a person must be told, for
//! as long as the record says so.

use super::{Findings, Verdict, shell};
use crate::config::edit::open_regular;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// How much of the record is read, from its end, in bytes.
const TAIL: u64 = 8 << 20;

/// The most effects that are told of one by one.
const MOST: usize = 20;

/// An effect, by invocation and step.
type Key = (String, u64);

/// Warns of each effect in the record whose end is unknown.
pub(super) fn unknown_ends(record: &Path, findings: &mut Findings) {
    let tail = match tail(record, TAIL) {
        Ok(tail) => tail,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            findings.add(
                Verdict::Bad,
                format!("the record {} cannot be read: {error}", record.display()),
                "an effect whose start cannot be written down does not happen; mend the file",
            );
            return;
        }
    };
    let (open, unreadable) = open_intents(&tail);
    for ((invocation, step), what) in open.iter().take(MOST) {
        findings.add(
            Verdict::Warning,
            format!("an effect was started and its end is unknown: {what}, step {step} of invocation {invocation}"),
            "if no host is still at work on it, look at that resource yourself; nothing retries the effect",
        );
    }
    if let Some(more) = open.len().checked_sub(MOST).filter(|more| *more > 0) {
        findings.add(
            Verdict::Warning,
            format!("{more} more effects were started and their ends are unknown"),
            format!("look for intents without outcome in {}", shell::path(record)),
        );
    }
    if unreadable > 0 {
        findings.add(
            Verdict::Warning,
            format!("{unreadable} lines of the record cannot be read; a write was cut short there, or somebody edited it"),
            format!("look at {}", shell::path(record)),
        );
    }
}

/// The effects in the record without an outcome: under way, or lost. None where it cannot be read.
pub(in super::super) fn under_way(record: &Path) -> Vec<String> {
    tail(record, TAIL)
        .map(|lines| open_intents(&lines).0.into_values().collect())
        .unwrap_or_default()
}

/// The whole lines among the last bytes of a file.
fn tail(file: &Path, most: u64) -> io::Result<Vec<Vec<u8>>> {
    let mut opened = open_regular(OpenOptions::new().read(true), file)?;
    let start = opened.metadata()?.len().saturating_sub(most);
    // One byte earlier: where that is the end of a line, nothing is cut off.
    opened.seek(SeekFrom::Start(start.saturating_sub(1)))?;
    // A host may be writing: no more than was there.
    let mut reader = BufReader::new(opened.take(most.saturating_add(1)));
    if start > 0 {
        reader.read_until(b'\n', &mut Vec::new())?;
    }
    reader.split(b'\n').collect()
}

/// The intents without an outcome, or with one that says `unknown`; and how many lines mean nothing.
fn open_intents(lines: &[Vec<u8>]) -> (BTreeMap<Key, String>, usize) {
    let mut open = BTreeMap::new();
    let mut unreadable = 0;
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            unreadable += 1;
            continue;
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let step = event.get("step").and_then(Value::as_u64).unwrap_or_default();
        let key = (text("invocation").to_owned(), step);
        match text("event") {
            "intent" => {
                open.insert(key, format!("{} on {}", text("function"), text("resource")));
            }
            "outcome" if text("status") != "unknown" => {
                open.remove(&key);
            }
            _ => {}
        }
    }
    (open, unreadable)
}

#[cfg(test)]
mod tests {
    use super::{open_intents, tail};

    fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|t| t.as_bytes().to_vec()).collect()
    }

    #[test]
    fn at_most_once_an_intent_without_outcome_is_told() {
        let (open, unreadable) = open_intents(&lines(&[
            r#"{"event":"intent","invocation":"A","step":1,"function":"f","resource":"e/a"}"#,
            r#"{"event":"intent","invocation":"A","step":2,"function":"f","resource":"e/b"}"#,
            r#"{"event":"outcome","invocation":"A","step":1,"status":"done"}"#,
            r#"{"event":"intent","invocation":"B","step":1,"function":"g","resource":"e/c"}"#,
            r#"{"event":"outcome","invocation":"B","step":1,"status":"unknown"}"#,
            r#"{"event":"outcome","invocation":"B","step":2,"status":"done"}"#,
            r#"{"event":"int"#,
        ]));
        let told: Vec<_> =
            open.into_iter().map(|((i, s), what)| format!("{i}{s} {what}")).collect();
        assert_eq!(told, ["A2 f on e/b", "B1 g on e/c"]);
        assert_eq!(unreadable, 1);
    }

    #[test]
    fn only_whole_lines_of_the_tail_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record.jsonl");
        std::fs::write(&file, "first\nsecond\nthird\n").unwrap();
        assert_eq!(tail(&file, 100).unwrap(), lines(&["first", "second", "third"]));
        assert_eq!(tail(&file, 13).unwrap(), lines(&["second", "third"]));
        assert_eq!(tail(&file, 12).unwrap(), lines(&["third"]));
        assert_eq!(tail(&file, 1).unwrap(), lines(&[]));
    }
}
