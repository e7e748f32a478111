//! What is shown: a table for a terminal, JSON, and the table of docs/benchmarks.md between its marks, with the
//! machine and the command. What people wrote around the marks stays.

use crate::row::{Row, Unit};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{fmt::Write as _, path::Path};

/// The marks in the document.
const BEGIN: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

pub(crate) fn json(rows: &[Row]) -> Value {
    json!({"machine": machine(), "rows": rows.iter().map(Row::json).collect::<Vec<_>>()})
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn with_unit(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(
        || "—".to_owned(),
        |v| format!("{} {}", number(v), unit.text()).trim_end().to_owned(),
    )
}

fn met(row: &Row) -> &'static str {
    match row.met() {
        Some(true) => "met",
        Some(false) => "MISSED",
        None if row.value.is_none() => "not measured",
        None => "—",
    }
}

/// The cells of a row.
fn cells(row: &Row) -> [String; 7] {
    let spread = row
        .spread
        .map_or_else(|| "—".to_owned(), |s| format!("{} / {}", number(s.p90), number(s.p99)));
    [
        row.name.to_owned(),
        with_unit(row.value, row.unit),
        spread,
        with_unit(row.floor, row.unit),
        row.ratio().map_or_else(|| "—".to_owned(), |ratio| format!("{ratio:.2}")),
        row.bound_text(),
        met(row).to_owned(),
    ]
}

const HEADS: [&str; 7] = ["row", "value", "p90 / p99", "floor", "ratio", "bound", "met"];

/// The table for a terminal.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines: Vec<[String; 7]> =
        std::iter::once(HEADS.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let mut widths = [0usize; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for (line, row) in lines.iter().zip(std::iter::once(None).chain(rows.iter().map(Some))) {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(out, "{cell:width$}  ");
        }
        let _ = writeln!(out, "{}", row.map_or("", |row| row.note.as_str()));
    }
    let (mut good, mut bad) = (0, 0);
    for row in rows {
        match row.met() {
            Some(true) => good += 1,
            Some(false) => bad += 1,
            None => {}
        }
    }
    let _ = writeln!(out, "\n{good} bounds met, {bad} missed; {}", machine());
    out
}

/// The machine, in one line: no name, no path.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    let memory = read("/proc/meminfo");
    let kib: f64 = memory
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok()
        })
        .unwrap_or_default();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let (arch, gib) = (std::env::consts::ARCH, kib / 1_048_576.0);
    format!(
        "{cores} cores, {arch}, {gib:.0} GiB, Linux {kernel}; load {load} at the end of the run"
    )
}

/// The section of the document.
fn section(rows: &[Row], command: &str) -> String {
    let mut out = format!("\n`{command}` on {}.\n\n", machine());
    let _ = writeln!(out, "| {} | what, and what of it |", HEADS.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(HEADS.len() + 1));
    for row in rows {
        let [name, rest @ ..] = cells(row);
        let floor = if row.floor_is.is_empty() {
            String::new()
        } else {
            format!("; floor: {}", row.floor_is)
        };
        let what = if row.what.is_empty() { String::new() } else { format!("**{}** ", row.what) };
        let _ = writeln!(
            out,
            "| `{name}` | {} | {what}{}{floor} |",
            rest.join(" | "),
            row.note.replace('|', "/")
        );
    }
    out.push_str(
        "\n![value ÷ floor](benchmarks/ratios.svg)\n\n![the journal](benchmarks/journal.svg)\n\n",
    );
    out
}

/// Puts the table into the document, between its marks.
///
/// # Errors
/// A document without marks.
pub(crate) fn write(document: &Path, rows: &[Row], command: &str) -> Result<()> {
    let text = std::fs::read_to_string(document)?;
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("no `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no `{END}`"))?;
    let section = section(rows, command);
    Ok(std::fs::write(document, format!("{before}{BEGIN}\n{section}{END}{after}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Bound;

    #[test]
    fn the_table_says_met_missed_and_not_measured_and_leaves_the_words_around_it() {
        let row = |name| Row::new(name, "what", Unit::Micros, Bound::AtMost(10.0));
        let rows = [row("a").value(9.0), row("b").value(11.0), row("c").not_measured("no disk")];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("doc.md");
        std::fs::write(&file, format!("before\n{BEGIN}\nold\n{END}\nafter\n")).unwrap();
        write(&file, &rows, "the command").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("\nafter\n"), "{text}");
        for wanted in ["| met |", "| MISSED |", "| not measured |", "`the command`"] {
            assert!(text.contains(wanted), "no {wanted} in {text}");
        }
        assert!(!text.contains("old"));
        assert!(table(&rows).contains("1 bounds met, 1 missed"));
        assert!(write(&folder.path().join("none.md"), &rows, "").is_err());
    }
}
