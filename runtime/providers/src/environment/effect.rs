//! Performing effects. Always in this order: lock the environment, look at the world again, compare the
//! revision, compare what would be touched and what would be discarded, put the new revision on disk, act. Two hosts on one
//! directory therefore cannot both win, and a crash in the middle leaves a revision that has moved.

use super::{
    environments::{Environment, Service},
    look::touches,
    model::{Effect, Operation, Outcome, conflict, failed},
    provider::Inner,
    replica::{self, REPLICAS, Replica},
    runner::{HEALTHY, SETTLE, mark_healthy},
    state::{CONFIGS, MAX_VERSIONS, STATE, ServiceState, hex_digest},
    strangers::in_the_way,
};
use crate::{FROZEN, Performed, ProviderFault};
use interlock_authority::{Forecast, Resource, Revision};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long an effect waits for another one on the same environment.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What a person or a plan says the world looked like.
pub(super) struct Expected<'a> {
    pub(super) resource: &'a Resource,
    /// The plan's revision, or the one that an earlier effect of the same run left.
    pub(super) revision: &'a Revision,
    pub(super) forecast: &'a Forecast,
}

/// An effect whose revision is on disk.
pub(super) struct Advanced {
    number: u64,
    pub(super) services: Result<Vec<Service>, ProviderFault>,
}

fn refused(code: &'static str, why: impl std::fmt::Display) -> Performed {
    Performed::Refused { code, result: conflict(why) }
}

/// Where the effect would end or delete more than was shown: files that came since, replicas that were started.
fn grown(effect: &Effect, forecast: &Forecast) -> Option<String> {
    let ends = |word: &str| word == "stops" || word.starts_with("deletes ");
    effect.counts.iter().filter(|(word, _)| ends(word)).find_map(|(word, now)| {
        let said = forecast.counts.get(word).copied().unwrap_or(0);
        (*now > said).then(|| format!("it {word} {now} now, where {said} were foreseen"))
    })
}

impl Inner {
    /// Performs one operation.
    pub(super) fn perform(
        &self,
        name: &str,
        operation: &Operation,
        expected: &Expected<'_>,
        still_allowed: &dyn Fn() -> Result<(), String>,
    ) -> Result<Performed, ProviderFault> {
        self.starter.reap();
        // A lock file is made only for what exists.
        let gone =
            || refused("stale", format_args!("there is no `{}` any more", expected.resource));
        if self.root.environment(name)?.is_none() {
            return Ok(gone());
        }
        let Some(_lock) = self.root.lock(name, true, LOCK_WAIT)? else {
            let why = format_args!("another effect on environment `{name}` is still under way");
            return Ok(refused("busy", why));
        };
        let Some(environment) = self.root.environment(name)? else { return Ok(gone()) };
        let Some(revision) = self.revision(&environment, operation.service())? else {
            return Ok(gone());
        };
        if revision != *expected.revision {
            let why = format_args!("`{}` has changed since it was looked at", expected.resource);
            return Ok(refused("stale", why));
        }
        let model = self.model(&environment, operation.service().map(|s| vec![s]))?;
        let effect = match model.clone().apply(name, operation) {
            Outcome::Effect(effect) => effect,
            Outcome::Answer(result) => return Ok(Performed::Refused { code: "stale", result }),
        };
        let touches = touches(name, operation, &effect)?;
        if let Some(more) = touches.iter().find(|t| !expected.forecast.touches.contains(t)) {
            let why = format_args!("it would touch `{more}` too, which was not foreseen");
            return Ok(refused("touches-grown", why));
        }
        if let Some(why) = grown(&effect, expected.forecast)
            .map_or_else(|| in_the_way(&environment, operation), |why| Ok(Some(why)))?
        {
            return Ok(refused("touches-grown", why));
        }
        // The lock may have been waited for: what an operator stopped meanwhile does not begin.
        if let Err(why) = still_allowed() {
            let result = json!({"err": {"denied": format!("{FROZEN}: {why}")}});
            return Ok(Performed::Refused { code: FROZEN, result });
        }
        self.act(name, environment, operation, effect, &touches)
    }

