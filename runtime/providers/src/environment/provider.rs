//! The embedded provider: the three roles over the same root. Its work blocks (files, processes), so
//! each call runs on the blocking pool; an effect that was begun goes on to its end even if whoever
//! asked for it stops waiting.

use super::{
    effect::Expected,
    look::touches,
    model::{Model, Operation, Outcome},
    replica::Starter,
    runner::RunnerProgram,
    state::Root,
    strangers::in_the_way,
};
use crate::{
    Forecasted, Forecaster, Performed, Performer, ProviderFault, Reader, StillAllowed,
    blocking::blocking,
};
use async_trait::async_trait;
use interlock_authority::{
    Forecast, Permitted, PermittedEffect, Planned, Resource, catalogue::ResolvedCall,
};
use serde_json::Value;
use std::{path::Path, sync::Arc, time::Duration};

const PACKAGE: &str = "interlock:environment";
/// How long looking waits for an effect that is under way.
const LOOK_WAIT: Duration = Duration::from_secs(10);

/// Environments of local processes below one folder.
#[derive(Debug, Clone)]
pub struct EnvironmentProvider {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) root: Root,
    pub(super) starter: Starter,
}

impl EnvironmentProvider {
    /// Opens the folder that holds the environments, and keeps it open: later changes of the path
    /// do not matter. `runner` is the hidden subcommand that calls [`super::runner_main`].
    ///
    /// # Errors
    /// A folder that is missing or cannot be written; a damaged state.
    pub fn open(root: &Path, runner: RunnerProgram) -> Result<Self, ProviderFault> {
        let (root, starter) = (Root::open(root)?, Starter::new(runner));
        Ok(Self { inner: Arc::new(Inner { root, starter }) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ProviderFault> + Send + 'static,
    ) -> Result<T, ProviderFault> {
        let inner = self.inner.clone();
        blocking(move || work(&inner)).await
    }
}

/// An earlier effect of a plan, as far as it is one for an environment.
#[derive(Debug)]
pub(super) enum Before {
    /// On the environment itself.
    Here(Operation),
    /// Another environment is deleted.
    OtherDeleted,
}

impl Before {
    fn here(&self) -> Option<&Operation> {
        if let Self::Here(operation) = self { Some(operation) } else { None }
    }
}

fn not_served(call: &ResolvedCall) -> ProviderFault {
    ProviderFault::not_served(super::PROVIDER, call)
}

/// A string argument. The WIT and admission make sure that it is there.
fn text(call: &ResolvedCall, name: &str) -> Result<String, ProviderFault> {
    call.text(name).map(str::to_owned).ok_or_else(|| not_served(call))
}

fn number(call: &ResolvedCall, name: &str) -> Result<u32, ProviderFault> {
    call.number(name).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| not_served(call))
}

/// The environment and the operation of a call of `remediate` or `teardown`; `None` for others.
fn operation(call: &ResolvedCall) -> Result<Option<(String, Operation)>, ProviderFault> {
    if call.interface().package() != PACKAGE {
        return Ok(None);
    }
    let service = || text(call, "service");
    let operation = match (call.interface().interface(), call.function()) {
        ("remediate", "restart-service") => Operation::Restart(service()?),
        ("remediate", "set-config") => Operation::SetConfig(service()?, text(call, "content")?),
        ("remediate", "rollback-config") => {
            Operation::Rollback(service()?, number(call, "version")?)
        }
        ("remediate", "scale-service") => Operation::Scale(service()?, number(call, "replicas")?),
        ("teardown", "stop-service") => Operation::Stop(service()?),
        ("teardown", "delete-service") => Operation::DeleteService(service()?),
        ("teardown", "delete-environment") => Operation::DeleteEnvironment,
        ("teardown", "recreate-environment") => Operation::Recreate,
        _ => return Ok(None),
    };
    Ok(Some((text(call, "environment")?, operation)))
}

#[async_trait]
impl Reader for EnvironmentProvider {
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault> {
        let call = call.call().clone();
        if call.interface().package() != PACKAGE || call.interface().interface() != "observe" {
            return Err(not_served(&call));
        }
        self.blocking(move |inner| {
            // Reads take no lock, so that they are answered while an effect waits for a service. What
            // was deleted or replaced under our eyes looks damaged once, and is looked at again.
            let mut answer = inner.read(&call);
            for _ in 0..3 {
                if answer.is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(30));
                answer = inner.read(&call);
            }
            answer
        })
        .await
    }
}

