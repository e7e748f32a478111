//! The operator's log: lines on standard error, one for each thing that an operator should know and no agent
//! is told, each with the invocation it belongs to. What is logged came in part from agents and plugins, so a
//! whole line is escaped like what goes to a terminal, or a plugin could forge one.

use super::output::{plain, shown};
use clap::ValueEnum;
use std::{
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    time::Duration,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{MakeWriter, time::FormatTime},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What failed.
    Error,
    /// And what an operator should look at, refused strangers included.
    Warn,
    /// And each call and effect.
    Info,
    /// And each wait for people that goes on in the background.
    Debug,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Starts the log of this process. A program that has one already keeps its own.
pub(crate) fn start(level: Level, format: Format) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    // Libraries say a good deal that is of use to their authors alone, and the protocol's repeats what agents said.
    let filter = Targets::new().with_target("interlock", level).with_default(LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_timer(Now)
        .with_writer(Escaped(format));
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let (sender, receiver) = mpsc::sync_channel(MOST);
    if LINES.set(sender).is_err() {
        return;
    }
    std::thread::spawn(move || write_lines(receiver, format));
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}

/// The time in UTC, to the millisecond.
struct Now;

impl FormatTime for Now {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        w.write_str(&now())
    }
}

/// Where lines wait for standard error.
static LINES: OnceLock<SyncSender<Line>> = OnceLock::new();
/// Lines that found no place there.
static LOST: AtomicU64 = AtomicU64::new(0);
/// How many may wait.
const MOST: usize = 4_096;
/// The longest line, in bytes: what waits is bounded in memory too.
const LONGEST: usize = 8 << 10;
/// How long the end of the process waits for the last of them.
const LAST_WAIT: Duration = Duration::from_secs(1);

enum Line {
    Text(String),
    /// All that came before is written.
    Written(mpsc::Sender<()>),
}

/// Writes lines in a thread of its own: whoever reads the log and stops must not stop the host.
fn write_lines(lines: Receiver<Line>, format: Format) {
    let mut known = 0;
    for line in lines {
        let lost = lost();
        if lost > known {
            let told = told(format, "lines of this log were lost", lost - known);
            let _ = writeln!(io::stderr(), "{told}");
            known = lost;
        }
        match line {
            // Where standard error cannot be written there is nobody to tell.
            Line::Text(text) => drop(writeln!(io::stderr(), "{text}")),
            Line::Written(told) => drop(told.send(())),
        }
    }
}

/// A line of the log about itself.
fn told(format: Format, what: &str, count: u64) -> String {
    match format {
        Format::Text => format!("{} WARN {what}: {count}", now()),
        Format::Json => serde_json::json!({"timestamp": now(), "level": "WARN", "message": what, "count": count})
            .to_string(),
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// How many lines were lost because nobody took them.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Waits a moment for the last lines.
pub(crate) fn end() {
    let Some(lines) = LINES.get() else { return };
    let (told, written) = mpsc::channel();
    if lines.try_send(Line::Written(told)).is_ok() {
        let _ = written.recv_timeout(LAST_WAIT);
    }
}

/// Lines of one form, with nothing in them that could steer a terminal or begin another line.
#[derive(Clone, Copy)]
struct Escaped(Format);

impl<'a> MakeWriter<'a> for Escaped {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Escaped {
    /// One whole line: the subscriber writes each event at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let cut = line.len() > LONGEST;
        let text = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line));
        let text = text.trim_end_matches('\n');
        let text = match self.0 {
            // Cut JSON is none: what was in it is said to be too long.
            Format::Json if cut => told(self.0, "a line was too long", line.len() as u64),
            Format::Text => plain(text),
            Format::Json => shown(text),
        };
        let taken = LINES.get().is_some_and(|lines| lines.try_send(Line::Text(text)).is_ok());
        if !taken {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
