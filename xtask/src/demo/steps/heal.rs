//! The partial fix: one service breaks, an agent's tool heals it, nothing else is touched.

use anyhow::{Context, Result};
use serde_json::json;

use super::agent::check_hints;
use super::{ENVIRONMENT, OBSERVE, REMEDIATE, SERVICE};
use crate::demo::scene::{Sample, Scene, Service, answer, pids};

/// The tools of fix-service, as an agent sees them.
pub(super) const DIAGNOSE: &str = "fix-service__diagnose";
pub(super) const HEAL: &str = "fix-service__heal";
pub(super) const TOOLS: &[&str] = &[DIAGNOSE, HEAL];

pub(super) fn install(scene: &mut Scene<'_>) -> Result<()> {
    let plugin = scene.plugin("fix_service")?;
    scene.tell("First the permission sheet: what the plugin asks for and what it cannot reach.");
    let sheet = scene.interlock(&["plugin", "inspect", &plugin])?;
    scene.check_exit("the sheet is printed", &sheet, 0);
    scene.tell("It may look at the environment, and mend one service of it. That is the grant.");
    let install = scene.interlock(&[
        "plugin",
        "install",
        &plugin,
        "--name",
        "fix-service",
        "--grant",
        OBSERVE,
        "--grant",
        REMEDIATE,
    ])?;
    scene.check_exit("fix-service is installed, pinned by the digest of its bytes", &install, 0);
    scene.tell("The host runs on, and follows its configuration. The agent's client hears of it.");
    let tools = scene.offered("the agent is offered the tools of fix-service", TOOLS)?;
    check_hints(scene, &tools, &[DIAGNOSE], &[]);
    Ok(())
}

pub(super) fn break_it(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("A bad configuration reaches one service.");
    let before = scene.sample()?;
    let ran = scene.interlock(&["sample", "break"])?;
    scene.check_exit("the sample service is broken", &ran, 0);
    let after = scene.sample()?;
    scene.show_sample(&after);
    let broken = service(&after, SERVICE)?;
    scene.check(&format!("{SERVICE} is unhealthy"), broken.http != Some(200), &answer(broken));
    others_untouched(scene, &before, &after);
    Ok(())
}

pub(super) fn heal(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("The agent looks first, with a tool that can only read.");
    let before = scene.sample()?;
    let target = json!({"environment": ENVIRONMENT, "service": SERVICE});
    let diagnosis = scene.calls(DIAGNOSE, &target)?;
    scene.check_status("it is told what is wrong", &diagnosis, "done");
    let untouched = diagnosis.nothing_happened() && scene.sample()? == before;
    scene.check("nothing has happened", untouched, "happened: [], same processes, same answers");
    scene.tell("Then it heals. Every capability call of the tool passes the gate.");
    scene.show_sample(&before);
    let healed = scene.calls(HEAL, &target)?;
    scene.check_status("the tool did its work", &healed, "done");
    let after = scene.sample()?;
    scene.show_sample(&after);
    let (old, new) = (service(&before, SERVICE)?, service(&after, SERVICE)?);
    let evidence = format!("{} before, {} after", answer(old), answer(new));
    scene.check(&format!("{SERVICE} answers 200 again"), new.http == Some(200), &evidence);
    let renewed = !new.processes.is_empty()
        && new.processes.iter().all(|process| !old.processes.contains(process));
    let evidence = format!("{} before, {} after", pids(old), pids(new));
    scene.check(&format!("{SERVICE} runs as a new process"), renewed, &evidence);
    others_untouched(scene, &before, &after);
    Ok(())
}

/// The claim that matters: everything but the one service is the same process as before.
fn others_untouched(scene: &mut Scene<'_>, before: &Sample, after: &Sample) {
    let others = |sample: &Sample| -> Sample {
        sample
            .iter()
            .filter(|(name, _)| *name != SERVICE)
            .map(|(n, s)| (n.clone(), s.clone()))
            .collect()
    };
    let (before, after) = (others(before), others(after));
    let evidence: Vec<String> =
        after.iter().map(|(name, service)| format!("{name} {}", pids(service))).collect();
    let same = !before.is_empty() && before == after;
    let claim = "every other service is the same process, with the same start time";
    scene.check(claim, same, &evidence.join(", "));
}

fn service<'s>(sample: &'s Sample, name: &str) -> Result<&'s Service> {
    sample.get(name).with_context(|| format!("the sample environment has no service `{name}`"))
}
