//! `interlock config`: `check` says what is wrong without starting anything; `accept` lets people agree to rules
//! that were changed under a seal.

use super::{
    Ending,
    arguments::{ConfigArguments, ConfigCommand},
    call::principal,
    output::{GREEN, Output, plain, styled},
    shell,
};
use interlock::{
    Config, Host,
    desk::{self, Acceptance, Waiting},
    folders::check_preopens,
    host::{
        BUILT_IN_PROVIDERS, check_grants, check_providers, load_catalogue_with_sources, read_pinned,
    },
    rules::Rules,
};
use serde_json::json;
use std::{path::Path, sync::Arc};

pub(super) async fn run(arguments: &ConfigArguments, file: &Path, output: &Output) -> Ending {
    match &arguments.command {
        ConfigCommand::Check => check(file, output),
        ConfigCommand::Accept { principal, reason } => {
            accept(principal.as_deref(), reason.clone(), file, output).await
        }
    }
}

/// The people of the sealed rules agree to the changed ones, by the desk; here they are only asked, and what
/// they agreed to is put in force.
async fn accept(
    named: Option<&str>,
    reason: Option<String>,
    file: &Path,
    output: &Output,
) -> Ending {
    let config = Config::load(file)?;
    let principal = principal(named, &config)?;
    let host = Host::builder(config).build()?;
    Ok(match desk::accept(&host, &principal, reason).await? {
        Acceptance::InForce { sealed } => {
            output.result(&json!({"status": "in-force", "sealed": sealed}), || {
                let how = if sealed { "sealed" } else { "not sealed" };
                format!("{}, {how}: nothing to accept", styled(GREEN, "these rules are in force"))
            });
            0
        }
        Acceptance::Waiting(waiting) => {
            asked(&waiting, output);
            4
        }
        Acceptance::Accepted { request } => {
            output.result(&json!({"status": "accepted", "request": request}), || {
                format!("{}: these rules are in force from here on", styled(GREEN, "accepted"))
            });
            0
        }
    })
}

/// Tells whoever asked how people see it.
pub(super) fn asked(waiting: &Waiting, output: &Output) {
    #[derive(serde::Serialize)]
    struct Asked<'a> {
        status: &'static str,
        #[serde(flatten)]
        waiting: &'a Waiting,
    }
    output.result(&Asked { status: "approval-required", waiting }, || plain(&waiting.message));
    let id = shell::word(&waiting.request);
    output.aside(format!("People read it with:  interlock approval show {id}"));
}

fn check(file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let (catalogue, sources) = load_catalogue_with_sources(&config, Vec::new())?;
    let catalogue = Arc::new(catalogue);
    // A host does not start with policies or a roster that mean nothing, so they are not in order.
    Rules::load(&config, &sources, &catalogue, None)?;
    check_grants(&config, &catalogue)?;
    check_providers(&catalogue, &BUILT_IN_PROVIDERS.iter().copied().collect())?;
    interlock::programs::check_secrets(&config, &catalogue)?;
    interlock::folders::check_folders(&config, &catalogue)?;
    for plugin in config.plugins.values() {
        read_pinned(plugin)?;
        check_preopens(&config, plugin)?;
    }
    let (plugins, interfaces) = (config.plugins.len(), catalogue.interfaces().count());
    let summary = json!({
        "status": "ok", "config": file, "plugins": plugins, "interfaces": interfaces,
        "principals": config.principals.len(),
    });
    output.result(&summary, || {
        format!(
            "{}: {} capability interfaces, {} plugins, {} principals: {}",
            plain(&file.display().to_string()),
            interfaces,
            plugins,
            config.principals.len(),
            styled(GREEN, "in order")
        )
    });
    Ok(0)
}
