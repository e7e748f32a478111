//! The stories that the product is for, each from an empty folder to its end, with the real binary, real
//! processes and the example plugins.

use std::collections::BTreeSet;

use anyhow::Result;
use interlock_tests::{Deployment, Sample, root, staged_plugin};
use xtask::tripwire;

pub(crate) const AGENT: &str = "Agent::oncall-bot";
pub(crate) const OBSERVE: &str = "interlock:environment/observe@0.1.0=environment/prod";
pub(crate) const REMEDIATE: &str = "interlock:environment/remediate@0.1.0#restart-service,rollback-config=environment/prod/service/api";
const TEARDOWN: &str = "interlock:environment/teardown@0.1.0#recreate-environment=environment/prod";
const API: &str = r#"{"environment":"prod","service":"api"}"#;

/// The services whose processes or answers are not what they were.
pub(crate) fn changed(before: &Sample, after: &Sample) -> BTreeSet<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Three services at least, all running and healthy; `api` answers over HTTP.
fn is_well(sample: &Sample) -> bool {
    sample.len() >= 3
        && sample.values().all(|service| service.healthy && !service.processes.is_empty())
        && sample["api"].http == Some(200)
}

fn install_fix_service(deployment: &Deployment) -> Result<()> {
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, REMEDIATE])?
        .exit(0)?;
    Ok(())
}

fn install_rebuild(deployment: &Deployment) -> Result<()> {
    let plugin = staged_plugin("rebuild_environment")?;
    deployment.install(&plugin, "rebuild-environment", &[OBSERVE, TEARDOWN])?.exit(0)?;
    Ok(())
}

#[test]
fn a_broken_service_is_healed_and_no_other_is_touched() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    install_fix_service(&deployment)?;
    let well = deployment.sample()?;
    assert!(is_well(&well), "{well:?}");

    deployment.run(&["sample", "break"])?.exit(0)?;
    let broken = deployment.sample()?;
    assert_eq!(changed(&well, &broken), BTreeSet::from(["api".to_owned()]));
    assert_ne!(broken["api"].http, Some(200));

    deployment.run(&["call", "fix-service.heal", API, "--as", AGENT])?.exit(0)?;
    let healed = deployment.sample()?;
    assert_eq!(healed["api"].http, Some(200));
    assert_eq!(changed(&well, &healed), BTreeSet::from(["api".to_owned()]));
    assert_ne!(healed["api"].processes, broken["api"].processes);
    Ok(())
}

#[test]
fn looking_changes_nothing() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    install_fix_service(&deployment)?;
    deployment.run(&["sample", "break"])?.exit(0)?;
    let before = deployment.sample()?;
    deployment.run(&["call", "fix-service.diagnose", API, "--as", AGENT])?.exit(0)?;
    deployment.run(&["plan", "fix-service.heal", API, "--as", AGENT])?.exit(0)?;
    assert_eq!(changed(&before, &deployment.sample()?), BTreeSet::new());
    Ok(())
}

#[test]
fn fail_closed_a_grant_for_one_service_is_none_for_its_neighbour() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let db = "interlock:environment/remediate@0.1.0=environment/prod/service/db";
    deployment.install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, db])?.exit(0)?;
    deployment.run(&["sample", "break"])?.exit(0)?;
    let before = deployment.sample()?;
    // `api` is broken, so the tool does try to mend it, with a grant for `db` alone.
    let ran = deployment.run(&["call", "fix-service.heal", API, "--as", AGENT])?;
    assert!([1, 3].contains(&ran.code), "{ran}");
    ran.says(&["denied", "environment/prod/service/api"])?;
    assert_eq!(changed(&before, &deployment.sample()?), BTreeSet::new());
    Ok(())
}

#[test]
fn absent_not_denied_overreach_is_refused_at_install() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let before = deployment.sample()?;
    let rules = std::fs::read(deployment.path().join("interlock.toml"))?;
    deployment
        .install(&staged_plugin("overreach")?, "overreach", &[OBSERVE, REMEDIATE])?
        .exit(3)?
        .says(&["interlock:environment/teardown@0.1.0", "delete-environment", "destroy"])?;
    assert_eq!(std::fs::read(deployment.path().join("interlock.toml"))?, rules);
    assert_eq!(changed(&before, &deployment.sample()?), BTreeSet::new());
    let list = deployment.run(&["plugin", "list"])?.exit(0)?;
    assert!(!list.stdout.contains("overreach"), "{list}");
    Ok(())
}

