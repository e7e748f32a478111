//! The checks, as a list. A new check is an entry here and a function below it.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Bench, Outcome, Step, deny, locks, summary};
use crate::command::{Ran, Show, cargo, demand, run};
use crate::guests::toolchain::{self, Toolchain};
use crate::ui::Ui;
use crate::{guests, host, paths};

/// In the order in which they run: cheap answers first, builds once.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "set-up",
        about: "the compiler for plugins is here",
        needs: &[],
        run: |bench| {
            bench.toolchain = Some(toolchain::find_or_install(bench.ui, &bench.root)?);
            Ok(Outcome::Passed(String::new()))
        },
    },
    Step { name: "locks", about: "each lock file fits its manifests", needs: &[], run: locks::fit },
    Step { name: "format", about: "cargo fmt --check, both workspaces", needs: &[], run: format },
    Step {
        name: "clippy-host",
        about: "clippy -D warnings on the host workspace, all targets",
        needs: &[],
        run: clippy_host,
    },
    Step {
        name: "clippy-guests",
        about: "clippy -D warnings on the plugins and the SDK for wasm32-wasip2",
        needs: &["set-up"],
        run: clippy_guests,
    },
    Step {
        name: "guests",
        about: "plugins built and staged",
        needs: &["set-up"],
        run: |bench| {
            let toolchain = bench.toolchain.context("the step `set-up` has not run")?;
            let staged = guests::build(bench.ui, &bench.root, &toolchain)?;
            Ok(Outcome::Passed(format!("{} plugins", staged.len())))
        },
    },
    Step {
        name: "binary",
        about: "target/debug/interlock built, where the tests look for it",
        needs: &[],
        run: |bench| {
            host::build(bench.ui, &bench.root)?;
            Ok(Outcome::Passed(String::new()))
        },
    },
    Step {
        name: "tests",
        about: "all tests of the host workspace",
        needs: &["guests", "binary"],
        run: host_tests,
    },
    Step {
        name: "doc-tests",
        about: "examples in the documentation compile and run",
        needs: &[],
        run: doc_tests,
    },
    Step {
        name: "plugin-tests",
        about: "the plugins' own tests, native, against the test kit",
        needs: &[],
        run: plugin_tests,
    },
    Step {
        name: "docs",
        about: "cargo doc without a warning",
        needs: &[],
        run: |bench| {
            let mut command = cargo(&bench.root);
            command.args(["doc", "--no-deps", "--workspace"]);
            command.env("RUSTDOCFLAGS", "-D warnings");
            passed(bench, "docs", &mut command)
        },
    },
    Step {
        name: "dependencies",
        about: "cargo deny: bans, licences, sources",
        needs: &[],
        run: deny::rules,
    },
    Step {
        name: "advisories",
        about: "cargo deny: known vulnerabilities",
        needs: &[],
        run: deny::advisories,
    },
];

fn format(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut host = cargo(&bench.root);
    host.args(["fmt", "--all", "--check"]).args(diff_color(bench));
    demand(bench.ui, &bench.root, "fmt host", &mut host, Show::Progress)?;
    let mut guests = cargo(&bench.root);
    guests.args(["fmt", "--all", "--check", "--manifest-path"]);
    guests.arg(paths::examples_manifest(&bench.root)).args(diff_color(bench));
    passed(bench, "fmt guests", &mut guests)
}

/// rustfmt colours its difference even into a pipe unless it is told.
fn diff_color(bench: &Bench<'_>) -> [&'static str; 3] {
    ["--", "--color", if bench.ui.color() { "always" } else { "never" }]
}

fn clippy_host(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut command = cargo(&bench.root);
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    passed(bench, "clippy host", &mut command)
}

fn clippy_guests(bench: &mut Bench<'_>) -> Result<Outcome> {
    if bench.toolchain == Some(Toolchain::Debian) {
        let why = "Debian's Rust packages for wasm have no clippy; rustup's target has";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    let root = bench.root.clone();
    // The SDK is no member of the guest workspace, so clippy would pass over it there.
    let mut sdk = cargo(&root);
    sdk.args(["clippy", "--package", "interlock-guest", "--target", guests::TARGET]);
    sdk.args(["--", "-D", "warnings"]);
    demand(bench.ui, &root, "clippy SDK", &mut sdk, Show::Progress)?;
    let mut plugins = cargo(&root);
    plugins.args(["clippy", "--workspace", "--release", "--target", guests::TARGET]);
    in_examples(bench, &mut plugins);
    plugins.args(["--", "-D", "warnings"]);
    demand(bench.ui, &root, "clippy plugins", &mut plugins, Show::Progress)?;
    // And natively, where the plugins' tests are compiled.
    let mut native = cargo(&root);
    native.args(["clippy", "--workspace", "--all-targets"]);
    in_examples(bench, &mut native);
    native.args(["--", "-D", "warnings"]);
    passed(bench, "clippy plugin tests", &mut native)
}

fn host_tests(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut command = cargo(&bench.root);
    let with = if has_nextest(&bench.root) {
        // nextest stops at the first failure unless told otherwise; a summary wants all of them.
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        "cargo nextest"
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        "cargo test"
    };
    bench.ui.say(&format!("  with {with}"));
    let ran = run(bench.ui, &bench.root, "tests", &mut command, Show::Stream)?;
    Ok(with_closing_lines(bench, &ran, "a test failed, or the tests did not compile"))
}

fn doc_tests(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut command = cargo(&bench.root);
    command.args(["test", "--doc", "--workspace", "--no-fail-fast"]);
    let ran = run(bench.ui, &bench.root, "doc tests", &mut command, Show::Stream)?;
    Ok(with_closing_lines(bench, &ran, "an example in the documentation does not hold"))
}

fn plugin_tests(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut command = cargo(&bench.root);
    command.args(["test", "--workspace", "--no-fail-fast"]);
    in_examples(bench, &mut command);
    let ran = run(bench.ui, &bench.root, "plugin tests", &mut command, Show::Stream)?;
    Ok(with_closing_lines(bench, &ran, "a plugin's test failed, or does not compile"))
}

fn in_examples(bench: &Bench<'_>, command: &mut Command) {
    command.arg("--manifest-path").arg(paths::examples_manifest(&bench.root));
    command.arg("--target-dir").arg(paths::examples_target(&bench.root));
}

fn passed(bench: &Bench<'_>, what: &str, command: &mut Command) -> Result<Outcome> {
    demand(bench.ui, &bench.root, what, command, Show::Progress)?;
    Ok(Outcome::Passed(String::new()))
}

fn with_closing_lines(bench: &mut Bench<'_>, ran: &Ran, failure: &str) -> Outcome {
    let lines = summary::closing_lines(&ran.log);
    bench.closing.extend(lines.iter().cloned());
    if ran.success {
        Outcome::Passed(summary::count(&lines))
    } else {
        Outcome::Failed(failure.to_owned())
    }
}

fn has_nextest(root: &std::path::Path) -> bool {
    cargo(root).args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

/// Whether `cargo deny` can be run.
pub(super) fn has_deny(ui: &Ui, root: &std::path::Path) -> bool {
    let present = cargo(root)
        .args(["deny", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !present {
        ui.say("  cargo-deny is not installed: `cargo install --locked cargo-deny`");
    }
    present
}
