//! The folders of the machine that plugins can reach, read-only ones and those of the files capability: one that
//! is missing, that reaches what the host itself lives by, or that lies in another one is refused before a run.

use crate::{
    Config, HostError,
    config::{PluginConfig, edit::read_text},
};
use interlock_providers::{Provider, files::FilesProvider};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Checks every folder of a configuration.
///
/// # Errors
/// The first that is not fit to be reached by a plugin.
pub fn check_folders(config: &Config) -> Result<(), HostError> {
    config.files.keys().try_for_each(|name| check_folder(config, name))
}

/// Checks one folder.
///
/// # Errors
/// What is wrong with it.
pub fn check_folder(config: &Config, name: &str) -> Result<(), HostError> {
    let Some(settings) = config.files.get(name) else { return Ok(()) };
    let wrong = |problem: &str| HostError::Config {
        file: config.file.clone(),
        line: None,
        message: format!("`[files.{name}]`: the folder {} {problem}", settings.path.display()),
    };
    let folder = true_folder(config, &settings.path).map_err(|problem| wrong(&problem))?;
    // Whoever writes one of these decides what is allowed, and whoever reads a secret has it.
    for rules in rules(config) {
        let place = match (rules.starts_with(&folder), folder.starts_with(&rules)) {
            (true, _) => "holds",
            (_, true) => "lies in",
            _ => continue,
        };
        let problem =
            format!("{place} {}, which the host lives by; name one apart", rules.display());
        return Err(wrong(&problem));
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
        true_folder(config, host).map_err(|problem| wrong(&problem))?;
    }
    Ok(())
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

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The files and folders that decide what the host does.
fn rules(config: &Config) -> Vec<PathBuf> {
    let plugins = config.plugins.values().map(|plugin| real(&plugin.file));
    let secrets = config.secrets.values().filter_map(|source| match source {
        interlock_providers::secrets::SecretSource::File(file) => Some(real(file)),
        _ => None,
    });
    // The words of a catalogue mean what its WIT says. One that cannot be read is told of elsewhere.
    let wit = config.catalogues.iter().filter_map(|file| {
        let text = read_text(file).ok()?;
        let wit = interlock_authority::catalogue::wit_path(&file.display().to_string(), &text);
        Some(real(&file.parent()?.join(wit.ok()?)))
    });
    [real(&config.file), real(&config.store), real(Path::new(&config.roster.file))]
        .into_iter()
        .chain(config.policy_folder.iter().map(|folder| real(folder)))
        .chain(config.catalogues.iter().map(|file| real(file)))
        .chain(config.publish.iter().map(|place| real(place)))
        .chain(wit)
        .chain(plugins)
        .chain(secrets)
        .collect()
}

/// The provider over the folders.
///
/// # Errors
/// A folder that is not fit, or cannot be opened.
pub(crate) fn provider(config: &Config) -> Result<Provider, HostError> {
    check_folders(config)?;
    let opened = FilesProvider::open(&config.files, &config.state.join("files"))?;
    Ok(Provider::new(Arc::new(opened)))
}
