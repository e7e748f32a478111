//! What the definitions of services start: whoever can write one of those programs decides what runs.

use super::{
    definition::Definition,
    environments::{DEFINITION, SERVICES},
};
use std::path::Path;

/// The largest definition that is looked at, bytes.
const MOST: u64 = 1 << 20;

/// The command of each service in each environment below a folder. Definitions that cannot be read start nothing, and
/// are told of where they are asked for.
pub fn commands(root: &Path) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for environment in folders(root) {
        for service in folders(&environment.join(SERVICES)) {
            let file = service.join(DEFINITION);
            let small = file.symlink_metadata().is_ok_and(|m| m.is_file() && m.len() <= MOST);
            let text = small.then(|| std::fs::read_to_string(&file).ok()).flatten();
            let definition = text.map(|text| Definition::parse(DEFINITION, &text));
            all.extend(definition.and_then(Result::ok).map(|definition| definition.command));
        }
    }
    all.sort();
    all
}

fn folders(of: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path())
}
