//! Names for folders of this machine in the example plugins, as `interlock build` gives them
//! (`runtime/cli/src/build/names.rs`): the same flags, so that what one compiled the other need not.
//!
//! The mistake it stops: a plugin, pinned by its digest, that is another one in each checkout's home.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::TARGET;

const SEPARATOR: &str = "\u{1f}";

/// Has the rustc of this cargo write names, beside the flags that it is given anyway.
pub(super) fn set(command: &mut Command, root: &Path) {
    let variable = |command: &Command, name: &str| {
        let own = command.get_envs().find(|(own, _)| *own == name).and_then(|(_, value)| value);
        let value = own.map(Into::into).or_else(|| std::env::var_os(name));
        value.map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    };
    let rustc = variable(command, "RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let flags: Vec<String> = folders(&rustc, root)
        .into_iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect();
    // Cargo takes flags from one place alone, the first of: this variable, the next, its settings.
    let given = variable(command, "CARGO_ENCODED_RUSTFLAGS").or_else(|| {
        Some(variable(command, "RUSTFLAGS")?.split_whitespace().collect::<Vec<_>>().join(SEPARATOR))
    });
    match given {
        Some(given) => {
            command.env("CARGO_ENCODED_RUSTFLAGS", [given, flags.join(SEPARATOR)].join(SEPARATOR));
        }
        None => {
            let flags = serde_json::Value::from(flags);
            command.arg("--config").arg(format!("target.{TARGET}.rustflags={flags}"));
        }
    }
}

fn folders(rustc: &str, root: &Path) -> Vec<(PathBuf, String)> {
    let mut folders = Vec::new();
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    if let Some(home) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home) {
        folders.push((home, "/cargo".to_owned()));
    }
    let said = |arguments: &[&str]| {
        let ran = Command::new(rustc).args(arguments).current_dir(root).output().ok()?;
        ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let about = said(&["-vV"]).unwrap_or_default();
    let commit = about.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    if let (Some(sysroot), Some(commit)) = (said(&["--print", "sysroot"]), commit) {
        let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        folders.push((sources, format!("/rustc/{commit}")));
    }
    // What the examples use and is not in their workspace.
    let sdk = root.join("guest-sdk");
    folders.push((sdk.clone(), "/local/interlock-guest".to_owned()));
    folders.push((sdk.join("macros"), "/local/interlock-guest-macros".to_owned()));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_are_given_stay_and_come_first() {
        let root = crate::paths::root().unwrap();
        let mut command = Command::new("cargo");
        command.env("RUSTFLAGS", "-Lnative=/usr/lib/wasm32-wasi  -g");
        set(&mut command, &root);
        let value = |command: &Command| {
            let set = command.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS");
            set.and_then(|(_, value)| value).map(|value| value.to_string_lossy().into_owned())
        };
        let flags = value(&command).unwrap();
        let mut flags = flags.split(SEPARATOR);
        assert_eq!(flags.next(), Some("-Lnative=/usr/lib/wasm32-wasi"));
        assert_eq!(flags.next(), Some("-g"));
        assert!(flags.all(|flag| flag.starts_with("--remap-path-prefix=")));
    }
}
