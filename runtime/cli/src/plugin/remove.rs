//! `interlock plugin remove`: take a plugin out of the configuration.

use super::super::{Ending, output::Output};
use interlock::{Config, install};
use serde_json::json;
use std::path::Path;

pub(super) async fn run(name: &str, config: &Path, output: &Output) -> Ending {
    install::remove(&Config::load(config)?, name).await?;
    output.result(&json!({"status": "removed", "name": name}), || format!("removed {name}"));
    Ok(0)
}
