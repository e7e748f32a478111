//! Bearer tokens of agents over HTTP. The file keeps hashes: whoever reads it, or a backup of it, can call
//! nothing. It is read again whenever it changed, so that a revocation holds for the very next request. A
//! token is 256 random bits, which no dictionary has, so a plain hash is enough and costs nothing to check.

use crate::{HostError, config::edit::write_atomically, providers::open_regular, state::EditLock};
use interlock_authority::{Digest, Principal, canonical::digest_bytes};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, Metadata, OpenOptions},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};
use subtle::ConstantTimeEq;

/// The start of every token: a scanner of leaked secrets can look for it.
const PREFIX: &str = "ilk_";
const DOMAIN: &str = "interlock-token/v1";
/// The longest life of a token, in seconds.
pub const MAX_LIFE: u64 = 366 * 24 * 3600;
/// The longest file that is read: some ten thousand tokens.
const MAX_FILE: u64 = 4 << 20;

/// The tokens of a deployment.
#[derive(Debug)]
pub struct Tokens {
    state: PathBuf,
    file: PathBuf,
    read: Mutex<Option<(Seen, Vec<Token>)>>,
}

/// One token, without what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its id: not a secret.
    pub id: String,
    /// Whose it is.
    pub principal: Principal,
    /// What it is for, in the operator's words.
    pub label: String,
    /// When it was made, unix seconds.
    pub made: u64,
    /// When it ends, unix seconds.
    pub expires: u64,
    /// When it was revoked, unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<u64>,
    /// The hash of the token.
    hash: Digest,
}

impl Token {
    /// `good`, `expired` or `revoked`.
    pub const fn state(&self, now: u64) -> &'static str {
        if self.revoked.is_some() {
            "revoked"
        } else if now >= self.expires {
            "expired"
        } else {
            "good"
        }
    }
}

/// Which file was read: another one has another of these.
type Seen = (u64, u64, i64, i64);

