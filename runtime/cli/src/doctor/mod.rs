//! `interlock doctor`: what is misconfigured, writable by others, missing or left behind, each with the
//! fix. Looks, and changes nothing but the form of an older journal. What it calls good is what the host itself checks when it starts.

mod files;
mod programs;
mod record;

use super::{
    Ending,
    output::{GREEN, Output, RED, YELLOW, plain_lines, styled},
    shell,
};
use files::{private, writable};
use interlock::{
    Config, HostError,
    config::{PluginConfig, wit_of},
    folders::{check_each, check_preopens},
    freeze::Freeze,
    host::{BUILT_IN_PROVIDERS, check_grants, check_providers, load_catalogue, read_pinned},
};
use interlock_authority::Catalogue;
use serde::Serialize;
use std::path::{Path, PathBuf};

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
            format!("mend {} or make a new one with `interlock init`", shell::path(file)),
        ),
    }
    let bad = findings.0.iter().any(|f| f.verdict == Verdict::Bad);
    output.result(&findings.0, || text(&findings.0));
    Ok(if bad { 2 } else { 0 })
}

fn check(config: &Config, findings: &mut Findings) {
    findings.good(format!("{} loads", config.file.display()));
    let loaded = load_catalogue(config, Vec::new());
    match &loaded {
        Ok(catalogue) => {
            let checked: [(Result<(), HostError>, &str, &str); 3] = [
                (
                    check_grants(config, catalogue),
                    "catalogues and grants fit their WIT",
                    "mend the grant in the configuration",
                ),
                (
                    check_providers(catalogue, &BUILT_IN_PROVIDERS.iter().copied().collect()),
                    "every capability has a provider",
                    "name a provider that this host has in the catalogue, or take the catalogue out",
                ),
                (
                    interlock::programs::check_secrets(config, catalogue),
                    "every secret of a catalogue has a source",
                    "name where it comes from in the configuration",
                ),
            ];
            for (result, good, fix) in checked {
                match result {
                    Ok(()) => findings.good(good),
                    Err(error) => findings.add(Verdict::Bad, error.to_string(), fix),
                }
            }
            programs::check(config, catalogue, findings);
        }
        Err(error) => {
            findings.add(Verdict::Bad, error.to_string(), "mend the catalogue or its WIT")
        }
    }
    writable(findings, &config.file, "the configuration");
    writable(findings, &base(config), "the folder of the configuration");
    for catalogue in &config.catalogues {
        writable(findings, catalogue, "a catalogue");
        for wit in wit_of(catalogue) {
            writable(findings, &wit, "the WIT of a catalogue");
        }
    }
    plugins(config, findings);
    folders(config, loaded.as_ref().ok(), findings);
    state(config, findings);
    files::leftovers(config, findings);
    record::places(config, findings);
    record::unknown_ends(config, findings);
    record::rules(config, findings);
    people(config, findings);
    if config.environment_root.is_dir() {
        writable(findings, &config.environment_root, "the environments");
        files::definitions(&config.environment_root, findings);
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

/// The folders of the files capability, one by one: the host's own check ends at the first.
fn folders(config: &Config, catalogue: Option<&Catalogue>, findings: &mut Findings) {
    for (name, settings, checked) in check_each(config, catalogue) {
        let may = if settings.write { "read and written" } else { "read" };
        match checked {
            Ok(()) => {
                let folder = settings.path.display();
                findings.good(format!("{folder} may be {may} as files/{name}, where granted"));
            }
            Err(error) => findings.add(
                Verdict::Bad,
                error.to_string(),
                format!("make the folder, or name another one in `[files.{name}]`"),
            ),
        }
    }
}

/// The folder of the configuration.
fn base(config: &Config) -> PathBuf {
    match config.file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn plugins(config: &Config, findings: &mut Findings) {
    for plugin in config.plugins.values() {
        match read_pinned(plugin) {
            Ok(_) => {
                findings.good(format!("plugin {} has its pinned bytes", plugin.name));
                writable(findings, &plugin.file, "a plugin");
            }
            Err(error) => findings.add(
                Verdict::Bad,
                error.to_string(),
                format!(
                    "restore {}, or `interlock plugin remove {}`",
                    shell::path(&plugin.file),
                    plugin.name
                ),
            ),
        }
        for (host, guest) in &plugin.preopens {
            // One by one: the host's own check ends at the first that is not fit.
            let alone =
                PluginConfig { preopens: vec![(host.clone(), guest.clone())], ..plugin.clone() };
            match check_preopens(config, &alone) {
                Ok(()) => findings.good(format!(
                    "plugin {} may read {} as {guest}",
                    plugin.name,
                    host.display()
                )),
                Err(error) => findings.add(
                    Verdict::Bad,
                    error.to_string(),
                    "make the folder, or name another under `preopens` of the plugin",
                ),
            }
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
            format!("mkdir -m 700 {}", shell::path(&config.state)),
        );
        return;
    }
    private(findings, &config.state, "the state folder");
    private(findings, &config.store, "the journal");
    private(findings, &config.state.join("log.key"), "the journal's key");
    private(findings, &config.state.join("statement.key"), "the key of receipts");
    let key = config.state.join("artifact.key");
    private(findings, &key, "the artifact key");
    if key.metadata().is_ok_and(|m| m.len() != 32) {
        findings.add(
            Verdict::Bad,
            format!("the artifact key {} does not have 32 bytes", key.display()),
            format!("rm {} (a new one is made)", shell::path(&key)),
        );
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
            out.push_str(&format!("         fix: {}\n", plain_lines(fix)));
        }
    }
    out
}
