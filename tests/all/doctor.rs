//! What `doctor` and `config check` say of a deployment: that a host can start from it, whose its files
//! are, what was left behind, and which effects nobody knows the end of.

use std::fs;

use anyhow::{Context, Result};
use interlock_tests::{Deployment, staged_plugin};

use crate::journeys::AGENT;

/// The findings of `doctor` that are not good, as text.
fn complaints(deployment: &Deployment) -> Result<Vec<String>> {
    let findings = deployment.run(&["doctor", "--json"])?.json()?;
    let findings = findings.as_array().context("not a list")?.iter();
    Ok(findings.filter(|f| f["verdict"] != "good").map(ToString::to_string).collect())
}

#[test]
fn doctor_and_check_know_a_host_that_cannot_start() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.write("lights.wit", LIGHTS_WIT)?;
    deployment.write("lights.toml", LIGHTS)?;
    deployment.configure("[cli]", "catalogues = [\"lights.toml\"]\n\n[cli]")?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["nobody-has-this"])?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["nobody-has-this"])?;
    Ok(())
}

const LIGHTS_WIT: &str =
    "package test:lights@0.1.0;\n\ninterface look {\n    is-on: func(name: string) -> bool;\n}\n";
const LIGHTS: &str = r#"wit = "lights.wit"

[interface."test:lights/look@0.1.0"]
provider = "nobody-has-this"

[interface."test:lights/look@0.1.0".function.is-on]
class = "read"
resource = "light/{name}"
"#;

#[test]
fn doctor_tells_what_is_left_behind() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    let before = complaints(&deployment)?;
    assert!(before.is_empty(), "{before:?}");
    deployment.write(".interlock.toml.0123456789abcdef", "half")?;
    deployment.write("plugins/.x-0123456789ab.wasm.0123456789abcdef", "half")?;
    deployment.write("plugins/orphan one.wasm", "bytes")?;
    let files = deployment.files()?;
    let after = complaints(&deployment)?;
    assert_eq!(after.len(), 3, "{after:?}");
    for word in [
        "rm ./.interlock.toml.0123456789abcdef",
        ".x-0123456789ab.wasm.0123456789abcdef",
        "orphan one",
    ] {
        assert!(after.iter().any(|c| c.contains(word)), "{word}: {after:?}");
    }
    deployment.run(&["doctor"])?.exit(0)?;
    assert!(deployment.files()? == files, "doctor changes nothing");
    Ok(())
}

#[test]
fn at_most_once_doctor_tells_of_an_effect_whose_end_is_unknown() -> Result<()> {
    let deployment = Deployment::init()?;
    left_open(&deployment)?;
    let told = complaints(&deployment)?;
    assert_eq!(told.len(), 1, "{told:?}");
    for word in ["its end is unknown", "01TEST", "step 2", "environment/prod/service/api"] {
        assert!(told[0].contains(word), "{word}: {told:?}");
    }
    // Whoever calls a tool hears that there is something to look at, programs too.
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    let call = ["call", "word-count.count", r#"{"text":"x"}"#, "--as", AGENT];
    deployment.run(&call)?.exit(0)?.says(&["does not know the end"])?;
    let answer = deployment.run(&[&call[..], &["--json"]].concat())?.exit(0)?.json()?;
    assert_eq!(answer["unknown_effects"], 1, "{answer}");
    // A person looks, and says what was: then it is over.
    deployment.run(&["journal", "resolve", "01TEST/1", "--done"])?.exit(2)?;
    deployment.run(&["journal", "resolve", "01TEST/2", "--not-done"])?.exit(0)?;
    deployment.run(&["journal", "resolve", "01TEST/2", "--done"])?.exit(2)?;
    assert!(complaints(&deployment)?.is_empty());
    // A place for checkpoints that is not there is told before it is needed.
    deployment.configure("[cli]", "[journal]\npublish = [\"outside\"]\n\n[cli]")?;
    let told = complaints(&deployment)?;
    assert!(told.len() == 1 && told[0].contains("install -d"), "{told:?}");
    fs::create_dir(deployment.path().join("outside"))?;
    assert!(complaints(&deployment)?.is_empty());
    // Whoever else can read the journal can read what was done to whom.
    let journal = deployment.path().join(".interlock/journal.db");
    let chmod = |mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&journal, fs::Permissions::from_mode(mode))
    };
    chmod(0o644)?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["the journal", "chmod go-rwx"])?;
    chmod(0o600)?;
    let elsewhere = deployment.path().join("elsewhere");
    fs::rename(&journal, &elsewhere)?;
    std::os::unix::fs::symlink(&elsewhere, &journal)?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["not a plain file"])?;
    Ok(())
}

/// Two intents, of which one has an outcome, as a host leaves them that is lost.
pub(crate) fn left_open(deployment: &Deployment) -> Result<()> {
    use interlock::record::{Event, EventBody, Journal, Record, Recorder, space};
    let config = interlock::Config::load(&deployment.path().join("interlock.toml"))?;
    let journal = Journal::open(&config)?;
    let intent = |step: u64| -> Result<Record> {
        let body = EventBody::Intent {
            step,
            principal: "Agent::oncall-bot".parse()?,
            plugin: "fix-service".into(),
            digest: "0".repeat(64).parse()?,
            tool: "heal".into(),
            interface: "interlock:environment/remediate@0.1.0".parse()?,
            function: "restart-service".into(),
            class: interlock::authority::Class::Change,
            resource: "environment/prod/service/api".parse()?,
            arguments: serde_json::Map::new(),
            revision: interlock::authority::Revision::new("1"),
            touches: Vec::new(),
            policies: Vec::new(),
            ticket: None,
        };
        Ok(Record::of(Event::of("01TEST", body)).once(space::INTENT, format!("01TEST/{step}")))
    };
    let outcome = EventBody::Outcome {
        step: 1,
        status: interlock::response::EffectStatus::Done,
        detail: None,
        revisions: std::collections::BTreeMap::new(),
    };
    let outcome = Record::of(Event::of("01TEST", outcome)).once(space::OUTCOME, "01TEST/1");
    tokio::runtime::Runtime::new()?.block_on(async {
        for record in [intent(1)?, intent(2)?, outcome] {
            journal.write(record).await?;
        }
        Ok(())
    })
}

