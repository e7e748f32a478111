//! Where words go: results to standard output, everything else to standard error; JSON instead of both
//! when it was asked for. Colours follow the terminal and `NO_COLOR` (anstream).

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::time::Duration;

/// Bold.
pub(super) const BOLD: Style = Style::new().bold();
/// Less important.
pub(super) const DIM: Style = Style::new().dimmed();
/// Good.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// Careful.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Bad.
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();

/// Text in a style; anstream takes the codes out where they do not belong.
pub(super) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// How a subcommand speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// A result for programs, where JSON was asked for; otherwise the text for people.
    pub(super) fn result<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) {
        if self.json {
            // These types serialize by construction; a failure would print nothing rather than lie.
            if let Ok(text) = serde_json::to_string_pretty(value) {
                anstream::println!("{text}");
            }
        } else {
            let text = text();
            if !text.is_empty() {
                anstream::println!("{}", text.trim_end());
            }
        }
    }

    /// Words beside the result; silent where JSON was asked for.
    pub(super) fn aside(self, text: impl std::fmt::Display) {
        if !self.json {
            anstream::eprintln!("{text}");
        }
    }

    /// A spinner on a terminal, for work of more than a moment. It disappears when dropped.
    pub(super) fn progress(self, message: impl Into<String>) -> Progress {
        if self.json {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(message.into());
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }
}

/// A spinner that is cleared when the work is over, however it ends.
pub(super) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Text from outside, safe to print on one line: control characters and what could hide or reorder
/// text are escaped.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || is_invisible(c) {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// The same over several lines.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Format characters: zero-width, bidirectional controls, tags (Unicode category Cf, the ranges that
/// hide or reorder text).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes for people: `212 KiB`.
pub(super) fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_hidden_reaches_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}d");
        assert_eq!(plain("plain é text"), "plain é text");
    }
}
