//! The programs that catalogues run, and the secrets that they and endpoints are given: whoever can write a program decides
//! what a capability does, whatever its catalogue says.

use super::{Config, Findings, Verdict, files, shell};
use interlock_authority::Catalogue;
use interlock_providers::secrets::{SecretSource, Secrets};
use rustix::{
    fs::{Access, access},
    process::geteuid,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
};

pub(super) fn check(config: &Config, catalogue: &Catalogue, findings: &mut Findings) {
    let mut programs: BTreeMap<String, String> = BTreeMap::new();
    let mut secrets = BTreeSet::new();
    for interface in catalogue.interfaces() {
        for (name, function) in &interface.functions {
            let Some(command) = &function.command else { continue };
            for program in command.programs() {
                let user = || format!("{}#{name}", interface.name);
                programs.entry(program.to_owned()).or_insert_with(user);
            }
            secrets.extend(command.secrets().values().cloned());
        }
    }
    secrets.extend(config.endpoints.values().filter_map(|e| e.secret().map(str::to_owned)));
    for (program, user) in &programs {
        one(Path::new(program), user, findings);
    }
    for (name, endpoint) in &config.endpoints {
        match endpoint.try_authorities() {
            Ok(()) => findings.good(format!("the endpoint {name} has who vouches for it")),
            Err(why) => findings.add(
                Verdict::Bad,
                format!("nobody vouches for the endpoint {name}: {why}"),
                format!("name a PEM file with `authorities` in `[http.{name}]`, or mend it"),
            ),
        }
    }
    let sources = Secrets::new(config.secrets.clone());
    for name in &secrets {
        match config.secrets.get(name) {
            // Told of already, with the function that needs it.
            None => continue,
            Some(SecretSource::File(path)) => {
                files::private(findings, path, &format!("the secret {name}"));
            }
            Some(SecretSource::Command(argv)) => {
                let program = argv.first().map(String::as_str).unwrap_or_default();
                one(Path::new(program), &format!("the secret {name}"), findings);
            }
            Some(SecretSource::Environment(_)) => {}
        }
        match sources.try_read(name) {
            Ok(()) => findings.good(format!("the secret {name} can be had")),
            Err(error) => findings.add(
                Verdict::Bad,
                error.to_string(),
                format!("mend `[secrets.{name}]` in the configuration, or its source"),
            ),
        }
    }
}

/// One program: there, to be run by this user, and nobody else's to change.
fn one(program: &Path, user: &str, findings: &mut Findings) {
    let shown = program.display();
    let metadata = match fs::metadata(program) {
        Ok(metadata) => metadata,
        Err(error) => {
            let what = format!("the program {shown} of {user} cannot be looked at: {error}");
            findings.add(Verdict::Bad, what, "install it, or correct the catalogue");
            return;
        }
    };
    if !metadata.is_file() || access(program, Access::EXEC_OK).is_err() {
        let what = format!("{shown} of {user} is no program that this user can run");
        findings.add(Verdict::Bad, what, format!("chmod +x {}", shell::path(program)));
        return;
    }
    // The folder too: whoever can write that can put another program there. One with the sticky bit keeps
    // what is not theirs.
    let folder = program.parent().unwrap_or(program);
    let folder_open =
        fs::metadata(folder).is_ok_and(|m| m.mode() & 0o022 != 0 && m.mode() & 0o1000 == 0);
    for (open, path) in [(metadata.mode() & 0o022 != 0, program), (folder_open, folder)] {
        if open {
            findings.add(
                Verdict::Bad,
                format!("other users can replace the program {shown} of {user}"),
                format!("chmod go-w {}", shell::path(path)),
            );
            return;
        }
    }
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() {
        findings.add(
            Verdict::Warning,
            format!("the program {shown} of {user} belongs to user {owner}"),
            "have root or the user of the host own it",
        );
        return;
    }
    findings.good(format!("the program {shown} is there, and nobody else's to change"));
}
