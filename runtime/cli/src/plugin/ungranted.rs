//! The refusal that the product is about: a plugin imports what it was not granted. Says what, how
//! dangerous, that nothing ran, and the whole command that would grant it, fit for pasting: a command
//! that names only what is missing would take away the grants that stand.

use super::super::{
    output::{DIM, RED, plain, styled},
    problem::Problem,
    sheet::functions_by_class,
    shell,
};
use interlock::{Host, HostError};
use interlock_authority::{Catalogue, Class, Grant, Resource};
use interlock_sandbox::{AdmissionError, MissingGrant};
use serde_json::json;
use std::path::Path;

/// The configuration file that no command has to name.
const DEFAULT_CONFIG: &str = "interlock.toml";

/// What somebody tried to install, or to call: everything that the command which would grant it names.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a Path,
    pub(super) name: &'a str,
    pub(super) config: &'a Path,
    /// The grants it was to have: given, or those that stand.
    pub(super) grants: &'a [Grant],
    /// Folders that were given, as they were typed.
    pub(super) preopens: &'a [String],
}

/// As [`explain`], for a plugin that is installed.
pub(in super::super) fn explain_installed(error: HostError, host: &Host) -> Problem {
    let HostError::Admission { plugin, .. } = &error else { return error.into() };
    let config = host.config();
    let Some(plugin) = config.plugins.get(plugin) else { return error.into() };
    let wanted = Wanted {
        file: &plugin.file,
        name: &plugin.name,
        config: &config.file,
        grants: &plugin.grants,
        preopens: &[],
    };
    explain(error, host.catalogue(), &wanted)
}

/// A host error for people; a missing grant gets the whole story.
pub(super) fn explain(error: HostError, catalogue: &Catalogue, wanted: &Wanted<'_>) -> Problem {
    let HostError::Admission { plugin, source } = &error else { return error.into() };
    let AdmissionError::NotGranted { missing, .. } = &**source else { return error.into() };
    let what = if missing.len() == 1 { "a capability" } else { "capabilities" };
    let names: Vec<&str> = missing.iter().map(|m| m.interface.as_str()).collect();
    let message =
        format!("`{}` imports {what} it was not granted: {}", plain(plugin), names.join(", "));
    let details = json!({
        "ran": false,
        "missing": missing
            .iter()
            .map(|m| json!({"interface": m.interface, "functions": m.functions}))
            .collect::<Vec<_>>(),
    });
    Problem::new(3, "not-granted", message).details(details).more(text(missing, catalogue, wanted))
}

fn text(missing: &[MissingGrant], catalogue: &Catalogue, wanted: &Wanted<'_>) -> String {
    let mut out = String::new();
    let mut destroys = false;
    for import in missing {
        for (class, functions) in
            functions_by_class(catalogue, &import.interface, &import.functions)
        {
            destroys |= class == Class::Destroy;
            let names: Vec<String> = functions.into_iter().map(|(name, _)| name).collect();
            let class = format!("class {class}");
            let class = if class.ends_with("destroy") { styled(RED, class) } else { class };
            out.push_str(&format!("    {}    {class}    {}\n", import.interface, names.join(", ")));
        }
    }
    out.push_str("\n  Nothing of the plugin was run.\n");
    let (words, is_whole) = command(missing, catalogue, wanted);
    out.push_str(&format!("  To grant it:  {}\n", words.join(" \\\n                  ")));
    if !is_whole {
        out.push_str("  (put the name of the resource in the place of NAME)\n");
    }
    if destroys {
        out.push_str(&styled(DIM, "  Even then each effect of class destroy waits for people.\n"));
    }
    out
}

/// The command that would install it, in lines; and whether it can be pasted as it is, with no name left
/// to fill in.
fn command(
    missing: &[MissingGrant],
    catalogue: &Catalogue,
    wanted: &Wanted<'_>,
) -> (Vec<String>, bool) {
    let mut first = String::from("interlock ");
    if wanted.config != Path::new(DEFAULT_CONFIG) {
        first.push_str(&format!("--config {} ", shell::path(wanted.config)));
    }
    first.push_str(&format!(
        "plugin install {} --name {}",
        shell::path(wanted.file),
        shell::word(wanted.name)
    ));
    let mut lines = vec![first];
    let mut grant = |capability: &str, functions: Option<Vec<&str>>, resource: &str| {
        let functions = functions.map(|f| format!("#{}", f.join(","))).unwrap_or_default();
        let text = shell::quoted(&format!("{capability}{functions}={resource}"));
        lines.push(format!("--grant {text}"));
    };
    for given in wanted.grants {
        let functions = given.functions.as_ref().map(|f| f.iter().map(String::as_str).collect());
        // An empty list grants nothing, and cannot be typed.
        if functions.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        for resource in &given.resources {
            grant(given.interface.as_str(), functions.clone(), &resource.to_string());
        }
    }
    let mut is_whole = true;
    for import in missing {
        let kind = catalogue
            .interface(&import.interface)
            .and_then(|i| i.functions.values().next())
            .map(|f| f.resource.kind().to_owned());
        let resource = kind.as_deref().and_then(|kind| resource_of_kind(kind, wanted.grants));
        is_whole &= resource.is_some();
        let resource = resource.map_or_else(
            || format!("{}/NAME", kind.as_deref().unwrap_or("RESOURCE")),
            ToString::to_string,
        );
        let functions = import.functions.iter().map(String::as_str).collect();
        grant(import.interface.as_str(), Some(functions), &resource);
    }
    for preopen in wanted.preopens {
        lines.push(format!("--preopen {}", shell::word(preopen)));
    }
    (lines, is_whole)
}

/// The resource of a kind that the grants name, where all others of that kind lie within it: never more
/// than somebody has named already.
fn resource_of_kind<'a>(kind: &str, grants: &'a [Grant]) -> Option<&'a Resource> {
    let named = || {
        let all = grants.iter().flat_map(|g| &g.resources);
        all.filter(|r| r.segments().first().is_some_and(|first| first == kind))
    };
    named().find(|one| named().all(|other| other.is_within(one)))
}

#[cfg(test)]
mod tests {
    use super::{Grant, resource_of_kind};

    fn grants(resources: &[&str]) -> Vec<Grant> {
        let one = |resource: &&str| Grant {
            interface: "interlock:environment/observe@0.1.0".parse().unwrap(),
            functions: None,
            resources: vec![resource.parse().unwrap()],
            budget: None,
            elevation: None,
        };
        resources.iter().map(one).collect()
    }

    fn chosen(resources: &[&str]) -> Option<String> {
        resource_of_kind("environment", &grants(resources)).map(ToString::to_string)
    }

    #[test]
    fn a_suggestion_never_goes_beyond_what_was_named() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&["files/notes"]), None);
        assert_eq!(chosen(&["environment/prod"]).as_deref(), Some("environment/prod"));
        let both = chosen(&["environment/prod/service/api", "environment/prod"]);
        assert_eq!(both.as_deref(), Some("environment/prod"));
        assert_eq!(chosen(&["environment/prod", "environment/staging"]), None);
    }
}
