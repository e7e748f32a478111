//! A host of one plugin on a state folder, and calls as the host makes them.

use interlock_authority::{
    Authorized, Catalogue, Denial, Digest, Forecast, Grant, InterfaceName, Invocation, Mode,
    Permitted, Planned, Policies, Principal, ResolvedCall, authorize, permit,
    permit::{judge, permit_effect},
};
use interlock_providers::{
    Forecasted, Forecaster as _, Performed, Performer as _, ProviderFault, Reader as _,
    kv::{KvProvider, Quota, catalogue},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

pub(crate) struct Host {
    provider: KvProvider,
    catalogue: Arc<Catalogue>,
    policies: Policies,
    authorized: Authorized,
}

impl Host {
    pub(crate) fn of(plugin: &str, state: &Path) -> Self {
        Self::with(plugin, state, Quota::default())
    }

    pub(crate) fn with(plugin: &str, state: &Path, quota: Quota) -> Self {
        let mut source = catalogue();
        // No authority permits a `destroy` without an approved plan: so it is performed in a test of the provider.
        source.text = source.text.replace("class = \"destroy\"", "class = \"change\"");
        let catalogue = Catalogue::load(&[source]).unwrap();
        let principal: Principal = "Agent::tester".parse().unwrap();
        let imports: BTreeMap<InterfaceName, BTreeSet<String>> = catalogue
            .interfaces()
            .map(|i| (i.name.clone(), i.functions.keys().cloned().collect()))
            .collect();
        // Of everybody's keys: what keeps plugins apart is not the grant.
        let grants: Vec<Grant> = imports
            .keys()
            .map(|i| Grant::standing(i.clone(), None, vec!["kv".parse().unwrap()]))
            .collect();
        let asked = Invocation {
            principal: &principal,
            known_principals: &[principal.clone()].into(),
            plugin,
            digest: Digest::from_bytes([0; 32]),
            publisher: None,
            imports: &imports,
            grants: &grants,
            tool: "test",
            uses: None,
            mode: Mode::Call,
        };
        let catalogue = Arc::new(catalogue);
        let policies = Policies::where_granted(&catalogue).unwrap();
        let authorized = authorize(&asked, &catalogue, &policies).unwrap();
        Self { provider: KvProvider::new(state, quota), catalogue, policies, authorized }
    }

    pub(crate) fn resolve(&self, function: &str, arguments: Value) -> Result<ResolvedCall, Denial> {
        let found = self.catalogue.interfaces().find(|i| i.functions.contains_key(function));
        let Value::Array(arguments) = arguments else { panic!("arguments are a list") };
        let plugin = self.authorized.plugin();
        self.catalogue.resolve_for(plugin, &found.unwrap().name, function, arguments)
    }

    pub(crate) fn permit(&self, call: ResolvedCall) -> Result<Permitted, Denial> {
        permit(&self.authorized, &self.policies, call, 0)
    }

    fn permitted(&self, function: &str, arguments: Value) -> Permitted {
        self.permit(self.resolve(function, arguments).unwrap()).unwrap()
    }

    pub(crate) async fn read(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Value, ProviderFault> {
        self.provider.read(&self.permitted(function, arguments)).await
    }

    pub(crate) async fn forecast(
        &self,
        function: &str,
        arguments: Value,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        self.provider.forecast(&self.permitted(function, arguments), earlier).await
    }

    pub(crate) async fn exact(
        &self,
        function: &str,
        arguments: Value,
        earlier: &[Planned],
    ) -> Forecast {
        match self.forecast(function, arguments, earlier).await.unwrap() {
            Forecasted::Exact(forecast) => forecast,
            other => panic!("{function}: {other:?}"),
        }
    }

    pub(crate) async fn perform(
        &self,
        function: &str,
        arguments: Value,
        forecast: Forecast,
        still_allowed: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Result<Performed, ProviderFault> {
        let permitted = self.permitted(function, arguments);
        let judged = judge(&self.authorized, &self.policies, permitted, forecast, 0).unwrap();
        let effect = permit_effect(&self.authorized, judged).unwrap();
        let still_allowed: interlock_providers::StillAllowed = Arc::new(still_allowed);
        self.provider.perform(&effect, &still_allowed).await
    }

    /// Forecasts and performs at once, as a direct call does; the result that the guest gets.
    pub(crate) async fn effect(&self, function: &str, arguments: Value) -> Value {
        let forecast = match self.forecast(function, arguments.clone(), &[]).await.unwrap() {
            Forecasted::Exact(forecast) => forecast,
            Forecasted::NoEffect(answer) => return answer,
            other => panic!("{function}: {other:?}"),
        };
        let foreseen = forecast.result.clone();
        match self.perform(function, arguments, forecast, || Ok(())).await.unwrap() {
            Performed::Done { result, revisions } => {
                assert_eq!(result, foreseen, "{function}");
                assert_eq!(revisions.len(), 1);
                result
            }
            Performed::Refused { result, .. } => result,
            other => panic!("{function}: {other:?}"),
        }
    }
}
