//! The WIT that a plugin is built against where its language has no bindings of its own: the plugin's `wit/`, and
//! beside it the packages of this very host. A developer copies none of them, so none is an old copy; what the
//! world names wrongly is told here, in seconds, and not by a tool that ran for a minute.

use super::Told;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;
use wit_parser::{ParseError, Resolve, ResolveError, ResolveErrorKind, WorldKey};

/// The host's packages. All of them: which of their interfaces a plugin imports stands in its world.
const HOST: &[(&str, &str)] = &[
    ("interlock-tool", include_str!("../../../../guest-sdk/wit/tool/tool.wit")),
    (
        "interlock-environment",
        include_str!("../../../../guest-sdk/wit/environment/environment.wit"),
    ),
    ("interlock-files", include_str!("../../../../guest-sdk/wit/files/files.wit")),
    ("interlock-http", include_str!("../../../../guest-sdk/wit/http/http.wit")),
    ("interlock-kv", include_str!("../../../../guest-sdk/wit/kv/kv.wit")),
];
/// Where a plugin's world is with all that it names, below the plugin's folder.
pub(super) const WIT: &str = "build/wit";
/// What a plugin of the SDK exports.
const TOOLS: &str = "interlock:tool/tools@";
/// Folders in folders of `wit/`: `deps/NAME` and no deeper.
const DEPTH: usize = 2;

/// Why there is no world to build against.
#[derive(Debug, Error)]
pub(super) enum Wrong {
    #[error("the WIT of the plugin cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the plugin's world cannot be built against this host's WIT")]
    Wit { said: String },
}

impl Told for Wrong {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "wit-unreadable",
            Self::Wit { .. } => "other-wit",
        }
    }

    fn said(&self) -> &str {
        match self {
            Self::Unreadable(_) => "",
            Self::Wit { said } => said,
        }
    }

    fn next(&self) -> Option<String> {
        match self {
            Self::Unreadable(_) => None,
            Self::Wit { .. } => Some(format!(
                "This host has:\n    {}\n  Packages of your own go into wit/deps.",
                offered().replace('\n', "\n    ")
            )),
        }
    }
}

/// A plugin's world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) name: String,
    /// Whether it exports `interlock:tool/tools`, and is no world of plain functions.
    pub(super) has_tools: bool,
}

/// Puts `wit/` of the plugin in `dir` and the host's packages into [`WIT`], and reads them. Gives the world.
pub(super) fn prepare(dir: &Path) -> Result<World, Wrong> {
    let (own, wit) = (dir.join("wit"), dir.join(WIT));
    match fs::remove_dir_all(&wit) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    copy(&own, &wit, DEPTH)?;
    for (package, text) in HOST {
        let folder = wit.join("deps").join(package);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("host.wit"), text)?;
    }
    let mut resolve = Resolve::default();
    let world = resolve.push_dir(&wit).and_then(|(package, _)| {
        let world = resolve.select_world(&[package], None)?;
        Ok(resolve.worlds.get(world).map(|world| World {
            name: world.name.clone(),
            has_tools: world.exports.keys().any(|export| {
                let WorldKey::Interface(id) = export else { return false };
                resolve.id_of(*id).is_some_and(|name| name.starts_with(TOOLS))
            }),
        }))
    });
    match world {
        Ok(Some(world)) => Ok(world),
        Ok(None) => Err(Wrong::Wit { said: "there is no world in it".to_owned() }),
        Err(error) => {
            let cause = error.root_cause();
            let said = if let Some(error) = cause.downcast_ref::<ResolveError>() {
                let what = match error.kind() {
                    ResolveErrorKind::PackageNotFound { requested, .. } => {
                        format!("this host has no package `{requested}`")
                    }
                    kind => kind.to_string(),
                };
                format!("{}: {what}", resolve.render_location(error.kind().span()))
            } else if let Some(error) = cause.downcast_ref::<ParseError>() {
                format!("{}: {error}", resolve.render_location(error.kind().span()))
            } else {
                cause.to_string()
            };
            // The developer's file, and not the copy.
            let said = said.replace(&wit.display().to_string(), &own.display().to_string());
            Err(Wrong::Wit { said })
        }
    }
}

/// The file that the component of a world will be. What is there is of an earlier build, would pass for this one's, and
/// goes.
pub(super) fn built(dir: &Path, world: &str) -> Result<PathBuf, Wrong> {
    let built = dir.join("build").join(format!("{world}.wasm"));
    match fs::remove_file(&built) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(built),
    }
}

/// What a world may name on this host, for whoever named something else.
fn offered() -> String {
    let mut lines = Vec::new();
    let mut resolve = Resolve::default();
    for (package, text) in HOST {
        let Ok(id) = resolve.push_str(format!("{package}.wit"), text) else { continue };
        let Some(package) = resolve.packages.get(id) else { continue };
        let names: Vec<&str> = package.interfaces.keys().map(String::as_str).collect();
        lines.push(format!("{}  {}", package.name, names.join(", ")));
    }
    lines.join("\n")
}

/// Copies the `.wit` files of a folder.
fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            if depth > 0 {
                copy(&from, &to, depth - 1)?;
            }
        } else if from.extension().is_some_and(|extension| extension == "wit") {
            fs::write(&to, fs::read(&from)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(text: &str) -> Result<World, Wrong> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("wit")).unwrap();
        fs::write(dir.path().join("wit/world.wit"), text).unwrap();
        prepare(dir.path())
    }

    #[test]
    fn a_world_has_the_packages_of_this_host() {
        let text = "package a:b;\nworld fix-it {\n  include interlock:tool/plugin@0.1.0;\n  \
            import interlock:environment/observe@0.1.0;\n  import interlock:http/fetch@0.1.0;\n  \
            import interlock:files/read@0.1.0;\n  import interlock:kv/read@0.1.0;\n}\n";
        let read = world(text).unwrap();
        assert_eq!((read.name.as_str(), read.has_tools), ("fix-it", true));
        let plain = world("package a:b;\nworld w {\n  export go: func();\n}\n").unwrap();
        assert!(!plain.has_tools, "{plain:?}");
    }

    #[test]
    fn what_this_host_has_not_is_named_with_its_line() {
        for (import, says) in [
            ("interlock:environment/observe@0.2.0", "interlock:environment@0.2.0"),
            ("interlock:environment/look@0.1.0", "interface"),
            ("acme:cache/admin@1.0.0", "acme:cache@1.0.0"),
        ] {
            let text = format!("package a:b;\nworld w {{\n  import {import};\n}}\n");
            let Err(Wrong::Wit { said }) = world(&text) else { panic!("{import} was found") };
            assert!(said.contains(says) && said.contains("/wit/world.wit:3:"), "{said}");
            assert!(!said.contains("build/wit"), "{said}");
        }
        assert!(matches!(world("package a:b;"), Err(Wrong::Wit { .. })));
        let Err(Wrong::Wit { said }) = world("package a:b;\nworld {\n") else { panic!("read") };
        assert!(said.contains("/wit/world.wit:2:7"), "{said}");
    }

    #[test]
    fn what_is_offered_are_packages_with_versions_and_their_interfaces() {
        let all = offered();
        assert_eq!(all.lines().count(), HOST.len(), "{all}");
        assert!(all.contains("interlock:environment@0.1.0  types, observe"), "{all}");
    }
}
