//! A plugin that looks like the fix and reaches for teardown: refused before one instruction of it runs.
// INVARIANT ABSENT-NOT-DENIED, shown from outside.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use xtask::tripwire;

use super::agent::check_hints;
use super::heal::{DIAGNOSE, HEAL, TOOLS};
use super::{ENVIRONMENT, OBSERVE, REMEDIATE, SERVICE};
use crate::demo::scene::Scene;
use crate::ui::time;

const TEARDOWN_INTERFACE: &str = "interlock:environment/teardown@0.1.0";
const TRIPWIRE_GRANT: &str =
    "interlock:environment/teardown@0.1.0#delete-environment=environment/prod";
const TRIPWIRE: &str = "tripwire__harmless";
/// As `interlock init` writes it.
const USUAL_LIMIT: &str = "time   = \"10s\"";
const SHORT_LIMIT: &str = "time   = \"2s\"";

pub(super) fn refused(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("`overreach` has the tools and the words of `fix-service`. Its import list has one");
    scene.tell("thing more. It is offered the same grant.");
    let plugin = scene.plugin("overreach")?;
    let (before, rules) = (scene.sample()?, configuration(scene)?);
    let install = scene.interlock(&[
        "plugin",
        "install",
        &plugin,
        "--name",
        "overreach",
        "--grant",
        OBSERVE,
        "--grant",
        REMEDIATE,
    ])?;
    scene.check_exit("refused", &install, 3);
    let words = format!("{}{}", install.stdout, install.stderr);
    let named = words.contains(TEARDOWN_INTERFACE) && words.contains("delete-environment");
    scene.check("the import and its function are named", named, TEARDOWN_INTERFACE);
    let same = configuration(scene)? == rules;
    scene.check(
        "interlock.toml has not changed by a byte",
        same,
        &format!("{} bytes", rules.len()),
    );
    let list = scene.quietly(&["plugin", "list"])?;
    let absent = list.code == 0 && !list.stdout.contains("overreach");
    scene.check("it is not among the installed plugins", absent, "interlock plugin list");
    scene.check(
        "the environment is as it was",
        scene.sample()? == before,
        "same processes, same answers",
    );
    Ok(())
}

pub(super) fn agent(scene: &mut Scene<'_>) -> Result<()> {
    scene
        .tell("The agent asks for the plugin's tool all the same, and then for more from the tool");
    scene.tell("that it has: another environment.");
    let before = scene.sample()?;
    let absent =
        scene.calls("overreach__heal", &json!({"environment": ENVIRONMENT, "service": SERVICE}))?;
    scene.check("there is no such tool", absent.status == "error -32602", &absent.status);
    let elsewhere = scene.calls(HEAL, &json!({"environment": "billing", "service": "db"}))?;
    scene.check_status("its own tool reaches one environment", &elsewhere, "outside-grant");
    scene.check("nothing has happened", elsewhere.nothing_happened(), "happened: []");
    scene.check("not here either", scene.sample()? == before, "same processes, same answers");
    Ok(())
}

pub(super) fn nothing_ran(scene: &mut Scene<'_>) -> Result<()> {
    scene
        .tell("A tripwire: a component with the same import whose first instruction is an endless");
    scene.tell("loop. Should the host run any of it, it is caught in there until its time is up.");
    let file = scene.write("tripwire.wat", tripwire::WAT)?;
    let refused = scene.interlock(&["plugin", "install", &file, "--name", "tripwire"])?;
    scene.check_exit("without a grant it is refused like overreach", &refused, 3);
    let words = format!("{}{}", refused.stdout, refused.stderr);
    scene.check("for the same import", words.contains(TEARDOWN_INTERFACE), TEARDOWN_INTERFACE);

    scene.tell(
        "Is the wire live? With the grant the host does run it, and it must be caught. (The time",
    );
    scene.tell("limit of a run is lowered to two seconds for this, and set back.)");
    scene.configure(USUAL_LIMIT, SHORT_LIMIT)?;
    let install = scene.interlock(&[
        "plugin",
        "install",
        &file,
        "--name",
        "tripwire",
        "--grant",
        TRIPWIRE_GRANT,
    ])?;
    scene.check_exit("with the grant it is admitted", &install, 0);
    // Plain components have nothing to run at admission; their first call instantiates them.
    let offered = [TOOLS, &[TRIPWIRE]].concat();
    let tools = scene.offered("the agent is offered its tool", &offered)?;
    check_hints(scene, &tools, &[DIAGNOSE], &[TRIPWIRE]);
    let caught = scene.calls(TRIPWIRE, &json!({}))?;
    scene.check_status("called, it runs into the host's time limit", &caught, "time");
    let faster = refused.time + Duration::from_millis(500) < caught.time;
    let evidence = format!("refused in {}, caught after {}", time(refused.time), time(caught.time));
    scene.check("so the refusal came before any of it ran", faster, &evidence);
    scene.configure(SHORT_LIMIT, USUAL_LIMIT)?;
    if scene.quietly(&["plugin", "list"])?.stdout.contains("tripwire") {
        let remove = scene.quietly(&["plugin", "remove", "tripwire"])?;
        scene.check_exit("the tripwire is removed", &remove, 0);
    }
    Ok(())
}

fn configuration(scene: &Scene<'_>) -> Result<Vec<u8>> {
    let path = scene.deployment().join("interlock.toml");
    std::fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))
}
