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
use interlock::{HostError, config::edit::write_atomically};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// The files of a plugin in Rust.
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    (".gitignore", "/target\n"),
];
/// The files of a plugin in Python, beside the link to its SDK.
const PYTHON: &[(&str, &str)] = &[
    ("plugin.py", include_str!("python/plugin.py.txt")),
    ("test_plugin.py", include_str!("python/test_plugin.py.txt")),
    ("wit/world.wit", include_str!("python/world.wit.txt")),
    ("README.md", include_str!("python/README.md.txt")),
    (".gitignore", "/build/\n__pycache__/\n"),
];
/// The SDK for Python below the guest SDK's folder, and the link's name: that of the package.
const PYTHON_SDK: (&str, &str) = ("python/interlock_guest", "interlock_guest");
/// The files of a plugin in JavaScript. Its SDK and what builds it come by `npm install`.
const JAVASCRIPT: &[(&str, &str)] = &[
    ("plugin.js", include_str!("js/plugin.js.txt")),
    ("test/plugin.test.js", include_str!("js/plugin.test.js.txt")),
    ("wit/world.wit", include_str!("js/world.wit.txt")),
    ("package.json", include_str!("js/package.json.txt")),
    ("README.md", include_str!("js/README.md.txt")),
    (".gitignore", "/build/\n/node_modules/\n"),
];
/// The SDK for JavaScript below the guest SDK's folder.
const JAVASCRIPT_SDK: &str = "js";
/// The longest name: the one that a deployment installs, `is_plugin_name`.
const MAX_NAME: usize = 31;
/// Names that would be two things for the compiler.
const TAKEN: &[&str] =
    &["core", "std", "alloc", "test", "proc-macro", "serde", "schemars", "interlock-guest"];
/// Names that would be two things for npm: those of what it installs there.
const TAKEN_OF_NPM: &[&str] = &["interlock-guest", "componentize-qjs"];

pub(super) fn run(arguments: &NewArguments, output: &Output) -> Ending {
    let name = &arguments.name;
    check(name, arguments.lang)
        .map_err(|problem| Problem::usage(format!("`{name}`: {problem}")))?;
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
    let (files, mark, first, tests) = match arguments.lang {
        Language::Rust => (RUST, "Cargo.toml", None, "cargo test"),
        Language::Python => (PYTHON, PYTHON_SDK.0, None, "python3 -m unittest"),
        Language::JavaScript => (
            JAVASCRIPT,
            "js/package.json",
            Some(("npm install", "the guest SDK, and what makes the component")),
            "npm test",
        ),
    };
    let Some(sdk) = sdk.canonicalize().ok().filter(|sdk| sdk.join(mark).exists()) else {
        return Err(Problem::usage(format!("{} is not the guest SDK's folder", sdk.display())));
    };
    // As TOML reads it back, and JSON: a path may have quotes in it.
    let quoted = toml::Value::String(sdk.display().to_string()).to_string();
    let for_npm = json!(format!("file:{}", sdk.join(JAVASCRIPT_SDK).display())).to_string();
    let mut made = Made::default();
    made.folder(&dir)?;
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            made.folder(folder)?;
        }
        let text = text
            .replace("\"{{sdk}}\"", &quoted)
            .replace("\"file:{{sdk}}\"", &for_npm)
            .replace("{{file}}", &name.replace('-', "_"))
            .replace("{{name}}", name);
        made.before(&path, |p| fs::remove_file(p));
        write_atomically(&path, text.as_bytes(), 0o644)?;
    }
    if arguments.lang == Language::Python {
        let link = dir.join(PYTHON_SDK.1);
        made.before(&link, |p| fs::remove_file(p));
        symlink(sdk.join(PYTHON_SDK.0), &link)
            .map_err(HostError::io(format!("cannot make {}", link.display())))?;
    }
    made.keep();
    let told = json!({"status": "made", "name": name, "dir": dir});
    output.result(&told, || {
        let steps = [
            (tests, "its tests, without Wasm and without a host"),
            ("interlock build", "the component, and what it can do"),
        ];
        let steps = first.into_iter().chain(steps);
        let steps: String = steps.map(|(step, what)| format!("\n  {step:<24}{what}")).collect();
        format!(
            "{} {}\n\nNext:\n  {}{steps}",
            styled(GREEN, "made"),
            dir.display(),
            styled(BOLD, format!("cd {}", shell::path(&dir))),
        )
    });
    Ok(0)
}

/// Why a name is none.
fn check(name: &str, lang: Language) -> Result<(), String> {
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
    // It becomes the name of a package and of a world, so it must be one that WIT reads.
    let is_none_of_wit = || {
        let text = format!("package plugin:{name};\nworld {name} {{}}\n");
        wit_parser::Resolve::default().push_str("world.wit", &text).is_err()
    };
    let is_taken = match lang {
        Language::Rust => TAKEN.contains(&name),
        Language::Python => is_none_of_wit(),
        Language::JavaScript => TAKEN_OF_NPM.contains(&name) || is_none_of_wit(),
    };
    if is_taken {
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
    use super::{Language, check};

    #[test]
    fn names_are_names_everywhere() {
        for name in ["a", "fix-service", "x2", &"a".repeat(31)] {
            for lang in [Language::Rust, Language::Python, Language::JavaScript] {
                assert!(check(name, lang).is_ok(), "{name}");
            }
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
            &"a".repeat(32),
        ] {
            assert!(check(name, Language::Rust).is_err(), "{name}");
        }
        for name in ["world", "interface", "a--b", "A"] {
            assert!(check(name, Language::Python).is_err(), "{name}");
            assert!(check(name, Language::JavaScript).is_err(), "{name}");
        }
        for name in ["interlock-guest", "componentize-qjs"] {
            assert!(check(name, Language::JavaScript).is_err(), "{name}");
        }
    }
}
