//! `interlock init`: a folder that works at once. It refuses a folder that already has a configuration,
//! makes every key private from its first byte on, and where it cannot come to its end it takes back what
//! it made: half a deployment would be refused by the next `init`, or worse, believed.

use super::{
    Ending,
    arguments::InitArguments,
    made::Made,
    output::{BOLD, GREEN, Output, plain, styled},
    problem::Problem,
    shell,
};
use interlock::{
    Config, HostError,
    config::edit::{SecretKey, secret_key, write_atomically},
    record::Journal,
};
use interlock_authority::{policy::DEFAULT, vocabulary::is_segment};
use interlock_providers::ProviderFault;
use serde_json::json;
use std::{fs, path::Path};

pub(super) fn run(arguments: &InitArguments, config_named: bool, output: &Output) -> Ending {
    if config_named {
        return Err(Problem::usage(
            "`init` makes interlock.toml in a folder: name the folder, and no `--config`; nothing was changed",
        ));
    }
    let dir = &arguments.dir;
    let file = dir.join("interlock.toml");
    if file.symlink_metadata().is_ok() {
        return Err(Problem::usage(format!(
            "{} already exists; nothing was changed; choose another folder, or edit that file",
            file.display()
        )));
    }
    let person = person();
    let text = configuration(&person);
    let mut made = Made::default();
    made.folder(dir)?;
    for (name, text) in
        [("policies/default.cedar", DEFAULT), ("approvers/allowed_signers", SIGNERS)]
    {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            made.folder(folder)?;
        }
        // Rules that somebody wrote already stay as they are.
        if path.symlink_metadata().is_err() {
            made.before(&path, |p| fs::remove_file(p));
            write_atomically(&path, text.as_bytes(), 0o644)?;
        }
    }
    // What is written must load.
    let config = Config::parse(&file, &text)?;
    made.before(&config.state, |p| fs::remove_dir_all(p));
    interlock::state::prepare(&config.state)?;
    for key in SecretKey::ALL {
        made.before(config.state.join(key.file()), |p| fs::remove_file(p));
    }
    made.before(&config.store, |p| fs::remove_file(p));
    // It makes the key of its log: from here on one without the other is a loss.
    Journal::open(&config)?;
    for key in SecretKey::ALL {
        secret_key(&config.state, key)?;
    }
    made.folder(&config.environment_root)?;
    if !arguments.no_sample {
        let sample = config.environment_root.join(super::sample::NAME);
        made.before(&sample, |p| fs::remove_dir_all(p));
        super::sample::create(&config).map_err(no_sample)?;
    }
    // The configuration last: a folder without it is not yet a deployment.
    write_atomically(&file, text.as_bytes(), 0o644)?;
    made.keep();

    let made = json!({"status": "made", "config": file, "principal": config.cli_principal,
        "sample": !arguments.no_sample});
    output.result(&made, || {
        format!(
            "{} {}\n\nNext:\n{}{}  interlock plugin inspect FILE                see what a plugin asks for\n  interlock plugin install FILE --name NAME    admit it, with the grants you choose\n  interlock doctor                             see that all is in order\n\nNobody can approve yet: put people's keys into approvers/allowed_signers.",
            styled(GREEN, "made"),
            plain(&file.display().to_string()),
            if dir == Path::new(".") {
                String::new()
            } else {
                format!("  {}\n", styled(BOLD, format!("cd {}", shell::path(dir))))
            },
            if arguments.no_sample {
                ""
            } else {
                "  interlock sample start                       start the sample environment\n"
            }
        )
    });
    Ok(0)
}

/// An environment of that name that is somebody's own is no reason not to have a deployment.
fn no_sample(error: HostError) -> Problem {
    let next = if matches!(error, HostError::Provider(ProviderFault::NotASample { .. })) {
        "; nothing was changed; `interlock init --no-sample` makes the rest and leaves it alone"
    } else {
        ""
    };
    let message = format!("{error}{next}");
    Problem::from(error).message(message)
}

/// What `init` writes where people's keys belong.
const SIGNERS: &str = "\
# Who may approve: one line each, as `ssh-keygen -Y` reads it (ssh-keygen(1), ALLOWED SIGNERS).
#   NAME KEYTYPE KEY
# for example
#   amira@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...
# `[people.amira] principals = [\"amira@example.com\"]` in interlock.toml joins names to people.
";

/// The person who runs `init`, as far as the system says; `operator` where it does not.
fn person() -> String {
    std::env::var("USER").ok().filter(|name| is_segment(name)).unwrap_or_else(|| "operator".into())
}

fn configuration(person: &str) -> String {
    format!(
        r#"# Interlock: who may ask, which plugins are installed, and what each may touch.
# Keep this file in version control; `interlock config check` validates it. Plugins stand at its end;
# `interlock plugin install` and `remove` write them and leave the rest alone.

policies = "policies"                 # who may do what; what no policy permits is refused

[cli]
principal = "Person::{person}"        # who asks on the command line where `--as` names nobody

[environment]
root = "environments"                 # the embedded provider keeps its environments here

[approvers]
allowed_signers = "approvers/allowed_signers"   # the keys of the people who may approve
presence = "off"                      # "destroy": only hardware keys that were touched count for that
solo = false                          # true: a team of one, who may approve what they asked for

[people.{person}]                     # `principals = [...]` are this person's names in allowed_signers

[agents.oncall-bot]                   # an agent that may ask
teams = ["sre-agents"]
operators = []                        # names in allowed_signers that never count for what it asks

[limits]                              # of every run
memory = "64MiB"
time   = "10s"
output = "1MiB"
recording = "1MiB"                    # what `interlock replay` needs of a run; "0" keeps nothing
"#
    )
}
