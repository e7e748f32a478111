//! A deployment with three people who hold keys, and one tool whose effects they sign for: what every test
//! in which somebody approves begins with.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, Ran, root, staged_plugin};
use serde_json::Value;

use crate::journeys::{AGENT, OBSERVE, changed};

const TEARDOWN: &str = "interlock:environment/teardown@0.1.0#recreate-environment=environment/prod";
pub(crate) const SET_CONFIG: &str =
    "interlock:environment/remediate@0.1.0#set-config=environment/prod";
pub(crate) const STOP_SERVICE: &str =
    "interlock:environment/teardown@0.1.0#stop-service=environment/prod";
/// Two people for each change, beside the policies that `init` writes.
pub(crate) const CHANGES_NEED_TWO: &str = "\n@id(\"changes-need-two\") @approvals(\"2\") @ttl(\"20h\")\n\
    permit (principal, action in Action::\"change\", resource);\n";

/// A deployment, its people, and the call that they sign for. `jonas` operates the agent that asks.
pub(crate) struct Desk {
    pub(crate) deployment: Deployment,
    pub(crate) keys: tempfile::TempDir,
    tool: String,
    arguments: String,
}

impl Desk {
    /// People with keys in a deployment, and nothing to call yet.
    pub(crate) fn over(deployment: Deployment, tool: &str, arguments: &str) -> Result<Self> {
        let keys = tempfile::tempdir()?;
        let mut signers = String::new();
        for person in ["amira", "jonas", "li"] {
            let key = keys.path().join(person);
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &key.display().to_string()])?;
            let public = fs::read_to_string(key.with_extension("pub"))?;
            signers.push_str(&format!("{person}@example.com {}\n", public.trim()));
        }
        deployment.write("approvers/allowed_signers", signers)?;
        deployment.configure("operators = []", "operators = [\"jonas@example.com\"]")?;
        Ok(Self { deployment, keys, tool: tool.into(), arguments: arguments.into() })
    }

    /// The sample environment runs, and a plugin rebuilds it.
    pub(crate) fn rebuild() -> Result<Self> {
        let arguments = r#"{"environment":"prod","reason":"a test"}"#;
        let desk =
            Self::over(Deployment::with_sample()?, "rebuild-environment.rebuild", arguments)?;
        let plugin = staged_plugin("rebuild_environment")?;
        desk.deployment.install(&plugin, "rebuild-environment", &[OBSERVE, TEARDOWN])?.exit(0)?;
        Ok(desk)
    }

    /// Nothing runs; three changes, or three stopped services, that can be counted on disk.
    pub(crate) fn counted(plugin: &str, grant: &str) -> Result<Self> {
        let desk = Self::over(Deployment::init()?, &format!("{plugin}.three"), "{}")?;
        let file = root().join("tests/cases/counted").join(format!("{plugin}.wat"));
        desk.deployment.install(&file, plugin, &[grant])?.exit(0)?;
        Ok(desk)
    }

    /// Adds policies to those that `init` wrote.
    pub(crate) fn policy(&self, text: &str) -> Result<()> {
        let path = self.deployment.path().join("policies/default.cedar");
        let all = fs::read_to_string(&path)? + text;
        Ok(fs::write(&path, all)?)
    }

    pub(crate) fn key(&self, person: &str) -> PathBuf {
        self.keys.path().join(person)
    }

    /// The words of the call.
    pub(crate) fn words<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let words = ["call", &self.tool, &self.arguments, "--as", AGENT, "--json"];
        [&words[..], more].concat()
    }

    pub(crate) fn call(&self, more: &[&str]) -> Result<Ran> {
        self.deployment.run(&self.words(more))
    }

    /// Asks; gives the request's id and digest.
    pub(crate) fn ask(&self) -> Result<(String, String)> {
        let asked = self.call(&[])?.exit(4)?.json()?;
        let text = |name: &str| {
            let text = asked.get(name).and_then(Value::as_str);
            text.map(str::to_owned).context("no request")
        };
        Ok((text("request")?, text("document")?))
    }

    /// The words with which a person signs.
    pub(crate) fn signing(&self, (id, digest): &(String, String), person: &str) -> Vec<String> {
        let key = self.key(person).display().to_string();
        ["approval", "approve", id, "--key", &key, "--digest", digest, "--json"]
            .map(str::to_owned)
            .to_vec()
    }

    pub(crate) fn approve(&self, asked: &(String, String), person: &str) -> Result<Ran> {
        self.deployment.run(&self.signing(asked, person))
    }

    /// Asks, and both people who may approve do.
    pub(crate) fn approved(&self) -> Result<String> {
        let asked = self.ask()?;
        self.approve(&asked, "amira")?.exit(0)?;
        self.approve(&asked, "li")?.exit(0)?;
        Ok(asked.0)
    }

    /// The call is refused with this code, and the sample is as it was.
    pub(crate) fn refused(&self, id: &str, code: &str) -> Result<()> {
        self.ends(id, 3, code)
    }

    /// The call ends so, and the sample is as it was.
    pub(crate) fn ends(&self, id: &str, exit: i32, code: &str) -> Result<()> {
        let before = self.deployment.sample()?;
        let ran = self.call(&["--request", id])?;
        ensure!(code_of(&ran)? == code && ran.code == exit, "expected {exit} `{code}`: {ran}");
        ensure!(changed(&before, &self.deployment.sample()?).is_empty(), "{code}: it happened");
        Ok(())
    }
}

/// The stable code of an answer in JSON, wherever that kind of answer has it.
pub(crate) fn code_of(ran: &Ran) -> Result<String> {
    let told = ran.json()?;
    let code = ["/code", "/error/code", "/status"].iter().find_map(|place| {
        let text = told.pointer(place)?;
        text.as_str()
    });
    code.map(str::to_owned).with_context(|| format!("no code: {ran}"))
}

/// What stands at a JSON pointer; null where nothing does.
pub(crate) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

pub(crate) fn keygen(arguments: &[&str]) -> Result<()> {
    let out = Command::new("ssh-keygen").args(arguments).stdin(Stdio::null()).output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Ok(())
}

/// Edits the journal behind the host's back, as somebody with the file and without the key could.
pub(crate) fn edit(deployment: &Deployment, sql: &str) -> Result<usize> {
    let journal = rusqlite::Connection::open(deployment.path().join(".interlock/journal.db"))?;
    journal.execute_batch(sql)?;
    Ok(usize::try_from(journal.changes())?)
}

/// How many effects the provider has begun in a deployment, read off its disk: a counter that only grows.
pub(crate) fn look(deployment: &Deployment) -> Result<u64> {
    let state = deployment.path().join("environments/.interlock/state.json");
    if !state.is_file() {
        return Ok(0);
    }
    let state: Value = serde_json::from_slice(&fs::read(&state)?)?;
    state.get("counter").and_then(Value::as_u64).context("no counter")
}
