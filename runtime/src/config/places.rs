//! Every file and folder that a configuration names, and what its catalogues name: whoever can write one of them decides
//! what the host does, so no folder that plugins reach may hold one.
//!
//! The mistake it stops: a new key of the configuration that names a file, and that a plugin can be granted because nobody
//! thought of it. Each struct is taken apart in full here, so a new field does not compile before it is said what it names.

use super::{Config, PluginConfig, edit::read_text};
use interlock_authority::{Catalogue, policy::PolicySource};
use interlock_providers::{environment, files::FolderSettings, secrets::SecretSource};
use std::path::{Component, Path, PathBuf};

/// The most links that are followed to a file that is not there.
const MOST_LINKS: u32 = 40;

/// Something that the host lives by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The key that names it.
    pub(crate) key: &'static str,
    /// As it was named.
    pub(crate) path: PathBuf,
    /// What of it is the host's.
    pub(crate) part: Part,
}

/// What of a place is the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// It, and what is below it.
    All,
    /// That, and nobody else may as much as read it.
    Secret,
    /// It as a whole: a folder apart may lie in it, as in the home of a program.
    Whole,
}

impl Config {
    /// All places that are the host's. Reads each catalogue, for what it says its WIT is.
    pub(crate) fn places(&self, catalogue: Option<&Catalogue>) -> Vec<Place> {
        let mut all = Places(self.own_places());
        for catalogue in &self.catalogues {
            all.each("wit", Part::All, wit_of(catalogue));
        }
        for command in catalogue.iter().flat_map(|c| c.commands()) {
            all.each("the programs of a catalogue", Part::All, command.programs());
            let directory = Path::new(command.directory());
            all.add("the directory of a program", Part::Whole, directory);
            all.words("the arguments of a program", directory, command.fixed());
            all.words("the environment of a program", directory, command.environment().values());
        }
        for command in environment::commands(&self.environment_root) {
            all.words("the programs of a service", Path::new("/"), command);
        }
        all.0
    }

    /// Those that the configuration itself names: nothing is read for them, so they can be asked for before each run.
    pub(crate) fn own_places(&self) -> Vec<Place> {
        let Self {
            file,
            state,
            store,
            publish,
            policy_folder,
            policies,
            roster_file,
            catalogues,
            environment_root,
            plugins,
            secrets,
            endpoints,
            // Of these each may be reached, and is compared with all others.
            files,
            // No paths, from here on.
            name: _,
            roster: _,
            seal: _,
            asking: _,
            teams: _,
            operators: _,
            attributes: _,
            cli_principal: _,
            principals: _,
            limits: _,
            kv: _,
            serving: _,
        } = self;
        for FolderSettings { path: _, write: _, limits: _ } in files.values() {}
        let mut all = Places(Vec::new());
        all.add("interlock.toml", Part::All, file);
        // Where an installed plugin is put, also before there is one.
        all.add("plugins/", Part::All, file.with_file_name("plugins"));
        all.add("state", Part::Secret, state);
        all.add("store.url", Part::Secret, store);
        all.each("journal.publish", Part::All, publish);
        all.each("policies", Part::All, policy_folder);
        for PolicySource { file, text: _ } in policies {
            all.add("a file of policies", Part::All, file);
        }
        all.each("approvers.allowed_signers", Part::All, roster_file);
        all.each("environment.root", Part::Secret, [environment_root]);
        all.each("catalogues", Part::All, catalogues);
        for plugin in plugins.values() {
            let PluginConfig {
                file,
                // Read by the plugin alone, which is told what is there.
                preopens: _,
                name: _,
                digest: _,
                publisher: _,
                grants: _,
            } = plugin;
            all.add("plugin.file", Part::All, file);
        }
        for source in secrets.values() {
            match source {
                SecretSource::File(file) => all.add("secrets.file", Part::Secret, file),
                SecretSource::Command(argv) => all.words("secrets.command", Path::new("/"), argv),
                SecretSource::Environment(_) => {}
            }
        }
        all.each("http.authorities", Part::All, endpoints.values().flat_map(|e| e.trusted()));
        // Which runs again as the compiler of plugins, and as the helper of environments.
        all.each("the program of the host", Part::All, std::env::current_exe().ok());
        all.0
    }
}

struct Places(Vec<Place>);

impl Places {
    fn add(&mut self, key: &'static str, part: Part, path: impl AsRef<Path>) {
        self.0.push(Place { key, path: path.as_ref().to_owned(), part });
    }

    fn each<P: AsRef<Path>>(
        &mut self,
        key: &'static str,
        part: Part,
        paths: impl IntoIterator<Item = P>,
    ) {
        paths.into_iter().for_each(|path| self.add(key, part, path));
    }

    /// What words for a program may name, such as those of `--rcfile=/srv/rc` and `/usr/bin:/bin`, and, where it runs in
    /// a directory, of `scripts/run.sh`. That most words name nothing does no harm: only a folder that holds what they
    /// would name is refused.
    fn words<T: AsRef<str>>(
        &mut self,
        key: &'static str,
        directory: &Path,
        words: impl IntoIterator<Item = T>,
    ) {
        for word in words {
            let paths = word.as_ref().split(['=', ':', ',', ' ']);
            for path in paths.filter(|path| !path.is_empty() && !path.starts_with('-')) {
                self.add(key, Part::Whole, directory.join(path));
            }
        }
    }
}

/// The WIT file of a catalogue, or its folder with the files in it. None for a catalogue that cannot be
/// read, which is told of elsewhere.
pub fn wit_of(catalogue: &Path) -> Vec<PathBuf> {
    let Ok(text) = read_text(catalogue) else { return Vec::new() };
    let name = catalogue.display().to_string();
    let Ok(wit) = interlock_authority::catalogue::wit_path(&name, &text) else { return Vec::new() };
    let wit = catalogue.parent().unwrap_or_else(|| Path::new("")).join(wit);
    let entries = std::fs::read_dir(&wit).into_iter().flatten();
    let mut all: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "wit"))
        .collect();
    all.sort();
    all.insert(0, wit);
    all
}

/// Where a path leads, and where its last name lies if that is a link: whoever can exchange the link decides as well as
/// whoever can write what it leads to.
pub(crate) fn leads_to(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![real(path)];
    let mut link = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = link.read_link() else { break };
        let parent = link.parent().unwrap_or_else(|| Path::new(""));
        if let Some(name) = link.file_name() {
            all.push(real(parent).join(name));
        }
        link = parent.join(target);
        // Also where nothing is there yet: who makes it decides what it says.
        all.push(real(&link));
    }
    all
}

/// A path without links. Of one that is not there, as much of it as is.
pub(crate) fn real(path: &Path) -> PathBuf {
    let Ok(path) = std::path::absolute(path) else { return path.to_owned() };
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // By its words: there is nothing that could be a link.
            return rest.components().fold(real, |mut real, name| {
                match name {
                    Component::ParentDir => drop(real.pop()),
                    name => real.push(name),
                }
                real
            });
        }
    }
    path
}

#[cfg(test)]
mod tests;
