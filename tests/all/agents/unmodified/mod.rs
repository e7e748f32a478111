//! Clients that are not ours, over every way in: what only our own client can read is no answer. Those that are
//! libraries play a story in a script of `tests/clients/`; here are its plot, and what must be true after it.

mod guide; // the guide's snippets, and a call that is held as a task
mod inspector; // `@modelcontextprotocol/inspector --cli`
mod python; // the Python SDK
mod typescript; // the TypeScript SDK of both lines, and its tasks

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::interlock;
use serde_json::{Value, json};

use super::{Running, Serve, at, desk, token};
use crate::{desk::Desk, journeys::AGENT};

/// How a client reaches the host.
#[derive(Clone, Copy)]
enum Way {
    /// It starts the host.
    Stdio,
    /// It speaks HTTP, with a token.
    Http,
    /// It starts a bridge, which has the token.
    Bridge,
}

/// A deployment, and the host of it that clients reach in one way, one after the other.
struct Stage {
    desk: Desk,
    token: String,
    serve: Option<Serve>,
    way: Way,
    /// How many stories were played.
    played: usize,
}

impl Stage {
    fn set(way: Way) -> Result<Self> {
        let desk = desk()?;
        let (_, token) = token(&desk, AGENT, &[])?;
        let serve = match way {
            Way::Stdio => None,
            Way::Http | Way::Bridge => Some(Serve::start(desk.deployment.path())?),
        };
        Ok(Self { desk, token, serve, way, played: 0 })
    }

    /// Plays a story to its end, in the protocol version that is expected, and gives its steps.
    fn play(&mut self, mut script: Command, mode: &str, protocol: &str) -> Result<Vec<Value>> {
        let binary = interlock()?.display().to_string();
        let url = self.serve.as_ref().map(Serve::url).unwrap_or_default();
        match self.way {
            Way::Stdio => script.args([mode, "stdio", &binary, "mcp", "--as", AGENT]),
            Way::Http => script.args([mode, "http", &url]),
            Way::Bridge => script.args([mode, "stdio", &binary, "mcp", "--connect", &url]),
        };
        if self.serve.is_some() {
            script.env("INTERLOCK_TOKEN", &self.token);
        }
        let steps = drive(&self.desk, script)?;
        self.played += 1;
        ensure!(find(&steps, "list")?["protocol"] == protocol, "{mode}: {steps:?}");
        told(&steps)?;
        self.recorded()?;
        Ok(steps)
    }

    /// What the journal says: each story has one run that was cancelled.
    fn recorded(&self) -> Result<()> {
        let list = ["journal", "list", "--last", "500", "--json"];
        let journal = self.desk.deployment.run(&list)?.exit(0)?.json()?;
        let cancelled = |leaf: &&Value| {
            let leaf = leaf.to_string();
            leaf.contains("\"ended\"") && leaf.contains("cancelled")
        };
        let cancelled = journal.as_array().into_iter().flatten().filter(cancelled).count();
        ensure!(cancelled == self.played, "{cancelled} runs were cancelled: {journal:#}");
        self.desk.deployment.run(&["journal", "verify"])?.exit(0)?;
        Ok(())
    }
}

/// Drives a script to its end; people approve when it says that a request waits.
fn drive(desk: &Desk, mut script: Command) -> Result<Vec<Value>> {
    script.current_dir(desk.deployment.path());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(script.spawn()?);
    let stdout = running.0.stdout.take().context("no stdout")?;
    let mut stdin = running.0.stdin.take().context("no stdin")?;
    let mut steps = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let step: Value = serde_json::from_str(&line?)?;
        if step.get("request").is_some() {
            approved(desk, &step)?;
            stdin.write_all(b"go\n")?;
        }
        steps.push(step);
    }
    let (code, said) = running.ended()?;
    ensure!(code == Some(0), "{script:?} ended {code:?} after {steps:?}\n{said}");
    ensure!(steps.last().is_some_and(|step| at(step, "/step") == "end"), "{steps:?}");
    Ok(steps)
}

/// Both people who may approve a request do.
fn approved(desk: &Desk, asked: &Value) -> Result<()> {
    let text = |name: &str| {
        let text = asked.get(name).and_then(Value::as_str).context("no request")?;
        Ok::<_, anyhow::Error>(text.trim_start_matches("sha256:").to_owned())
    };
    let asked = (text("request")?, text("document")?);
    desk.approve(&asked, "amira")?.exit(0)?;
    desk.approve(&asked, "li")?.exit(0)?;
    Ok(())
}

fn find<'s>(steps: &'s [Value], name: &str) -> Result<&'s Value> {
    steps.iter().find(|step| at(step, "/step") == name).with_context(|| format!("no step `{name}`"))
}

/// What the story of a script must have been.
fn told(steps: &[Value]) -> Result<()> {
    let tools = &at(find(steps, "list")?, "/tools");
    ensure!(
        *tools == json!(["rebuild-environment__rebuild", "spinner__spin", "word-count__count"]),
        "{tools}"
    );
    ensure!(at(find(steps, "call")?, "/result/words") == 2, "{steps:?}");
    ensure!(at(find(steps, "error")?, "/code") == "invalid-arguments", "{steps:?}");
    ensure!(at(find(steps, "misuse")?, "/code") == -32602, "{steps:?}");
    let heard = at(find(steps, "cancel")?, "/heard").to_string();
    ensure!(heard.contains("running"), "no progress: {heard}");
    destroyed(&at(find(steps, "applied")?, "/happened"))
}

/// What people signed for has happened, and nothing else.
fn destroyed(happened: &Value) -> Result<()> {
    let one = happened.as_array().is_some_and(|all| all.len() == 1);
    ensure!(
        one && at(happened, "/0/class") == "destroy" && at(happened, "/0/status") == "done",
        "{happened}"
    );
    Ok(())
}
