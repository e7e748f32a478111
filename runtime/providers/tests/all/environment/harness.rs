//! One root folder with one host on it. Dropping it ends every process that was started below it,
//! also when a test fails.

use crate::alone::Alone;
use interlock_authority::{
    Class, Denial, Forecast, Permitted, Planned, ResolvedCall, Resource, catalogue::CatalogueSource,
};
use interlock_providers::{
    Forecasted, Forecaster as _, Performed, Performer as _, ProviderFault, Reader as _,
    environment::{EnvironmentProvider, RunnerProgram, catalogue},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_interlock-environment-helper");

/// The helper with one of its subcommands.
pub(crate) fn helper(subcommand: &str) -> RunnerProgram {
    RunnerProgram { program: HELPER.into(), arguments: vec![subcommand.into()] }
}

/// The built-in catalogue with teardown as class `change`: no authority permits a `destroy` without an
/// approved plan, so this is how its functions are performed in a test of the provider alone.
fn test_catalogue() -> CatalogueSource {
    let mut source = catalogue();
    source.text =
        source.text.replace("class = \"destroy\"", "class = \"change\"\n  scope = \"subtree\"");
    source
}

/// A host on a root folder.
pub(crate) struct Host {
    pub(crate) provider: EnvironmentProvider,
    alone: Alone,
}

impl Host {
    pub(crate) fn open(root: &Path) -> Self {
        let provider = EnvironmentProvider::open(root, helper("runner")).unwrap();
        Self { provider, alone: Alone::of(test_catalogue(), "environment", "test") }
    }

    pub(crate) fn resolve(&self, function: &str, arguments: Value) -> Result<ResolvedCall, Denial> {
        let Value::Array(arguments) = arguments else { panic!("arguments are a list") };
        self.alone.resolve(function, arguments)
    }

    pub(crate) fn permitted(&self, function: &str, arguments: Value) -> Permitted {
        let call = self.resolve(function, arguments).unwrap();
        self.alone.permit(call).unwrap()
    }

    pub(crate) async fn try_read(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Value, ProviderFault> {
        let permitted = self.permitted(function, arguments);
        assert_eq!(permitted.call().class(), Class::Read);
        self.provider.read(&permitted).await
    }

    pub(crate) async fn read(&self, function: &str, arguments: Value) -> Value {
        self.try_read(function, arguments).await.unwrap()
    }

    pub(crate) async fn status(&self, environment: &str, service: &str) -> Value {
        let status = self.read("service-status", json!([environment, service])).await;
        status["ok"].clone()
    }

    pub(crate) async fn pids(&self, environment: &str, service: &str) -> Vec<u64> {
        let status = self.status(environment, service).await;
        status["replicas"].as_array().unwrap().iter().filter_map(|r| r["pid"].as_u64()).collect()
    }

    pub(crate) async fn forecast(
        &self,
        function: &str,
        arguments: Value,
        earlier: &[Planned],
    ) -> Forecasted {
        let permitted = self.permitted(function, arguments);
        self.provider.forecast(&permitted, earlier).await.unwrap()
    }

    pub(crate) async fn exact(&self, function: &str, arguments: Value) -> Forecast {
        match self.forecast(function, arguments, &[]).await {
            Forecasted::Exact(forecast) => forecast,
            other => panic!("{function}: {other:?}"),
        }
    }

    /// Performs against a forecast that was made before.
    pub(crate) async fn perform(
        &self,
        function: &str,
        arguments: Value,
        forecast: Forecast,
    ) -> Result<Performed, ProviderFault> {
        self.perform_while(function, arguments, forecast, || Ok(())).await
    }

    /// Performs, if it is still allowed once the environment's lock is held.
    pub(crate) async fn perform_while(
        &self,
        function: &str,
        arguments: Value,
        forecast: Forecast,
        still_allowed: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Result<Performed, ProviderFault> {
        let permitted = self.permitted(function, arguments);
        let effect = self.alone.effect(permitted, forecast);
        let still_allowed: interlock_providers::StillAllowed = std::sync::Arc::new(still_allowed);
        self.provider.perform(&effect, &still_allowed).await
    }

    /// Forecasts and performs at once, as a direct call does; the answer of the guest.
    pub(crate) async fn effect(&self, function: &str, arguments: Value) -> Value {
        let forecast = match self.forecast(function, arguments.clone(), &[]).await {
            Forecasted::Exact(forecast) => forecast,
            Forecasted::NoEffect(answer) => return answer,
            Forecasted::Inexact(reason) => panic!("{function}: inexact: {reason}"),
        };
        let foreseen = forecast.clone();
        match self.perform(function, arguments, forecast).await.unwrap() {
            Performed::Done { result, revisions } => {
                assert_eq!(result, foreseen.result, "{function}");
                for touched in &foreseen.touches {
                    assert!(revisions.contains_key(touched), "{function} returns {touched}");
                }
                result
            }
            Performed::Refused { result, .. } | Performed::Failed { result, .. } => result,
        }
    }

    /// As [`Host::effect`], and it must have worked.
    pub(crate) async fn done(&self, function: &str, arguments: Value) {
        let result = self.effect(function, arguments).await;
        assert!(result.get("ok").is_some(), "{function}: {result}");
    }
}

/// A temporary root folder.
pub(crate) struct World {
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A world with one environment of one service that does nothing.
    pub(crate) fn with_sleepers(environment: &str, services: &[&str]) -> Self {
        let world = Self::new();
        for service in services {
            world.define(environment, service, "command = [\"/bin/sleep\", \"1000\"]\n");
        }
        world
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn host(&self) -> Host {
        Host::open(self.root())
    }

    pub(crate) fn service(&self, environment: &str, service: &str) -> PathBuf {
        self.root().join(environment).join("services").join(service)
    }

    pub(crate) fn define(&self, environment: &str, service: &str, definition: &str) {
        let folder = self.service(environment, service);
        fs::create_dir_all(&folder).unwrap();
        fs::write(self.root().join(environment).join("environment.toml"), "").unwrap();
        fs::write(folder.join("service.toml"), definition).unwrap();
    }

    /// A service that is a shell script, for tests only: the provider itself starts no shell.
    pub(crate) fn define_script(&self, environment: &str, service: &str, script: &str, more: &str) {
        let script = toml_string(script);
        let text = format!("command = [\"/bin/sh\", \"-c\", {script}]\nstop-seconds = 1\n{more}");
        self.define(environment, service, &text);
    }

    pub(crate) fn record(&self, environment: &str, service: &str, replica: u32) -> Value {
        let file =
            self.service(environment, service).join(format!("replicas/{replica}/record.json"));
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }
}

pub(crate) fn toml_string(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: u64) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.trim_start().starts_with('Z'))
}

/// Waits up to 5 s.
pub(crate) fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}");
}

pub(crate) fn kill(pid: u64) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

impl Drop for World {
    fn drop(&mut self) {
        let mut open = vec![self.root().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    open.push(entry.path());
                } else if entry.file_name() == "record.json" {
                    end(&entry.path());
                }
            }
        }
    }
}

/// Ends what a record names, if it is still that process.
fn end(record: &Path) {
    let Ok(record) = serde_json::from_slice::<Value>(&fs::read(record).unwrap_or_default()) else {
        return;
    };
    for who in ["runner", "service"] {
        let process = &record[who];
        let (Some(pid), Some(start)) = (process["pid"].as_i64(), process["start"].as_u64()) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let now = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
        if now == Some(start.to_string().as_str())
            && let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap())
        {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

pub(crate) fn resource(text: &str) -> Resource {
    text.parse().unwrap()
}
