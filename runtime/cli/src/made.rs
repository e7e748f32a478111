//! What a command has made so far, to be taken back where it cannot come to its end: half of something would be
//! refused by the next command, or worse, believed.

use interlock::HostError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What was made so far, newest last; taken back on drop. It never names what was there before.
#[derive(Default)]
pub(super) struct Made(Vec<(PathBuf, TakeBack)>);

/// Undoes the making of one thing.
type TakeBack = fn(&Path) -> io::Result<()>;

impl Made {
    /// Makes a folder and those above it. To take one back it must be empty: what somebody else put
    /// there stays.
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), HostError> {
        let above: Vec<&Path> =
            path.ancestors().take_while(|p| !p.as_os_str().is_empty()).collect();
        for folder in above.into_iter().rev() {
            self.before(folder, |p| fs::remove_dir(p));
        }
        fs::create_dir_all(path).map_err(HostError::io(format!("cannot make {}", path.display())))
    }

    /// Notes what is about to be made, unless it is there.
    pub(super) fn before<P: AsRef<Path>>(&mut self, path: P, take_back: TakeBack) {
        let path = path.as_ref();
        if path.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            self.0.push((path.to_owned(), take_back));
        }
    }

    /// All of it was made: it stays.
    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for (path, take_back) in self.0.iter().rev() {
            // The error that is on its way says why; what cannot be taken back is in plain sight.
            let _ = take_back(path);
        }
    }
}
