//! `cargo xtask demo`: the story with the real binary, real processes and real HTTP.
//!
//! People and operators use the command line; the agent speaks MCP to a running host. Every claim is checked
//! with evidence gathered apart from the host (`/proc`, a plain TCP connection, bytes on disk), and a claim
//! that does not hold fails the demo.
//! The mistake it stops: a demo that shows what we say instead of what happens.

mod agent;
mod dialogue;
pub(crate) mod guardian;
mod scene;
mod serving;
mod steps;
mod told;

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use xtask::evidence;

use crate::guests::toolchain;
use crate::ui::{Paint, Ui, time};
use crate::{guests, host, paths};
use guardian::Guardian;
use scene::Scene;

/// Whether the deployment stays on disk for a look afterwards. Its processes never stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Yes,
    No,
}

/// A part of the story.
pub(crate) struct Step {
    pub(crate) title: &'static str,
    pub(crate) run: fn(&mut Scene<'_>) -> Result<()>,
}

/// `cargo xtask demo`.
pub(crate) fn command(ui: &Ui, keep: Keep) -> Result<()> {
    let started = Instant::now();
    let root = paths::root()?;
    ui.heading("Set-up");
    let guest_toolchain = toolchain::find_or_install(ui, &root)?;
    let binary = host::build(ui, &root)?;
    ui.say(&format!("  {}", binary.strip_prefix(&root).unwrap_or(&binary).display()));
    guests::build(ui, &root, &guest_toolchain)?;

    let directory = fresh_directory()?;
    ui.say(&format!("  everything below happens in {}", directory.display()));
    // From here on, however this ends, the guardian ends the services and tidies up.
    let guardian = Guardian::post(&binary, &directory, keep)?;
    let mut scene = Scene::new(ui, &root, &binary, &directory);
    let told = tell(ui, &mut scene);
    guardian.relieve()?;
    let left = evidence::processes_inside(&directory);
    if !left.is_empty() {
        bail!("the demo left processes behind: {left:?}");
    }
    told?;
    let (held, broken) = scene.score();
    if keep == Keep::Yes {
        ui.say(&format!("\nkept: {}", directory.display()));
    }
    if broken > 0 {
        bail!("{broken} of {} claims did not hold", held + broken);
    }
    let closing = format!("{held} claims checked, all hold. {}", time(started.elapsed()));
    ui.say("");
    ui.say(&ui.paint(Paint::Good, &closing));
    Ok(())
}

fn tell(ui: &Ui, scene: &mut Scene<'_>) -> Result<()> {
    for (index, step) in steps::STORY.iter().enumerate() {
        ui.heading(&format!("{}. {}", index + 1, step.title));
        (step.run)(scene).with_context(|| format!("in the part `{}`", step.title))?;
        // Later parts build on earlier claims: stop at the first part that broke one.
        let (_, broken) = scene.score();
        if broken > 0 {
            bail!("a claim of the part `{}` did not hold (marked above)", step.title);
        }
    }
    Ok(())
}

/// A directory of our own that did not exist before, so that demos can run side by side.
fn fresh_directory() -> Result<PathBuf> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let name = format!("interlock-demo-{}-{nanos:09}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)
        .with_context(|| format!("could not create `{}`", directory.display()))?;
    // Canonical, because `/proc/PID/cwd` is compared with it.
    directory.canonicalize().with_context(|| format!("could not find `{}`", directory.display()))
}
