//! Where words go: results to standard output, everything else to standard error; JSON instead of both
//! when it was asked for. Colours follow the terminal and `NO_COLOR` (anstream). It stops a result from
//! drawing on the terminal that shows it, and a result that nobody could read from passing as done.

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    cell::RefCell,
    io::{self, Write},
    time::Duration,
};

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

/// How a subcommand speaks. Nothing here panics or ends the process: a result that cannot be written is
/// remembered, and [`Output::ending`] tells of it when the work is over.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    lost: RefCell<Option<io::Error>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, lost: RefCell::new(None) }
    }

    /// Whether JSON was asked for.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A result for programs, where JSON was asked for; otherwise the text for people.
    pub(super) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) {
        if self.json {
            self.data(value);
        } else {
            let text = text();
            if !text.is_empty() {
                self.keep(writeln!(anstream::stdout(), "{}", text.trim_end()));
            }
        }
    }

    /// A value as JSON, whether or not JSON was asked for: what a tool returned.
    pub(super) fn data<T: Serialize>(&self, value: &T) {
        let written = serde_json::to_string_pretty(value)
            .map_err(io::Error::other)
            // Not through anstream, which takes characters out of what it does not show.
            .and_then(|text| writeln!(io::stdout(), "{}", shown(&text)));
        self.keep(written);
    }

    /// Bytes as they are.
    pub(super) fn raw(&self, bytes: &[u8]) {
        self.keep(io::stdout().write_all(bytes));
    }

    /// Remembers the first failure of standard output.
    fn keep(&self, written: io::Result<()>) {
        if let Err(error) = written.and_then(|()| io::stdout().flush()) {
            self.lost.borrow_mut().get_or_insert(error);
        }
    }

    /// The exit code of an ending: a result that was lost is not done. A reader that went away
    /// (`| head`) has what it wanted, and changes nothing.
    pub(super) fn ending(&self, code: u8) -> u8 {
        match &*self.lost.borrow() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                said(format!(
                    "{} the result cannot be written to standard output: {error}; the command has run, and only what it would have shown is lost",
                    styled(RED, "error:")
                ));
                if code == 0 { 2 } else { code }
            }
            _ => code,
        }
    }

    /// Words beside the result; silent where JSON was asked for.
    pub(super) fn aside(&self, text: impl std::fmt::Display) {
        if !self.json {
            said(text);
        }
    }

    /// A spinner on a terminal, for work of more than a moment. It disappears when dropped.
    pub(super) fn progress(&self, message: impl Into<String>) -> Progress {
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

/// A line on standard error. Where that cannot be written there is nobody to tell.
pub(super) fn said(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A spinner that is cleared when the work is over, however it ends.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Says how far it is.
    pub(super) fn tell(&self, line: &str) {
        self.0.set_message(plain(line.trim()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Text from outside, safe to print on one line: control characters and what could hide or reorder
/// text are escaped.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

/// The same over several lines.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// JSON with what could steer a terminal or hide text escaped (`\u202e`): the same value. JSON has such
/// characters inside strings only, and the serializer has escaped U+0000 to U+001F.
pub(crate) fn shown(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character cannot be seen as itself: it steers, hides or reorders.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Format characters: zero-width, bidirectional controls, tags, fillers and the selectors that carry
/// bytes unseen (Unicode category Cf and its like, the ranges that hide or reorder text).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Bytes for people: `212 KiB`.
pub(super) fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::{plain, shown};

    #[test]
    fn nothing_hidden_reaches_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}d");
        assert_eq!(plain("plain é text"), "plain é text");
    }

    #[test]
    fn json_for_the_terminal_is_the_same_value() {
        let value = serde_json::json!({
            "k\u{9b}31m": "a\u{7f}b\u{80}\u{9f}\u{a0}c\u{202e}d\u{e0041}e\u{1b}f\n\"\\ é 😀",
            "n": [1.5, null, true],
        });
        let text = shown(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.contains("a\\u007fb\\u0080\\u009f\u{a0}c\\u202ed\\udb40\\udc41e"), "{text}");
        assert!(text.contains("é 😀"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && super::is_hidden(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
