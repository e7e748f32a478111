//! A host of one plugin on a state folder, and calls as the host makes them.

use crate::alone::Alone;
use interlock_authority::{Denial, Forecast, Permitted, Planned, ResolvedCall};
use interlock_providers::{
    Forecasted, Forecaster as _, Performed, Performer as _, ProviderFault, Reader as _,
    kv::{KvProvider, Quota, catalogue},
};
use serde_json::Value;
use std::{path::Path, sync::Arc};

pub(crate) struct Host {
    provider: KvProvider,
    alone: Alone,
}

impl Host {
    pub(crate) fn of(plugin: &str, state: &Path) -> Self {
        Self::with(plugin, state, Quota::default())
    }

    pub(crate) fn with(plugin: &str, state: &Path, quota: Quota) -> Self {
        // Of everybody's keys: what keeps plugins apart is not the grant.
        let alone = Alone::of(catalogue(), "kv", plugin);
        Self { provider: KvProvider::new(state, quota), alone }
    }

    pub(crate) fn resolve(&self, function: &str, arguments: Value) -> Result<ResolvedCall, Denial> {
        let Value::Array(arguments) = arguments else { panic!("arguments are a list") };
        self.alone.resolve(function, arguments)
    }

    pub(crate) fn permit(&self, call: ResolvedCall) -> Result<Permitted, Denial> {
        self.alone.permit(call)
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
        let effect = self.alone.effect(permitted, forecast);
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
