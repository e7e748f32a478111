//! Installing and removing plugins. A plugin is admitted against the very grants that will stand in the
//! configuration, before anything on disk changes; an update that asks for more is refused until
//! somebody grants it.

use crate::{
    Config, Host, HostError,
    config::edit::{PluginEntry, with_plugin, without_plugin, write_atomically},
    config::is_plugin_name,
    record::{Event, EventBody},
};
use interlock_authority::{AuthorityError, Grant, InterfaceName, Resource};
use interlock_sandbox::{Admitted, PluginBytes};
use std::{fs, path::PathBuf};

/// What to install.
#[derive(Debug, Clone)]
pub struct Install {
    /// The name on every surface.
    pub name: String,
    /// The grants; `None` keeps those of the installed version, or grants nothing.
    pub grants: Option<Vec<Grant>>,
    /// Read-only folders, host and guest; `None` keeps those of the installed version.
    pub preopens: Option<Vec<(String, String)>>,
}

/// Reads a grant as it is written on the command line: `CAPABILITY[#function,…]=RESOURCE`.
///
/// # Errors
/// What is missing or means nothing.
pub fn parse_grant(text: &str) -> Result<Grant, AuthorityError> {
    let (capability, resource) =
        text.split_once('=').ok_or_else(|| AuthorityError::BadResource(String::new()))?;
    let (interface, functions) = match capability.split_once('#') {
        Some((interface, functions)) => (
            interface,
            Some(
                functions
                    .split(',')
                    .map(|f| f.trim().to_owned())
                    .filter(|f| !f.is_empty())
                    .collect(),
            ),
        ),
        None => (capability, None),
    };
    Ok(Grant {
        interface: interface.parse::<InterfaceName>()?,
        functions,
        resources: vec![resource.parse::<Resource>()?],
    })
}

/// Admits a plugin and pins it by digest in the configuration.
///
/// # Errors
/// Why it is not admitted or cannot be written. Nothing on disk has changed then, but for a copy of
/// the bytes where writing the configuration failed.
pub async fn install(
    host: &Host,
    plugin: &PluginBytes,
    install: &Install,
) -> Result<Admitted, HostError> {
    let config = host.config();
    let wrong =
        |message: String| HostError::Config { file: config.file.clone(), line: None, message };
    if !is_plugin_name(&install.name) {
        return Err(wrong(format!(
            "`{}` cannot be a plugin's name; it has lower-case letters, digits and `-`, at most 31, and does not start with `-`",
            install.name.escape_default()
        )));
    }
    let standing = config.plugins.get(&install.name);
    let grants = match (&install.grants, standing) {
        (Some(grants), _) => grants.clone(),
        (None, Some(standing)) => standing.grants.clone(),
        (None, None) => Vec::new(),
    };
    for grant in &grants {
        grant.check(host.catalogue())?;
    }
    let admitted = host.admit(plugin, &install.name, &grants).await?;

    let base = config.file.parent().map(PathBuf::from).unwrap_or_default();
    let file = format!("plugins/{}-{}.wasm", install.name, short(&plugin.digest().to_string()));
    let entry = PluginEntry {
        name: install.name.clone(),
        file: file.clone(),
        digest: plugin.digest(),
        grants: install.grants.clone(),
        preopens: install.preopens.clone(),
    };
    let text = fs::read_to_string(&config.file)
        .map_err(HostError::io(format!("cannot read {}", config.file.display())))?;
    let text = with_plugin(&config.file, &text, &entry)?;
    // What is about to be written must load: a configuration is never left broken.
    Config::parse(&config.file, &text)?;

    let folder = base.join("plugins");
    fs::create_dir_all(&folder)
        .map_err(HostError::io(format!("cannot make {}", folder.display())))?;
    write_atomically(&base.join(&file), plugin.bytes(), 0o644)?;
    host.recorder().record(&Event::now(
        None,
        EventBody::Admission {
            plugin: install.name.clone(),
            digest: plugin.digest(),
            imports: admitted.imports.keys().cloned().collect(),
        },
    ))?;
    write_atomically(&config.file, text.as_bytes(), 0o644)?;
    if let Some(old) = standing.filter(|old| old.file != base.join(&file)) {
        remove_bytes(&base, &old.file);
    }
    Ok(admitted)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Removes the bytes of a plugin that `install` put there; a file that a person named stays.
fn remove_bytes(base: &std::path::Path, file: &std::path::Path) {
    if file.parent() == Some(&base.join("plugins")) {
        // The configuration no longer names the file: a leftover costs space and nothing else.
        let _ = fs::remove_file(file);
    }
}

/// Removes a plugin from the configuration, and the bytes that `install` put beside it.
///
/// # Errors
/// When there is no such plugin, or the configuration cannot be written.
pub fn remove(config: &Config, name: &str) -> Result<(), HostError> {
    let text = fs::read_to_string(&config.file)
        .map_err(HostError::io(format!("cannot read {}", config.file.display())))?;
    let without = without_plugin(&config.file, &text, name)?;
    let (Some(text), Some(plugin)) = (without, config.plugins.get(name)) else {
        return Err(HostError::NoPlugin {
            name: name.to_owned(),
            known: config.plugins.keys().cloned().collect(),
        });
    };
    write_atomically(&config.file, text.as_bytes(), 0o644)?;
    let base = config.file.parent().map(PathBuf::from).unwrap_or_default();
    remove_bytes(&base, &plugin.file);
    Ok(())
}
