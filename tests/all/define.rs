//! A capability that the host has never heard of, from nothing to approved and journalled, by the blocks of
//! docs/guides/define-a-capability.md: the guide is the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, read, root};
use serde_json::{Value, json};

use crate::desk::{Desk, at, code_of};
use crate::journeys::AGENT;

const GUIDE: &str = "docs/guides/define-a-capability.md";
/// Where the guide has the program, and where that keeps its state.
const PROGRAM: &str = "/usr/local/bin/cachectl";
const HOME: &str = "/var/lib/cachectl";
const CANARY: &str = "canary-91c0ffee-17";
/// Its SHA-256.
const CANARY_DIGEST: &str = "c57f11cfb29c2d6d76fba80301a835261f44ec63155fbca697b6817b7437a32e";

/// The blocks that the guide shows as files, by name.
fn files(guide: &str) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for rest in guide.split("<!-- file: ").skip(1) {
        let (name, rest) = rest.split_once(" -->\n```").context("no block after its name")?;
        let (_, rest) = rest.split_once('\n').context("an open fence")?;
        let (text, _) = rest.split_once("\n```").context("an open fence")?;
        all.push((name.to_owned(), format!("{text}\n")));
    }
    Ok(all)
}

/// Lines of a block of the guide that follows these words.
fn block<'g>(guide: &'g str, before: &str, language: &str) -> Result<&'g str> {
    let rest = guide.split_once(before).with_context(|| format!("no `{before}`"))?.1;
    let rest = rest.split_once(&format!("```{language}\n")).context("no block")?.1;
    Ok(rest.split_once("\n```").context("an open fence")?.0)
}

/// A Python that runs without an environment.
fn python() -> Result<PathBuf> {
    let system = Path::new("/usr/bin/python3");
    if system.exists() {
        return Ok(system.to_owned());
    }
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let path = String::from_utf8(asked.context("this test needs python3")?.stdout)?;
    Ok(PathBuf::from(path.trim()))
}

struct Defined {
    desk: Desk,
}

impl Defined {
    /// Steps 1 to 4 of the guide, in a deployment with three people.
    fn new() -> Result<Self> {
        let desk =
            Desk::over(Deployment::init()?, "cache-keeper.drop-all", r#"{"cluster":"main"}"#)?;
        let (guide, deployment) = (read(GUIDE)?, &desk.deployment);
        let here = deployment.path().display().to_string();
        let python = python()?.display().to_string();
        let files = files(&guide)?;
        ensure!(files.len() == 3, "the guide shows other files than this test knows");
        for (name, text) in files {
            let text = text
                .replace("/usr/bin/python3", &python)
                .replace(PROGRAM, &format!("{here}/cachectl"))
                .replace(HOME, &format!("{here}/cache"));
            deployment.write(&name, text)?;
        }
        fs::set_permissions(deployment.path().join("cachectl"), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(deployment.path().join("cache"))?;
        let token = deployment.write("cache.token", format!("{CANARY}\n"))?;
        fs::set_permissions(token, fs::Permissions::from_mode(0o600))?;
        let defined = Self { desk };
        let state = json!({
            "generation": 7, "token-sha256": CANARY_DIGEST,
            "keys": {
                "user:1": {"bytes": 120, "generation": 3},
                "user:2": {"bytes": 80, "generation": 5},
                "page:7": {"bytes": 2000, "generation": 7},
            },
        });
        defined.write(&state)?;
        let lines = block(&guide, "## 4. The configuration", "toml")?;
        let (catalogues, secrets) = lines.split_once("\n\n").context("two parts")?;
        let deployment = &defined.desk.deployment;
        deployment.configure("[cli]\n", &format!("{catalogues}\n\n{secrets}\n\n[cli]\n"))?;
        Ok(defined)
    }

    fn deployment(&self) -> &Deployment {
        &self.desk.deployment
    }

    fn cache(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(self.deployment().path().join("cache/main.json"))?)?)
    }

    fn write(&self, state: &Value) -> Result<()> {
        self.deployment().write("cache/main.json", state.to_string())?;
        Ok(())
    }

    fn keys(&self) -> Result<usize> {
        Ok(at(&self.cache()?, "/keys").as_object().context("no keys")?.len())
    }

    fn install(&self, grants: &[&str]) -> Result<interlock_tests::Ran> {
        let plugin = root().join("tests/cases/define/cache-keeper.wat");
        self.deployment().install(&plugin, "cache-keeper", grants)
    }

    /// Calls one tool of the plugin as the agent.
    fn call(&self, tool: &str, arguments: &Value) -> Result<interlock_tests::Ran> {
        let tool = format!("cache-keeper.{tool}");
        self.deployment().run(&["call", &tool, &arguments.to_string(), "--as", AGENT, "--json"])
    }
}

const ADMIN: &str = "acme:cache/admin@1.0.0=cache/main";
const WIPE: &str = "acme:cache/wipe@1.0.0=cache/main";

