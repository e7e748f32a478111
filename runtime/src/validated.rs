//! That Cedar's validator found nothing wrong with a set of policies, kept for the next start: reading a schema takes
//! longer than everything else that a start does. It holds for the very policies, catalogues, attributes, host and
//! version of Cedar, and only with the host's MAC. Anything else is as if it were not there.

use crate::{
    config::edit::{SecretKey, secret_key, write_atomically},
    providers::open_regular,
    state,
};
use hmac::{Hmac, Mac};
use interlock_authority::{Digest, policy};
use sha2::Sha256;
use std::{
    fs::OpenOptions,
    io::Read,
    path::{Path, PathBuf},
};

/// The file in the state folder: 32 bytes, HMAC-SHA-256.
const FILE: &str = "policies.validated";
const DOMAIN: &[u8] = b"interlock-policies-validated-v1\0";

/// What was validated in a deployment.
#[derive(Clone)]
pub struct Validated {
    file: PathBuf,
    key: [u8; 32],
}

impl std::fmt::Debug for Validated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validated").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Validated {
    /// That of a state folder: nothing where the folder is not the host's alone, or has no key yet.
    pub fn in_state(state: &Path) -> Option<Self> {
        state::check(state).ok()?;
        // Asking for a key makes it, and that is for whoever needs it.
        state.join(SecretKey::Artifact.file()).exists().then_some(())?;
        let key = secret_key(state, SecretKey::Artifact).ok()?;
        Some(Self { file: state.join(FILE), key })
    }

    /// Whether a set of this digest was validated by this host.
    ///
    /// INVARIANT FAIL-CLOSED: a file that is missing, cannot be read, or is of another set, host or key says no.
    pub fn holds(&self, policies: Digest) -> bool {
        // A pipe in its place must not keep the host waiting for somebody to write.
        let kept = open_regular(OpenOptions::new().read(true), &self.file).and_then(|file| {
            let mut kept = Vec::new();
            file.take(33).read_to_end(&mut kept).map(|_| kept)
        });
        match (kept, self.mac(policies)) {
            (Ok(kept), Some(mac)) => mac.verify_slice(&kept).is_ok(),
            _ => false,
        }
    }

    /// Notes that it was. Where it cannot be written, the next start validates again.
    pub fn keep(&self, policies: Digest) {
        if let Some(mac) = self.mac(policies) {
            let _ = write_atomically(&self.file, &mac.finalize().into_bytes(), 0o600);
        }
    }

    fn mac(&self, policies: Digest) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.key).ok()?;
        mac.update(DOMAIN);
        mac.update(policies.as_bytes());
        mac.update(env!("CARGO_PKG_VERSION").as_bytes());
        mac.update(b"\0");
        mac.update(policy::validator().as_bytes());
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn fail_closed_only_what_was_kept_under_this_key_was_validated() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Validated::in_state(folder.path()).is_none(), "there is no key");
        secret_key(folder.path(), SecretKey::Artifact).unwrap();
        let validated = Validated::in_state(folder.path()).unwrap();
        assert!(!validated.holds(digest(1)));
        validated.keep(digest(1));
        assert!(validated.holds(digest(1)) && !validated.holds(digest(2)));

        let file = folder.path().join(FILE);
        let kept = fs::read(&file).unwrap();
        let mut longer = kept.clone();
        longer.push(0);
        fs::remove_file(&file).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(!validated.holds(digest(1)), "and nobody waits for who would write into it");
        fs::remove_file(&file).unwrap();
        for other in [kept[..31].to_vec(), longer, vec![0; 32], Vec::new()] {
            fs::write(&file, other).unwrap();
            assert!(!validated.holds(digest(1)));
        }
        fs::write(&file, &kept).unwrap();
        assert!(validated.holds(digest(1)));
        let other = Validated { key: [7; 32], ..validated };
        assert!(!other.holds(digest(1)), "the key of another deployment");

        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        assert!(Validated::in_state(folder.path()).is_none(), "others can write here");
    }
}
