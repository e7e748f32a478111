//! What an effect would do, over the folder as it is and the effects planned before it. Forecasts and effects
//! share this one description: what people were shown and what is done cannot be told apart by two codes.

use super::{
    answer::{Problem, ok},
    beneath::{Folder, Root},
    path::{Below, is_reserved},
    settings::{FolderLimits, MAX_DEPTH, MAX_ENTRIES},
};
use rustix::io::Errno;
use serde_json::Value;
use std::{collections::BTreeMap, ffi::CString, os::unix::fs::MetadataExt as _};

/// The most folders, one in the other, that are open while a folder is measured: more than any plugin can make.
const MAX_OPEN: usize = MAX_DEPTH as usize + 4;

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    Write(Vec<u8>),
    Append(Vec<u8>),
    MakeFolder,
    DeleteFile,
    DeleteFolder,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Absent,
    File { size: u64, names: u64 },
    Folder,
    Other,
}

/// What would come of an operation.
pub(super) enum Outcome {
    /// The world would change so.
    Effect { verb: &'static str, counts: BTreeMap<String, u64> },
    /// The guest gets this answer, and nothing changes.
    Answer(Value),
}

/// A folder with the effects of a plan laid over it.
pub(super) struct Model<'r> {
    root: &'r Root,
    limits: FolderLimits,
    laid: BTreeMap<Below, Node>,
    /// Files and folders, and bytes; counted when a limit is asked for the first time. What cannot be counted is full.
    used: Option<Option<(u64, u64)>>,
    /// Bytes and entries that the effects before changed.
    more: (i128, i128),
}

impl<'r> Model<'r> {
    pub(super) fn new(root: &'r Root, limits: FolderLimits) -> Self {
        Self { root, limits, laid: BTreeMap::new(), used: None, more: (0, 0) }
    }

    fn node(&self, path: &Below) -> Result<Node, Problem> {
        if let Some(node) = self.laid.get(path) {
            return Ok(*node);
        }
        match self.root.look(path) {
            Ok(None) => Ok(Node::Absent),
            // What was made in the plan has nothing on disk below it.
            Err(Problem::NotFound(_)) => Ok(Node::Absent),
            Err(problem) => Err(problem),
            Ok(Some(meta)) => Ok(if meta.is_file() {
                Node::File { size: meta.len(), names: meta.nlink() }
            } else if meta.is_dir() {
                Node::Folder
            } else {
                Node::Other
            }),
        }
    }

    /// What the operation would do; afterwards the model is the world with it done.
    pub(super) fn apply(&mut self, path: &Below, operation: &Operation) -> Outcome {
        match self.effect(path, operation) {
            Ok(outcome) => outcome,
            Err(problem) => Outcome::Answer(problem.answer()),
        }
    }

    fn effect(&mut self, path: &Below, operation: &Operation) -> Result<Outcome, Problem> {
        let Some((parent, _)) = path.split() else {
            return Err(Problem::Invalid("the folder itself is not changed".to_owned()));
        };
        match self.node(&parent)? {
            Node::Folder => {}
            Node::Absent => return Err(Problem::missing(&parent)),
            Node::File { .. } | Node::Other => return Err(Problem::blocked(path)),
        }
        let node = self.node(path)?;
        let effect = |verb, counts: &[(&str, u64)]| Outcome::Effect {
            verb,
            counts: counts.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect(),
        };
        match (operation, node) {
            (_, Node::Other) => Err(Problem::not_a_file(path)),
            (Operation::Write(bytes), Node::Absent) | (Operation::Append(bytes), Node::Absent) => {
                let size = self.fits(path, bytes.len() as u64)?;
                self.room(i128::from(size), 1)?;
                self.laid.insert(path.clone(), Node::File { size, names: 1 });
                Ok(effect("create", &[("creates files", 1), ("writes bytes", size)]))
            }
            // Another name of the file would keep the old content, and nobody would be told.
            (Operation::Write(_) | Operation::Append(_), Node::File { names: 2.., .. }) => {
                Err(Problem::Invalid(format!("`{path}` has other names (hard links)")))
            }
            (Operation::Write(bytes), Node::File { size: old, .. }) => {
                let size = self.fits(path, bytes.len() as u64)?;
                self.room(i128::from(size) - i128::from(old), 0)?;
                self.laid.insert(path.clone(), Node::File { size, names: 1 });
                let counts =
                    [("replaces files", 1), ("replaces bytes", old), ("writes bytes", size)];
                Ok(effect("replace", &counts))
            }
            (Operation::Append(bytes), Node::File { size: old, .. }) => {
                let size = self.fits(path, old.saturating_add(bytes.len() as u64))?;
                self.room(i128::from(size) - i128::from(old), 0)?;
                self.laid.insert(path.clone(), Node::File { size, names: 1 });
                Ok(effect("append", &[("appends bytes", bytes.len() as u64)]))
            }
            (Operation::MakeFolder, Node::Absent) => {
                self.room(0, 1)?;
                self.laid.insert(path.clone(), Node::Folder);
                Ok(effect("make", &[("makes folders", 1)]))
            }
            (Operation::MakeFolder, Node::Folder) => Ok(Outcome::Answer(ok(Value::Null))),
            (Operation::DeleteFile | Operation::DeleteFolder, Node::Absent) => {
                Err(Problem::missing(path))
            }
            (Operation::DeleteFile, Node::File { size, .. }) => {
                self.more.0 -= i128::from(size);
                self.more.1 -= 1;
                self.laid.insert(path.clone(), Node::Absent);
                Ok(effect("delete", &[("deletes files", 1), ("deletes bytes", size)]))
            }
            (Operation::DeleteFolder, Node::Folder) => {
                if !self.is_empty(path)? {
                    let why = format!("`{path}` is not empty; delete what is in it first");
                    return Err(Problem::Invalid(why));
                }
                self.more.1 -= 1;
                self.laid.insert(path.clone(), Node::Absent);
                Ok(effect("delete", &[("deletes folders", 1)]))
            }
            (Operation::DeleteFolder | Operation::MakeFolder, Node::File { .. }) => {
                Err(Problem::Invalid(format!("`{path}` is a file")))
            }
            (Operation::DeleteFile | Operation::Write(_) | Operation::Append(_), Node::Folder) => {
                Err(Problem::Invalid(format!("`{path}` is a folder")))
            }
        }
    }

