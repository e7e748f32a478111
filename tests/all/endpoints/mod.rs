//! HTTP from a configuration to a request at a real server, with the example plugin: called, denied, planned, waiting
//! for people, done once, journalled; and the credential at its destination alone.

mod page;

use anyhow::{Result, ensure};
use interlock_tests::{Deployment, Ran, command, finish, read, staged_plugin};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::desk::{Desk, code_of};
use crate::journeys::AGENT;
use crate::replay::all_the_same;
use page::{CANARY, Page};

const FETCH: &str = "interlock:http/fetch@0.1.0=http/status";
const SEND: &str = "interlock:http/send@0.1.0#post=http/status/incidents";
const REMOVE: &str = "interlock:http/remove@0.1.0=http/status/incidents";
const WITHDRAW: &str = r#"{"incident":"7","reason":"a test"}"#;
const UPDATE: &str = r#"{"incident":"7","text":"a fix is on its way"}"#;

struct Status {
    desk: Desk,
    page: Page,
}

impl Status {
    /// A deployment whose endpoint `status` is a page, and the plugin with these grants.
    fn with(grants: &[&str]) -> Result<Self> {
        let page = Page::serve()?;
        let desk = Desk::over(Deployment::init()?, "status-page.withdraw", WITHDRAW)?;
        let deployment = &desk.deployment;
        let token = deployment.write("status.token", format!("{CANARY}\n"))?;
        fs::set_permissions(token, fs::Permissions::from_mode(0o600))?;
        let endpoint = format!(
            "[secrets.status-token]\nfile = \"status.token\"\n\n[http.status]\nurl = \"http://127.0.0.1:{}/api/v1\"\nmethods = [\"GET\", \"POST\", \"DELETE\"]\npaths = [\"incidents\", \"incidents/{{id}}\", \"incidents/{{id}}/updates\"]\nquery = {{ state = 8 }}\ncredential = {{ header = \"authorization\", secret = \"status-token\", prefix = \"Bearer \" }}\nplan = true\nprivate = true\n\n[cli]\n",
            page.port
        );
        deployment.configure("[cli]\n", &endpoint)?;
        deployment.install(&staged_plugin("status_page")?, "status-page", grants)?.exit(0)?;
        Ok(Self { desk, page })
    }

    fn deployment(&self) -> &Deployment {
        &self.desk.deployment
    }

    fn run(&self, verb: &str, tool: &str, arguments: &str) -> Result<Ran> {
        let tool = format!("status-page.{tool}");
        self.deployment().run(&[verb, &tool, arguments, "--as", AGENT, "--json"])
    }
}

/// The token is nowhere in a text, not even half of it.
fn silent(what: &str, text: &[u8]) -> Result<()> {
    let core = b"4d1c0de5";
    ensure!(!text.windows(core.len()).any(|part| part == core), "the token is in {what}");
    Ok(())
}

fn heard(ran: Ran) -> Result<Ran> {
    silent(&ran.command, ran.stdout.as_bytes())?;
    silent(&ran.command, ran.stderr.as_bytes())?;
    Ok(ran)
}

