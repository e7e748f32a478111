//! `interlock doctor`: what is misconfigured, writable by others or missing, each with the fix. Looks
//! and changes nothing.

use super::{
    Ending,
    output::{GREEN, Output, RED, YELLOW, plain_lines, styled},
};
use crate::{
    Config,
    freeze::Freeze,
    host::{check_grants, load_catalogue, read_plugin},
};
use rustix::process::geteuid;
use serde::Serialize;
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Good,
    Warning,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    verdict: Verdict,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Good, what: what.into(), fix: None });
    }
    fn add(&mut self, verdict: Verdict, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { verdict, what: what.into(), fix: Some(fix.into()) });
    }
}

pub(super) fn run(file: &Path, output: &Output) -> Ending {
    let mut findings = Findings::default();
    match Config::load(file) {
        Ok(config) => check(&config, &mut findings),
        Err(error) => findings.add(
            Verdict::Bad,
            error.to_string(),
            format!("mend {} or make a new one with `interlock init`", file.display()),
        ),
    }
    let bad = findings.0.iter().any(|f| f.verdict == Verdict::Bad);
    output.result(&findings.0, || text(&findings.0));
    Ok(if bad { 2 } else { 0 })
}

fn check(config: &Config, findings: &mut Findings) {
    findings.good(format!("{} loads", config.file.display()));
    match load_catalogue(config, Vec::new()) {
        Ok(catalogue) => match check_grants(config, &catalogue) {
            Ok(()) => findings.good("catalogues and grants fit their WIT"),
            Err(error) => {
                findings.add(Verdict::Bad, error.to_string(), "mend the grant in the configuration")
            }
        },
        Err(error) => {
            findings.add(Verdict::Bad, error.to_string(), "mend the catalogue or its WIT")
        }
    }
    let base = config.file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    writable(findings, &config.file, "the configuration");
    writable(
        findings,
        if base.as_os_str().is_empty() { Path::new(".") } else { &base },
        "the folder of the configuration",
    );
    for catalogue in &config.catalogues {
        writable(findings, catalogue, "a catalogue");
    }
    plugins(config, findings);
    state(config, findings);
    people(config, findings);
    if config.environment_root.is_dir() {
        writable(findings, &config.environment_root, "the environments");
    } else {
        findings.add(
            Verdict::Warning,
            format!("{} does not exist", config.environment_root.display()),
            "it is made when the host starts; `interlock sample create` puts a sample there",
        );
    }
    if let Some(reason) = Freeze::in_state(&config.state).reason() {
        findings.add(
            Verdict::Warning,
            format!("all effects are frozen: {reason}"),
            "interlock thaw",
        );
    }
}

fn plugins(config: &Config, findings: &mut Findings) {
    for plugin in config.plugins.values() {
        match read_plugin(&plugin.file) {
            Ok(bytes) if bytes.digest() == plugin.digest => {
                findings.good(format!("plugin {} has its pinned bytes", plugin.name));
                writable(findings, &plugin.file, "a plugin");
            }
            Ok(_) => findings.add(
                Verdict::Bad,
                format!(
                    "plugin {}: the file does not have the digest that was installed",
                    plugin.name
                ),
                format!("restore {}, or install the new bytes", plugin.file.display()),
            ),
            Err(error) => findings.add(
                Verdict::Bad,
                format!("plugin {}: {error}", plugin.name),
                format!(
                    "restore {}, or `interlock plugin remove {}`",
                    plugin.file.display(),
                    plugin.name
                ),
            ),
        }
        if plugin
            .grants
            .iter()
            .any(|g| g.resources.is_empty() || g.functions.as_ref().is_some_and(|f| f.is_empty()))
        {
            findings.add(
                Verdict::Warning,
                format!("plugin {}: a grant with an empty list allows nothing", plugin.name),
                "name functions and resources, or delete the grant",
            );
        }
    }
}

fn state(config: &Config, findings: &mut Findings) {
    if !config.state.is_dir() {
        findings.add(
            Verdict::Bad,
            format!("the state folder {} does not exist", config.state.display()),
            format!("mkdir -m 700 {}", config.state.display()),
        );
        return;
    }
    for (path, what) in [
        (config.state.clone(), "the state folder"),
        (config.state.join("artifact.key"), "the artifact key"),
        (config.state.join("record.jsonl"), "the record"),
    ] {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.mode() & 0o077 == 0 {
            findings.good(format!("{what} is private"));
        } else {
            findings.add(
                Verdict::Bad,
                format!("other users can reach {what}, {}", path.display()),
                format!("chmod go-rwx {}", path.display()),
            );
        }
    }
}

fn people(config: &Config, findings: &mut Findings) {
    if config.principals.is_empty() {
        findings.add(
            Verdict::Warning,
            "nobody may ask: no agent and no person is configured",
            "add a table such as `[agents.oncall-bot]` or `[people.amira]`",
        );
    } else {
        findings.good(format!("{} principals may ask", config.principals.len()));
    }
}

fn writable(findings: &mut Findings, path: &Path, what: &str) {
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let path: PathBuf = path.to_owned();
    if metadata.mode() & 0o022 != 0 {
        findings.add(
            Verdict::Bad,
            format!("other users can write {what}, {}", path.display()),
            format!("chmod go-w {}", path.display()),
        );
    } else if metadata.uid() != geteuid().as_raw() {
        findings.add(
            Verdict::Warning,
            format!("{what}, {}, belongs to another user", path.display()),
            format!("chown it to the user of the host, or run the host as user {}", metadata.uid()),
        );
    }
}

fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => styled(GREEN, "ok     "),
            Verdict::Warning => styled(YELLOW, "warning"),
            Verdict::Bad => styled(RED, "bad    "),
        };
        out.push_str(&format!("{mark}  {}\n", plain_lines(&finding.what)));
        if let Some(fix) = &finding.fix {
            out.push_str(&format!("         fix: {fix}\n"));
        }
    }
    out
}
