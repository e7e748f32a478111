//! The refusal that the product is about: a plugin imports what it was not granted. Says what, how
//! dangerous, that nothing ran, and the exact command that would grant it.

use super::super::{
    output::{DIM, RED, plain, styled},
    problem::Problem,
    sheet::functions_by_class,
};
use crate::HostError;
use interlock_authority::{Catalogue, Class};
use interlock_sandbox::{AdmissionError, MissingGrant};
use serde_json::json;
use std::path::Path;

/// What somebody tried to install.
pub(in super::super) struct Wanted<'a> {
    pub(super) file: &'a Path,
    pub(super) name: &'a str,
}

/// A host error for people; a missing grant gets the whole story.
pub(in super::super) fn explain(
    error: HostError,
    catalogue: &Catalogue,
    wanted: Option<Wanted<'_>>,
) -> Problem {
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
    Problem::new(3, "not-granted", message)
        .details(details)
        .more(text(plugin, missing, catalogue, wanted))
}

fn text(
    plugin: &str,
    missing: &[MissingGrant],
    catalogue: &Catalogue,
    wanted: Option<Wanted<'_>>,
) -> String {
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
    let (file, name) = match wanted {
        Some(wanted) => (wanted.file.display().to_string(), wanted.name.to_owned()),
        None => ("FILE".to_owned(), plugin.to_owned()),
    };
    out.push_str(&format!("  To grant it:  interlock plugin install {file} --name {name}"));
    for import in missing {
        let kind = catalogue
            .interface(&import.interface)
            .and_then(|i| i.functions.values().next())
            .map_or_else(|| "RESOURCE".to_owned(), |f| format!("{}/NAME", f.resource.kind()));
        let functions: Vec<&str> = import.functions.iter().map(String::as_str).collect();
        out.push_str(&format!(
            " \\\n                  --grant '{}#{}={kind}'",
            import.interface,
            functions.join(",")
        ));
    }
    out.push_str("\n  (name every grant of the plugin: the list replaces the one it has)\n");
    if destroys {
        out.push_str(&styled(
            DIM,
            "  Even then its effects of class destroy can only be planned: every call runs with them withheld.\n",
        ));
    }
    out
}
