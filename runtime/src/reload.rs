//! A running host follows its configuration: when what it says has changed and means something, a new host is
//! built from it and takes the old one's place between two calls. One that means nothing changes nothing: the
//! old host serves on, and says so, once. Calls that run end under the rules they began with.

use crate::{
    BoxFuture, Config, Host, HostError, config::wit_of, desk::Askers, telemetry::Telemetry,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How often the configuration is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What a configuration says, in a form that differs when it says something else: policies and roster are in it
/// as text, catalogues and their WIT by the time they were changed.
pub fn fingerprint(config: &Config) -> String {
    let changed = |file: &PathBuf| std::fs::metadata(file).and_then(|m| m.modified()).ok();
    let wit = config.catalogues.iter().flat_map(|catalogue| wit_of(catalogue));
    let catalogues: Vec<_> =
        config.catalogues.iter().cloned().chain(wit).map(|file| changed(&file)).collect();
    format!("{config:?} {catalogues:?}")
}

/// Follows a configuration for as long as it is polled.
#[inline(never)]
pub fn follow(
    file: PathBuf,
    known: String,
    askers: Askers,
    telemetry: Telemetry,
) -> BoxFuture<'static, ()> {
    Box::pin(look_again(file, known, askers, telemetry))
}

async fn look_again(file: PathBuf, mut known: String, askers: Askers, telemetry: Telemetry) {
    let mut complained = String::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let path = file.clone();
        // With its fingerprint, which reads the catalogues: not on a thread that serves.
        let read = move || Config::load(&path).map(|config| (fingerprint(&config), config));
        let loaded = match tokio::task::spawn_blocking(read).await {
            Ok(Ok((now, config))) => {
                if now == known {
                    if !complained.is_empty() {
                        complained.clear();
                        telemetry.same();
                    }
                    continue;
                }
                let builder = Host::builder(config).telemetry(telemetry.clone());
                tokio::task::spawn_blocking(move || builder.build())
                    .await
                    .map(|built| built.map(|host| (now, host)))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(error) => Err(error),
        };
        let problem = match loaded {
            Ok(Ok((now, host))) => {
                known = now;
                complained.clear();
                telemetry.loaded(true);
                tell(&host);
                askers.replace(Arc::new(host));
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => {
                HostError::io("cannot read the configuration")(std::io::Error::other(error))
                    .to_string()
            }
        };
        if problem != complained {
            telemetry.loaded(false);
            tracing::error!(problem, "the changed configuration is not used, the one before is");
            complained = problem;
        }
    }
}

fn tell(host: &Host) {
    let epoch = &host.rules().epoch;
    tracing::info!(
        plugins = host.config().plugins.len(),
        policies = epoch.policies.short(),
        catalogues = epoch.catalogues.short(),
        approvers = epoch.approvers.short(),
        "the changed configuration is used from here on"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_changed_wit_is_a_changed_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("box.toml"), "wit = \"box.wit\"\n").unwrap();
        fs::write(at("box.wit"), "package acme:box@1.0.0;\n").unwrap();
        let config = Config::parse(&at("interlock.toml"), "catalogues = [\"box.toml\"]\n").unwrap();
        let before = fingerprint(&config);
        assert_eq!(fingerprint(&config), before);
        for file in ["box.wit", "box.toml"] {
            let before = fingerprint(&config);
            let later = std::time::SystemTime::now() + Duration::from_secs(5);
            fs::File::options().write(true).open(at(file)).unwrap().set_modified(later).unwrap();
            assert_ne!(fingerprint(&config), before, "{file}");
        }
    }
}
