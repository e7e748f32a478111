//! What the parts of the story share: the deployment, the commands that are run in it, the claims.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use xtask::evidence::{self, Process};

use super::agent::Agent;
use super::serving::Serving;
use crate::command::words;
use crate::paths;
use crate::ui::{Paint, Ui, time};

/// The deployment's folder inside the demo's directory: what `interlock init` makes.
pub(crate) const DEPLOYMENT: &str = "deployment";
/// Longer output is shown with its middle left out.
const SHOWN_LINES: usize = 60;

/// The stage.
pub(crate) struct Scene<'a> {
    ui: &'a Ui,
    root: PathBuf,
    binary: PathBuf,
    directory: PathBuf,
    /// The host that agents speak to, once it runs.
    pub(super) serving: Option<Serving>,
    /// The agent, once it is connected.
    pub(super) agent: Option<Agent>,
    held: usize,
    broken: usize,
}

/// A run of `interlock` that has ended.
pub(crate) struct Ran {
    /// 128 + the signal where one ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
}

/// One service of the sample environment, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Living processes.
    pub(crate) processes: Vec<Process>,
    /// What its URL answers; `None` for silence, or for a service without a URL.
    pub(crate) http: Option<u16>,
    pub(crate) url: Option<String>,
}

/// The sample environment at one moment, by service name.
pub(crate) type Sample = BTreeMap<String, Service>;

impl<'a> Scene<'a> {
    pub(crate) fn new(ui: &'a Ui, root: &Path, binary: &Path, directory: &Path) -> Self {
        Self {
            ui,
            root: root.to_owned(),
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            serving: None,
            agent: None,
            held: 0,
            broken: 0,
        }
    }

    /// Claims that held, and claims that did not.
    pub(crate) fn score(&self) -> (usize, usize) {
        (self.held, self.broken)
    }

    /// A line of the story.
    pub(crate) fn tell(&self, line: &str) {
        self.ui.say(format!("  {line}").trim_end());
    }

    /// A line with a meaning.
    pub(super) fn line(&self, paint: Paint, line: &str) {
        self.ui.say(&self.ui.paint(paint, line));
    }

    /// The binary of the story.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The agent.
    pub(crate) fn agent(&mut self) -> Result<&mut Agent> {
        self.agent.as_mut().context("no agent is connected")
    }

    /// The running host.
    pub(crate) fn serving(&mut self) -> Result<&mut Serving> {
        self.serving.as_mut().context("no host is running")
    }

    /// The deployment's folder.
    pub(crate) fn deployment(&self) -> PathBuf {
        self.directory.join(DEPLOYMENT)
    }

    /// A staged plugin, by its file name without `.wasm`.
    pub(crate) fn plugin(&self, name: &str) -> Result<String> {
        let path = paths::staged_plugins(&self.root).join(format!("{name}.wasm"));
        if !path.is_file() {
            bail!("the plugin `{}` was not built", path.display());
        }
        Ok(path.display().to_string())
    }

    /// The path of a file of the demo's own, beside the deployment.
    pub(crate) fn beside(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// A file of the demo's own, beside the deployment.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<String> {
        let path = self.directory.join(name);
        std::fs::write(&path, content)
            .with_context(|| format!("could not write `{}`", path.display()))?;
        Ok(path.display().to_string())
    }

    /// Runs `interlock` and shows the command and what it printed.
    pub(crate) fn interlock(&self, arguments: &[&str]) -> Result<Ran> {
        self.prompt(arguments);
        let ran = self.quietly(arguments)?;
        self.show_end(&ran);
        Ok(ran)
    }

    /// Shows a command as somebody would type it.
    pub(crate) fn prompt(&self, arguments: &[&str]) {
        let mut shown = Command::new("interlock");
        shown.args(arguments);
        self.ui.say("");
        let command = self.shortened(&words(&shown)).replace(" --grant ", " \\\n        --grant ");
        for line in format!("$ {command}").lines() {
            self.ui.say(&format!("  {}", self.ui.paint(Paint::Strong, line)));
        }
    }

    /// Shows what a command printed, and how it ended.
    pub(crate) fn show_end(&self, ran: &Ran) {
        self.show(&self.shortened(&ran.stdout));
        self.show(&self.shortened(&ran.stderr));
        let end = format!("exit {}, {}", ran.code, time(ran.time));
        self.ui.say(&format!("    {}", self.ui.paint(Paint::Quiet, &end)));
    }

    /// Paths as somebody would type them in the checkout and in the deployment.
    fn shortened(&self, text: &str) -> String {
        let text = text.replace(&format!("{}/{DEPLOYMENT}/", self.directory.display()), "");
        let text = text.replace(&format!("{}/", self.directory.display()), "../");
        text.replace(&format!("{}/", self.root.display()), "")
    }

