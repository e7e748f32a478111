//! cargo-deny over every workspace of the checkout, where it is installed. Its rules are in `deny.toml`.
//!
//! Two steps, because one needs a network: a missing advisory database must not hide that licences and
//! sources were checked, and must not read as "no known vulnerability".

use anyhow::Result;

use super::{
    Bench, Outcome,
    locks::{HOST, MANIFESTS},
    steps::has_deny,
};
use crate::command::{Show, cargo, demand, run};

const NOT_INSTALLED: &str = "cargo-deny is not installed";

/// Licences, bans and sources: needs no network once dependencies are fetched.
pub(super) fn rules(bench: &mut Bench<'_>) -> Result<Outcome> {
    if !has_deny(bench.ui, &bench.root) {
        return Ok(Outcome::Skipped(NOT_INSTALLED.to_owned()));
    }
    check(bench, "deny rules", &["bans", "licenses", "sources"])
}

/// Known vulnerabilities: needs the advisory database.
pub(super) fn advisories(bench: &mut Bench<'_>) -> Result<Outcome> {
    if !has_deny(bench.ui, &bench.root) {
        return Ok(Outcome::Skipped(NOT_INSTALLED.to_owned()));
    }
    let mut fetch = cargo(&bench.root);
    fetch.args(["deny", "fetch", "db"]);
    let fetched = run(bench.ui, &bench.root, "deny fetch", &mut fetch, Show::Progress)?;
    if !fetched.success {
        return Ok(Outcome::Skipped("no advisory database could be fetched".to_owned()));
    }
    check(bench, "deny advisories", &["advisories"])
}

fn check(bench: &Bench<'_>, what: &str, checks: &[&str]) -> Result<Outcome> {
    for manifest in MANIFESTS {
        let mut command = cargo(&bench.root);
        // What holds for all of cargo-deny stands before its command, and not behind it.
        command.args(["deny", "--config", "deny.toml", "--manifest-path", manifest, "check"]);
        // The exceptions are the host's. One that it does not need any more goes.
        if manifest == HOST && checks.contains(&"bans") {
            command.args(["--deny", "unmatched-skip"]);
        }
        command.args(checks);
        demand(bench.ui, &bench.root, &format!("{what} {manifest}"), &mut command, Show::Progress)?;
    }
    Ok(Outcome::Passed(format!("{} workspaces", MANIFESTS.len())))
}
