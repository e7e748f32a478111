//! The agent's side of the story: a running host, a token, and an agent that has nothing else.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xtask::evidence;

use super::TOKEN_OF;
use crate::demo::agent::Agent;
use crate::demo::dialogue::{hint, name};
use crate::demo::scene::{Ran, Scene};

/// The agent's folder, beside the deployment.
const FOLDER: &str = "agent";

pub(super) fn connect(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell(
        "The team runs the host, says who operates the agent, and gives it a token. The agent",
    );
    scene.tell("lives elsewhere: its process has an empty folder and the token, and speaks MCP.");
    scene.configure("operators = []", "operators = [\"jonas@example.com\"]")?;
    scene.serve("127.0.0.1:0")?;
    let (url, address) = (scene.serving()?.url.clone(), scene.serving()?.address().to_owned());
    let health = evidence::http_status(&format!("http://{address}/healthz"));
    scene.check("the host lives", health == Some(200), &answered("/healthz", health));
    let stranger = evidence::http_status(&url);
    scene.check(
        "it takes nobody without a token",
        stranger == Some(401),
        &answered("/mcp", stranger),
    );

    let words = ["token", "create", "--as", TOKEN_OF];
    scene.prompt(&words);
    let made = scene.quietly(&words)?;
    let token = made.stdout.trim().to_owned();
    let start: String = token.chars().take(8).collect();
    scene.show_end(&Ran { stdout: format!("{start}…  (the rest is not shown here)"), ..made });
    let kept = file_with(&scene.deployment(), token.as_bytes())?;
    let evidence = kept.as_ref().map_or_else(
        || "in no file of the deployment".to_owned(),
        |file| format!("it is in {}", file.display()),
    );
    let claim = "a token is made, and not kept by the host";
    scene.check(claim, token.len() > 20 && kept.is_none(), &evidence);

    let folder = PathBuf::from(scene.beside(FOLDER));
    std::fs::create_dir(&folder)
        .with_context(|| format!("could not create `{}`", folder.display()))?;
    scene.prompt(&["mcp", "--connect", &url]);
    let log = PathBuf::from(scene.beside("agent.log"));
    let agent = Agent::connect(scene.binary(), &folder, log, &url, &token)?;
    let (pid, host) = (agent.pid(), agent.host.clone());
    scene.agent = Some(agent);
    scene.says("initialize");
    let text = |pointer: &str| host.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (who, version) = (text("/serverInfo/name"), text("/protocolVersion"));
    scene.hears(&format!("{who}, MCP {version}"));
    scene.check("the agent is connected", who == "interlock", &format!("pid {pid}"));
    let open = evidence::open_files(pid);
    let deployment = scene.deployment();
    let none = open.is_some_and(|files| files.iter().all(|file| !file.starts_with(&deployment)));
    scene.check("its process has no file of the host open", none, &format!("/proc/{pid}/fd"));
    let tools = scene.tools()?;
    scene.list(&tools);
    scene.check("nothing is installed, so it is offered nothing", tools.is_empty(), "0 tools");
    Ok(())
}

/// The hints that a client asks its user by.
pub(super) fn check_hints(scene: &mut Scene<'_>, tools: &[Value], read: &[&str], destroy: &[&str]) {
    let with = |hinted: &str| -> Vec<&str> {
        tools.iter().filter(|tool| hint(tool, hinted) == Some(true)).map(name).collect()
    };
    // One that is not said is no `false`.
    let said = |hinted: &str| tools.iter().all(|tool| hint(tool, hinted).is_some());
    for (hinted, expected) in [("readOnlyHint", read), ("destructiveHint", destroy)] {
        let found = with(hinted);
        let claim = match expected {
            [] => format!("{hinted} is false for all of them"),
            some => format!("{hinted} is true for {} alone", some.join(", ")),
        };
        scene.check(&claim, said(hinted) && found == expected, "what the host would let it do");
    }
}

/// A request that is no call of a tool, and the number of the error that it must come to.
pub(super) fn refused_method(scene: &mut Scene<'_>, method: &str, params: &Value) -> Result<i64> {
    scene.says(&format!("{method} {params}"));
    let reply = scene.agent()?.ask(method, params)?;
    let error = reply.err().unwrap_or_else(|| json!({"code": 0, "message": "it was answered"}));
    let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    scene.hears(&format!("error {code}, {message}"));
    Ok(code)
}

pub(super) fn leave(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("The agent hangs up, and the host is told to end. It does so in order.");
    let agent = scene.agent.take().context("no agent is connected")?;
    let left = agent.leave()?;
    scene.check("the agent's process ended by itself", left == 0, &format!("exit {left}"));
    let folder = scene.beside(FOLDER);
    let files = std::fs::read_dir(&folder).with_context(|| format!("`{folder}`"))?.count();
    scene.check("its folder is as empty as it was", files == 0, &format!("{files} files"));
    scene.stop_serving("the host ended in order")?;
    let verify = scene.interlock(&["journal", "verify"])?;
    scene.check_exit("the journal it leaves verifies", &verify, 0);
    Ok(())
}

fn answered(path: &str, status: Option<u16>) -> String {
    status.map_or_else(|| format!("{path}: no answer"), |code| format!("{path}: HTTP {code}"))
}

/// A file in `folder` or below that has these bytes in it.
fn file_with(folder: &Path, bytes: &[u8]) -> Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if let Some(found) = file_with(&path, bytes)? {
                return Ok(Some(found));
            }
        } else if kind.is_file() {
            let content = match std::fs::read(&path) {
                Ok(content) => content,
                // The host runs, and may have put something away meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(error).with_context(|| format!("`{}`", path.display()));
                }
            };
            if content.windows(bytes.len().max(1)).any(|window| window == bytes) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}
