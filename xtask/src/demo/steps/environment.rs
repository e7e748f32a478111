//! Opening and closing: a deployment, and an environment of real local processes.

use anyhow::{Context, Result};

use xtask::evidence;

use super::ENVIRONMENT;
use crate::demo::scene::{DEPLOYMENT, Scene, Service};

pub(super) fn begin(scene: &mut Scene<'_>) -> Result<()> {
    scene
        .tell("A platform team sets up a deployment. It comes with a sample environment: services");
    scene.tell("that are ordinary processes of this machine and answer for themselves.");
    let init = scene.interlock(&["init", DEPLOYMENT])?;
    scene.check_exit("the deployment is made", &init, 0);
    let start = scene.interlock(&["sample", "start"])?;
    scene.check_exit("the sample environment is started", &start, 0);
    let sample = scene.sample()?;
    scene.show_sample(&sample);
    let answers = |service: &Service| service.url.is_none() || service.http == Some(200);
    let well = sample.len() >= 3
        && sample.values().all(|service| !service.processes.is_empty() && answers(service));
    let count = sample.len();
    let claim = format!("{ENVIRONMENT} runs, and what has a URL answers 200");
    scene.check(
        &claim,
        well,
        &format!("{count} services, processes seen in /proc, asked over HTTP"),
    );
    Ok(())
}

pub(super) fn end(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("Services outlive the commands that started them, so they are stopped on purpose.");
    let before = scene.sample().context("before stopping")?;
    let stop = scene.interlock(&["sample", "stop"])?;
    scene.check_exit("the sample environment is stopped", &stop, 0);
    let alive: Vec<u32> = before
        .values()
        .flat_map(|service| &service.processes)
        .filter(|process| evidence::process(process.pid).as_ref() == Some(process))
        .map(|process| process.pid)
        .collect();
    scene.check("no service process is left", alive.is_empty(), &found(&alive));
    let left = evidence::processes_inside(&scene.deployment());
    scene.check("nor any other process of this deployment", left.is_empty(), &found(&left));
    Ok(())
}

fn found(pids: &[u32]) -> String {
    if pids.is_empty() { "none in /proc".to_owned() } else { format!("found {pids:?}") }
}
