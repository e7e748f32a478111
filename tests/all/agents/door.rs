//! The door of `serve`: who is let in, what a stranger sees, how much one may ask, and how it closes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Serve, bearer, desk, token};
use crate::journeys::AGENT;

#[test]
fn fail_closed_a_token_that_is_not_good_is_refused_and_no_trace_of_one_stays() -> Result<()> {
    let desk = desk()?;
    let (id, good) = token(&desk, AGENT, &["--label", "a test"])?;
    let (_, short) = token(&desk, AGENT, &["--expires", "1s"])?;
    let serve = Serve::start(desk.deployment.path())?;
    ensure!(serve.list(&bearer(&good))?.0 == 200);
    let count = json!({"name": "word-count__count", "arguments": {"text": "one two"}});
    let (status, answer) = serve.post(&bearer(&good), "tools/call", "word-count__count", count)?;
    ensure!(status == 200 && answer.contains("\"done\""), "{answer}");
    std::thread::sleep(Duration::from_millis(1100));
    let mut wrong: Vec<String> = vec![
        String::new(),
        "\r\nAuthorization: Basic aWxrXzpw".to_owned(),
        bearer(""),
        bearer("ilk_000000000000_0"),
        bearer(&format!("{good}0")),
        bearer(&short),
        // Two of them could be read as one here and as the other elsewhere.
        format!("{}{}", bearer("other"), bearer(&good)),
    ];
    for more in &wrong {
        let (status, answer) = serve.list(more)?;
        ensure!(
            status == 401 && answer.to_lowercase().contains("www-authenticate: bearer"),
            "{more}: {answer}"
        );
    }
    desk.deployment.run(&["token", "revoke", &id])?.exit(0)?;
    wrong.push(bearer(&good));
    ensure!(serve.list(&bearer(&good))?.0 == 401, "a revoked token was taken");
    desk.deployment.run(&["token", "revoke", "nobody"])?.exit(2)?;
    let list = desk.deployment.run(&["token", "list"])?.exit(0)?;
    ensure!(list.stdout.contains("revoked") && list.stdout.contains("expired"), "{list}");
    let mut serve = serve;
    serve.running.signal("-TERM")?;
    let (code, said) = serve.running.ended()?;
    ensure!(code == Some(0), "{code:?} {said}");
    // Not in a log, not in the journal, not in any file.
    let secret = good.rsplit('_').next().context("no secret")?;
    ensure!(!said.contains(secret) && !list.stdout.contains(secret));
    for (name, bytes) in desk.deployment.files()? {
        ensure!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", name.display());
    }
    Ok(())
}

#[test]
fn a_request_for_another_host_or_from_a_browser_or_too_large_is_refused() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let bearer = bearer(&token);
    for host in ["evil.example", "127.0.0.1.evil.example", "169.254.169.254"] {
        let (status, answer) = serve.list(&format!("{bearer}\r\nHost: {host}"))?;
        ensure!(status == 403 || status == 400, "{host}: {answer}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:7420"] {
        let (status, answer) = serve.list(&format!("{bearer}\r\nOrigin: {origin}"))?;
        ensure!(status == 403 || status == 400, "{origin}: {answer}");
    }
    let large = json!({"name": "word-count__count", "arguments": {"text": "x".repeat(5 << 20)}});
    let sent = serve.post(&bearer, "tools/call", "word-count__count", large);
    // The connection may be closed while the body is still being sent.
    ensure!(sent.as_ref().map_or(true, |(status, _)| *status == 413), "{sent:?}");
    ensure!(serve.list(&bearer)?.0 == 200);
    // Health needs no token, tells nothing, and nothing else is there.
    let get =
        |path: &str| serve.raw(&format!("GET {path} HTTP/1.1\r\nHost: {}", serve.address), "");
    ensure!(get("/healthz")?.0 == 200 && get("/readyz")?.0 == 200);
    for path in ["/", "/approvals", "/mcp/../approve", "/api", "/metrics", "/mcp/"] {
        ensure!(get(path)?.0 == 404, "{path}");
    }
    Ok(())
}

