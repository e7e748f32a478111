//! Effects on files, under a lock on the folder: the revision is compared, the model asked again, the switch
//! looked at, and then one system call does it. A file is written beside its place and renamed, so a crash
//! leaves the old or the new one; what a crash left beside is cleared by the next write there.

use super::{
    answer::{Problem, ok},
    beneath::{Folder, Root},
    model::{Model, Operation, Outcome, is_leftover},
    path::Below,
    provider::Place,
    revision::{after, revision},
};
use crate::{FROZEN, Performed, ProviderFault};
use interlock_authority::{Forecast, Resource, Revision};
use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags},
    io::Errno,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{File, Metadata, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    time::{Duration, Instant},
};

/// What the names of files begin with that are not yet renamed: names that no plugin can spell.
pub(super) const TEMPORARY: &str = ".interlock-new-";
/// How long an effect waits for another one on the same folder.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What the effect was decided on.
pub(super) struct Expected<'e> {
    pub(super) resource: &'e Resource,
    pub(super) revision: &'e Revision,
    pub(super) forecast: &'e Forecast,
}

/// A lock on a folder (flock(2)), whatever state folder a host has; the kernel frees it.
fn lock(root: &Root) -> Result<Option<Folder>, Problem> {
    let top = Below::default();
    let folder = root.folder(&top)?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(folder)),
            Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
            Err(error) => return Err(Problem::system("locking", &top, &error.into())),
        }
    }
}

impl Place {
    pub(super) fn perform(
        &self,
        path: &Below,
        operation: &Operation,
        expected: &Expected<'_>,
        still_allowed: &dyn Fn() -> Result<(), String>,
    ) -> Result<Performed, ProviderFault> {
        let refused =
            |code, problem: Problem| Ok(Performed::Refused { code, result: problem.answer() });
        let stale = |why: String| refused("stale", Problem::Conflict(why));
        let _lock = match lock(&self.root) {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                let why = "another effect on the folder is still under way".to_owned();
                return refused("busy", Problem::Conflict(why));
            }
            Err(problem) => return refused("stale", problem),
        };
        match revision(&self.root, &self.marks, path)? {
            Ok(now) if now == *expected.revision => {}
            Ok(_) => return stale(format!("`{path}` has changed since it was looked at")),
            Err(problem) => return refused("stale", problem),
        }
        let mut model = Model::new(&self.root, self.limits);
        match model.apply(path, operation) {
            Outcome::Effect { verb, counts }
                if verb == expected.forecast.verb && counts == expected.forecast.counts => {}
            Outcome::Effect { .. } => return stale(format!("`{path}` is not as it was foreseen")),
            Outcome::Answer(result) => return Ok(Performed::Refused { code: "stale", result }),
        }
        // The lock may have taken its time: what an operator stopped meanwhile does not begin.
        if let Err(why) = still_allowed() {
            return refused(FROZEN, Problem::Denied(format!("{FROZEN}: {why}")));
        }
        let acted = self.act(path, operation);
        let revisions = self.revisions(path, expected.resource)?;
        Ok(match acted {
            Ok(()) => Performed::Done { result: ok(Value::Null), revisions },
            Err(problem) => Performed::Failed { result: problem.answer(), revisions },
        })
    }

    fn act(&self, path: &Below, operation: &Operation) -> Result<(), Problem> {
        let failed = |e: io::Error| Problem::system("changing", path, &e);
        let (folder, name) = self.root.parent(path)?;
        let before = folder.look(name).map_err(failed)?;
        // Whatever happens now happens later than what was seen.
        after(&folder.metadata(path)?);
        if let Some(meta) = &before {
            after(meta);
        }
        match operation {
            Operation::Write(bytes) => {
                replace(&folder, name, bytes, before.as_ref()).map_err(failed)?;
            }
            Operation::Append(bytes) => {
                let mut all = Vec::new();
                if before.is_some() {
                    let (file, _) = folder.file(name).map_err(|e| failed(e.into()))?;
                    file.take(self.limits.file).read_to_end(&mut all).map_err(failed)?;
                }
                all.extend_from_slice(bytes);
                replace(&folder, name, &all, before.as_ref()).map_err(failed)?;
            }
            Operation::MakeFolder => {
                rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755))
                    .map_err(|e| failed(e.into()))?;
            }
            Operation::DeleteFile => {
                self.marks.renew(path).map_err(failed)?;
                rustix::fs::unlinkat(&folder, name, AtFlags::empty())
                    .map_err(|e| failed(e.into()))?;
            }
            Operation::DeleteFolder => {
                clear_leftovers(&self.root.folder(path)?).map_err(failed)?;
                self.marks.renew(path).map_err(failed)?;
                rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR)
                    .map_err(|e| failed(e.into()))?;
            }
        }
        rustix::fs::fsync(&folder)
            .map_err(|e| Problem::Failed(format!("`{path}` was changed, but it may not last: {e}")))
    }

    /// The revisions of a path and of the folders that it is in.
    fn revisions(
        &self,
        path: &Below,
        resource: &Resource,
    ) -> Result<BTreeMap<Resource, Revision>, ProviderFault> {
        let mut all = BTreeMap::new();
        for (path, resource) in path.lineage().zip(resource.lineage()) {
            if let Ok(revision) = revision(&self.root, &self.marks, &path)? {
                all.insert(resource, revision);
            }
        }
        Ok(all)
    }
}

/// Removes what a crash left beside its place. Under the lock, so nobody is writing it.
fn clear_leftovers(folder: &Folder) -> io::Result<()> {
    for name in folder.names()?.into_iter().flatten().filter(|name| is_leftover(name)) {
        match rustix::fs::unlinkat(folder, name.as_str(), AtFlags::empty()) {
            // What is not ours by its kind stays.
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Puts a whole file in a place: written beside it, synced, renamed.
fn replace(folder: &Folder, name: &str, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    clear_leftovers(folder)?;
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let random: String = random.iter().map(|b| format!("{b:02x}")).collect();
    let temporary = format!("{TEMPORARY}{random}");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(if old.is_some() { 0o600 } else { 0o644 });
    let mut file = File::from(rustix::fs::openat(folder, temporary.as_str(), flags, mode)?);
    let written = (|| {
        file.write_all(bytes)?;
        if let Some(old) = old {
            let own = file.metadata()?;
            if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            // Never the bits that lend the owner's rights.
            file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
        }
        file.sync_all()?;
        let (from, to) = (temporary.as_str(), name);
        if old.is_some() {
            return rustix::fs::renameat(folder, from, folder, to).map_err(io::Error::from);
        }
        // What somebody else put there meanwhile is not replaced by what was to be new.
        match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(folder, from, folder, to),
            other => other,
        }
        .map_err(Into::into)
    })();
    if written.is_err() {
        // The old file is untouched; what is left beside it is only ours to clear away.
        let _cleared = rustix::fs::unlinkat(folder, temporary.as_str(), AtFlags::empty());
    }
    written
}
