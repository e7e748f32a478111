//! That Cedar's validator found nothing wrong with a set of policies, kept for the next start: reading a schema takes
//! longer than everything else that a start does. It holds for the very policies, catalogues, attributes, host and
//! version of Cedar.

use crate::kept::Kept;
use interlock_authority::{Digest, policy};
use std::path::Path;

/// What was validated in a deployment.
#[derive(Debug, Clone)]
pub struct Validated(Kept);

impl Validated {
    /// That of a state folder: nothing where the folder is not the host's alone, or has no key yet.
    pub fn in_state(state: &Path) -> Option<Self> {
        Kept::in_state(state, "policies.validated").map(Self)
    }

    /// Whether a set of this digest was validated by this host.
    pub fn holds(&self, policies: Digest) -> bool {
        self.0.read(&about(&policies, &policy::validator())).is_some()
    }

    /// Notes that it was. Where it cannot be written, the next start validates again.
    pub fn keep(&self, policies: Digest) {
        self.0.write(&about(&policies, &policy::validator()), b"");
    }
}

fn about<'a>(policies: &'a Digest, validator: &'a str) -> [&'a [u8]; 4] {
    let host = env!("CARGO_PKG_VERSION");
    [b"validated", policies.as_bytes(), host.as_bytes(), validator.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::edit::{SecretKey, secret_key};
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn fail_closed_only_policies_that_were_validated_here_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        secret_key(folder.path(), SecretKey::Artifact).unwrap();
        let (one, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        let validated = Validated::in_state(folder.path()).unwrap();
        assert!(!validated.holds(one));
        validated.keep(one);
        assert!(validated.holds(one) && !validated.holds(other));
        let again = Validated::in_state(folder.path()).unwrap();
        assert!(again.holds(one) && !again.holds(other));
    }
}
