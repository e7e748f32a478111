//! The cache of compiled artifacts. A file here is native code that the host will run, so it counts
//! only with a MAC over what it is for (the plugin's digest and the engine's settings) and over its
//! bytes. A file of another plugin, of another engine or with one bit changed is compiled again.

use hmac::{Hmac, Mac};
use interlock_authority::Digest;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
};
use wasmtime::Engine;

/// What a MAC is over, so that the key's use here cannot be confused with another.
const DOMAIN: &[u8] = b"interlock-artifact-v1\0";
const MAC_BYTES: usize = 32;
/// The largest artifact that is read back.
const MAX_ARTIFACT: u64 = 1 << 30;

/// Where compiled artifacts are kept, and the key that authenticates them. They are native code: who
/// has the key can run code as the host.
#[derive(Clone)]
pub struct ArtifactCache {
    /// The folder. Created with mode 0700 where it is missing.
    pub dir: PathBuf,
    /// The HMAC-SHA-256 key.
    pub key: [u8; 32],
}

impl std::fmt::Debug for ArtifactCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactCache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// What the cache has for a plugin.
pub(super) enum Found {
    Nothing,
    /// Something that is not what was put there.
    Bad(String),
    /// The artifact, in a buffer of ours.
    Authentic(Vec<u8>),
}

impl ArtifactCache {
    /// Reads an artifact into a private buffer and authenticates that buffer.
    pub(super) fn read(&self, engine: &Engine, plugin: Digest) -> Found {
        let profile = profile(engine);
        let path = self.path(&profile, plugin);
        let file = OpenOptions::new()
            .read(true)
            // A pipe in the artifact's place must not keep the host waiting for somebody to write.
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path);
        let file = match file {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(e) => return Found::Bad(format!("`{}` cannot be read: {e}", path.display())),
        };
        let (tag, artifact) = match read_regular(&file) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Found::Bad(format!("`{}` is not authentic", path.display()));
            }
            Err(e) => return Found::Bad(format!("`{}` cannot be read: {e}", path.display())),
        };
        let mac = self.mac(&profile, plugin, &artifact);
        if mac.is_none_or(|mac| mac.verify_slice(&tag).is_err()) {
            return Found::Bad(format!("`{}` is not authentic", path.display()));
        }
        Found::Authentic(artifact)
    }

    /// Keeps an artifact. A reader sees the whole file or none.
    pub(super) fn write(&self, engine: &Engine, plugin: Digest, artifact: &[u8]) -> io::Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let profile = profile(engine);
        let mac = self.mac(&profile, plugin, artifact);
        let tag = mac.ok_or_else(|| io::Error::other("the key cannot be used"))?.finalize();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = self.path(&profile, plugin);
        let draft = self.dir.join(format!(".{plugin}.{}.{count}", process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(&tag.into_bytes())?;
            file.write_all(artifact)?;
            file.sync_data()?;
            fs::rename(&draft, &path)
        })();
        if written.is_err() {
            // The draft is of no use; that it cannot be removed changes nothing for the caller.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn path(&self, profile: &[u8; 32], plugin: Digest) -> PathBuf {
        let profile = Digest::from_bytes(*profile).to_string();
        let short: String = profile.chars().take(16).collect();
        self.dir.join(format!("{plugin}-{short}.artifact"))
    }

    fn mac(&self, profile: &[u8; 32], plugin: Digest, artifact: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.key).ok()?;
        mac.update(DOMAIN);
        mac.update(plugin.as_bytes());
        mac.update(profile);
        mac.update(artifact);
        Some(mac)
    }
}

/// The MAC, and what it should be over: apart from the start, because an artifact of 40 MB is not moved for nothing.
fn read_regular(mut file: &File) -> io::Result<([u8; MAC_BYTES], Vec<u8>)> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_ARTIFACT {
        return Err(io::Error::other("it is not a file of a possible size"));
    }
    let mut tag = [0; MAC_BYTES];
    file.read_exact(&mut tag)?;
    let mut artifact = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(MAX_ARTIFACT).read_to_end(&mut artifact)?;
    Ok((tag, artifact))
}

/// The engine's version and settings, as far as an artifact depends on them.
fn profile(engine: &Engine) -> [u8; 32] {
    struct ToSha(Sha256);
    impl Hasher for ToSha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0 // Never asked for: the digest is taken instead.
        }
    }
    let mut hasher = ToSha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}
