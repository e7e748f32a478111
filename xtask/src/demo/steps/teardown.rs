//! A plugin that may legitimately rebuild an environment: its effects can be read before anything
//! happens.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use super::agent::check_hints;
use super::heal::{DIAGNOSE, TOOLS};
use super::{AGENT, ENVIRONMENT, OBSERVE, TEARDOWN};
use crate::demo::scene::Scene;

/// The tool as people and operators name it.
const TOOL: &str = "rebuild-environment.rebuild";
/// The same, as an agent sees it.
pub(super) const OFFERED: &str = "rebuild-environment__rebuild";

pub(super) fn planned(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("`rebuild-environment` is honest about what it does, and it is granted teardown.");
    let plugin = scene.plugin("rebuild_environment")?;
    let install = scene.interlock(&[
        "plugin",
        "install",
        &plugin,
        "--name",
        "rebuild-environment",
        "--grant",
        OBSERVE,
        "--grant",
        TEARDOWN,
    ])?;
    scene.check_exit("installed with a teardown grant", &install, 0);
    let tools = scene.offered("the agent is offered it", &[TOOLS, &[OFFERED]].concat())?;
    check_hints(scene, &tools, &[DIAGNOSE], &[OFFERED]);
    scene
        .tell("Its plan, for a person to see: the tool runs, reads are real, effects are forecast");
    scene.tell("and not performed.");
    let before = scene.sample()?;
    let plan = scene.interlock(&["plan", TOOL, &wish().to_string(), "--as", AGENT])?;
    scene.check_exit("planned", &plan, 0);
    let named = plan.stdout.contains("recreate-environment")
        && plan.stdout.to_lowercase().contains("destroy");
    scene.check("the effect is listed with its class", named, "recreate-environment, destroy");
    let missing = before.keys().fold(String::new(), |mut missing, name| {
        if !plan.stdout.contains(&format!("environment/{ENVIRONMENT}/service/{name}")) {
            let _ = write!(missing, "{name} ");
        }
        missing
    });
    let evidence = if missing.is_empty() {
        format!("{} services listed", before.len())
    } else {
        format!("not listed: {missing}")
    };
    scene.check("everything it would touch is listed", missing.is_empty(), &evidence);
    let same = scene.sample()? == before;
    scene.check("nothing was performed", same, "same processes, same answers");
    Ok(())
}

/// What the agent asks of it.
pub(super) fn wish() -> Value {
    json!({"environment": ENVIRONMENT, "reason": "inconsistent after a deploy"})
}
