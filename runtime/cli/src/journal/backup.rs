//! `interlock journal backup`: a copy that can be put back. A file that is there stays as it is, and what does
//! not verify is no backup.

use crate::{
    output::{GREEN, Output, plain, size, styled},
    problem::Problem,
};
use interlock::record::{Journal, refused};
use interlock_store::StoreError;
use serde_json::json;
use std::path::Path;

pub(super) fn run(journal: &Journal, file: &Path, output: &Output) -> Result<(), Problem> {
    let _progress = output.progress("copying the journal");
    let backup = journal.store().backup(file).map_err(|error| match error {
        StoreError::Backup { .. } => Problem::new(2, error.code(), error.to_string()).more(
            "  Name a file that is not there yet, in a folder with room for the whole journal.",
        ),
        other => refused(other).into(),
    })?;
    let key = journal.store().identity().to_string();
    let (note, root) =
        backup.head.as_ref().map(|(note, head)| (note, head.root().to_string())).unzip();
    let told = json!({"status": "backed-up", "file": file, "leaves": backup.leaves(),
        "bytes": backup.bytes, "root": root, "head": note, "key": key});
    output.result(&told, || {
        format!(
            "{}: {} leaves, {}, each as it was written, in {}\nroot: {}\nlog key: {key}",
            styled(GREEN, "backed up"),
            backup.leaves(),
            size(backup.bytes),
            plain(&file.display().to_string()),
            root.as_deref().unwrap_or("(nothing was written yet)"),
        )
    });
    Ok(())
}
