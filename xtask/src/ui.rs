//! What a person sees: plain lines in a log, a spinner and colours on a terminal.
//!
//! `NO_COLOR` (<https://no-color.org>) and a pipe switch colours off; a pipe also switches the spinner off.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where words go and whether they may be coloured.
pub struct Ui {
    color: bool,
    live: bool,
    /// What is done at the same time, each in a line of its own.
    spinners: MultiProgress,
}

/// The few meanings that have a colour.
#[derive(Clone, Copy)]
pub enum Paint {
    /// It holds.
    Good,
    /// It does not.
    Bad,
    /// Beside the point.
    Quiet,
    /// To be read first.
    Strong,
}

impl Ui {
    /// Reads the terminal and `NO_COLOR`.
    pub fn from_environment() -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let spinners = MultiProgress::new();
        Self { color: terminal && !no_color, live: terminal, spinners }
    }

    /// Neither colours nor a spinner.
    pub fn plain() -> Self {
        Self { color: false, live: false, spinners: MultiProgress::new() }
    }

    /// Whether children should be asked for colours too.
    pub fn color(&self) -> bool {
        self.color
    }

    /// A line on stdout. A closed pipe is not an error of ours.
    pub fn say(&self, line: &str) {
        self.spinners.suspend(|| {
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
    }

    /// An error on stderr.
    pub fn complain(&self, message: &str) {
        let word = self.paint(Paint::Bad, "error:");
        let _ = writeln!(std::io::stderr().lock(), "{word} {message}");
    }

    /// The text in the colour of its meaning, or unchanged.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31;1",
            Paint::Quiet => "2",
            Paint::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A heading for a part of the work.
    pub fn heading(&self, text: &str) {
        self.say("");
        self.say(&self.paint(Paint::Strong, text));
    }

    /// A spinner on a terminal; nothing to draw elsewhere.
    pub fn spinner(&self, what: &str) -> ProgressBar {
        if !self.live {
            return ProgressBar::hidden();
        }
        let bar = self.spinners.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Whether a spinner shows progress already.
    pub fn live(&self) -> bool {
        self.live
    }
}

/// `3m05s` or `4.2s`: the time of a step, for people.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1}s", duration.as_secs_f64())
    }
}
