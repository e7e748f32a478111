//! A plugin that may legitimately rebuild an environment: its effects can be read before anything
//! happens.

use std::fmt::Write as _;

use anyhow::Result;

use super::{AGENT, ENVIRONMENT, OBSERVE, TEARDOWN};
use crate::demo::scene::Scene;

pub(super) const TOOL: &str = "rebuild-environment.rebuild";

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
    scene.tell("Its plan: the tool runs, reads are real, effects are forecast and not performed.");
    let before = scene.sample()?;
    let plan = scene.interlock(&["plan", TOOL, &arguments(), "--as", AGENT])?;
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

pub(super) fn arguments() -> String {
    format!(r#"{{"environment":"{ENVIRONMENT}","reason":"inconsistent after a deploy"}}"#)
}
