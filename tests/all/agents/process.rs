//! `interlock mcp` as a process: the bridge that has a token and nothing else, a host whose configuration
//! changes under it, and the snippets with which clients start it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use interlock_tests::{interlock, read};
use serde_json::{Value, json};

use super::{Running, Serve, ask, desk, token};
use crate::journeys::AGENT;

#[test]
fn the_bridge_has_a_token_and_nothing_else_and_says_what_is_wrong_with_it() -> Result<()> {
    let desk = desk()?;
    let (_, good) = token(&desk, AGENT, &[])?;
    let mut serve = Serve::start(desk.deployment.path())?;
    let elsewhere = tempfile::tempdir()?;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let url = serve.url();
    let words = ["mcp", "--connect", &url];
    // In a folder where there is no configuration, no key and no journal.
    for (token, works) in [(good.as_str(), true), ("ilk_000000000000_00", false)] {
        let mut bridge = Running::start(elsewhere.path(), &words, &[("INTERLOCK_TOKEN", token)])?;
        let mut stdin = bridge.0.stdin.take().context("no stdin")?;
        let mut stdout = BufReader::new(bridge.0.stdout.take().context("no stdout")?);
        let answer = ask(&mut stdin, &mut stdout, &hello)?;
        if works {
            ensure!(answer["result"]["serverInfo"]["name"] == "interlock", "{answer}");
            writeln!(
                stdin,
                "{}",
                json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
            )?;
            let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
            let tools = ask(&mut stdin, &mut stdout, &list)?;
            ensure!(
                tools["result"]["tools"].as_array().is_some_and(|all| all.len() == 3),
                "{tools}"
            );
            // A host that is started again has forgotten the session; the client does not notice.
            let address = serve.address.clone();
            serve.running.signal("-TERM")?;
            serve.running.ended()?;
            serve = Serve::start_at(desk.deployment.path(), &address, &[])?;
            let tools = ask(&mut stdin, &mut stdout, &list)?;
            ensure!(tools["result"]["tools"].is_array(), "{tools}");
            // And hears again what the host says by itself.
            desk.deployment.run(&["plugin", "remove", "spinner"])?.exit(0)?;
            loop {
                let mut line = String::new();
                ensure!(stdout.read_line(&mut line)? > 0, "it ended");
                ensure!(line.contains("notifications/tools/list_changed"), "{line}");
                let tools = ask(&mut stdin, &mut stdout, &list)?;
                if tools["result"]["tools"].as_array().is_some_and(|all| all.len() == 2) {
                    break;
                }
            }
        } else {
            ensure!(
                answer["error"]["message"].as_str().is_some_and(|m| m.contains("token")),
                "{answer}"
            );
        }
        drop(stdin);
        ensure!(bridge.ended()?.0 == Some(0));
    }
    ensure!(fs::read_dir(elsewhere.path())?.next().is_none(), "the bridge wrote something");
    let mut without = Running::start(elsewhere.path(), &words, &[])?;
    let (code, said) = without.ended()?;
    ensure!(code == Some(2) && said.contains("INTERLOCK_TOKEN"), "{code:?} {said}");
    let far = ["mcp", "--connect", "http://host.example:7420/mcp"];
    let mut far = Running::start(elsewhere.path(), &far, &[("INTERLOCK_TOKEN", &good)])?;
    let (code, said) = far.ended()?;
    ensure!(code == Some(2) && said.contains("tunnel"), "{code:?} {said}");
    Ok(())
}

/// A change takes the place of what was there, a client hears of it, and a broken one changes nothing.
#[test]
fn a_running_host_follows_its_configuration_and_not_a_broken_one() -> Result<()> {
    let desk = desk()?;
    let folder = desk.deployment.path();
    let mut host = Running::start(folder, &["mcp", "--as", AGENT], &[])?;
    let mut stdin = host.0.stdin.take().context("no stdin")?;
    let mut stdout = BufReader::new(host.0.stdout.take().context("no stdout")?);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    ask(&mut stdin, &mut stdout, &hello)?;
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    let list =
        |stdin: &mut ChildStdin, stdout: &mut BufReader<ChildStdout>, id: u64| -> Result<usize> {
            let tools =
                ask(stdin, stdout, &json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}))?;
            tools["result"]["tools"].as_array().map(Vec::len).context("no tools")
        };
    ensure!(list(&mut stdin, &mut stdout, 2)? == 3);
    let good = fs::read_to_string(folder.join("interlock.toml"))?;
    fs::write(folder.join("interlock.toml"), "this is = no configuration [")?;
    std::thread::sleep(Duration::from_millis(2500));
    ensure!(list(&mut stdin, &mut stdout, 3)? == 3, "a broken configuration was followed");
    fs::write(folder.join("interlock.toml"), &good)?;
    desk.deployment.run(&["plugin", "remove", "spinner"])?.exit(0)?;
    let mut line = String::new();
    ensure!(stdout.read_line(&mut line)? > 0, "it ended");
    ensure!(line.contains("notifications/tools/list_changed"), "{line}");
    ensure!(list(&mut stdin, &mut stdout, 4)? == 2);
    drop(stdin);
    let (code, said) = host.ended()?;
    ensure!(
        code == Some(0) && said.contains("is not used") && said.contains("is used from here"),
        "{said}"
    );
    Ok(())
}

/// The snippets of the guide are what the clients' own files look like, and name what exists.
#[test]
fn the_snippets_of_the_guide_are_json_and_name_commands_that_exist() -> Result<()> {
    let guide = read("docs/guides/agents.md")?;
    let help = Command::new(interlock()?).args(["mcp", "--help"]).output()?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let mut found = 0;
    for block in guide.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap_or("");
        let snippet: Value =
            serde_json::from_str(text).with_context(|| format!("not JSON:\n{text}"))?;
        let Some(servers) = snippet.get("mcpServers").or_else(|| snippet.get("servers")) else {
            continue;
        };
        for (name, server) in servers.as_object().context("no servers")? {
            ensure!(name == "interlock", "{name}");
            found += 1;
            if let Some(url) = server.get("url") {
                ensure!(url.as_str().is_some_and(|url| url.ends_with("/mcp")), "{server}");
                ensure!(
                    server["headers"]["Authorization"]
                        .as_str()
                        .is_some_and(|h| h.starts_with("Bearer ")),
                    "{server}"
                );
                continue;
            }
            ensure!(server["command"] == "interlock", "{server}");
            let words: Vec<&str> = server["args"]
                .as_array()
                .context("no args")?
                .iter()
                .filter_map(Value::as_str)
                .collect();
            ensure!(words.first() == Some(&"mcp"), "{words:?}");
            for option in words.iter().filter(|word| word.starts_with("--")) {
                ensure!(help.contains(option), "`interlock mcp` has no {option}");
            }
        }
    }
    ensure!(found >= 4, "only {found} servers in the guide's snippets");
    Ok(())
}
