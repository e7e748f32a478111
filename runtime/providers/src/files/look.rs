//! Looking: nothing here opens for writing, and each answer is bounded before it is read.

use super::{
    answer::{Problem, ok},
    path::{Below, is_reserved},
    provider::Place,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs::Metadata,
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
};

/// The most names of one answer.
const MAX_LISTED: usize = 500;

fn kind(meta: &Metadata) -> &'static str {
    if meta.is_file() {
        "file"
    } else if meta.is_dir() {
        "folder"
    } else {
        "other"
    }
}

/// Bytes of a file as the WIT's `u64`: JSON has it as a string.
fn size(meta: &Metadata) -> String {
    if meta.is_file() { meta.len().to_string() } else { "0".to_owned() }
}

impl Place {
    pub(super) fn list(&self, path: &Below, after: Option<&str>) -> Result<Value, Problem> {
        let folder = self.root.folder(path)?;
        let names = folder.names().map_err(|e| Problem::system("listing", path, &e))?;
        let mut names: Vec<String> = names
            .into_iter()
            .flatten()
            .filter(|name| !is_reserved(name) && after.is_none_or(|after| name.as_str() > after))
            .collect();
        names.sort_unstable();
        let more = names.len() > MAX_LISTED;
        names.truncate(MAX_LISTED);
        let mut entries = Vec::new();
        for name in names {
            match folder.look(&name) {
                Ok(Some(meta)) => {
                    entries.push(json!({ "name": name, "kind": kind(&meta), "size": size(&meta) }));
                }
                // It vanished while we looked.
                Ok(None) => {}
                Err(error) => return Err(Problem::system("listing", path, &error)),
            }
        }
        Ok(ok(json!({ "entries": entries, "more": more })))
    }

    pub(super) fn stat(&self, path: &Below) -> Result<Value, Problem> {
        let meta = self.root.look(path)?.ok_or_else(|| Problem::missing(path))?;
        let (kind, size, modified) = (kind(&meta), size(&meta), meta.mtime().to_string());
        Ok(ok(json!({ "kind": kind, "size": size, "modified": modified })))
    }

    pub(super) fn read_text(&self, path: &Below) -> Result<Value, Problem> {
        let (file, _) = self.root.file(path)?;
        let most = self.limits.file;
        let mut bytes = Vec::new();
        // One byte more than the limit is enough to know: the size that was told may have grown.
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| Problem::system("reading", path, &e))?;
        if bytes.len() as u64 > most {
            let why = format!("`{path}` has more than {most} bytes; read it in parts");
            return Err(Problem::Full(why));
        }
        let text = String::from_utf8(bytes);
        text.map(ok).map_err(|_| Problem::Invalid(format!("`{path}` is not UTF-8; read its bytes")))
    }

    pub(super) fn read_bytes(
        &self,
        path: &Below,
        offset: u64,
        length: u64,
    ) -> Result<Value, Problem> {
        let (mut file, meta) = self.root.file(path)?;
        let failed = |e| Problem::system("reading", path, &e);
        let mut bytes = Vec::new();
        if offset < meta.len() {
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        }
        Ok(ok(json!({ "content": STANDARD.encode(bytes), "size": size(&meta) })))
    }
}