#[test]
fn asker_cannot_approve_one_token_sees_nothing_of_anothers_request_or_session() -> Result<()> {
    let desk = desk()?;
    desk.deployment.configure(
        "[agents.oncall-bot]",
        "[agents.stranger]\nteams = [\"sre-agents\"]\n\n[agents.oncall-bot]",
    )?;
    let (_, own) = token(&desk, AGENT, &[])?;
    let (_, other) = token(&desk, "Agent::stranger", &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let rebuild = "rebuild-environment__rebuild";
    let call = |token: &str, more: Value| {
        let mut arguments = json!({"environment": "prod", "reason": "a test"});
        if let (Some(arguments), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
            arguments.extend(more.clone());
        }
        let params = json!({"name": rebuild, "arguments": arguments});
        serve.post(&bearer(token), "tools/call", rebuild, params)
    };
    let (_, waits) = call(&own, json!({}))?;
    ensure!(waits.contains("approval-required"), "{waits}");
    let at = waits.find("\"request\":\"").context("no request")? + 11;
    let id = waits.get(at..at + 26).context("no id")?.to_owned();
    let (_, answer) = call(&other, json!({"interlock_request": id}))?;
    ensure!(answer.contains("request-unknown"), "{answer}");
    let uri = format!("interlock://request/{id}/document");
    let read =
        |token: &str| serve.post(&bearer(token), "resources/read", &uri, json!({"uri": uri}));
    ensure!(read(&own)?.1.contains("EXACTLY THIS MAY HAPPEN"));
    ensure!(!read(&other)?.1.contains("EXACTLY"), "a stranger read the document");
    // A session of the older generation belongs to whoever began it.
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}).to_string();
    let head = |token: &str, more: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream{}{more}",
            serve.address,
            bearer(token)
        )
    };
    let (_, answer) = serve.raw(&head(&own, ""), &hello)?;
    let session = answer
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .context("no session")?;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}).to_string();
    let in_session = format!("\r\nMcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25");
    ensure!(serve.raw(&head(&own, &in_session), &list)?.0 == 200);
    ensure!(serve.raw(&head(&other, &in_session), &list)?.0 == 404, "a session was taken over");
    Ok(())
}

#[test]
fn one_agent_in_a_loop_is_slowed_down_and_the_others_are_served() -> Result<()> {
    let desk = desk()?;
    desk.deployment.configure("[agents.oncall-bot]", "[agents.other]\nteams = [\"sre-agents\"]\n\n[serve]\nrate = { count = 5, per = \"1h\" }\n\n[agents.oncall-bot]")?;
    let (_, loops) = token(&desk, AGENT, &[])?;
    let (_, other) = token(&desk, "Agent::other", &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    for _ in 0..5 {
        ensure!(serve.list(&bearer(&loops))?.0 == 200);
    }
    let (status, answer) = serve.list(&bearer(&loops))?;
    ensure!(
        status == 429 && answer.contains("retry-after: ") && answer.contains("rate-limited"),
        "{answer}"
    );
    ensure!(serve.list(&bearer(&other))?.0 == 200);
    Ok(())
}

/// What was accepted has an end in the journal, also where the host is told to stop in the middle of it.
#[test]
fn journal_tells_a_call_that_runs_when_the_host_is_told_to_stop_has_an_end() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let mut serve = Serve::start(desk.deployment.path())?;
    let (address, head) = (serve.address.clone(), bearer(&token));
    let spins = std::thread::spawn(move || -> Result<String> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "spinner__spin",
            "arguments": {}, "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}).to_string();
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: spinner__spin\r\nContent-Length: {}{head}\r\n\r\n{body}", body.len()).as_bytes())?;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        Ok(answer)
    });
    std::thread::sleep(Duration::from_millis(500));
    serve.running.signal("-TERM")?;
    let (code, said) = serve.running.ended()?;
    ensure!(code == Some(0), "{code:?} {said}");
    let answer = spins.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
    let journal = desk.deployment.run(&["journal", "list", "--last", "20", "--json"])?.exit(0)?;
    let ends = journal.stdout.contains("cancelled") || journal.stdout.contains("\"time\"");
    ensure!(ends, "no end: {journal}\n{answer}\n{said}");
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}