#[test]
fn an_endpoint_is_called_denied_planned_approved_once_and_journalled() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let (deployment, page) = (status.deployment(), &status.page);
    deployment.run(&["config", "check"])?.exit(0)?;
    deployment.run(&["doctor"])?.exit(0)?.says(&["the secret status-token can be had"])?;

    // Whoever vouches for an endpoint is looked for before it is needed.
    let tls = ("url = \"http://127", "authorities = \"none.pem\"\nurl = \"https://127");
    deployment.configure(tls.0, tls.1)?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["none.pem", "[http.status]"])?;
    deployment.configure(tls.1, tls.0)?;

    // Called: a look, and a change.
    let open = status.run("call", "open-incidents", "{}")?.exit(0)?.json()?;
    ensure!(open["result"][0]["id"] == "7", "{open}");
    ensure!(page.asked()[0].line == "GET /api/v1/incidents?state=open", "{:?}", page.asked());
    // Done again from what was recorded: nobody is asked.
    let invocation = open["invocation"].as_str().unwrap_or_default();
    deployment.run(&["replay", invocation])?.exit(0)?;
    ensure!(page.asked().len() == 1, "{:?}", page.asked());
    status.run("call", "update", UPDATE)?.exit(0)?;
    ensure!(page.effects() == ["POST /api/v1/incidents/7/updates"]);
    let sent = page.asked().pop().map(|asked| (asked.head, asked.body)).unwrap_or_default();
    ensure!(sent.1 == r#"{"text":"a fix is on its way"}"#, "{}", sent.1);
    ensure!(sent.0.contains("\r\ncontent-type: application/json\r\n"), "{}", sent.0);

    // Planned: people see where it goes and with what, and nothing is sent.
    let planned = status.run("plan", "update", UPDATE)?.exit(0)?;
    planned.says(&["http/status/incidents/7/updates", "a fix is on its way"])?;
    ensure!(page.effects().len() == 1);

    // What destroys waits for people, who sign for exactly this.
    let asked = status.desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&[
        "DESTROY  http/status/incidents/7  and all below it",
        "(counted",
        "by this host alone)",
        "THE PROVIDER SAYS OF 1 (not checked):",
        "| DELETE http://127.0.0.1:",
        "/api/v1/incidents/7",
        "The plan is complete",
    ])?;
    status.desk.approve(&asked, "amira")?.exit(0)?;
    status.desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(page.effects().len() == 1, "one person is not two");
    status.desk.approve(&asked, "li")?.exit(0)?;
    status.desk.call(&["--request", &asked.0])?.exit(0)?;
    let both = ["POST /api/v1/incidents/7/updates", "DELETE /api/v1/incidents/7"];
    ensure!(page.effects() == both, "{:?}", page.effects());
    let again = status.desk.call(&["--request", &asked.0])?.exit(3)?;
    ensure!(code_of(&again)? == "request-consumed", "{again}");
    ensure!(page.effects() == both);

    deployment
        .run(&["journal", "list"])?
        .exit(0)?
        .says(&["intent", "outcome", "delete", "post"])?;
    // The policy of the guide means what it says.
    let guide = read("docs/guides/http.md")?;
    let rest = guide.split_once("```cedar\n").map_or("", |(_, rest)| rest);
    status.desk.policy(rest.split_once("```").map_or("", |(policy, _)| policy))?;
    deployment.run(&["policy", "check"])?.exit(0)?;
    status.run("call", "update", UPDATE)?.exit(3)?.says(&["policy"])?;
    ensure!(page.effects() == both);
    deployment.run(&["journal", "verify"])?.exit(0)?;
    let before = page.asked().len();
    all_the_same(deployment, 1000)?;
    ensure!(page.asked().len() == before, "a replay asked the server");
    Ok(())
}

#[test]
fn fail_closed_what_was_not_granted_or_listed_is_not_sent() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let deployment = status.deployment();
    let plugin = staged_plugin("status_page")?;
    // Without a grant for what it imports nothing of it runs.
    let ungranted = deployment.install(&plugin, "other", &[FETCH, SEND])?.exit(3)?;
    ungranted.says(&["interlock:http/remove@0.1.0"])?;
    // A grant on one incident is none on its neighbour.
    let narrow = "interlock:http/send@0.1.0#post=http/status/incidents/6";
    deployment.install(&plugin, "narrow", &[FETCH, narrow, REMOVE])?.exit(0)?;
    let words = ["call", "narrow.update", UPDATE, "--as", AGENT, "--json"];
    deployment.run(&words)?.exit(3)?.says(&["outside-grant"])?;
    // A plugin names no host, and no way around a path.
    for incident in ["../users", "7%2f..%2f8", "7/../../admin", "7?x=y", "http://x", "7;x"] {
        let arguments = serde_json::json!({"incident": incident, "text": "x"}).to_string();
        let ran = status.run("call", "update", &arguments)?.exit(3)?;
        let code = code_of(&ran)?;
        let codes = ["bad-resource", "argument-out-of-range"];
        ensure!(codes.contains(&code.as_str()), "{incident}: {ran}");
    }
    ensure!(status.page.asked().iter().all(|asked| asked.line == "GET /api/v1/incidents/7"));
    // What an endpoint does not list is refused with a code, which the operator's journal has.
    deployment.configure("\"incidents/{id}/updates\"", "\"nothing\"")?;
    let ran = status.run("call", "update", UPDATE)?.exit(3)?.says(&["path-not-allowed"])?.json()?;
    ensure!(status.page.effects().is_empty());
    let invocation = ran["invocation"].as_str().unwrap_or_default();
    deployment.run(&["journal", "show", invocation])?.exit(0)?.says(&["path-not-allowed"])?;
    Ok(())
}