#[test]
fn a_capability_of_ones_own_is_denied_called_planned_approved_and_journalled() -> Result<()> {
    let defined = Defined::new()?;
    let deployment = defined.deployment();
    deployment.run(&["config", "check"])?.exit(0)?;
    deployment.run(&["doctor"])?.exit(0)?.says(&["the secret cache-token can be had"])?;

    // Denied: without a grant nothing of it runs; the grants of the guide are what it takes.
    defined.install(&[])?.exit(3)?.says(&["acme:cache/admin@1.0.0", "acme:cache/wipe@1.0.0"])?;
    defined.install(&[ADMIN])?.exit(3)?.says(&["acme:cache/wipe@1.0.0"])?;
    let guide = read(GUIDE)?;
    for grant in [ADMIN, WIPE] {
        ensure!(guide.contains(&format!("--grant '{grant}'")), "{grant}");
    }
    defined.install(&[ADMIN, WIPE])?.exit(0)?;

    // Called.
    let main = json!({"cluster": "main"});
    let keys = defined.call("keys", &main)?.exit(0)?.json()?;
    ensure!(keys["result"] == 3, "{keys}");
    let evict = |key: &str| defined.call("evict", &json!({"cluster": "main", "key": key}));
    let evicted = evict("user:1")?.exit(0)?.json()?;
    ensure!(evicted["result"] == 120 && defined.keys()? == 2, "{evicted}");
    evict("user:1")?.exit(1)?.says(&["not-found"])?;

    // Denied by the grant and by the pattern, before any program is asked.
    let before = defined.cache()?;
    defined.call("keys", &json!({"cluster": "other"}))?.exit(1)?.says(&["outside-grant"])?;
    for key in ["--dry-run", "user:2\n", "USER:2", "$(id)", "user:2 user:3", "file:///etc/passwd"] {
        evict(key)?.exit(1)?.says(&["argument-out-of-range"])?;
    }
    // Planned: nothing happens.
    let words =
        ["plan", "cache-keeper.evict", r#"{"cluster":"main","key":"user:2"}"#, "--as", AGENT];
    deployment.run(&words)?.exit(0)?.says(&["cache/main/key/user%3A2", "evict"])?;
    ensure!(defined.cache()? == before);

    // Approved by two people, and then once.
    let asked = defined.desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&["DESTROY  cache/main", "drop-all", "cluster = \"main\""])?;
    defined.desk.approve(&asked, "amira")?.exit(0)?;
    defined.desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(defined.keys()? == 2, "one person is not two");
    defined.desk.approve(&asked, "li")?.exit(0)?;
    defined.desk.call(&["--request", &asked.0])?.exit(0)?;
    ensure!(defined.keys()? == 0);
    ensure!(code_of(&defined.desk.call(&["--request", &asked.0])?.exit(3)?)? == "request-consumed");

    // Journalled, and the secret is nowhere.
    let listed = deployment.run(&["journal", "list"])?.exit(0)?;
    listed.says(&["intent", "outcome", "approval", "drop-all", "evict"])?;
    deployment.run(&["journal", "verify"])?.exit(0)?;
    nowhere(deployment)
}

/// The secret is in no file of the deployment but its own, in no form that the journal could have.
fn nowhere(deployment: &Deployment) -> Result<()> {
    for (path, bytes) in deployment.files()? {
        let found = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        ensure!(!found || path.ends_with("cache.token"), "the secret is in {}", path.display());
    }
    Ok(())
}

#[test]
fn what_people_approved_is_stale_when_the_world_has_moved() -> Result<()> {
    let defined = Defined::new()?;
    defined.install(&[ADMIN, WIPE])?.exit(0)?;
    let id = defined.desk.approved()?;
    // Somebody else works on the cache, with no host in between.
    let mut moved = defined.cache()?;
    moved["generation"] = json!(8);
    moved["keys"]["page:8"] = json!({"bytes": 1, "generation": 8});
    defined.write(&moved)?;
    let ran = defined.desk.call(&["--request", &id])?.exit(3)?;
    ensure!(code_of(&ran)? == "stale", "{ran}");
    ensure!(defined.cache()? == moved, "nothing happened");
    Ok(())
}

#[test]
fn plan_is_the_grant_also_of_the_programs_that_people_did_not_see() -> Result<()> {
    let defined = Defined::new()?;
    defined.install(&[ADMIN, WIPE])?.exit(0)?;
    let id = defined.desk.approved()?;
    // The same call by another program is another effect: the catalogue is part of the rules.
    let catalogue = defined.deployment().path().join("acme-cache.toml");
    let text = fs::read_to_string(&catalogue)?;
    let changed = text.replace("\"drop-all\"]\n", "\"drop-all\", \"--\", \"user:1\"]\n");
    ensure!(changed != text);
    fs::write(&catalogue, changed)?;
    let before = defined.cache()?;
    let ran = defined.desk.call(&["--request", &id])?.exit(3)?;
    ensure!(code_of(&ran)? == "epoch-catalogues", "{ran}");
    ensure!(defined.cache()? == before);
    Ok(())
}

#[test]
fn what_is_wrong_with_programs_is_said_before_they_are_needed() -> Result<()> {
    let defined = Defined::new()?;
    let deployment = defined.deployment();
    defined.install(&[ADMIN, WIPE])?.exit(0)?;
    let program = deployment.path().join("cachectl");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777))?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["other users can replace the program"])?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644))?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["no program that this user can run"])?;
    fs::remove_file(&program)?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["cannot be looked at"])?;
    let ran = defined.call("keys", &json!({"cluster": "main"}))?;
    ran.says(&["there is no such program"])?;

    // A secret that nobody configured, and one that cannot be had.
    deployment.write("cache.token", "short")?;
    deployment
        .run(&["doctor"])?
        .exit(2)?
        .says(&["the secret `cache-token`", "at least 8 bytes"])?;
    deployment.configure("[secrets.cache-token]\nfile = \"cache.token\"\n", "")?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["[secrets.cache-token]"])?;

    // A catalogue that nobody could foresee does not load: file and line.
    let catalogue = deployment.path().join("acme-cache.toml");
    let text = fs::read_to_string(&catalogue)?;
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("--dry-run")).collect();
    fs::write(&catalogue, without.join("\n"))?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["acme-cache.toml:13", "forecast"])?;
    Ok(())
}
