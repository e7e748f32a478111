//! `interlock new`: a plugin that builds, with a test, in a folder of its own. Where it cannot come to its end
//! it takes back what it made, and it never writes into a folder that has something in it.

use super::{
    Ending,
    arguments::{Language, NewArguments},
    made::Made,
    output::{BOLD, GREEN, Output, styled},
    problem::Problem,
    shell,
};
use crate::config::edit::write_atomically;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of a plugin in Rust.
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    (".gitignore", "/target\n"),
];
/// The longest name: a client sees `name__tool`, and takes 64 characters.
const MAX_NAME: usize = 40;
/// Names that would be two things for the compiler.
const TAKEN: &[&str] =
    &["core", "std", "alloc", "test", "proc-macro", "serde", "schemars", "interlock-guest"];

pub(super) fn run(arguments: &NewArguments, output: &Output) -> Ending {
    let name = &arguments.name;
    check(name).map_err(|problem| Problem::usage(format!("`{name}`: {problem}")))?;
    let dir = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    if fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some())
        || (dir.symlink_metadata().is_ok() && !dir.is_dir())
    {
        let message = format!(
            "{} is there already; nothing was changed; choose another name, or another folder with `--dir`",
            dir.display()
        );
        return Err(Problem::usage(message));
    }
    let sdk = match &arguments.sdk {
        Some(sdk) => sdk.clone(),
        None => beside_this_program().ok_or_else(no_sdk)?,
    };
    let Some(sdk) = sdk.canonicalize().ok().filter(|sdk| sdk.join("Cargo.toml").is_file()) else {
        return Err(Problem::usage(format!("{} is not the guest SDK's folder", sdk.display())));
    };
    // As TOML reads it back: a path may have quotes in it.
    let sdk = toml::Value::String(sdk.display().to_string()).to_string();
    let files = match arguments.lang {
        Language::Rust => RUST,
    };
    let mut made = Made::default();
    made.folder(&dir)?;
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            made.folder(folder)?;
        }
        let text = text
            .replace("\"{{sdk}}\"", &sdk)
            .replace("{{file}}", &name.replace('-', "_"))
            .replace("{{name}}", name);
        made.before(&path, |p| fs::remove_file(p));
        write_atomically(&path, text.as_bytes(), 0o644)?;
    }
    made.keep();
    let told = json!({"status": "made", "name": name, "dir": dir});
    output.result(&told, || {
        format!(
            "{} {}\n\nNext:\n  {}\n  cargo test          its tests, without Wasm and without a host\n  interlock build     the component, and what it can do",
            styled(GREEN, "made"),
            dir.display(),
            styled(BOLD, format!("cd {}", shell::path(&dir))),
        )
    });
    Ok(0)
}

/// Why a name is none.
fn check(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(is_plain)
        || name.ends_with('-')
        || name.len() > MAX_NAME
    {
        return Err(format!(
            "a plugin's name has lower-case letters, digits and `-`, begins with a letter, and at most {MAX_NAME} characters"
        ));
    }
    if TAKEN.contains(&name) {
        return Err("the compiler knows something else by that name".to_owned());
    }
    Ok(())
}

/// The SDK of the checkout that this program was built in.
fn beside_this_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let sdk = |folder: &Path| folder.join("guest-sdk");
    program.ancestors().map(sdk).find(|sdk| sdk.join("wit/tool").is_dir())
}

fn no_sdk() -> Problem {
    Problem::usage("where the guest SDK is cannot be told from where this program is; name its folder with `--sdk`")
        .more("  It is `guest-sdk` in a checkout of Interlock.")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_are_names_everywhere() {
        for name in ["a", "fix-service", "x2", &"a".repeat(40)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "-a",
            "a-",
            "A",
            "fix_service",
            "é",
            "2x",
            "a b",
            "a/b",
            "../x",
            "serde",
            "test",
            &"a".repeat(41),
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