/// A component that cannot run one instruction unnoticed: refused at once, and caught when granted.
#[test]
fn absent_not_denied_no_instruction_runs_before_the_refusal() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("time   = \"10s\"", "time   = \"2s\"")?;
    let file = deployment.write("tripwire.wat", tripwire::WAT)?;
    deployment.install(&file, "tripwire", &[])?.exit(3)?;
    let grant = "interlock:environment/teardown@0.1.0#delete-environment=environment/prod";
    deployment.install(&file, "tripwire", &[grant])?.exit(0)?;
    let caught = deployment.run(&["call", "tripwire.harmless", "{}", "--as", AGENT])?.exit(5)?;
    assert!(caught.time.as_millis() >= 1_900, "the wire is not live: {caught}");
    Ok(())
}

#[test]
fn a_rebuild_is_planned_with_all_it_touches_and_nothing_happens() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    install_rebuild(&deployment)?;
    let before = deployment.sample()?;
    let arguments = r#"{"environment":"prod","reason":"a test"}"#;
    let plan =
        deployment.run(&["plan", "rebuild-environment.rebuild", arguments, "--as", AGENT])?;
    let plan = plan.exit(0)?.says(&["recreate-environment", "environment/prod"])?;
    for name in before.keys() {
        assert!(plan.stdout.contains(&format!("environment/prod/service/{name}")), "{plan}");
    }
    assert_eq!(changed(&before, &deployment.sample()?), BTreeSet::new());
    Ok(())
}

#[test]
fn destroy_needs_people_a_call_waits_and_nothing_happens() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    install_rebuild(&deployment)?;
    let before = deployment.sample()?;
    let arguments = r#"{"environment":"prod","reason":"a test"}"#;
    deployment.run(&["call", "rebuild-environment.rebuild", arguments, "--as", AGENT])?.exit(4)?;
    assert_eq!(changed(&before, &deployment.sample()?), BTreeSet::new());
    Ok(())
}

#[test]
fn services_outlive_commands_and_end_when_asked() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let running = deployment.sample()?;
    deployment.run(&["sample", "stop"])?.exit(0)?;
    let stopped = deployment.sample()?;
    assert!(stopped.values().all(|service| service.processes.is_empty()), "{stopped:?}");
    assert_eq!(stopped.len(), running.len());
    // Stopping what is stopped, and starting it again, are ordinary things to do.
    deployment.run(&["sample", "stop"])?.exit(0)?;
    deployment.run(&["sample", "start"])?.exit(0)?;
    let again = deployment.sample()?;
    assert!(is_well(&again), "{again:?}");
    Ok(())
}

#[test]
fn two_deployments_side_by_side_do_not_meet() -> Result<()> {
    let (one, other) = (Deployment::with_sample()?, Deployment::with_sample()?);
    let before = other.sample()?;
    one.run(&["sample", "break"])?.exit(0)?;
    one.run(&["sample", "stop"])?.exit(0)?;
    assert_eq!(changed(&before, &other.sample()?), BTreeSet::new());
    Ok(())
}