    fn act(
        &self,
        name: &str,
        environment: Environment,
        operation: &Operation,
        effect: Effect,
        touches: &[Resource],
    ) -> Result<Performed, ProviderFault> {
        let services = match operation.service() {
            Some(service) => environment.service(service)?.into_iter().collect(),
            None => environment.services()?,
        };
        let gone = *operation == Operation::DeleteEnvironment;
        let below = matches!(operation, Operation::DeleteService(_) | Operation::Recreate);
        let Advanced { number, services } = self.advance(&environment, gone, below, services)?;
        let done = services.and_then(|all| self.change(&environment, name, operation, all));
        let revisions = self.revisions_after(name, number, touches)?;
        Ok(match done {
            Ok(()) => Performed::Done { result: effect.result, revisions },
            // INVARIANT AT-MOST-ONCE: it may have happened in part; it is told, and not tried again.
            Err(fault) => Performed::Failed { result: failed(fault), revisions },
        })
    }

    /// Moves the revision of everything that the effect touches, before it acts; a service without
    /// state gets one here. `deletes_environment` and `deletes_below` raise the floor under the
    /// revisions of what is made anew later.
    pub(super) fn advance(
        &self,
        environment: &Environment,
        deletes_environment: bool,
        deletes_below: bool,
        services: Vec<Service>,
    ) -> Result<Advanced, ProviderFault> {
        let number = self.root.advance(deletes_environment)?;
        self.root.advance_environment(&environment.folder, number, deletes_below)?;
        let moved = services.into_iter().map(|mut service| {
            service.adopt()?;
            service.state.revision = number;
            service.folder.write_json(STATE, &service.state)?;
            Ok(service)
        });
        Ok(Advanced { number, services: moved.collect() })
    }

    /// Ends a service's processes and starts them again with the configuration in force.
    pub(super) fn restart(&self, service: &mut Service) -> Result<(), ProviderFault> {
        let grace = Duration::from_secs(service.definition.stop_seconds);
        replica::stop(&service.replicas()?, grace)?;
        service.state.stopped = false;
        service.folder.write_json(STATE, &service.state)?;
        let started = self.start_missing(service)?;
        self.await_ready(service, &started)
    }

    /// Acts. The environment is locked and the revisions have moved.
    pub(super) fn change(
        &self,
        environment: &Environment,
        name: &str,
        operation: &Operation,
        mut services: Vec<Service>,
    ) -> Result<(), ProviderFault> {
        if *operation == Operation::DeleteEnvironment {
            self.stop_all(&services)?;
            return self.root.destroy(&self.root.folder, name);
        }
        if *operation == Operation::Recreate {
            self.stop_all(&services)?;
            for service in &mut services {
                self.reset(service)?;
            }
            let started: Vec<_> = services.iter().map(|s| (s, self.start_missing(s))).collect();
            return started.into_iter().try_for_each(|(s, r)| self.await_ready(s, &r?));
        }
        let Some(mut service) = services.pop() else { return Ok(()) };
        let grace = Duration::from_secs(service.definition.stop_seconds);
        match operation {
            Operation::Restart(_) => self.restart(&mut service),
            Operation::SetConfig(_, content) => {
                // Whoever asks through a forecast was told so by it; `sample break` asks without one.
                if service.state.versions.len() >= MAX_VERSIONS {
                    return Err(ProviderFault::Process {
                        what: format!("service `{}`", service.name),
                        problem: format!("it has {MAX_VERSIONS} configuration versions, its most"),
                    });
                }
                let version = service.state.latest().saturating_add(1);
                service.folder.make(CONFIGS)?.write(&version.to_string(), content.as_bytes())?;
                service.state.versions.push(hex_digest([content.as_bytes()]));
                service.state.in_force = version;
                service.folder.write_json(STATE, &service.state)
            }
            Operation::Rollback(_, version) => {
                // A version whose content is damaged cannot be put in force.
                service.config(*version)?;
                service.state.in_force = *version;
                service.folder.write_json(STATE, &service.state)
            }
            Operation::Scale(_, replicas) => {
                service.state.wanted = *replicas;
                service.folder.write_json(STATE, &service.state)?;
                let mut all = service.replicas()?;
                all.retain(|replica| replica.index >= *replicas);
                replica::stop(&all, grace)?;
                if service.state.stopped {
                    return Ok(());
                }
                let started = self.start_missing(&service)?;
                self.await_ready(&service, &started)
            }
            Operation::Stop(_) => {
                service.state.stopped = true;
                service.folder.write_json(STATE, &service.state)?;
                replica::stop(&service.replicas()?, grace).map(|_| ())
            }
            Operation::DeleteService(_) => {
                replica::stop(&service.replicas()?, grace)?;
                match environment.services_folder()? {
                    Some(folder) => self.root.destroy(&folder, &service.name),
                    None => Ok(()),
                }
            }
            Operation::DeleteEnvironment | Operation::Recreate => Ok(()),
        }
    }