#[test]
fn doctor_looks_at_preopens_and_at_who_can_write_wit() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let deployment = Deployment::init()?;
    fs::create_dir(deployment.path().join("notes"))?;
    let plugin = staged_plugin("word_count")?;
    let plugin = plugin.to_str().context("not UTF-8")?;
    let words = ["plugin", "install", plugin, "--name", "word-count", "--preopen", "notes=/notes"];
    deployment.run(&words)?.exit(0)?;
    deployment.run(&["doctor"])?.exit(0)?.says(&["may read notes as /notes"])?;
    fs::remove_dir(deployment.path().join("notes"))?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["/notes", "make the folder"])?;
    fs::create_dir(deployment.path().join("notes"))?;

    let wit = deployment.write("lights.wit", LIGHTS_WIT)?;
    deployment.write("lights.toml", LIGHTS.replace("nobody-has-this", "environment"))?;
    deployment.configure("[cli]", "catalogues = [\"lights.toml\"]\n\n[cli]")?;
    deployment.run(&["doctor"])?.exit(0)?;
    fs::set_permissions(&wit, fs::Permissions::from_mode(0o666))?;
    deployment.run(&["doctor"])?.exit(2)?.says(&["chmod go-w lights.wit"])?;
    Ok(())
}

/// Whoever can write a service's definition says what the host will run.
#[test]
fn doctor_finds_definitions_that_others_can_write() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let deployment = Deployment::with_sample()?;
    assert!(complaints(&deployment)?.is_empty());
    let service = "environments/prod/services/api";
    for place in ["environments/prod", "environments/prod/services", service] {
        let path = deployment.path().join(place);
        let mode = std::fs::metadata(&path)?.permissions();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777))?;
        let found = complaints(&deployment)?;
        assert!(found.len() == 1 && found[0].contains(place), "{place}: {found:?}");
        std::fs::set_permissions(&path, mode)?;
    }
    let definition = deployment.path().join(service).join("service.toml");
    std::fs::set_permissions(&definition, std::fs::Permissions::from_mode(0o666))?;
    let found = complaints(&deployment)?;
    assert!(found.len() == 1 && found[0].contains("service.toml"), "{found:?}");
    Ok(())
}

#[test]
fn a_folder_that_is_missing_or_the_hosts_own_is_named_and_no_host_starts() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("[cli]", "[files.notes]\npath = \"notes\"\nwrite = true\n\n[cli]")?;
    fs::create_dir(deployment.path().join("notes"))?;
    deployment.run(&["config", "check"])?.exit(0)?;
    deployment.run(&["doctor"])?.exit(0)?.says(&["files/notes"])?;
    for (from, to, says) in [
        ("\"notes\"", "\"nowhere\"", "cannot be opened"),
        ("\"nowhere\"", "\".\"", "own state"),
        ("\".\"", "\".interlock\"", "own state"),
        ("\".interlock\"", "\"./policies\"", "policies"),
        ("\"./policies\"", "\"notes/../policies\"", "policies"),
        ("\"notes/../policies\"", "\"linked\"", "policies"),
        ("\"linked\"", "\"approvers\"", "allowed_signers"),
        ("\"approvers\"", "\"/proc/self\"", "kernel"),
        ("\"/proc/self\"", "\"notes\"\n[files.more]\npath = \"notes\"", "overlaps"),
    ] {
        if to.contains("linked") {
            std::os::unix::fs::symlink("policies", deployment.path().join("linked"))?;
        }
        deployment.configure(from, to)?;
        for command in [&["config", "check"][..], &["doctor"]] {
            deployment.run(command)?.exit(2)?.says(&["[files.", says])?;
        }
        let call = ["call", "none.none", "{}", "--as", AGENT];
        deployment.run(&call)?.exit(2)?.says(&["[files.", says])?;
    }
    // Whoever writes the WIT of a catalogue says what its words mean.
    for folder in ["catalogues", "meanings"] {
        fs::create_dir(deployment.path().join(folder))?;
    }
    deployment.write("catalogues/acme.toml", "wit = \"../meanings/acme.wit\"\n")?;
    deployment.write("meanings/acme.wit", "package acme:none@1.0.0;\n")?;
    let more = "\"notes\"\n[files.more]\npath = \"notes\"";
    deployment.configure(more, "\"meanings\"")?;
    let config = fs::read_to_string(deployment.path().join("interlock.toml"))?;
    deployment
        .write("interlock.toml", format!("catalogues = [\"catalogues/acme.toml\"]\n{config}"))?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["[files.", "acme.wit"])?;
    deployment.configure("\"meanings\"", "\"catalogues\"")?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["[files.", "acme.toml"])?;
    Ok(())
}
