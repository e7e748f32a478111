//! What a host found out and need not find out again, in a file of its state folder under its MAC. It spares work and
//! decides nothing: a file that is missing, cannot be read, or is of another host, thing or key is as if it were not there.

use crate::{
    config::edit::{SecretKey, secret_key, write_atomically},
    providers::open_regular,
    state,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fs::OpenOptions,
    io::Read,
    path::{Path, PathBuf},
};

const MAC: usize = 32;
/// The longest payload, bytes.
const MOST: usize = 1024;

/// A file: HMAC-SHA-256, 32 bytes, and a payload. The MAC covers what it is about, too.
#[derive(Clone)]
pub(crate) struct Kept {
    file: PathBuf,
    key: [u8; 32],
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Kept {
    /// A file of a state folder: nothing where the folder is not the host's alone, or has no key yet.
    pub(crate) fn in_state(state: &Path, file: &str) -> Option<Self> {
        state::check(state).ok()?;
        // Asking for a key makes it, and that is for whoever needs it.
        state.join(SecretKey::Artifact.file()).exists().then_some(())?;
        let key = secret_key(state, SecretKey::Artifact).ok()?;
        Some(Self { file: state.join(file), key })
    }

    /// What was kept about these parts, the first of which names the kind.
    // INVARIANT FAIL-CLOSED: a file that is missing, cannot be read, or is of another thing, host or key says nothing.
    pub(crate) fn read(&self, about: &[&[u8]]) -> Option<Vec<u8>> {
        // A pipe in its place must not keep the host waiting for somebody to write.
        let file = open_regular(OpenOptions::new().read(true), &self.file).ok()?;
        let mut kept = Vec::new();
        file.take((MAC + MOST + 1) as u64).read_to_end(&mut kept).ok()?;
        let (mac, payload) = kept.split_at_checked(MAC)?;
        if payload.len() > MOST {
            return None;
        }
        self.mac(about, payload)?.verify_slice(mac).ok()?;
        Some(payload.to_vec())
    }

    /// Keeps it. Where it cannot be written, the next start finds it out again.
    pub(crate) fn write(&self, about: &[&[u8]], payload: &[u8]) {
        if let Some(mac) = self.mac(about, payload) {
            let bytes = [&mac.finalize().into_bytes()[..], payload].concat();
            let _ = write_atomically(&self.file, &bytes, 0o600);
        }
    }

    fn mac(&self, about: &[&[u8]], payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.key).ok()?;
        mac.update(b"interlock-kept-v1\0");
        // With lengths: no two lists of parts are the same bytes.
        for part in about.iter().chain([&payload]) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn fail_closed_only_what_was_kept_under_this_key_about_this_counts() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Kept::in_state(folder.path(), "x").is_none(), "there is no key");
        secret_key(folder.path(), SecretKey::Artifact).unwrap();
        let kept = Kept::in_state(folder.path(), "x").unwrap();
        let about: [&[u8]; 2] = [b"kind", b"a"];
        assert_eq!(kept.read(&about), None);
        kept.write(&about, b"what");
        assert_eq!(kept.read(&about).unwrap(), b"what");
        for other in
            [&[&b"kind"[..], b"b"][..], &[b"kinda", b""], &[b"kind"], &[b"kind", b"a", b""]]
        {
            assert_eq!(kept.read(other), None, "{other:?}");
        }

        let file = folder.path().join("x");
        let good = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(kept.read(&about), None, "and nobody waits for who would write into it");
        fs::remove_file(&file).unwrap();
        let mut longer = good.clone();
        longer.push(0);
        let huge = vec![0; MAC + MOST + 1];
        for other in [good[..35].to_vec(), good[..31].to_vec(), longer, huge, Vec::new()] {
            fs::write(&file, other).unwrap();
            assert_eq!(kept.read(&about), None);
        }
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 1;
            fs::write(&file, changed).unwrap();
            assert_eq!(kept.read(&about), None, "{at}");
        }
        fs::write(&file, &good).unwrap();
        assert_eq!(kept.read(&about).unwrap(), b"what");
        let other = Kept { key: [7; 32], ..kept.clone() };
        assert_eq!(other.read(&about), None, "the key of another deployment");
        // What is too long to be read back is not taken for anything.
        kept.write(&about, &[7; MOST + 1]);
        assert_eq!(kept.read(&about), None);

        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        assert!(Kept::in_state(folder.path(), "x").is_none(), "others can write here");
    }
}