/// A component made for any other host: its typed exports are tools, and their values are JSON.
#[test]
fn a_plain_component_is_called_by_its_typed_exports() -> Result<()> {
    let deployment = Deployment::init()?;
    let file = root().join("tests/cases/plain/values.wat");
    deployment.install(&file, "values", &[])?.exit(0)?.says(&["reaches nothing"])?;
    let same = [
        ("big", r#""18446744073709551615""#),
        ("signed", r#""-9223372036854775808""#),
        ("small", "255"),
        ("real", "-2.5e-7"),
        ("short", "0.5"),
        ("letter", r#""é""#),
        ("yes", "true"),
        ("say", r#""ü, \"quoted\"\n""#),
        ("bytes", r#""AP8=""#),
        ("thing-of", r#"{"id":"7","at":{"x":-1,"y":2},"tag":null}"#),
        ("thing-of", r#"{"id":"7","at":{"x":-1,"y":2},"tag":"t"}"#),
        ("shape-of", r#"{"none":null}"#),
        ("shape-of", r#"{"pair":[1,255]}"#),
        ("colour-of", r#""green""#),
        ("rights-of", r#"["read","execute"]"#),
    ];
    for (tool, value) in same {
        let (tool, arguments) = (format!("values.{tool}"), format!(r#"{{"x":{value}}}"#));
        let ran = deployment.run(&["call", &tool, &arguments, "--as", AGENT])?.exit(0)?;
        let expected: serde_json::Value = serde_json::from_str(value)?;
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.stdout)?, expected, "{tool}");
    }
    let ends = [
        ("divide", r#"{"a":7,"b":2}"#, 0, "3"),
        ("divide", r#"{"a":7,"b":0}"#, 1, "division by zero"),
        ("divide-real", r#"{"a":0,"b":0}"#, 0, "NaN"),
        ("stop", r#"{"x":1}"#, 5, "unreachable"),
        ("small", r#"{"x":256}"#, 2, "255"),
        ("big", r#"{"x":"18446744073709551616"}"#, 2, "x"),
        ("shape-of", r#"{"x":{"round":1}}"#, 2, "x"),
        ("thing-of", r#"{"x":{"id":"1"}}"#, 2, "at"),
    ];
    for (tool, arguments, code, words) in ends {
        let tool = format!("values.{tool}");
        deployment.run(&["call", &tool, arguments, "--as", AGENT])?.exit(code)?.says(&[words])?;
    }
    Ok(())
}

/// An update keeps the grants it has; one that asks for more is refused until somebody grants it, and the
/// old version serves on.
#[test]
fn absent_not_denied_an_update_that_needs_more_asks_again() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    install_fix_service(&deployment)?;
    let standing = std::fs::read(deployment.path().join("interlock.toml"))?;
    let asks_for_more = staged_plugin("overreach")?;
    let ran = deployment.install(&asks_for_more, "fix-service", &[])?.exit(3)?;
    ran.says(&["interlock:environment/teardown@0.1.0", "Nothing of the plugin was run"])?;
    assert_eq!(std::fs::read(deployment.path().join("interlock.toml"))?, standing);
    deployment.run(&["call", "fix-service.diagnose", API, "--as", AGENT])?.exit(0)?;
    // The same bytes again need nothing new.
    deployment.install(&staged_plugin("fix_service")?, "fix-service", &[])?.exit(0)?;
    deployment.run(&["call", "fix-service.diagnose", API, "--as", AGENT])?.exit(0)?;
    Ok(())
}

/// A folder is read where one is granted, and nothing outside it.
#[test]
fn notes_are_read_from_the_granted_folder_alone() -> Result<()> {
    let deployment = Deployment::init()?;
    let plugin = staged_plugin("read_notes")?;
    let notes = deployment.path().join("notes");
    std::fs::create_dir(&notes)?;
    std::fs::write(notes.join("deploy.txt"), "roll forward\n")?;
    std::fs::write(deployment.path().join("secret.txt"), "canary-4711\n")?;
    std::os::unix::fs::symlink("../secret.txt", notes.join("link.txt"))?;
    let call = |tool: &str, arguments: &str| {
        deployment.run(&["call", &format!("read-notes.{tool}"), arguments, "--as", AGENT])
    };

    deployment.install(&plugin, "read-notes", &[])?.exit(0)?;
    call("list", "{}")?.exit(1)?.says(&["preopen"])?;

    let plugin = plugin.display().to_string();
    let with_folder =
        ["plugin", "install", &plugin, "--name", "read-notes", "--preopen", "notes=/notes"];
    deployment.run(&with_folder)?.exit(0)?;
    call("read", r#"{"name":"deploy.txt"}"#)?.exit(0)?.says(&["roll forward"])?;
    call("search", r#"{"text":"forward"}"#)?.exit(0)?.says(&["deploy.txt"])?;
    for name in ["../secret.txt", "/notes/../secret.txt", "link.txt", "..", "missing.txt"] {
        let ran = call("read", &serde_json::json!({ "name": name }).to_string())?;
        assert!(ran.code != 0, "{name}\n{ran}");
        assert!(!ran.stdout.contains("canary") && !ran.stderr.contains("canary"), "{name}\n{ran}");
    }
    Ok(())
}
