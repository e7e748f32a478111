//! Installing and removing plugins. A plugin is admitted against the very grants that will stand in the
//! configuration, before anything on disk changes; an update that asks for more is refused until
//! somebody grants it.

use crate::{
    Config, Host, HostError,
    config::edit::{PluginEntry, read_text, with_plugin, without_plugin, write_atomically},
    config::is_plugin_name,
    folders::check_preopens,
    installed::Code,
    record::{Event, EventBody, Journal, Record, Recorder},
    state::EditLock,
};
use interlock_authority::{AuthorityError, Grant, InterfaceName, Resource};
use interlock_sandbox::{Admitted, PluginBytes};
use std::{
    fs,
    path::{Path, PathBuf},
};

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
        budget: None,
        elevation: None,
    })
}

/// Grants with the budgets that stand. The command line has no words for a budget, and whoever repeats a grant there means
/// to lose none.
///
/// # Errors
/// A grant that stands for several with different budgets.
fn with_budgets(mut grants: Vec<Grant>, standing: &[Grant]) -> Result<Vec<Grant>, String> {
    for grant in grants.iter_mut().filter(|grant| grant.budget.is_none()) {
        let overlaps = |other: &&Grant| {
            other.interface == grant.interface
                && other.resources.iter().any(|r| grant.resources.iter().any(|g| g.overlaps(r)))
        };
        let mut budgets = standing.iter().filter(overlaps).filter_map(|other| other.budget);
        let Some(budget) = budgets.next() else { continue };
        if budgets.any(|other| other != budget) {
            return Err(format!(
                "the grants of `{}` have different budgets, and `--grant` would replace them; edit them in this file",
                grant.interface
            ));
        }
        grant.budget = Some(budget);
    }
    Ok(grants)
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
    // One editor at a time, and what stands is read under the lock: a plugin or a grant that somebody
    // else removes meanwhile stays removed.
    let _lock = EditLock::take(&host.config().state)?;
    let config = Config::load(&host.config().file)?;
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
    let grants =
        with_budgets(grants, standing.map_or(&[], |standing| &standing.grants)).map_err(wrong)?;
    for grant in &grants {
        grant.check(host.catalogue())?;
    }
    let code = Code::of(host, plugin, &install.name, &grants).await?;
    code.keep(host, &install.name);
    let admitted = code.admitted;

    let base = config.file.parent().map(PathBuf::from).unwrap_or_default();
    let file = format!("plugins/{}-{}.wasm", install.name, short(&plugin.digest().to_string()));
    let entry = PluginEntry {
        name: install.name.clone(),
        file: file.clone(),
        digest: plugin.digest(),
        grants: install.grants.is_some().then_some(grants),
        preopens: install.preopens.clone(),
    };
    let text = with_plugin(&config.file, &read_text(&config.file)?, &entry)?;
    // What is about to be written must load: a configuration is never left broken.
    let new = Config::parse(&config.file, &text)?;
    if let Some(plugin) = new.plugins.get(&install.name) {
        check_preopens(&new, plugin)?;
    }

    let folder = base.join("plugins");
    fs::create_dir_all(&folder)
        .map_err(HostError::io(format!("cannot make {}", folder.display())))?;
    sweep(&config.file, &folder);
    write_atomically(&base.join(&file), plugin.bytes(), 0o644)?;
    let admission = EventBody::Admission {
        plugin: install.name.clone(),
        digest: plugin.digest(),
        imports: admitted.imports.keys().cloned().collect(),
    };
    host.recorder().write(Record::of(Event::alone(admission))).await?;
    write_atomically(&config.file, text.as_bytes(), 0o644)?;
    if let Some(old) = standing {
        remove_bytes(&new, &old.file);
    }
    Ok(admitted)
}

