//! How a release is compiled: one cargo command whose result depends on the sources and the tools, and on nothing of the
//! place where it runs.
//!
//! The mistakes it stops: a path of the build in a panic message, and a flag or a profile from somebody's environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask_release::bill::{self, Key, PACKAGE, RELEASED};

use crate::source::{Source, said};
use xtask::command::{Show, cargo, demand};
use xtask::ui::Ui;

/// The profile of a release.
pub(crate) const RELEASE: &str = "release";

/// What of the environment would change what is compiled: by the beginning of its name.
const OF_SOMEBODY: [&str; 15] = [
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "CARGO_BUILD_",
    "CARGO_ENCODED_",
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CFLAGS",
    "TARGET_CFLAGS",
    "TARGET_CC",
    "CC_",
    "CRATE_CC_",
    // With one of these the machine's own SQLite would be linked.
    "LIBSQLITE3_",
    "SQLITE3_",
    "RING_",
];

/// The compiler.
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub(crate) line: String,
    /// `1.95.0`.
    pub(crate) release: String,
    /// The whole hash of its commit.
    pub(crate) commit: String,
    /// What it runs on, which is what is built for.
    pub(crate) host: String,
    /// Where it is installed.
    pub(crate) sysroot: PathBuf,
}

impl Compiler {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let rustc = || {
            let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
            rustc.current_dir(root);
            rustc
        };
        let about = said(rustc().arg("-vV")).context("rustc cannot be asked for its version")?;
        let word = |name: &str| {
            let line = about.lines().find_map(|line| line.strip_prefix(name));
            let word = line.map(|rest| rest.trim().to_owned());
            word.with_context(|| format!("rustc does not say its `{name}`"))
        };
        let sysroot = said(rustc().args(["--print", "sysroot"])).context("rustc has no sysroot")?;
        Ok(Self {
            line: about.lines().next().unwrap_or_default().to_owned(),
            release: word("release:")?,
            commit: word("commit-hash:")?,
            host: word("host:")?,
            sysroot: sysroot.into(),
        })
    }
}

/// Where it is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The sources.
    pub(crate) tree: PathBuf,
    /// What is compiled.
    pub(crate) target: PathBuf,
    /// The dependencies' sources.
    pub(crate) cargo_home: PathBuf,
}

impl Place {
    /// A place with the cargo home that is in force.
    pub(crate) fn of(tree: &Path, target: PathBuf) -> Result<Self> {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
        let cargo_home = cargo_home.context("neither CARGO_HOME nor HOME is set")?;
        Ok(Self { tree: tree.to_owned(), target, cargo_home })
    }

    /// Each folder of this place with what is written instead of it. Of several that fit, the compilers take the last.
    fn names(&self, compiler: &Compiler) -> Vec<(PathBuf, String)> {
        let sources = compiler.sysroot.join("lib/rustlib/src/rust");
        let own = [
            (&self.tree, "/interlock".to_owned()),
            (&self.target, "/interlock-build".to_owned()),
            (&self.cargo_home, "/cargo".to_owned()),
            (&compiler.sysroot, "/rust".to_owned()),
            // As in the standard library that comes compiled: with and without its sources installed it is the same.
            (&sources, format!("/rustc/{}", compiler.commit)),
        ];
        let mut names = Vec::new();
        for (folder, name) in own {
            let real = folder.canonicalize().ok().filter(|real| real != folder);
            names.extend(
                [Some(folder.clone()), real].into_iter().flatten().map(|f| (f, name.clone())),
            );
        }
        names
    }

    /// The folders that must not be named in the binary.
    pub(crate) fn hidden(&self, compiler: &Compiler) -> Vec<PathBuf> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        self.names(compiler).into_iter().map(|(folder, _)| folder).chain(home).collect()
    }
}

/// What is compiled, and how.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) profile: String,
    pub(crate) compiler: Compiler,
    pub(crate) source: Source,
    /// The version of cargo-auditable.
    pub(crate) auditable: String,
}

/// What came of it.
pub(crate) struct Built {
    pub(crate) binary: PathBuf,
    /// The packages that cargo compiled for the target.
    pub(crate) linked: BTreeSet<Key>,
    /// Those that it compiled for the build itself, and for it alone.
    pub(crate) builds: BTreeSet<Key>,
}

/// Sets up a build in a place: what is there already and would change it goes, and paths get their names.
pub(crate) fn prepare(command: &mut Command, place: &Place, compiler: &Compiler, epoch: u64) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CC" || OF_SOMEBODY.iter().any(|begin| text.starts_with(begin)) {
            command.env_remove(&name);
        }
    }
    let names = place.names(compiler);
    let flags: Vec<String> = names
        .iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect();
    // Before every other source of flags, configuration files included.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    let quoted: Vec<String> = names
        .iter()
        .map(|(folder, name)| format!("-ffile-prefix-map={}={name}", folder.display()))
        .map(|flag| format!("'{}'", flag.replace('\'', r"'\''")))
        .collect();
    // For the C in ring and SQLite, which the crate `cc` compiles.
    command.env(format!("CFLAGS_{}", compiler.host.replace('-', "_")), quoted.join(" "));
    command.env("CC_SHELL_ESCAPED_FLAGS", "1");
    command.env("CARGO_HOME", &place.cargo_home).env("SOURCE_DATE_EPOCH", epoch.to_string());
}

/// The variable that takes symbols out of what a profile links. LLVM gives what it moves between the parts of a crate a
/// name with a number in it that is another one in another folder; the code and the data are the same.
fn strip(profile: &str) -> String {
    format!("CARGO_PROFILE_{}_STRIP", profile.to_uppercase().replace('-', "_"))
}