    fn fits(&self, path: &Below, size: u64) -> Result<u64, Problem> {
        let most = self.limits.file;
        if size <= most {
            return Ok(size);
        }
        Err(Problem::Full(format!(
            "`{path}` would have {size} bytes; a file here has at most {most}"
        )))
    }

    /// Whether the folder takes this much more. Becoming smaller is always taken.
    fn room(&mut self, bytes: i128, entries: i128) -> Result<(), Problem> {
        if bytes > 0 || entries > 0 {
            let used = match self.used {
                Some(used) => used,
                None => *self.used.insert(used(self.root)?),
            };
            let Some((used_entries, used_bytes)) = used else {
                return Err(Problem::Full(format!(
                    "the folder cannot be measured and counts as full: it has more than {MAX_ENTRIES} files and folders, is too deep, or cannot be read everywhere"
                )));
            };
            let limits = self.limits;
            let all = i128::from(used_bytes) + self.more.0 + bytes;
            if bytes > 0 && all > i128::from(limits.total) {
                let why =
                    format!("the files of the folder have at most {} bytes together", limits.total);
                return Err(Problem::Full(why));
            }
            let all = i128::from(used_entries) + self.more.1 + entries;
            if entries > 0 && all > i128::from(limits.entries) {
                let why = format!("the folder holds at most {} files and folders", limits.entries);
                return Err(Problem::Full(why));
            }
        }
        self.more = (self.more.0 + bytes, self.more.1 + entries);
        Ok(())
    }

    fn is_empty(&self, path: &Below) -> Result<bool, Problem> {
        let below = |p: &Below| p.split().is_some_and(|(parent, _)| parent == *path);
        let laid = self.laid.iter().filter(|(p, _)| below(p));
        let (mut here, mut gone) = (0, Vec::new());
        for (path, node) in laid {
            if *node == Node::Absent {
                gone.extend(path.names().last());
            } else {
                here += 1;
            }
        }
        let folder = match self.root.folder(path) {
            Ok(folder) => folder,
            // Made in this plan.
            Err(Problem::NotFound(_)) => return Ok(here == 0),
            Err(problem) => return Err(problem),
        };
        let names = folder.names().map_err(|e| Problem::system("listing", path, &e))?;
        let left = names.into_iter().filter(|name| match name {
            Some(name) => !gone.contains(&name) && !is_leftover(name),
            None => true,
        });
        Ok(here == 0 && left.count() == 0)
    }
}

/// Whether a name is that of a file that we did not come to rename.
pub(super) fn is_leftover(name: &str) -> bool {
    is_reserved(name) && name.starts_with(super::effect::TEMPORARY)
}

/// Counts entries and bytes below the root, links not followed; nothing where it cannot measure all of it.
fn used(root: &Root) -> Result<Option<(u64, u64)>, Problem> {
    let (mut entries, mut bytes) = (0u64, 0u64);
    // Depth first: only the folders on the way to where we are stay open, however many there are beside them.
    let mut open: Vec<(Folder, Vec<CString>)> = Vec::new();
    let mut next = Some(root.folder(&Below::default())?);
    loop {
        if let Some(folder) = next.take() {
            let Ok(names) = folder.all_names() else { return Ok(None) };
            // Before they are looked at, so that the names that are held are bounded too.
            entries = entries.saturating_add(names.len() as u64);
            if entries > MAX_ENTRIES || open.len() >= MAX_OPEN {
                return Ok(None);
            }
            open.push((folder, names));
        }
        let Some((folder, names)) = open.last_mut() else { return Ok(Some((entries, bytes))) };
        let Some(name) = names.pop() else {
            open.pop();
            continue;
        };
        match folder.look(name.as_c_str()) {
            Ok(Some(meta)) if meta.is_dir() => match folder.folder(name.as_c_str()) {
                Ok(below) => next = Some(below),
                Err(Errno::NOENT) => {}
                Err(_) => return Ok(None),
            },
            Ok(Some(meta)) if meta.is_file() => bytes = bytes.saturating_add(meta.len()),
            // A link or a device has no bytes here, and what vanishes while we count is not there.
            Ok(_) => {}
            Err(_) => return Ok(None),
        }
    }
}
