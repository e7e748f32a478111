//! A host that performs one effect after the other until somebody kills it. The test that does so looks
//! at what is left on disk and in the process table; it must be another process, because only a process
//! dies without running a single destructor.

use interlock_authority::{
    Authorized, Catalogue, Digest, Grant, InterfaceName, Invocation, Mode, Policies, Principal,
    authorize, permit,
    permit::{judge, permit_effect},
};
use interlock_providers::{
    Forecasted, Forecaster as _, Performer as _,
    environment::{EnvironmentProvider, RunnerProgram, catalogue},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    path::Path,
    sync::Arc,
};

/// Acts on service `api` of environment `prod` below `root`. Returns only what went wrong.
pub(crate) fn until_killed(root: &Path) -> String {
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => return error.to_string(),
    };
    let ended: Result<std::convert::Infallible, String> = runtime.block_on(async {
        let host = Host::open(root)?;
        loop {
            host.effect("restart-service", json!(["prod", "api"])).await?;
            host.effect("set-config", json!(["prod", "api", "x"])).await?;
            host.effect("scale-service", json!(["prod", "api", 2])).await?;
            host.effect("scale-service", json!(["prod", "api", 1])).await?;
        }
    });
    match ended {
        Err(problem) => problem,
        Ok(never) => match never {},
    }
}

fn said(error: impl Display) -> String {
    error.to_string()
}

/// As much of a host as effects need: nothing reaches the provider but through an authorization.
struct Host {
    provider: EnvironmentProvider,
    catalogue: Arc<Catalogue>,
    policies: Policies,
    authorized: Authorized,
    remediate: InterfaceName,
}

impl Host {
    fn open(root: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(said)?;
        let runner = RunnerProgram { program, arguments: vec!["runner".into()] };
        let catalogue = Catalogue::load(&[catalogue()]).map_err(said)?;
        let remediate: InterfaceName =
            "interlock:environment/remediate@0.1.0".parse().map_err(said)?;
        let functions: BTreeSet<String> = catalogue
            .interface(&remediate)
            .ok_or("the catalogue has no `remediate`")?
            .functions
            .keys()
            .cloned()
            .collect();
        let principal: Principal = "Agent::acting".parse().map_err(said)?;
        let everywhere = vec!["environment".parse().map_err(said)?];
        let grant = Grant::standing(remediate.clone(), None, everywhere);
        let asked = Invocation {
            principal: &principal,
            known_principals: &BTreeSet::from([principal.clone()]),
            plugin: "acting",
            digest: Digest::from_bytes([0; 32]),
            publisher: None,
            imports: &BTreeMap::from([(remediate.clone(), functions)]),
            grants: &[grant],
            tool: "act",
            uses: None,
            mode: Mode::Call,
        };
        let catalogue = Arc::new(catalogue);
        let policies = Policies::where_granted(&catalogue).map_err(|e| format!("{e:?}"))?;
        let authorized = authorize(&asked, &catalogue, &policies).map_err(|e| format!("{e:?}"))?;
        let provider = EnvironmentProvider::open(root, runner).map_err(said)?;
        Ok(Self { provider, catalogue, policies, authorized, remediate })
    }

    /// Forecasts and performs; that an effect fails or is refused is for the test to find out.
    async fn effect(&self, function: &str, arguments: Value) -> Result<(), String> {
        let Value::Array(arguments) = arguments else { return Err("no list".into()) };
        let call = self.catalogue.resolve(&self.remediate, function, arguments).map_err(said)?;
        let permitted = permit(&self.authorized, &self.policies, call, 0).map_err(said)?;
        let Forecasted::Exact(forecast) =
            self.provider.forecast(&permitted, &[]).await.map_err(said)?
        else {
            return Ok(());
        };
        let judged =
            judge(&self.authorized, &self.policies, permitted, forecast, 0).map_err(said)?;
        let effect = permit_effect(&self.authorized, judged).map_err(said)?;
        self.provider.perform(&effect, &always()).await.map(|_| ()).map_err(said)
    }
}

/// Nobody freezes this host.
fn always() -> interlock_providers::StillAllowed {
    std::sync::Arc::new(|| Ok(()))
}
