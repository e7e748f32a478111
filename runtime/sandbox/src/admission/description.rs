//! What admission found of a plugin, kept for the next start: a list of tools needs no code, so none is loaded
//! for it. It holds for the very same bytes, engine, host version and catalogues, and only with the host's MAC;
//! whoever runs the plugin admits it again, and what was kept must then be what is found.

use crate::{
    ArtifactCache, Inspection,
    compile::{Found, Kept},
};
use interlock_authority::Digest;
use serde::{Deserialize, Serialize};
use std::io;
use wasmtime::Engine;

/// What is kept, or is to be.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description<I> {
    /// The version of the host: another one may admit otherwise.
    host: String,
    found: I,
}

/// What was kept of a plugin.
#[derive(Debug)]
pub enum Described {
    /// Nothing that holds for this host.
    Nothing,
    /// Something that is not what was put there.
    Bad {
        /// What is wrong with it.
        problem: String,
    },
    /// What admission found.
    Found(Box<Inspection>),
}

/// Reads what was kept.
pub(crate) fn read(
    cache: &ArtifactCache,
    engine: &Engine,
    plugin: Digest,
    catalogues: Digest,
) -> Described {
    let bytes = match cache.read(engine, plugin, Kept::Description(catalogues)) {
        Found::Nothing => return Described::Nothing,
        Found::Bad(problem) => return Described::Bad { problem },
        Found::Authentic(bytes) => bytes,
    };
    // What does not read is of another version, whose form may be another.
    match serde_json::from_slice::<Description<Inspection>>(&bytes) {
        Ok(kept) if kept.host == env!("CARGO_PKG_VERSION") => {
            Described::Found(Box::new(kept.found))
        }
        _ => Described::Nothing,
    }
}

/// Keeps what admission found.
///
/// # Errors
/// A folder that takes no file.
pub(crate) fn write(
    cache: &ArtifactCache,
    engine: &Engine,
    found: &Inspection,
    catalogues: Digest,
) -> io::Result<()> {
    let kept = Description { host: env!("CARGO_PKG_VERSION").to_owned(), found };
    cache.write(engine, found.digest, Kept::Description(catalogues), &serde_json::to_vec(&kept)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Artifact, Form, admission::guest::engine};
    use std::fs;

    const PLUGIN: Digest = Digest::from_bytes([1; 32]);
    const CATALOGUES: Digest = Digest::from_bytes([2; 32]);

    fn found() -> Inspection {
        Inspection {
            digest: PLUGIN,
            size: 7,
            imports: Default::default(),
            inert: vec!["wasi:random/random@0.2.0".into()],
            unknown: Vec::new(),
            tools: Vec::new(),
            passed_over: vec!["`x` is not a tool".into()],
            form: Form::Wit,
            sdk: Some("0.1.0".into()),
            artifact: Artifact::Cached,
        }
    }

    fn cache() -> (tempfile::TempDir, ArtifactCache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = ArtifactCache { dir: dir.path().join("kept"), key: [3; 32] };
        (dir, cache)
    }

    #[test]
    fn what_was_found_is_read_for_the_same_plugin_and_catalogues_alone() {
        let (_dir, cache) = cache();
        let look = |plugin, catalogues| read(&cache, engine(), plugin, catalogues);
        assert!(matches!(look(PLUGIN, CATALOGUES), Described::Nothing));
        write(&cache, engine(), &found(), CATALOGUES).unwrap();
        let Described::Found(kept) = look(PLUGIN, CATALOGUES) else { panic!("nothing was kept") };
        assert_eq!(*kept, found());
        let other = Digest::from_bytes([9; 32]);
        assert!(matches!(look(other, CATALOGUES), Described::Nothing));
        assert!(matches!(look(PLUGIN, other), Described::Nothing));
    }

    #[test]
    fn what_another_version_of_the_host_found_is_nothing() {
        let (_dir, cache) = cache();
        let ours = env!("CARGO_PKG_VERSION");
        for (host, holds) in [(ours.to_owned(), true), (format!("{ours}.1"), false)] {
            let kept = serde_json::to_vec(&Description { host, found: found() }).unwrap();
            cache.write(engine(), PLUGIN, Kept::Description(CATALOGUES), &kept).unwrap();
            let read = read(&cache, engine(), PLUGIN, CATALOGUES);
            assert!(matches!(read, Described::Found(_)) == holds, "{read:?}");
            assert!(matches!(read, Described::Nothing) != holds, "{read:?}");
        }
        // Of a form that this version does not know.
        cache.write(engine(), PLUGIN, Kept::Description(CATALOGUES), b"{}").unwrap();
        assert!(matches!(read(&cache, engine(), PLUGIN, CATALOGUES), Described::Nothing));
    }

    #[test]
    fn what_was_changed_since_is_told() {
        let (_dir, cache) = cache();
        write(&cache, engine(), &found(), CATALOGUES).unwrap();
        let file = fs::read_dir(&cache.dir).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        let read = read(&cache, engine(), PLUGIN, CATALOGUES);
        assert!(
            matches!(&read, Described::Bad { problem } if problem.contains("not authentic")),
            "{read:?}"
        );
    }
}