/// Removes what an editor that was killed left beside its files. Only the holder of the lock writes
/// such files, so none of them is anybody's.
fn sweep(config: &Path, plugins: &Path) {
    let beside = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let of = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for (folder, of) in [(beside, Some(of)), (plugins, None)] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            if is_left_over(&entry.file_name().to_string_lossy(), of.as_deref()) {
                // A file that cannot be removed is litter and nothing worse.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether a name is that of a file on its way to `of`, or to the bytes of a plugin: `.NAME.` and 16
/// hexadecimal digits, where NAME is `of`, or `PLUGIN-DIGEST12.wasm`.
pub fn is_left_over(name: &str, of: Option<&str>) -> bool {
    let hex = |digits: &str, count: usize| {
        digits.len() == count && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let Some((of_this, digits)) = name.strip_prefix('.').and_then(|n| n.rsplit_once('.')) else {
        return false;
    };
    let on_its_way = match of {
        Some(of) => of == of_this,
        None => of_this
            .strip_suffix(".wasm")
            .and_then(|bytes| bytes.rsplit_once('-'))
            .is_some_and(|(plugin, digest)| is_plugin_name(plugin) && hex(digest, 12)),
    };
    on_its_way && hex(digits, 16)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Removes the bytes of a plugin that `install` put there, unless the configuration still names them; a
/// file that a person named stays.
fn remove_bytes(config: &Config, file: &Path) {
    let base = config.file.parent().map(PathBuf::from).unwrap_or_default();
    if file.parent() == Some(&base.join("plugins"))
        && config.plugins.values().all(|plugin| plugin.file != file)
    {
        // The configuration no longer names the file: a leftover costs space and nothing else.
        let _ = fs::remove_file(file);
    }
}

/// Removes a plugin from the configuration, and the bytes that `install` put beside it.
///
/// # Errors
/// When there is no such plugin, or the configuration or the journal cannot be written.
pub async fn remove(config: &Config, name: &str) -> Result<(), HostError> {
    let _lock = EditLock::take(&config.state)?;
    let config = Config::load(&config.file)?;
    let without = without_plugin(&config.file, &read_text(&config.file)?, name)?;
    let (Some(text), Some(plugin)) = (without, config.plugins.get(name)) else {
        return Err(HostError::NoPlugin {
            name: name.to_owned(),
            known: config.plugins.keys().cloned().collect(),
        });
    };
    let new = Config::parse(&config.file, &text)?;
    write_atomically(&config.file, text.as_bytes(), 0o644)?;
    remove_bytes(&new, &plugin.file);
    let body = EventBody::Removal { plugin: name.to_owned(), digest: plugin.digest };
    Ok(Journal::open(&config)?.write(Record::of(Event::alone(body))).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_authority::budget::Budget;

    fn grant(text: &str, effects: Option<u64>) -> Grant {
        let budget = effects.map(|effects| Budget { effects, per_seconds: 3600 });
        Grant { budget, ..parse_grant(text).unwrap() }
    }

    #[test]
    fn whoever_repeats_a_grant_loses_no_budget() {
        let standing = [grant("a:b/c@1.0.0=x/one", Some(3)), grant("a:b/c@1.0.0=x/two", Some(5))];
        let budgets = |texts: &[&str]| -> Result<Vec<Option<u64>>, String> {
            let grants = texts.iter().map(|text| grant(text, None)).collect();
            let with = with_budgets(grants, &standing)?;
            Ok(with.into_iter().map(|grant| grant.budget.map(|budget| budget.effects)).collect())
        };
        let all =
            ["a:b/c@1.0.0=x/one", "a:b/c#f@1.0.0=x/two/below", "a:b/c@1.0.0=y", "a:b/d@1.0.0=x"];
        let all = all.map(|text| text.replace("#f@1.0.0", "@1.0.0#f"));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(budgets(&all), Ok(vec![Some(3), Some(5), None, None]));
        // A wider one would be under two.
        assert!(budgets(&["a:b/c@1.0.0=x"]).is_err_and(|why| why.contains("different budgets")));
        // One that says its own keeps it.
        let own = with_budgets(vec![grant("a:b/c@1.0.0=x/one", Some(9))], &standing).unwrap();
        assert_eq!(own[0].budget.as_ref().map(|budget| budget.effects), Some(9));
    }
}
