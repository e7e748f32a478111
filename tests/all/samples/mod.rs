//! The samples of `examples/capabilities`, as they are shipped, against servers that really do it: what the world is
//! afterwards, what is in the journal, and that a hostile argument starts no program at all.
//!
//! The mistake it stops: a sample that was right for the version of a command that somebody once had.

mod aws;
mod postgres;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, Ran, read, staged_plugin};
use serde_json::Value;

use crate::desk::{Desk, at};
use crate::journeys::AGENT;

/// What nobody's cluster, stack or database is called, and what a program would read something else from.
const HOSTILE: [&str; 22] = [
    "file:///etc/passwd",
    "fileb://x",
    "http://127.0.0.1/x",
    "-rf",
    "--profile=x",
    "a --profile x",
    "$(id)",
    "`id`",
    "*",
    "a?",
    "a;id",
    "a\nb",
    "a\n",
    "a\0b",
    "",
    "../a",
    "a,b",
    "[\"a\",\"b\"]",
    "a'b",
    "a\"; DROP DATABASE shop; --",
    "\\! id",
    "\u{430}\u{440}i",
];

/// A sample in a deployment of its own, with three people.
struct Sample {
    desk: Desk,
}

impl Sample {
    /// The files of a sample, with `replace` done to its catalogue. Its program is `real` there, and each start of it
    /// is written down; `tool` and `arguments` are what people will be asked for.
    fn new(
        name: &str,
        (tool, arguments): (&str, &str),
        real: (&str, &Path),
        replace: &[(&str, &str)],
    ) -> Result<Self> {
        let desk = Desk::over(Deployment::init()?, tool, arguments)?;
        let (deployment, from) = (&desk.deployment, format!("examples/capabilities/{name}"));
        let here = deployment.path().display().to_string();
        let file = |file: &str| read(&format!("{from}/{file}"));
        let mut catalogue = file(&format!("acme-{name}.toml"))?;
        let program = format!("\"{here}/program\"");
        let places = [(&*format!("\"{}\"", real.0), program.as_str())];
        for (old, new) in places.iter().chain(replace) {
            ensure!(catalogue.contains(old), "the catalogue has no `{old}`");
            catalogue = catalogue.replace(old, new);
        }
        deployment.write(&format!("acme-{name}.toml"), catalogue)?;
        deployment.write(&format!("acme-{name}.wit"), file(&format!("acme-{name}.wit"))?)?;
        deployment.write(&format!("policies/{name}.cedar"), file(&format!("{name}.cedar"))?)?;
        let real = real.1.display();
        let script = format!("#!/bin/sh\necho started >>'{here}/ran'\nexec '{real}' \"$@\"\n");
        let script = deployment.write("program", script)?;
        fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
        let lines = file("interlock.toml")?;
        deployment.configure("[cli]\n", &format!("{lines}\n[cli]\n"))?;
        Ok(Self { desk })
    }

    fn deployment(&self) -> &Deployment {
        &self.desk.deployment
    }

    fn secret(&self, file: &str, text: &str) -> Result<()> {
        let path = self.deployment().write(file, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Installs a plugin by its name.
    fn install(&self, plugin: &str, grants: &[&str]) -> Result<Ran> {
        let file = staged_plugin(&plugin.replace('-', "_"))?;
        self.deployment().install(&file, plugin, grants)
    }

    fn call(&self, tool: &str, arguments: &Value) -> Result<Ran> {
        let words = ["call", tool, "-", "--as", AGENT, "--json"];
        self.deployment().run_with_input(&words, &arguments.to_string())
    }

    /// How many programs were started.
    fn started(&self) -> Result<usize> {
        let path = self.deployment().path().join("ran");
        Ok(if path.is_file() { fs::read_to_string(path)?.lines().count() } else { 0 })
    }

    /// A call with this argument is refused with this code, and no program was started for it.
    fn refused(&self, tool: &str, arguments: &Value, code: &str) -> Result<()> {
        let before = self.started()?;
        let ran = self.call(tool, arguments)?;
        ensure!(ran.code != 0 && ran.stdout.contains(code), "expected `{code}`: {arguments} {ran}");
        ensure!(self.started()? == before, "a program was started: {arguments} {ran}");
        Ok(())
    }

    /// No hostile text reaches a program as this argument of a tool.
    fn refuses_hostile(&self, tool: &str, arguments: &Value, argument: &str) -> Result<()> {
        let long = "a".repeat(1 << 20);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let mut arguments = arguments.clone();
            let place = arguments.get_mut(argument).context("no such argument")?;
            *place = text.into();
            self.refused(tool, &arguments, "argument-out-of-range")?;
        }
        Ok(())
    }

    /// A policy that is shipped forbids this, whoever granted it.
    fn forbidden(&self, tool: &str, function: &str, arguments: &str, policy: &str) -> Result<()> {
        let words = ["policy", "explain", tool, function, arguments, "--as", AGENT];
        self.deployment().run(&words)?.exit(3)?.says(&["forbid", policy])?;
        Ok(())
    }

    /// How many effects of a function came to this end, as the journal says.
    fn outcomes(&self, function: &str, status: &str) -> Result<usize> {
        let list = ["journal", "list", "--last", "500", "--json"];
        let journal = self.deployment().run(&list)?.exit(0)?.json()?;
        let of = |event: &str, name: &str, value: &str| -> BTreeSet<String> {
            let leaves = journal.as_array().into_iter().flatten();
            let events = leaves.map(|leaf| at(leaf, "/event"));
            let events = events.filter(|e| *at(e, "/event") == event && *at(e, name) == value);
            events.map(|e| format!("{} {}", at(e, "/invocation"), at(e, "/step"))).collect()
        };
        let begun = of("intent", "/function", function);
        Ok(begun.intersection(&of("outcome", "/status", status)).count())
    }

    /// These texts are in no file of the deployment but in those that are named with them.
    fn nowhere_else(&self, secrets: &[(&str, &str)]) -> Result<()> {
        for (path, bytes) in self.deployment().files()? {
            for (file, secret) in secrets {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                ensure!(!found || path.ends_with(file), "{file}: it is in {}", path.display());
            }
        }
        Ok(())
    }
}

/// A process that is ended when it goes out of scope: with this signal, and if it does not care, with SIGKILL.
struct Ending(Child, &'static str);

impl Ending {
    /// Waits for its end; whether it ended well.
    fn ended(&mut self) -> Result<bool> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.success());
            }
            ensure!(started.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = Command::new("kill").args([self.1, &self.0.id().to_string()]).status();
        if self.ended().is_err() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
