//! cargo-deny, where it is installed. Its rules are in `deny.toml`.
//!
//! Two steps, because one needs a network: a missing advisory database must not hide that licences and
//! sources were checked, and must not read as "no known vulnerability".

use anyhow::Result;

use super::{Bench, Outcome, steps::has_deny};
use crate::command::{Show, cargo, demand, run};

const NOT_INSTALLED: &str = "cargo-deny is not installed";

/// Licences, bans and sources: needs no network once dependencies are fetched.
pub(super) fn rules(bench: &mut Bench<'_>) -> Result<Outcome> {
    if !has_deny(bench.ui, &bench.root) {
        return Ok(Outcome::Skipped(NOT_INSTALLED.to_owned()));
    }
    let mut command = cargo(&bench.root);
    command.args(["deny", "check", "bans", "licenses", "sources"]);
    demand(bench.ui, &bench.root, "deny rules", &mut command, Show::Progress)?;
    Ok(Outcome::Passed(String::new()))
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
    let mut command = cargo(&bench.root);
    command.args(["deny", "check", "--disable-fetch", "advisories"]);
    demand(bench.ui, &bench.root, "deny advisories", &mut command, Show::Progress)?;
    Ok(Outcome::Passed(String::new()))
}
