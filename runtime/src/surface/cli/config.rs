//! `interlock config check`: everything that can be checked without starting anything.

use super::{
    Ending,
    arguments::{ConfigArguments, ConfigCommand},
    output::{GREEN, Output, plain, styled},
};
use crate::{
    Config,
    host::{
        BUILT_IN_PROVIDERS, check_grants, check_preopens, check_providers, load_catalogue,
        read_pinned,
    },
};
use serde_json::json;
use std::path::Path;

pub(super) fn run(arguments: &ConfigArguments, file: &Path, output: &Output) -> Ending {
    match arguments.command {
        ConfigCommand::Check => check(file, output),
    }
}

fn check(file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let catalogue = load_catalogue(&config, Vec::new())?;
    check_grants(&config, &catalogue)?;
    check_providers(&catalogue, &BUILT_IN_PROVIDERS.iter().copied().collect())?;
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
