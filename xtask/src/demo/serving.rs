//! The running host: `interlock serve` as a child of the demo, with its log in a file of the demo's.
//!
//! Its working directory is the deployment, so that the guardian ends it with everything else there. The
//! mistake it stops: a host that outlives the story, or one that is waited for by the clock and not by what it
//! says.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xtask::evidence;

use super::scene::Scene;
use crate::ui::Paint;

/// The longest that something is waited for that usually takes a second.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);
/// What the host logs when it has taken up a changed configuration.
const FOLLOWED: &str = "the changed configuration is used from here on";

/// A host that serves.
pub(crate) struct Serving {
    process: Child,
    pub(crate) url: String,
    log: PathBuf,
    /// How much of the log has been looked at.
    seen: usize,
}

impl Serving {
    /// Starts a host of this deployment, and waits until it serves.
    ///
    /// # Errors
    /// When it does not, with what it said.
    pub(crate) fn start(
        binary: &Path,
        deployment: &Path,
        log: PathBuf,
        listen: &str,
    ) -> Result<Self> {
        // Appended to, so that a host that is started again leaves one log.
        let stderr = OpenOptions::new().create(true).append(true).open(&log);
        let stderr = stderr.with_context(|| format!("could not open `{}`", log.display()))?;
        let seen = std::fs::read_to_string(&log).unwrap_or_default().len();
        let mut process = Command::new(binary)
            .args(["serve", "--listen", listen])
            .current_dir(deployment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .context("could not start `interlock serve`")?;
        let stdout = process.stdout.take().context("`interlock serve` has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix("serving ").map(str::to_owned) else {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("`interlock serve` does not serve: {line}{said}");
        };
        Ok(Self { process, url, log, seen })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        let rest = self.url.strip_prefix("http://").unwrap_or(&self.url);
        rest.split('/').next().unwrap_or(rest)
    }

    /// From here on, only what it says later counts.
    pub(crate) fn mark(&mut self) {
        self.seen = self.said().len();
    }

    /// Waits until it says that it follows its changed configuration, and gives its words.
    ///
    /// # Errors
    /// When it does not say so in time, with what it said instead.
    pub(crate) fn follows(&mut self) -> Result<String> {
        let until = Instant::now() + LIMIT;
        loop {
            let said = self.said();
            let new = said.get(self.seen..).unwrap_or_default();
            // Whole lines only: the last may still be on its way.
            let whole = new.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if let Some(line) = whole.lines().find(|line| line.contains(FOLLOWED)) {
                let words = line.split_once(' ').map_or(line, |(_, words)| words).to_owned();
                self.seen = said.len();
                return Ok(words);
            }
            if Instant::now() > until {
                bail!("the host did not follow its configuration; it said: {new}");
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Sends SIGTERM; gives its exit code.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop(mut self) -> Result<i32> {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().context("`kill`")?;
        if !sent.success() {
            bail!("could not send SIGTERM to `interlock serve` ({pid})");
        }
        ended(&mut self.process).context("`interlock serve`")
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Scene<'_> {
    /// Starts the host that agents speak to.
    ///
    /// # Errors
    /// When it does not serve.
    pub(crate) fn serve(&mut self, listen: &str) -> Result<()> {
        self.prompt(&["serve", "--listen", listen]);
        let log = PathBuf::from(self.beside("serve.log"));
        let serving = Serving::start(self.binary(), &self.deployment(), log, listen)?;
        self.show(&format!("serving {}", serving.url));
        self.serving = Some(serving);
        Ok(())
    }

    /// Ends it with SIGTERM. Gives where it listened.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop_serving(&mut self, claim: &str) -> Result<String> {
        let serving = self.serving.take().context("no host is running")?;
        let address = serving.address().to_owned();
        self.tell("");
        self.line(Paint::Strong, &format!("  $ kill -TERM {}", serving.pid()));
        let code = serving.stop()?;
        self.check(claim, code == 0, &format!("exit {code}"));
        Ok(address)
    }

    /// Waits until the running host follows a change of which agents see nothing.
    ///
    /// # Errors
    /// When it does not, in time.
    pub(crate) fn followed(&mut self) -> Result<()> {
        let (words, pid) = {
            let serving = self.serving()?;
            (serving.follows()?, serving.pid())
        };
        self.tell("");
        self.tell(&format!("the host's log: {words}"));
        let alive = evidence::process(pid).is_some();
        self.check("the running host follows, without a restart", alive, &format!("pid {pid}"));
        Ok(())
    }
}

/// Waits, not for ever, for the end of a process; gives its exit code.
///
/// # Errors
/// When it does not end, or a signal ended it.
pub(super) fn ended(process: &mut Child) -> Result<i32> {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = process.try_wait()? {
            return status.code().with_context(|| format!("it was ended: {status}"));
        }
        if Instant::now() > until {
            bail!("it has not ended within {} seconds", LIMIT.as_secs());
        }
        std::thread::sleep(LOOK);
    }
}
