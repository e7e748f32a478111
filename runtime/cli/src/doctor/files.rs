//! Whose files are they, who else can reach them, and which are nobody's any more. Whoever can write a
//! rule decides what is allowed; whoever can read the key can make native code that the host runs.

use super::{Config, Findings, Verdict, base, shell};
use interlock::install::is_left_over;
use rustix::process::geteuid;
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What must be this user's, and reachable by nobody else. Missing is fine: it is made, private, when it
/// is needed.
pub(super) fn private(findings: &mut Findings, path: &Path, what: &str) {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => findings.add(
            Verdict::Bad,
            format!("{what}, {shown}, cannot be looked at: {error}"),
            "run this as the user of the host",
        ),
        Ok(metadata) if metadata.uid() != geteuid().as_raw() => findings.add(
            Verdict::Bad,
            format!("{what}, {shown}, belongs to user {}", metadata.uid()),
            format!(
                "run the host as that user, or chown {} {}",
                geteuid().as_raw(),
                shell::path(path)
            ),
        ),
        Ok(metadata) if metadata.mode() & 0o077 != 0 => findings.add(
            Verdict::Bad,
            format!("other users can reach {what}, {shown}"),
            format!("chmod go-rwx {}", shell::path(path)),
        ),
        Ok(_) => findings.good(format!("{what} is private")),
    }
}

/// What others may read and nobody else may write. What is missing is told of elsewhere.
pub(super) fn writable(findings: &mut Findings, path: &Path, what: &str) {
    let Ok(metadata) = fs::metadata(path) else { return };
    if metadata.mode() & 0o022 != 0 {
        findings.add(
            Verdict::Bad,
            format!("other users can write {what}, {}", path.display()),
            format!("chmod go-w {}", shell::path(path)),
        );
    } else if metadata.uid() != geteuid().as_raw() {
        findings.add(
            Verdict::Warning,
            format!("{what}, {}, belongs to another user", path.display()),
            format!("chown it to the user of the host, or run the host as user {}", metadata.uid()),
        );
    }
}

/// The definitions of services: whoever can write one says what the host will run.
pub(super) fn definitions(root: &Path, findings: &mut Findings) {
    for environment in folders(root) {
        writable(findings, &environment, "an environment");
        writable(findings, &environment.join("environment.toml"), "an environment's definition");
        let services = environment.join("services");
        writable(findings, &services, "an environment's services");
        for service in folders(&services) {
            writable(findings, &service, "a service");
            writable(findings, &service.join("service.toml"), "a service's definition");
        }
    }
}

/// The folders in a folder, by name; none where it cannot be read.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        names_in(folder).into_iter().map(|name| folder.join(name)).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

/// Files that no entry names: of a write that was cut short, or of an install whose entry was never
/// written. They do nothing but take room, and make people wonder.
pub(super) fn leftovers(config: &Config, findings: &mut Findings) {
    let base = base(config);
    let plugins = base.join("plugins");
    let configuration = config.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for (folder, only) in [(&base, Some(configuration)), (&plugins, None), (&config.state, None)] {
        for name in names_in(folder) {
            if is_left_over(&name.to_string_lossy(), only.as_deref()) {
                let path = folder.join(&name);
                findings.add(
                    Verdict::Warning,
                    format!("{} is left of a write that was cut short", path.display()),
                    format!("rm {}", shell::path(&path)),
                );
            }
        }
    }
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let named: BTreeSet<PathBuf> = config.plugins.values().map(|p| real(&p.file)).collect();
    for name in names_in(&plugins) {
        let path = plugins.join(&name);
        let is_plugin = path.extension().is_some_and(|e| e == "wasm")
            && !name.to_string_lossy().starts_with('.');
        if is_plugin && !named.contains(&real(&path)) {
            findings.add(
                Verdict::Warning,
                format!("{} is a plugin that no entry of the configuration names", path.display()),
                format!("rm {}", shell::path(&path)),
            );
        }
    }
}

/// The names in a folder, sorted; none where it cannot be read.
fn names_in(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<OsString> = entries.filter_map(|e| Some(e.ok()?.file_name())).collect();
    names.sort();
    names
}
