//! Capabilities that programs serve: what a host needs for them is in its catalogues, but for secrets. A host
//! that lacks one of those does not start: it would be missed in the middle of a run.

use crate::{Config, HostError};
use interlock_authority::Catalogue;
use interlock_providers::{Provider, exec::ExecProvider, secrets::Secrets};
use std::collections::BTreeMap;

/// The providers of all programs that the catalogues name.
pub(crate) fn providers(config: &Config, catalogue: &Catalogue) -> BTreeMap<String, Provider> {
    let secrets = Secrets::new(config.secrets.clone());
    ExecProvider::all(catalogue, &secrets, &config.state.join("locks"))
}

/// Checks that every secret that programs are to get is configured. Its value is not looked at.
///
/// # Errors
/// The first that is not.
pub fn check_secrets(config: &Config, catalogue: &Catalogue) -> Result<(), HostError> {
    for interface in catalogue.interfaces() {
        for (name, function) in &interface.functions {
            let mut secrets = function.command.iter().flat_map(|c| c.secrets().values());
            if let Some(secret) = secrets.find(|secret| !config.secrets.contains_key(*secret)) {
                return Err(HostError::Config {
                    file: config.file.clone(),
                    line: None,
                    message: format!(
                        "`{}#{name}` needs the secret `{secret}`; add a table `[secrets.{secret}]` with `file`, `env` or `command`",
                        interface.name
                    ),
                });
            }
        }
    }
    Ok(())
}
