//! `interlock plugin …`: look at plugins, install them, list them, remove them.

mod inspect;
mod install;
mod list;
mod preopen;
mod remove;
mod ungranted;

pub(super) use inspect::sheet_of;
pub(super) use ungranted::explain_installed;

use super::{
    Ending,
    arguments::{PluginArguments, PluginCommand},
    output::Output,
};
use std::path::Path;

/// `named`: whether somebody named the configuration file.
pub(super) async fn run(
    arguments: &PluginArguments,
    config: &Path,
    named: bool,
    output: &Output,
) -> Ending {
    match &arguments.command {
        PluginCommand::Inspect { file } => inspect::run(file, config, named, output).await,
        PluginCommand::Install { file, name, grants, preopens } => {
            install::run(file, name, grants, preopens, config, output).await
        }
        PluginCommand::List => list::run(config, output).await,
        PluginCommand::Remove { name } => remove::run(name, config, output).await,
    }
}
