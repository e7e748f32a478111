//! `interlock plugin inspect`: the permission sheet of a file. Works without a configuration, on the
//! built-in catalogues, and constructs no provider.

use super::super::{Ending, output::Output, problem::Problem, sheet::Sheet};
use interlock::{
    Config, HostError,
    helper::Helper,
    host::{load_catalogue, read_plugin},
};
use interlock_sandbox::{Compiler, Sandbox, SandboxSettings};
use std::path::Path;

pub(super) async fn run(file: &Path, config: &Path, named: bool, output: &Output) -> Ending {
    let sheet = sheet_of(file, config, named, output).await?;
    output.result(&sheet, || sheet.text());
    Ok(0)
}

/// The sheet of a component's file.
pub(in super::super) async fn sheet_of(
    file: &Path,
    config: &Path,
    named: bool,
    output: &Output,
) -> Result<Sheet, Problem> {
    let bytes = read_plugin(file)?;
    // A file that somebody named must be there: the sheet would tell of another host otherwise.
    let config = if named || config.symlink_metadata().is_ok() {
        Config::load(config)?
    } else {
        Config::parse(config, "")?
    };
    let catalogue = load_catalogue(&config, Vec::new())?;
    let (program, arguments) = Helper::this_program()?.role("compile");
    let settings =
        SandboxSettings { cache: None, compiler: Compiler::Child { program, arguments } };
    let sandbox = Sandbox::new(settings).map_err(HostError::from)?;
    let progress = output.progress(format!("compiling {}", file.display()));
    let inspection = sandbox.inspect(&bytes, &catalogue).await;
    drop(progress);
    let inspection = inspection.map_err(|source| HostError::Admission {
        plugin: file.display().to_string(),
        source: Box::new(source),
    })?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
    Ok(Sheet::new(&stem, &inspection, &catalogue))
}