fn seen(metadata: &Metadata) -> Seen {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

impl Tokens {
    /// The tokens of a state folder.
    pub fn in_state(state: &Path) -> Self {
        let file = state.join("tokens.json");
        Self { state: state.to_owned(), file, read: Mutex::default() }
    }

    /// Makes a token. Its text is given here and nowhere else.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn create(
        &self,
        principal: &Principal,
        label: &str,
        seconds: u64,
    ) -> Result<(Token, String), HostError> {
        let mut random = [0u8; 38];
        getrandom::fill(&mut random)
            .map_err(|e| HostError::io("cannot get random numbers")(std::io::Error::other(e)))?;
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let (id, secret) = hex.split_at_checked(12).unwrap_or_default();
        let text = format!("{PREFIX}{id}_{secret}");
        let made = now();
        let token = Token {
            id: id.to_owned(),
            principal: principal.clone(),
            label: label.to_owned(),
            made,
            expires: made.saturating_add(seconds.min(MAX_LIFE)),
            revoked: None,
            hash: digest_bytes(DOMAIN, text.as_bytes()),
        };
        let _lock = EditLock::take(&self.state)?;
        let mut all = self.all()?;
        all.push(token.clone());
        self.keep(&all)?;
        Ok((token, text))
    }

    /// All tokens, the oldest first.
    ///
    /// # Errors
    /// A file that is not fit to decide by.
    pub fn all(&self) -> Result<Vec<Token>, HostError> {
        match open_regular(OpenOptions::new().read(true), &self.file) {
            Ok(file) => self.parse(file).map(|(_, all)| all),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.failed("cannot read")(error)),
        }
    }

    /// Makes a token useless. Says whether there is one of this id.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn revoke(&self, id: &str) -> Result<bool, HostError> {
        let _lock = EditLock::take(&self.state)?;
        let mut all = self.all()?;
        let Some(token) = all.iter_mut().find(|token| token.id == id) else { return Ok(false) };
        token.revoked.get_or_insert(now());
        self.keep(&all)?;
        Ok(true)
    }

    /// Whose token this is; `None` for one that is unknown, expired or revoked.
    ///
    /// # Errors
    /// INVARIANT FAIL-CLOSED: a file that cannot be read holds nobody's token.
    pub fn holder(&self, presented: &str) -> Result<Option<Token>, HostError> {
        let Some((id, _)) = presented.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'))
        else {
            return Ok(None);
        };
        let hash = digest_bytes(DOMAIN, presented.as_bytes());
        let now = now();
        let holder = |token: &&Token| {
            // The id finds the row; the hash decides, in a time that tells nothing of where it differs.
            token.id == id && bool::from(token.hash.as_bytes().ct_eq(hash.as_bytes()))
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open_regular(OpenOptions::new().read(true), &self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                *read = None;
                return Ok(None);
            }
            Err(error) => return Err(self.failed("cannot read")(error)),
        };
        let metadata = file.metadata().map_err(self.failed("cannot read"))?;
        if read.as_ref().is_none_or(|(known, _)| *known != seen(&metadata)) {
            *read = None;
            *read = Some(self.parse(file)?);
        }
        let all = read.as_ref().map(|(_, all)| all.as_slice()).unwrap_or_default();
        Ok(all.iter().find(holder).filter(|token| token.state(now) == "good").cloned())
    }

    fn parse(&self, file: File) -> Result<(Seen, Vec<Token>), HostError> {
        let metadata = file.metadata().map_err(self.failed("cannot read"))?;
        if metadata.mode() & 0o077 != 0 || metadata.uid() != geteuid().as_raw() {
            return Err(self.wrong("it is another user's, or others can read it; `chmod 600` it"));
        }
        let mut text = String::new();
        file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(self.failed("cannot read"))?;
        let all = serde_json::from_str(&text)
            .map_err(|e| self.wrong(&format!("it is not a list of tokens: {e}")))?;
        Ok((seen(&metadata), all))
    }

    fn keep(&self, all: &[Token]) -> Result<(), HostError> {
        let mut text = serde_json::to_string_pretty(all)
            .map_err(|e| self.failed("cannot write")(std::io::Error::other(e)))?;
        text.push('\n');
        write_atomically(&self.file, text.as_bytes(), 0o600)
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(std::io::Error) -> HostError + use<> {
        HostError::io(format!("{what} {}", self.file.display()))
    }

    fn wrong(&self, problem: &str) -> HostError {
        HostError::Config { file: self.file.clone(), line: None, message: problem.to_owned() }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(u64::MAX, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn agent() -> Principal {
        Principal::Agent("oncall-bot".to_owned())
    }

    #[test]
    fn a_token_is_good_until_it_is_revoked_or_over() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (maker, server) = (Tokens::in_state(&state), Tokens::in_state(&state));
        let (token, text) = maker.create(&agent(), "a test", 60).unwrap();
        assert_eq!(server.holder(&text).unwrap().unwrap().principal, agent());
        let (_, over) = maker.create(&agent(), "", 0).unwrap();
        assert!(server.holder(&over).unwrap().is_none());
        assert!(server.holder(&text).unwrap().is_some());
        assert!(maker.revoke(&token.id).unwrap() && !maker.revoke("nobody").unwrap());
        assert!(server.holder(&text).unwrap().is_none());
    }

    #[test]
    fn the_file_has_no_token_and_a_near_miss_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let tokens = Tokens::in_state(&state);
        let (token, text) = tokens.create(&agent(), "", 60).unwrap();
        let secret = text.rsplit('_').next().unwrap();
        let kept = std::fs::read_to_string(state.join("tokens.json")).unwrap();
        assert!(kept.contains(&token.id) && !kept.contains(secret));
        for wrong in [
            String::new(),
            "ilk_".to_owned(),
            format!("ilk_{}_", token.id),
            format!("ilk_{}_{}", token.id, "0".repeat(64)),
            text.to_uppercase(),
            format!("{text} "),
            text.replacen(&token.id, "000000000000", 1),
        ] {
            assert!(tokens.holder(&wrong).unwrap().is_none(), "{wrong}");
        }
    }

    #[test]
    fn fail_closed_a_file_that_others_can_read_holds_nobodys_token() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let tokens = Tokens::in_state(&state);
        let (_, text) = tokens.create(&agent(), "", 60).unwrap();
        let file = state.join("tokens.json");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        // Another time of change, so that it is read again.
        std::fs::write(&file, std::fs::read(&file).unwrap()).unwrap();
        assert!(tokens.holder(&text).is_err());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&file, "{").unwrap();
        assert!(tokens.holder(&text).is_err());
    }
}
