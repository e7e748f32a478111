//! `interlock plugin install`: admit, pin, and say what the plugin may do from now on.

use super::super::{
    Ending,
    output::{DIM, GREEN, Output, styled},
    problem::Problem,
    sheet::Sheet,
};
use super::{
    preopen,
    ungranted::{Wanted, explain},
};
use interlock::{
    Host,
    host::read_plugin,
    install::{Install, install, parse_grant},
};
use interlock_authority::{Class, Grant};
use std::path::Path;

pub(super) async fn run(
    file: &Path,
    name: &str,
    grants: &[String],
    preopens: &[String],
    config: &Path,
    output: &Output,
) -> Ending {
    let wanted = Install {
        name: name.to_owned(),
        grants: if grants.is_empty() { None } else { Some(read_grants(grants)?) },
        preopens: if preopens.is_empty() { None } else { Some(preopen::read(preopens, config)?) },
    };
    let bytes = read_plugin(file)?;
    let host = Host::from_file(config)?.build()?;
    let progress = output.progress(format!("compiling {}", file.display()));
    let installed = install(&host, &bytes, &wanted).await;
    drop(progress);
    let admitted = installed.map_err(|error| {
        let standing = host.config().plugins.get(name);
        let standing = || standing.map(|plugin| plugin.grants.as_slice());
        let grants = wanted.grants.as_deref().or_else(standing).unwrap_or_default();
        let wanted = Wanted { file, name, config, grants, preopens };
        explain(error, host.catalogue(), &wanted)
    })?;
    let sheet = Sheet::new(name, &admitted, host.catalogue());
    output.result(&sheet, || sheet.text());
    output.aside(format!("{} {name}, pinned by its digest", styled(GREEN, "installed")));
    let destroys = admitted.imports.keys().any(|interface| {
        host.catalogue().interface(interface).is_some_and(|i| i.class() == Class::Destroy)
    });
    if destroys {
        output.aside(styled(DIM, "Each effect of class destroy waits for people."));
    }
    Ok(0)
}

fn read_grants(texts: &[String]) -> Result<Vec<Grant>, Problem> {
    texts
        .iter()
        .map(|text| {
            if !text.contains('=') {
                return Err(Problem::usage(format!(
                    "the grant `{text}` names no resource; write `{text}=environment/prod` for that resource and all below it"
                )));
            }
            let functions = text.split_once('=').and_then(|(what, _)| what.split_once('#'));
            if let Some((capability, functions)) = functions
                && functions.split(',').any(|name| name.trim().is_empty())
            {
                return Err(Problem::usage(format!(
                    "the grant `{text}` has `#` and then not the name of a function; name functions joined by `,`, or leave `#` out and write `{capability}=…` for all of them"
                )));
            }
            parse_grant(text).map_err(|e| Problem::usage(format!("the grant `{text}`: {e}")))
        })
        .collect()
}