#[async_trait]
impl Forecaster for EnvironmentProvider {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let call = call.call().clone();
        let Some((environment, wanted)) = operation(&call)? else { return Err(not_served(&call)) };
        let mut before = Vec::new();
        for planned in earlier {
            // Effects of other providers change nothing here, and of those on other environments only a deletion does:
            // what is made anew has other revisions than before.
            match operation(&planned.call)? {
                Some((name, operation)) if name == environment => {
                    before.push(Before::Here(operation));
                }
                Some((_, Operation::DeleteEnvironment)) => before.push(Before::OtherDeleted),
                _ => {}
            }
        }
        let resource = call.resource().clone();
        self.blocking(move |inner| inner.forecast(&environment, &resource, &before, &wanted)).await
    }
}

#[async_trait]
impl Performer for EnvironmentProvider {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        let still_allowed = still_allowed.clone();
        let call = effect.call().clone();
        let (forecast, revision) = (effect.forecast().clone(), effect.expected().clone());
        let Some((environment, wanted)) = operation(&call)? else { return Err(not_served(&call)) };
        self.blocking(move |inner| {
            let (resource, revision) = (call.resource(), &revision);
            let expected = Expected { resource, revision, forecast: &forecast };
            inner.perform(&environment, &wanted, &expected, &*still_allowed)
        })
        .await
    }
}

impl Inner {
    fn read(&self, call: &ResolvedCall) -> Result<Value, ProviderFault> {
        let names = || Ok::<_, ProviderFault>((text(call, "environment")?, text(call, "service")?));
        match call.function() {
            "list-environments" => self.list_environments(),
            "list-services" => self.list_services(&text(call, "environment")?),
            "service-status" => {
                let (environment, service) = names()?;
                self.service_status(&environment, &service)
            }
            "read-config" => {
                let (environment, service) = names()?;
                let version = match call.arguments().get("version") {
                    None | Some(Value::Null) => None,
                    Some(_) => Some(number(call, "version")?),
                };
                self.read_config(&environment, &service, version)
            }
            "logs" => {
                let (environment, service) = names()?;
                let lines = usize::try_from(number(call, "lines")?).unwrap_or(usize::MAX);
                self.logs(&environment, &service, lines)
            }
            _ => Err(not_served(call)),
        }
    }

    /// What an operation would do after those before it. Nothing is changed.
    pub(super) fn forecast(
        &self,
        name: &str,
        resource: &Resource,
        before: &[Before],
        wanted: &Operation,
    ) -> Result<Forecasted, ProviderFault> {
        if self.root.environment(name)?.is_none() {
            return Ok(answer(Model::default().apply(name, wanted)));
        }
        let Some(_lock) = self.root.lock(name, false, LOOK_WAIT)? else {
            let why = format!("another effect on environment `{name}` is still under way");
            return Ok(Forecasted::Inexact(why));
        };
        let Some(environment) = self.root.environment(name)? else {
            return Ok(answer(Model::default().apply(name, wanted)));
        };
        // Services named by nobody need not be sound; an operation on all of them needs them all.
        let named: Option<Vec<&str>> = before
            .iter()
            .filter_map(Before::here)
            .chain([wanted])
            .map(Operation::service)
            .collect();
        let mut model = self.model(&environment, named)?;
        if model.services.values().any(|s| s.work_files == u64::MAX) {
            let why = "the files of a service could not be counted: more than a million, too deep, or not readable";
            return Ok(Forecasted::Inexact(why.to_owned()));
        }
        for before in before {
            match before {
                Before::Here(operation) => _ = model.apply(name, operation),
                Before::OtherDeleted => model.other_is_deleted(),
            }
        }
        let moved = model.is_moved(wanted);
        let effect = match model.apply(name, wanted) {
            Outcome::Effect(effect) => effect,
            outcome => return Ok(answer(outcome)),
        };
        if moved {
            let why = format!(
                "`{resource}`, or something below it, had no effect yet, and a deletion before in the plan gives it another revision"
            );
            return Ok(Forecasted::Inexact(why));
        }
        let Some(revision) = self.revision(&environment, wanted.service())? else {
            let why = format!("`{resource}` does not exist yet");
            return Ok(Forecasted::Inexact(why));
        };
        if let Some(why) = in_the_way(&environment, wanted)? {
            return Ok(Forecasted::Inexact(why));
        }
        let touches = touches(name, wanted, &effect)?;
        Ok(Forecasted::Exact(
            Forecast {
                verb: effect.verb.to_owned(),
                counts: effect.counts,
                touches,
                revision,
                result: effect.result,
                note: effect.note,
            }
            .bounded(),
        ))
    }
}

fn answer(outcome: Outcome) -> Forecasted {
    match outcome {
        Outcome::Answer(value) => Forecasted::NoEffect(value),
        // Nothing is there, so nothing can be done.
        Outcome::Effect(_) => Forecasted::Inexact("the environment does not exist".to_owned()),
    }
}