/// Compiles the binary.
pub(crate) fn build(ui: &Ui, place: &Place, recipe: &Recipe) -> Result<Built> {
    let mut command = cargo(&place.tree);
    command.args(["auditable", "build", "--locked", "--profile", &recipe.profile]);
    command.args(["--package", PACKAGE, "--bin", RELEASED]);
    // Said, though it is the one that would be taken: then flags are for it alone, and what is compiled for it has a
    // folder of its own.
    command.args(["--target", &recipe.compiler.host]);
    command.arg("--target-dir").arg(&place.target);
    command.args(["--message-format", "json-render-diagnostics"]);
    prepare(&mut command, place, &recipe.compiler, recipe.source.epoch);
    command.env(strip(&recipe.profile), "symbols");
    let ran = demand(ui, &place.tree, "build release", &mut command, Show::Messages)?;
    let metadata = cargo(&place.tree)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", &recipe.compiler.host])
        .env("CARGO_HOME", &place.cargo_home)
        .output()?;
    ensure!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let ids = bill::ids(&serde_json::from_slice(&metadata.stdout)?);
    let ids = ids.context("cargo metadata changed shape")?;
    let for_target = place.target.join(&recipe.compiler.host);
    let mut built =
        Built { binary: PathBuf::new(), linked: BTreeSet::new(), builds: BTreeSet::new() };
    for line in &ran.stdout {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        if text("reason") != Some("compiler-artifact") {
            continue;
        }
        let id = text("package_id").context("an artifact of no package")?;
        let key = ids.get(id).with_context(|| format!("cargo built `{id}`, and knows no such"))?;
        let files = message.get("filenames").and_then(Value::as_array).into_iter().flatten();
        let mut files = files.filter_map(Value::as_str).map(Path::new);
        if files.any(|file| file.starts_with(&for_target)) {
            built.linked.insert(key.clone());
        } else {
            built.builds.insert(key.clone());
        }
        if let Some(binary) = text("executable") {
            built.binary = binary.into();
        }
    }
    built.builds = built.builds.difference(&built.linked).cloned().collect();
    ensure!(built.binary.is_file(), "cargo built no executable `{RELEASED}`");
    Ok(built)
}

/// Fails where the bill and the build differ, and says in what.
pub(crate) fn same(what: &str, bill: &BTreeSet<Key>, built: &BTreeSet<Key>) -> Result<()> {
    let words = |keys: BTreeSet<&Key>| {
        let words = keys.into_iter().map(|(name, version)| format!("{name} {version}"));
        words.collect::<Vec<_>>().join(", ")
    };
    let more = words(bill.difference(built).collect());
    let less = words(built.difference(bill).collect());
    ensure!(
        more.is_empty() && less.is_empty(),
        "the bill of materials is not what was compiled ({what}); in the bill alone: [{more}]; compiled alone: [{less}]"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare, leaks};

    /// A crate whose binary has the path of its source in it, as a panic does.
    fn tree(folder: &Path) {
        std::fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = "[package]\nname = \"small\"\nversion = \"0.0.1\"\nedition = \"2024\"\n[workspace]\n\
            [dependencies]\nwithin = { path = \"within\" }\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        std::fs::write(
            folder.join("src/main.rs"),
            "fn main() { println!(\"{}\", within::place()); }",
        )
        .unwrap();
        std::fs::create_dir_all(folder.join("within/src")).unwrap();
        let within =
            manifest.replace("small", "within").split("[workspace]").next().unwrap().to_owned();
        std::fs::write(folder.join("within/Cargo.toml"), within).unwrap();
        std::fs::write(
            folder.join("within/build.rs"),
            "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::write(format!(\"{out}/made.rs\"), \
             \"pub fn place() -> &'static str { std::panic::Location::caller().file() }\").unwrap();\n}\n",
        )
        .unwrap();
        std::fs::write(
            folder.join("within/src/lib.rs"),
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));",
        )
        .unwrap();
    }

    fn compiled(folder: &Path, prepared: bool) -> (Vec<u8>, Place, Compiler) {
        tree(folder);
        let place = Place::of(folder, folder.join("made here")).unwrap();
        let compiler = Compiler::read(folder).unwrap();
        let mut command = cargo(folder);
        command.args(["build", "--quiet", "--offline", "--target", &compiler.host, "--target-dir"]);
        command.arg(&place.target);
        if prepared {
            prepare(&mut command, &place, &compiler, 1);
        }
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let binary = place.target.join(&compiler.host).join("debug/small");
        (std::fs::read(binary).unwrap(), place, compiler)
    }

    /// The smallest release there is, at two places whose paths differ in length and in what must be quoted.
    #[test]
    fn what_is_built_at_two_places_is_the_same_and_names_neither() {
        let root = std::env::temp_dir().join(format!("xtask-recipe-{}", std::process::id()));
        let (one, place, compiler) = compiled(&root.join("one"), true);
        let (other, _, _) = compiled(&root.join("quite another's place"), true);
        assert!(leaks::check(&one, &place.hidden(&compiler)).is_ok());
        assert!(one == other, "{:?}", compare::differences(&one, &other).unwrap());
        // And it is not so by itself.
        let (bare, place, compiler) = compiled(&root.join("bare"), false);
        let told = leaks::check(&bare, &place.hidden(&compiler)).unwrap_err().to_string();
        assert!(told.contains("bare"), "{told}");
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_bill_that_is_not_what_was_compiled_is_told_both_ways() {
        let keys =
            |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), "1".to_owned())).collect();
        assert!(same("linked", &keys(&["a", "b"]), &keys(&["b", "a"])).is_ok());
        let told = same("linked", &keys(&["a", "c"]), &keys(&["b", "c"])).unwrap_err().to_string();
        assert!(
            told.contains("bill alone: [a 1]") && told.contains("compiled alone: [b 1]"),
            "{told}"
        );
    }
}
