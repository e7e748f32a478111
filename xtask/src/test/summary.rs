//! The last thing on the screen: each step, and the test programs' own counts.

use std::time::Duration;

use super::{Done, Outcome};
use crate::ui::{Paint, Ui, time};

/// One step as a line of the table.
pub(super) fn line(ui: &Ui, done: &Done) -> String {
    let (paint, word, more) = match &done.outcome {
        Outcome::Passed(more) => (Paint::Good, "passed", more),
        Outcome::Skipped(more) => (Paint::Strong, "SKIPPED", more),
        Outcome::Failed(more) => (Paint::Bad, "FAILED", more),
    };
    let word = ui.paint(paint, &format!("{word:8}"));
    format!("  {word}{:16}{:>8}  {more}", done.name, time(done.time)).trim_end().to_owned()
}

/// All steps, then the closing lines of the test programs.
pub(super) fn table(ui: &Ui, done: &[Done], closing: &[String]) {
    let total: Duration = done.iter().map(|step| step.time).sum();
    ui.heading(&format!("summary, {}", time(total)));
    for step in done {
        ui.say(&line(ui, step));
    }
    let skipped = done.iter().filter(|step| matches!(step.outcome, Outcome::Skipped(_))).count();
    if skipped > 0 {
        ui.say(&ui.paint(Paint::Strong, &format!("  {skipped} skipped: not checked, not passed")));
    }
    if !closing.is_empty() {
        ui.say("");
        for line in closing {
            ui.say(line);
        }
    }
}

/// The lines in which nextest and libtest count: `Summary […] 12 tests run: …`, `test result: …`.
/// Results of empty binaries are left out. What a test could not try is told with them.
pub(super) fn closing_lines(log: &[String]) -> Vec<String> {
    log.iter()
        .map(|line| plain(line))
        .filter(|line| {
            // At the start of the line: nextest repeats a failed test's own output, indented.
            let libtest = line.starts_with("test result: ")
                && !line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored");
            let skipped = line.trim_start().starts_with("SKIPPED ");
            libtest || skipped || line.trim_start().starts_with("Summary [")
        })
        .collect()
}

/// `123 tests passed`, added up over the closing lines; empty where nothing could be counted.
pub(super) fn count(lines: &[String]) -> String {
    let passed: u64 = lines.iter().filter_map(|line| number_before(line, " passed")).sum();
    if passed == 0 { String::new() } else { format!("{passed} tests passed") }
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    let (before, _) = line.split_once(word)?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The line without terminal colours (`ESC [ … letter`).
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            let _ = characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_test_programs_are_counted_with_and_without_colours() {
        let log = [
            "        PASS [   0.004s] interlock a",
            "    SKIPPED the Python SDK cannot be installed: no network",
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.005s] \u{1b}[1m30\u{1b}[0m tests run: \u{1b}[1m30\u{1b}[0m passed, 2 skipped",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 49 filtered out",
            "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s",
        ]
        .map(str::to_owned);
        let lines = closing_lines(&log);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(count(&lines), "34 tests passed");
    }

    #[test]
    fn a_skipped_step_never_reads_as_passed() {
        let ui = Ui::plain();
        let skipped = Done {
            name: "advisories",
            outcome: Outcome::Skipped("no database".to_owned()),
            time: Duration::ZERO,
        };
        let line = line(&ui, &skipped);
        assert!(line.contains("SKIPPED") && line.contains("no database"), "{line}");
        assert!(!line.contains("passed"), "{line}");
    }
}
