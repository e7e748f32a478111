//! Locks on resources, as files in the state folder: two calls, or two hosts with one state folder, that
//! compare a revision and then act cannot do so at the same time. A lock is for the first two segments of a
//! resource (`cache/main`), so there are no more files than there are roots that somebody was granted.

use crate::ProviderFault;
use interlock_authority::{Resource, canonical::digest_bytes};
use rustix::{fs::FlockOperation, io::Errno};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

/// How long an effect waits for another one on the same root.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Held locks (flock(2)); the kernel frees them when the holder ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _files: Vec<File>,
}

fn name_of(segments: &[String]) -> String {
    digest_bytes("interlock-lock/v1", segments.join("/").as_bytes()).to_string()
}

/// Locks the root of a resource; none where somebody else holds it for longer than `wait`.
pub(crate) fn lock(
    folder: &Path,
    resource: &Resource,
    wait: Duration,
) -> Result<Option<Lock>, ProviderFault> {
    let io = |source| ProviderFault::Io {
        what: format!("locking `{resource}` in {}", folder.display()),
        source,
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    let deadline = Instant::now() + wait;
    let segments = resource.segments();
    // From the root down, so that no two wait for each other. A call on a kind of resource (`cache`) keeps
    // away those on each root below it, which share the kind.
    let depths: &[(usize, FlockOperation)] = if segments.len() == 1 {
        &[(1, FlockOperation::NonBlockingLockExclusive)]
    } else {
        &[(1, FlockOperation::NonBlockingLockShared), (2, FlockOperation::NonBlockingLockExclusive)]
    };
    let mut files = Vec::new();
    for (depth, operation) in depths {
        let name = name_of(segments.get(..*depth).unwrap_or(segments));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(name))
            .map_err(io)?;
        loop {
            match rustix::fs::flock(&file, *operation) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
                Err(error) => return Err(io(error.into())),
            }
        }
        files.push(file);
    }
    Ok(Some(Lock { _files: files }))
}

#[cfg(test)]
mod tests {
    use super::lock;
    use std::time::Duration;

    #[test]
    fn overlapping_resources_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let held = |resource: &str| {
            lock(folder.path(), &resource.parse().unwrap(), Duration::ZERO).unwrap()
        };
        let first = held("cache/main/key/a").unwrap();
        for busy in ["cache/main", "cache/main/key/b", "cache"] {
            assert!(held(busy).is_none(), "{busy}");
        }
        let other = held("cache/other").unwrap();
        assert!(held("queue/main").is_some());
        drop(first);
        assert!(held("cache/main").is_some());
        assert!(held("cache").is_none(), "`cache/other` is held");
        drop(other);
        let all = held("cache").unwrap();
        assert!(held("cache/new").is_none());
        drop(all);
        assert!(held("cache/new").is_some());
    }
}