#[test]
fn plan_is_the_grant_also_of_where_an_endpoint_is_and_of_what_happened_there() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let deployment = status.deployment();
    let id = status.desk.approved()?;
    // This host had an effect below it since people looked.
    status.run("call", "update", UPDATE)?.exit(0)?;
    let ran = status.desk.call(&["--request", &id])?.exit(3)?;
    ensure!(code_of(&ran)? == "stale", "{ran}");
    // The same words at another place are another effect: where endpoints are is part of the rules.
    let id = status.desk.approved()?;
    deployment.configure("/api/v1\"", "/api/v2\"")?;
    let ran = status.desk.call(&["--request", &id])?.exit(3)?;
    ensure!(code_of(&ran)? == "epoch-catalogues", "{ran}");
    ensure!(status.page.effects() == ["POST /api/v1/incidents/7/updates"]);
    Ok(())
}

#[test]
fn a_plan_tells_the_outside_what_the_operator_allows_and_no_more() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let deployment = status.deployment();
    deployment.configure("[limits]", "[limits]\nplan-bytes = \"64B\"")?;
    let long = serde_json::json!({"incident": "x".repeat(100), "text": "x"}).to_string();
    let ran = status.run("plan", "update", &long)?.exit(5)?;
    ensure!(code_of(&ran)? == "plan-bytes", "{ran}");
    ensure!(status.page.asked().is_empty(), "{:?}", status.page.asked());
    status.run("plan", "update", UPDATE)?.exit(0)?;
    ensure!(status.page.asked().len() == 1);
    // Without `plan = true` a plan ends before the read.
    deployment.configure("plan = true\n", "")?;
    status.run("plan", "update", UPDATE)?.says(&["is not read while planning"])?;
    ensure!(status.page.asked().len() == 1);
    status.run("call", "open-incidents", "{}")?.exit(0)?;
    Ok(())
}

/// The server echoes the token in every answer, plugins pass on what they got, an effect fails with the server's
/// words; and of all that comes out of a host, nothing has it.
#[test]
fn a_credential_is_found_at_its_destination_and_nowhere_else() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let deployment = status.deployment();
    let told = heard(status.run("call", "open-incidents", "{}")?)?.exit(0)?;
    told.says(&["api is down, says [secret]"])?;
    status.page.refuse(Some(422));
    let refused = heard(status.run("call", "update", UPDATE)?)?.exit(1)?;
    refused.says(&["status-422", "not with [secret]"])?;
    status.page.refuse(Some(502));
    heard(status.run("call", "update", UPDATE)?)?.exit(5)?.says(&["unknown"])?;
    status.page.refuse(None);
    heard(status.run("plan", "withdraw", WITHDRAW)?)?.exit(0)?;
    let id = status.desk.approved()?;
    heard(deployment.run(&["approval", "show", &id, "--raw"])?)?;
    heard(status.desk.call(&["--request", &id])?)?.exit(0)?;
    // A token that the server no longer takes, and one that cannot be had.
    deployment.write("status.token", "canary-4d1c0de5-old\n")?;
    heard(status.run("call", "open-incidents", "{}")?)?.exit(1)?.says(&["status-401"])?;
    deployment.write("status.token", "4d1c0de")?;
    heard(status.run("call", "open-incidents", "{}")?)?.exit(1)?.says(&["no-secret"])?;
    heard(deployment.run(&["doctor"])?)?;
    deployment.write("status.token", CANARY)?;

    let arrived = status.page.asked().iter().filter(|a| a.head.contains(CANARY)).count();
    ensure!(arrived >= 6, "it arrived {arrived} times");
    heard(deployment.run(&["journal", "list", "--json"])?)?.exit(0)?;
    heard(deployment.run(&["journal", "export", "all.export"])?)?.exit(0)?;
    let mut files = 0;
    for (path, bytes) in deployment.files()? {
        if !path.ends_with("status.token") {
            silent(&path.display().to_string(), &bytes)?;
            files += 1;
        }
    }
    ensure!(files > 10, "{files} files");
    Ok(())
}

#[test]
fn no_proxy_of_the_environment_is_asked() -> Result<()> {
    let status = Status::with(&[FETCH, SEND, REMOVE])?;
    let proxy = TcpListener::bind("127.0.0.1:0")?;
    proxy.set_nonblocking(true)?;
    let url = format!("http://{}", proxy.local_addr()?);
    let words = ["call", "status-page.open-incidents", "{}", "--as", AGENT];
    let mut asking = command(status.deployment().path(), &words)?;
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    {
        asking.env(name, &url);
    }
    asking.env_remove("NO_PROXY").env_remove("no_proxy");
    finish(asking, "")?.exit(0)?;
    ensure!(proxy.accept().is_err(), "the proxy was asked");
    ensure!(status.page.asked().len() == 1);
    Ok(())
}
