//! The folders of the machine that plugins can reach, read-only ones and those of the files capability: one that
//! is missing, that reaches what the host itself lives by, or that lies in another one is refused before a run.

use crate::{
    Config, HostError,
    config::{
        PluginConfig,
        places::{Part, Place, leads_to, real},
    },
};
use interlock_authority::Catalogue;
use interlock_providers::{
    Provider,
    files::{FilesProvider, FolderSettings},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Checks every folder of a configuration.
///
/// # Errors
/// The first that is not fit to be reached by a plugin.
pub fn check_folders(config: &Config, catalogue: &Catalogue) -> Result<(), HostError> {
    if config.files.is_empty() {
        return Ok(());
    }
    let places = config.places(Some(catalogue));
    config.files.keys().try_for_each(|name| check_folder(config, &places, name))
}

/// Checks every folder of a configuration, each for itself: its name, what it is, and what is wrong with it. Without
/// catalogues, what they name is not looked at.
pub fn check_each<'a>(
    config: &'a Config,
    catalogue: Option<&Catalogue>,
) -> Vec<(&'a str, &'a FolderSettings, Result<(), HostError>)> {
    let places = config.places(catalogue);
    let each = config.files.iter();
    each.map(|(name, settings)| (name.as_str(), settings, check_folder(config, &places, name)))
        .collect()
}

/// Checks one folder against the places of the host.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_folder(config: &Config, places: &[Place], name: &str) -> Result<(), HostError> {
    let Some(settings) = config.files.get(name) else { return Ok(()) };
    let wrong = |problem: &str| HostError::Config {
        file: config.file.clone(),
        line: None,
        message: format!("`[files.{name}]`: the folder {} {problem}", settings.path.display()),
    };
    let folder = true_folder(config, &settings.path).map_err(|problem| wrong(&problem))?;
    // Whoever writes one of these decides what is allowed, and whoever reads a secret has it.
    for place in places {
        if let Some(problem) = conflict(&folder, place) {
            return Err(wrong(&problem));
        }
    }
    // Two names for one file would be two resources: a grant or a rule about one would miss the other.
    let others = config.files.iter().filter(|(other, _)| other.as_str() != name);
    for (other, settings) in others {
        let other_folder = real(&settings.path);
        if folder.starts_with(&other_folder) || other_folder.starts_with(&folder) {
            return Err(wrong(&format!("overlaps that of `[files.{other}]`; name folders apart")));
        }
    }
    Ok(())
}

/// Checks the folders that a plugin may read: they are there, and none reaches into the host's own
/// state, where keys and the record are.
///
/// # Errors
/// The first folder that is not fit to be read by a plugin.
pub fn check_preopens(config: &Config, plugin: &PluginConfig) -> Result<(), HostError> {
    if plugin.preopens.is_empty() {
        return Ok(());
    }
    let places = config.own_places();
    for (host, guest) in &plugin.preopens {
        let wrong = |problem: &str| HostError::Config {
            file: config.file.clone(),
            line: None,
            message: format!(
                "plugin `{}`: the folder {} for `{guest}` {problem}",
                plugin.name,
                host.display()
            ),
        };
        let folder = true_folder(config, host).map_err(|problem| wrong(&problem))?;
        // It is read and never written, so only what is secret is none of its business.
        for place in places.iter().filter(|place| place.part == Part::Secret) {
            if let Some(problem) = conflict(&folder, place) {
                return Err(wrong(&problem));
            }
        }
    }
    Ok(())
}

/// Why a folder cannot be reached by plugins beside a place of the host's, to be said after its name.
fn conflict(folder: &Path, place: &Place) -> Option<String> {
    let said = |relation: &str, path: &Path| {
        let (path, key) = (path.display(), place.key);
        format!("{relation} {path} (`{key}`), which the host lives by; name one apart")
    };
    leads_to(&place.path).iter().find_map(|path| match place.part {
        _ if path.starts_with(folder) => Some(said("holds", path)),
        Part::All | Part::Secret if folder.starts_with(path) => Some(said("lies in", path)),
        _ => None,
    })
}

/// A folder's true place, if it is there and apart from what is the host's and the kernel's own.
///
/// # Errors
/// What is wrong with it, to be said after its name.
fn true_folder(config: &Config, folder: &Path) -> Result<PathBuf, String> {
    let own = [real(&config.state), real(&config.environment_root)];
    let folder = folder.canonicalize().map_err(|e| format!("cannot be opened: {e}"))?;
    if !folder.is_dir() {
        return Err("is not a folder".to_owned());
    }
    if own.iter().any(|own| folder.starts_with(own) || own.starts_with(&folder)) {
        return Err("reaches the host's own state; name a folder apart from it".to_owned());
    }
    if ["/proc", "/sys", "/dev"].iter().any(|kernel| folder.starts_with(kernel)) {
        return Err("is the kernel's; name a folder of files".to_owned());
    }
    Ok(folder)
}

/// The provider over the folders.
///
/// # Errors
/// A folder that is not fit, or cannot be opened.
pub(crate) fn provider(config: &Config, catalogue: &Catalogue) -> Result<Provider, HostError> {
    check_folders(config, catalogue)?;
    let opened = FilesProvider::open(&config.files, &config.state.join("files"))?;
    Ok(Provider::new(Arc::new(opened)))
}
