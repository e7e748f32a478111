//! The modules of a plugin in JavaScript, in one folder: its own, and the SDK as npm put it into `node_modules`. They
//! are copies, because the tool takes no link out of its root, and npm makes one of an SDK on this disk; and because
//! nothing that lies about in the plugin's folder should become part of a component.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where they are, below the plugin's folder.
pub(super) const SOURCES: &str = "build/src";
/// The SDK, as modules name it.
pub(super) const SDK: &str = "interlock-guest";
/// The module that the tool is given: the plugin's, held to what the host will call. Otherwise what is missing would be
/// known when the component is first asked, and then it only traps. In a folder that no copy has a name in.
pub(super) const ENTRY: &str = "build/src/build/entry.js";
/// How it says that there are no tools.
pub(super) const NO_TOOLS: &str = "plugin.js has no export `tools`";
/// What in a plugin's folder is no part of the plugin, and what of the SDK is for tests.
const NOT_OF_A_PLUGIN: &[&str] = &["build", "test", "wit"];
const NOT_OF_THE_SDK: &[&str] = &["test", "testing"];
/// Folders in folders.
const DEPTH: usize = 8;

/// Whether npm has put the SDK into the plugin's folder.
pub(super) fn has_sdk(dir: &Path) -> bool {
    dir.join("node_modules").join(SDK).join("package.json").is_file()
}

/// Where the SDK in the plugin's folder should be, where it is a link that leads nowhere: npm makes such a one too.
pub(super) fn lost_sdk(dir: &Path) -> Option<PathBuf> {
    let link = dir.join("node_modules").join(SDK);
    if link.exists() { None } else { fs::read_link(link).ok() }
}

/// Copies the modules of the plugin in `dir`, and its SDK's, into [`SOURCES`], and writes [`ENTRY`]. What an earlier
/// build left there goes. `has_tools`: whether its world exports tools.
pub(super) fn stage(dir: &Path, has_tools: bool) -> io::Result<()> {
    let to = dir.join(SOURCES);
    match fs::remove_dir_all(&to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let sdk = Path::new("node_modules").join(SDK);
    copy(dir, &to, NOT_OF_A_PLUGIN, DEPTH)?;
    copy(&dir.join(&sdk), &to.join(&sdk), NOT_OF_THE_SDK, DEPTH)?;
    let entry = dir.join(ENTRY);
    if let Some(folder) = entry.parent() {
        fs::create_dir_all(folder)?;
    }
    let held = format!(
        "import * as plugin from \"../plugin.js\";\nconst {{ tools }} = plugin;\n\
         if (typeof tools?.describe !== \"function\" || typeof tools?.call !== \"function\") {{\n  \
         throw new Error({NO_TOOLS:?});\n}}\n"
    );
    let all = "export * from \"../plugin.js\";\n";
    fs::write(entry, if has_tools { held + all } else { all.to_owned() })
}

/// Copies the modules of a folder, and what says what they are.
fn copy(from: &Path, to: &Path, without: &[&str], depth: usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            let name = name.to_string_lossy();
            let is_left_out = name.starts_with('.') || name == "node_modules";
            if !is_left_out && !without.contains(&name.as_ref()) && depth > 0 {
                copy(&path, &to.join(name.as_ref()), &[], depth - 1)?;
            }
        } else if name == "package.json" || path.extension().is_some_and(|is| is == "js") {
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_made_of_the_plugin_and_its_sdk_and_of_nothing_else() {
        let (dir, sdk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = dir.path();
        let write = |file: std::path::PathBuf| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        };
        let own = ["plugin.js", "package.json", "lib/test/words.js"];
        let others = [".env", ".git/a.js", "key.pem", "test/a.js", "node_modules/left-pad/a.js"];
        own.iter().chain(&others).for_each(|name| write(dir.join(name)));
        assert!(!has_sdk(dir));
        let of_sdk = ["package.json", "index.js", "environment/observe.js"];
        of_sdk.iter().chain(&["testing/a.js"]).for_each(|name| write(sdk.path().join(name)));
        std::os::unix::fs::symlink(sdk.path(), dir.join("node_modules").join(SDK)).unwrap();
        assert!(has_sdk(dir));
        write(dir.join(SOURCES).join("earlier.js"));
        stage(dir, true).unwrap();
        let mut found = Vec::new();
        let mut folders = vec![dir.join(SOURCES)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                assert!(!path.is_symlink(), "{path:?}");
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(dir.join(SOURCES)).unwrap();
                    found.push(name.display().to_string());
                }
            }
        }
        let of_sdk = of_sdk.iter().map(|name| format!("node_modules/{SDK}/{name}"));
        let own = own.iter().chain(&["build/entry.js"]).map(|name| name.to_string());
        let mut all: Vec<String> = own.chain(of_sdk).collect();
        all.sort();
        found.sort();
        assert_eq!(found, all);
        let entry = || fs::read_to_string(dir.join(ENTRY)).unwrap();
        assert!(entry().contains(NO_TOOLS));
        // A world of plain functions has no tools to forget.
        stage(dir, false).unwrap();
        assert_eq!(entry(), "export * from \"../plugin.js\";\n");
        assert!(lost_sdk(dir).is_none());
        let gone = sdk.path().to_owned();
        drop(sdk);
        assert!(!has_sdk(dir));
        assert_eq!(lost_sdk(dir), Some(gone));
    }
}
