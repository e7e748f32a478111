//! The cache of compiled artifacts, and of what admission found of their plugins. An artifact is native code
//! that the host will run, so a file here counts only with a MAC over what it is for (the plugin's digest, the
//! engine's settings, and what else it depends on) and over its bytes. A file of another plugin, of another
//! engine or with one bit changed is made again.

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

/// What a file of the cache is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kept {
    /// The compiled component.
    Artifact,
    /// What admission found, against the catalogues of this digest.
    Description(Digest),
}

impl Kept {
    /// What a MAC is over first, so that one kind of file cannot be taken for another.
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Artifact => b"interlock-artifact-v1\0",
            Self::Description(_) => b"interlock-description-v1\0",
        }
    }

    /// What it depends on besides the plugin and the engine.
    fn more(&self) -> &[u8] {
        match self {
            Self::Artifact => b"",
            Self::Description(catalogues) => catalogues.as_bytes(),
        }
    }

    fn ending(self) -> String {
        match self {
            Self::Artifact => "artifact".to_owned(),
            Self::Description(catalogues) => format!("{}.description", short(catalogues)),
        }
    }
}

/// What the cache has for a plugin.
pub(crate) enum Found {
    Nothing,
    /// Something that is not what was put there.
    Bad(String),
    /// What was put there, in a buffer of ours.
    Authentic(Vec<u8>),
}

impl ArtifactCache {
    /// Reads a file into a private buffer and authenticates that buffer.
    pub(crate) fn read(&self, engine: &Engine, plugin: Digest, kept: Kept) -> Found {
        let profile = profile(engine);
        let path = self.path(&profile, plugin, kept);
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
        let (tag, bytes) = match read_regular(&file) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Found::Bad(format!("`{}` is not authentic", path.display()));
            }
            Err(e) => return Found::Bad(format!("`{}` cannot be read: {e}", path.display())),
        };
        let mac = self.mac(&profile, plugin, kept, &bytes);
        if mac.is_none_or(|mac| mac.verify_slice(&tag).is_err()) {
            return Found::Bad(format!("`{}` is not authentic", path.display()));
        }
        Found::Authentic(bytes)
    }

    /// Keeps something. A reader sees the whole file or none.
    pub(crate) fn write(
        &self,
        engine: &Engine,
        plugin: Digest,
        kept: Kept,
        bytes: &[u8],
    ) -> io::Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let profile = profile(engine);
        let mac = self.mac(&profile, plugin, kept, bytes);
        let tag = mac.ok_or_else(|| io::Error::other("the key cannot be used"))?.finalize();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = self.path(&profile, plugin, kept);
        let draft = self.dir.join(format!(".{plugin}.{}.{count}", process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(&tag.into_bytes())?;
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(&draft, &path)
        })();
        if written.is_err() {
            // The draft is of no use; that it cannot be removed changes nothing for the caller.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn path(&self, profile: &[u8; 32], plugin: Digest, kept: Kept) -> PathBuf {
        let profile = short(Digest::from_bytes(*profile));
        self.dir.join(format!("{plugin}-{profile}.{}", kept.ending()))
    }

    fn mac(
        &self,
        profile: &[u8; 32],
        plugin: Digest,
        kept: Kept,
        bytes: &[u8],
    ) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.key).ok()?;
        mac.update(kept.domain());
        mac.update(plugin.as_bytes());
        mac.update(profile);
        mac.update(kept.more());
        mac.update(bytes);
        Some(mac)
    }
}

/// Enough of a digest for the name of a file. What the file is for is in its MAC.
fn short(digest: Digest) -> String {
    digest.to_string().chars().take(16).collect()
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