    /// Stops every replica of these services.
    pub(super) fn stop_all(&self, services: &[Service]) -> Result<(), ProviderFault> {
        let mut all: Vec<Replica> = Vec::new();
        let mut grace = 0;
        for service in services {
            all.extend(service.replicas()?);
            grace = grace.max(service.definition.stop_seconds);
        }
        replica::stop(&all, Duration::from_secs(grace)).map(|_| ())
    }

    /// Deletes all that a stopped service has but its definition, and begins its state anew.
    fn reset(&self, service: &mut Service) -> Result<(), ProviderFault> {
        // The state goes first: without it nothing else of the folder counts.
        for name in [STATE, CONFIGS, HEALTHY, REPLICAS, "work"] {
            self.root.discard(&service.folder, name)?;
        }
        let number = service.state.revision;
        service.state = ServiceState::new(&service.definition);
        service.state.revision = number;
        service.adopted = false;
        service.adopt()?;
        service.folder.write_json(STATE, &service.state)
    }

    /// Starts every wanted replica that does not run; returns which.
    pub(super) fn start_missing(&self, service: &Service) -> Result<Vec<Replica>, ProviderFault> {
        let running = service.running()?;
        let mut started = Vec::new();
        for index in (0..service.state.wanted).filter(|index| !running.contains(index)) {
            started.push(self.starter.start(service, index)?.0);
        }
        Ok(started)
    }

    /// Waits until each started replica is healthy, or has settled where there is no check, at most
    /// as long as the definition says. A replica that is alive and not healthy is for the caller to
    /// see in the status; one that ended is a failure.
    pub(super) fn await_ready(
        &self,
        service: &Service,
        started: &[Replica],
    ) -> Result<(), ProviderFault> {
        let begin = Instant::now();
        let deadline = begin + Duration::from_secs(service.definition.ready_seconds).max(SETTLE);
        let mut waiting: Vec<&Replica> = started.iter().collect();
        loop {
            let mut still = Vec::new();
            for replica in waiting {
                let healthy = match &service.definition.check {
                    Some(check) => check.ask(replica.index).healthy,
                    None => begin.elapsed() >= SETTLE,
                };
                // Asked after the check: what answered may have been somebody else on that port.
                let mut seen = replica.see()?;
                if seen.process.is_none() {
                    // The process is gone; its runner needs a moment to say how it ended.
                    let patience = Instant::now() + Duration::from_secs(1);
                    while replica.is_running()? && Instant::now() < patience {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    seen = replica.see()?;
                    let ended = seen.last_exit.filter(|_| !seen.lost);
                    let ended =
                        ended.map_or_else(String::new, |code| format!(" with exit code {code}"));
                    return Err(ProviderFault::Process {
                        what: format!("replica {} of service `{}`", replica.index, service.name),
                        problem: format!(
                            "it was started and ended at once{ended}; its logs may say why"
                        ),
                    });
                }
                if healthy {
                    mark_healthy(&service.folder, service.state.in_force)?;
                } else {
                    still.push(replica);
                }
            }
            if still.is_empty() || Instant::now() >= deadline {
                return Ok(());
            }
            waiting = still;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Service {
    /// Makes what a service without state has by definition real: version 1 on disk.
    fn adopt(&mut self) -> Result<(), ProviderFault> {
        if self.adopted {
            return Ok(());
        }
        let folder = self.folder.make(CONFIGS)?;
        folder.clear()?;
        folder.write("1", self.definition.initial.as_bytes())?;
        self.adopted = true;
        Ok(())
    }
}