    /// Runs `interlock` without showing it, for looking around between the acts.
    pub(crate) fn quietly(&self, arguments: &[&str]) -> Result<Ran> {
        let deployment = self.deployment();
        let folder = if deployment.is_dir() { &deployment } else { &self.directory };
        let started = Instant::now();
        let output = Command::new(&self.binary)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("could not start `{}`", self.binary.display()))?;
        Ok(Ran {
            code: exit_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            time: started.elapsed(),
        })
    }

    /// A claim with what shows it. A claim that does not hold fails the demo.
    pub(crate) fn check(&mut self, claim: &str, holds: bool, evidence: &str) {
        let mark = if holds {
            self.held += 1;
            self.ui.paint(Paint::Good, "✓")
        } else {
            self.broken += 1;
            self.ui.paint(Paint::Bad, "✗ NOT SO:")
        };
        let evidence = self.ui.paint(Paint::Quiet, evidence);
        self.ui.say(format!("  {mark} {claim}  {evidence}").trim_end());
    }

    /// Replaces the one place of interlock.toml that says `old`.
    ///
    /// # Errors
    /// When there is not exactly one, or the file cannot be written.
    pub(crate) fn configure(&self, old: &str, new: &str) -> Result<()> {
        let path = self.deployment().join("interlock.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read `{}`", path.display()))?;
        if text.matches(old).count() != 1 {
            bail!("interlock.toml does not say `{old}` once");
        }
        // In one piece: a running host may look at any moment, and half a file is another configuration.
        let whole = path.with_extension("toml.new");
        std::fs::write(&whole, text.replace(old, new))
            .with_context(|| format!("could not write `{}`", whole.display()))?;
        std::fs::set_permissions(&whole, std::fs::metadata(&path)?.permissions())?;
        std::fs::rename(&whole, &path)
            .with_context(|| format!("could not replace `{}`", path.display()))
    }

    /// A claim about how a command ended.
    pub(crate) fn check_exit(&mut self, claim: &str, ran: &Ran, code: i32) {
        let evidence = if ran.code == code {
            format!("exit {code}")
        } else {
            format!("exit {}, expected {code}", ran.code)
        };
        self.check(claim, ran.code == code, &evidence);
    }

    /// Looks at the sample environment: names, numbers and URLs from `sample status`, the rest from
    /// `/proc` and HTTP.
    ///
    /// # Errors
    /// When `sample status --json` fails or does not have the agreed shape.
    pub(crate) fn sample(&self) -> Result<Sample> {
        let ran = self.quietly(&["sample", "status", "--json"])?;
        let status: Value = serde_json::from_str(&ran.stdout).with_context(|| {
            format!("`sample status --json` printed no JSON (exit {}): {}", ran.code, ran.stderr)
        })?;
        read_sample(&status).context("`sample status --json` has another shape than agreed")
    }

    /// Shows the sample environment as a small table.
    pub(crate) fn show_sample(&self, sample: &Sample) {
        self.ui.say("");
        let head = format!("    {:12}{:14}{:6}", "service", "pid", "http");
        self.ui.say(&self.ui.paint(Paint::Quiet, head.trim_end()));
        for (name, service) in sample {
            let http = match (&service.url, service.http) {
                (None, _) => "-".to_owned(),
                (Some(_), None) => "no answer".to_owned(),
                (Some(_), Some(code)) => code.to_string(),
            };
            self.ui.say(&format!("    {name:12}{:14}{http}", pids(service)));
        }
    }

    pub(super) fn show(&self, text: &str) {
        let lines: Vec<&str> = text.trim_end().lines().collect();
        if text.trim().is_empty() {
            return;
        }
        let left_out = lines.len().saturating_sub(SHOWN_LINES);
        let head = if left_out > 0 { SHOWN_LINES / 2 } else { lines.len() };
        for line in lines.iter().take(head) {
            self.ui.say(&format!("    {line}"));
        }
        if left_out > 0 {
            self.ui.say(&format!("    … {left_out} lines …"));
            for line in lines.iter().skip(head + left_out) {
                self.ui.say(&format!("    {line}"));
            }
        }
    }
}

/// What a service answers, in words.
pub(crate) fn answer(service: &Service) -> String {
    service.http.map_or_else(|| "no answer".to_owned(), |code| format!("HTTP {code}"))
}

/// The processes of a service as people write them.
pub(crate) fn pids(service: &Service) -> String {
    if service.processes.is_empty() {
        return "none".to_owned();
    }
    let pids: Vec<String> =
        service.processes.iter().map(|process| process.pid.to_string()).collect();
    pids.join(",")
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn read_sample(status: &Value) -> Option<Sample> {
    let services = status.get("services")?.as_array()?;
    services
        .iter()
        .map(|service| {
            let name = service.get("service")?.as_str()?.to_owned();
            let url = service.get("url").and_then(Value::as_str).map(str::to_owned);
            let pids = service.get("pids")?.as_array()?;
            let mut processes: Vec<Process> = pids
                .iter()
                .filter_map(|pid| evidence::process(u32::try_from(pid.as_u64()?).ok()?))
                .collect();
            processes.sort_unstable();
            let http = url.as_deref().and_then(evidence::http_status);
            Some((name, Service { processes, http, url }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_of_another_shape_is_not_an_empty_environment() {
        assert!(read_sample(&serde_json::json!({})).is_none());
        assert!(read_sample(&serde_json::json!({"services": [{"service": "api"}]})).is_none());
    }

    #[test]
    fn a_dead_process_is_no_evidence_of_life() {
        let status = serde_json::json!({"services": [
            {"service": "api", "pids": [u32::MAX, std::process::id()], "url": null},
        ]});
        let sample = read_sample(&status).unwrap();
        let living: Vec<u32> = sample["api"].processes.iter().map(|process| process.pid).collect();
        assert_eq!(living, [std::process::id()]);
    }
}
