//! What operators write: the configuration, and catalogues with their WIT.

use crate::must;
use interlock::{
    Config, HostError,
    authority::{AuthorityError, Catalogue, Class, Digest, catalogue::CatalogueSource},
    config::edit::{PluginEntry, with_plugin, without_plugin},
};
use std::path::Path;

/// A configuration that cannot be read says where; one that can still can when a plugin was put into it, and says
/// what it said before.
pub(crate) fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // It may name files, and they are read. Devices never end.
    if ["/dev", "/proc", "/sys", "\\"].iter().any(|part| text.contains(part)) {
        return;
    }
    let file = Path::new("/nowhere/interlock.toml");
    let config = match Config::parse(file, text) {
        Ok(config) => config,
        Err(HostError::Config { line, message, .. }) => {
            let lines = text.matches('\n').count() + 1;
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "line {line:?} of {lines}"
            );
            assert!(!message.is_empty());
            return;
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let digest = Digest::from_bytes([7; 32]);
    let entry = PluginEntry {
        name: "put-in-by-a-test".into(),
        file: "plugins/a.wasm".into(),
        digest,
        grants: Some(Vec::new()),
        preopens: None,
    };
    let longer = match with_plugin(file, text, &entry) {
        Ok(longer) => longer,
        // Tables in a row are read, but not edited.
        Err(error) => {
            assert!(error.to_string().contains("not a list of tables"), "{error}");
            return;
        }
    };
    let read = must(Config::parse(file, &longer), &longer);
    assert_eq!(read.plugins.get(&entry.name).map(|plugin| plugin.digest), Some(digest), "{longer}");
    let others = |config: &Config| {
        let mut names: Vec<String> = config.plugins.keys().cloned().collect();
        names.retain(|name| *name != entry.name);
        (names, config.principals.clone(), config.state.clone(), config.name.clone())
    };
    assert_eq!(others(&read), others(&config), "{longer}");
    let shorter = must(without_plugin(file, &longer, &entry.name), "it is taken out");
    let shorter = shorter.unwrap_or_default();
    let again = must(Config::parse(file, &shorter), &shorter);
    assert_eq!(others(&again), others(&config), "{shorter}");
    assert!(!again.plugins.contains_key(&entry.name), "{shorter}");
}

/// A catalogue and its WIT, with a line `---` between them. What cannot be read names a line that is there; what can be
/// says the same each time, and puts no function that destroys beside others.
pub(crate) fn catalogue(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, wit) =
        text.split_once("\n---\n").unwrap_or((text, "package a:b@1.0.0;\ninterface c {}\n"));
    let source = CatalogueSource {
        file: "c.toml".into(),
        text: text.into(),
        wit: vec![("c.wit".into(), wit.into())],
    };
    match Catalogue::load(std::slice::from_ref(&source)) {
        Ok(catalogue) => {
            let again = must(Catalogue::load(&[source]), "a second time");
            let said = |catalogue: &Catalogue| -> Vec<String> {
                let all = catalogue.interfaces();
                all.map(|i| format!("{} {} {:?}", i.name, i.provider, i.functions)).collect()
            };
            assert_eq!(said(&catalogue), said(&again), "two readings");
            for interface in catalogue.interfaces() {
                let classes: Vec<Class> =
                    interface.functions.values().map(|function| function.class).collect();
                let destroys = classes.iter().filter(|class| **class == Class::Destroy).count();
                assert!(
                    destroys == 0 || destroys == classes.len(),
                    "`{}` mixes classes",
                    interface.name
                );
                for function in interface.functions.values() {
                    for argument in function.resource.arguments() {
                        let known =
                            function.parameters.iter().any(|parameter| parameter.name == argument);
                        assert!(known, "`{argument}` is no argument");
                    }
                    if let Some(command) = &function.command {
                        assert!(command.programs().all(|program| program.starts_with('/')));
                    }
                }
            }
        }
        Err(AuthorityError::Catalogue { line, message, .. }) => {
            let lines = text.matches('\n').count().max(wit.matches('\n').count()) + 1;
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "line {line:?} of {lines}: {message}"
            );
            assert!(!message.is_empty());
        }
        Err(error) => must(Err(error), "an error of another kind"),
    }
}
