//! `interlock init`: a folder that works at once. It refuses a folder that already has a configuration,
//! and makes every key private from its first byte on.

use super::{
    Ending,
    arguments::InitArguments,
    output::{BOLD, GREEN, Output, styled},
    problem::Problem,
};
use crate::{
    Config, HostError,
    config::edit::{secret_key, write_atomically},
};
use interlock_authority::vocabulary::is_segment;
use serde_json::json;
use std::{fs, path::Path};

pub(super) fn run(arguments: &InitArguments, output: &Output) -> Ending {
    let dir = &arguments.dir;
    let file = dir.join("interlock.toml");
    if file.symlink_metadata().is_ok() {
        return Err(Problem::usage(format!(
            "{} already exists; nothing was changed; choose another folder, or edit that file",
            file.display()
        )));
    }
    let failed = |path: &Path| HostError::io(format!("cannot make {}", path.display()));
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let state = dir.join(".interlock");
    crate::state::prepare(&state)?;
    secret_key(&state.join("artifact.key"))?;
    let environments = dir.join("environments");
    fs::create_dir_all(&environments).map_err(failed(&environments))?;

    let person = person();
    let text = configuration(&person);
    // What is written must load.
    let config = Config::parse(&file, &text)?;
    if !arguments.no_sample {
        super::sample::create(&config)?;
    }
    // The configuration last: a folder without it is not yet a deployment.
    write_atomically(&file, text.as_bytes(), 0o644)?;

    let made = json!({"status": "made", "config": file, "principal": config.cli_principal,
        "sample": !arguments.no_sample});
    output.result(&made, || {
        format!(
            "{} {}\n\nNext:\n  {}\n  interlock sample start                       start the sample environment\n  interlock plugin inspect FILE                see what a plugin asks for\n  interlock plugin install FILE --name NAME    admit it, with the grants you choose\n  interlock doctor                             see that all is in order",
            styled(GREEN, "made"),
            file.display(),
            styled(BOLD, format!("cd {}", dir.display()))
        )
    });
    Ok(0)
}

/// The person who runs `init`, as far as the system says; `operator` where it does not.
fn person() -> String {
    std::env::var("USER").ok().filter(|name| is_segment(name)).unwrap_or_else(|| "operator".into())
}

fn configuration(person: &str) -> String {
    format!(
        r#"# Interlock: who may ask, which plugins are installed, and what each may touch.
# Keep this file in version control; `interlock config check` validates it. Plugins stand at its end;
# `interlock plugin install` and `remove` write them and leave the rest alone.

[cli]
principal = "Person::{person}"        # who asks on the command line where `--as` names nobody

[environment]
root = "environments"                 # the embedded provider keeps its environments here

[people.{person}]

[agents.oncall-bot]                   # an agent that may ask
teams = ["sre-agents"]

[limits]                              # of every run
memory = "64MiB"
time   = "10s"
output = "1MiB"
"#
    )
}
