//! Endpoints on real servers, and calls as the host makes them.

use crate::alone::Alone;
use interlock_authority::{
    Denial, Forecast, Permitted, Planned, ResolvedCall, catalogue::CatalogueSource,
};
use interlock_providers::{
    Forecasted, Forecaster as _, Performed, Performer as _, ProviderFault, Reader as _,
    http::{
        Credential, Endpoint, EndpointSettings, HttpProvider, Private, Resolver, SystemResolver,
        catalogue,
    },
    secrets::{SecretSource, Secrets},
};
use serde_json::{Value, json};
use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The canary of the tests, in a file.
pub(crate) const CANARY: &str = "canary/5e7c+91=f0";

/// An endpoint with everything that the tests of requests use.
pub(crate) fn open(url: &str) -> EndpointSettings {
    EndpointSettings {
        methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec(),
        paths: vec!["{any...}".to_owned()],
        headers: vec!["accept".to_owned(), "x-note".to_owned()],
        query: [("state".to_owned(), 16), ("q".to_owned(), 64)].into(),
        private: Private::Own,
        plan: true,
        time: Duration::from_millis(1500),
        ..EndpointSettings::at(url)
    }
}

/// The same with a credential.
pub(crate) fn keyed(url: &str) -> EndpointSettings {
    EndpointSettings {
        credential: Some(Credential {
            header: "x-key".to_owned(),
            secret: "canary".to_owned(),
            prefix: "Key ".to_owned(),
        }),
        ..open(url)
    }
}

/// The built-in catalogue with `remove` as class `change`: no authority permits a `destroy` without an
/// approved plan, so this is how it is performed in a test of the provider alone.
fn test_catalogue(lax: bool) -> CatalogueSource {
    let mut source = catalogue();
    source.text =
        source.text.replace("class = \"destroy\"", "class = \"change\"\n  scope = \"subtree\"");
    if lax {
        let lines = source.text.lines().filter(|line| !line.contains("arguments.path"));
        source.text = lines.collect::<Vec<_>>().join("\n");
    }
    source
}

/// A resolver that says what it was told to, in turn.
pub(crate) struct Told {
    answers: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Told {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let all = |texts: &&[&str]| texts.iter().map(|t| t.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(all).collect(), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Resolver for Told {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let answer = self.answers[asked.len() % self.answers.len()].clone();
        asked.push(name.to_owned());
        Ok(answer)
    }
}

/// A host with endpoints.
pub(crate) struct Host {
    pub(crate) provider: HttpProvider,
    pub(crate) folder: tempfile::TempDir,
    alone: Alone,
}

impl Host {
    /// One endpoint, `s`.
    pub(crate) fn of(settings: EndpointSettings) -> Self {
        Self::with(settings, Arc::new(SystemResolver), false)
    }

    pub(crate) fn with(settings: EndpointSettings, resolver: Arc<dyn Resolver>, lax: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("canary");
        std::fs::write(&file, format!("{CANARY}\n")).unwrap();
        let secrets = Secrets::new([("canary".to_owned(), SecretSource::File(file))].into());
        let endpoints = [("s".to_owned(), Endpoint::new(settings).unwrap())].into();
        let provider = HttpProvider::new(endpoints, secrets, folder.path(), resolver);
        let alone = Alone::of(test_catalogue(lax), "http", "test");
        Self { provider, folder, alone }
    }

    pub(crate) fn resolve(&self, function: &str, arguments: Value) -> Result<ResolvedCall, Denial> {
        let Value::Array(arguments) = arguments else { panic!("arguments are a list") };
        self.alone.resolve(function, arguments)
    }

    pub(crate) fn permitted(&self, function: &str, arguments: Value) -> Permitted {
        let call = self.resolve(function, arguments).unwrap();
        self.alone.permit(call).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.read("get", json!(["s", path, [], []])).await.unwrap()
    }

    pub(crate) async fn read(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Value, ProviderFault> {
        self.provider.read(&self.permitted(function, arguments)).await
    }

    /// The code with which a read fails, by whichever way.
    pub(crate) async fn code(&self, function: &str, arguments: Value) -> String {
        match self.read(function, arguments).await {
            Ok(answer) => match &answer["err"]["failed"] {
                Value::String(text) => text.split(':').next().unwrap().to_owned(),
                _ => format!("status {}", answer["ok"]["status"]),
            },
            Err(ProviderFault::Denied { rule, .. }) => rule.to_owned(),
            Err(other) => panic!("{other}"),
        }
    }

    pub(crate) async fn forecast(
        &self,
        function: &str,
        arguments: Value,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let permitted = self.permitted(function, arguments);
        self.provider.forecast(&permitted, earlier).await
    }

    pub(crate) async fn exact(&self, function: &str, arguments: Value) -> Forecast {
        match self.forecast(function, arguments, &[]).await.unwrap() {
            Forecasted::Exact(forecast) => forecast,
            other => panic!("{function}: {other:?}"),
        }
    }

    pub(crate) async fn perform(
        &self,
        function: &str,
        arguments: Value,
        forecast: Forecast,
    ) -> Result<Performed, ProviderFault> {
        self.perform_while(function, arguments, forecast, || Ok(())).await
    }

    pub(crate) async fn perform_while(
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

    /// Forecasts and performs at once, as a direct call does.
    pub(crate) async fn effect(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Performed, ProviderFault> {
        let forecast = self.exact(function, arguments.clone()).await;
        let foreseen = forecast.clone();
        let performed = self.perform(function, arguments, forecast).await?;
        if let Performed::Done { result, .. } = &performed {
            assert_eq!(*result, foreseen.result, "{function}");
        }
        Ok(performed)
    }
}

/// The rows of a corpus.
pub(crate) fn corpus(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/addresses");
    let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap()
}
