//! What effects do, as arithmetic: one description that forecasts are computed with and that the
//! performer is held to. A plan is forecast by applying its earlier effects here, never by guessing.

use super::{definition::MAX_REPLICAS, state::MAX_VERSIONS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One effect of `remediate` or `teardown`, on one environment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    Restart(String),
    SetConfig(String, String),
    Rollback(String, u32),
    Scale(String, u32),
    Stop(String),
    DeleteService(String),
    DeleteEnvironment,
    Recreate,
}

impl Operation {
    /// The one service it is about; `None` when it is about the whole environment.
    pub(super) fn service(&self) -> Option<&str> {
        match self {
            Self::Restart(s)
            | Self::SetConfig(s, _)
            | Self::Rollback(s, _)
            | Self::Scale(s, _)
            | Self::Stop(s)
            | Self::DeleteService(s) => Some(s),
            Self::DeleteEnvironment | Self::Recreate => None,
        }
    }
}

/// What matters of a service for what effects do to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Service {
    /// Replicas of its definition.
    pub(super) defined: u32,
    pub(super) wanted: u32,
    pub(super) stopped: bool,
    pub(super) running: BTreeSet<u32>,
    pub(super) in_force: u32,
    /// The newest configuration version.
    pub(super) latest: u32,
    /// Files in its working folder and beside its configuration, counted now; the largest number where they cannot be.
    pub(super) work_files: u64,
    /// Whether it has a state of its own. Else its revision is made of the floor, which deletions raise.
    pub(super) adopted: bool,
    /// Whether an effect before raised that floor: its revision is another one then than is looked at now.
    pub(super) moved: bool,
}

/// One environment. Where only single services are asked about, the others need not be there.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Model {
    pub(super) exists: bool,
    pub(super) services: BTreeMap<String, Service>,
    /// As of a service, of the environment itself.
    pub(super) adopted: bool,
    pub(super) moved: bool,
}

/// What an effect does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Effect {
    pub(super) verb: &'static str,
    pub(super) counts: BTreeMap<String, u64>,
    /// The services that change; for an effect on the environment also the environment itself.
    pub(super) services: Vec<String>,
    pub(super) result: Value,
    pub(super) note: Option<String>,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Effect(Effect),
    /// Nothing would happen; this is the answer.
    Answer(Value),
}

/// The JSON form of `result<_, error>` that says yes.
pub(super) fn ok(value: Value) -> Value {
    json!({ "ok": value })
}

/// `err(not-found)` of the WIT.
pub(super) fn not_found(what: impl std::fmt::Display) -> Value {
    json!({"err": {"not-found": what.to_string()}})
}

/// `err(conflict)` of the WIT.
pub(super) fn conflict(what: impl std::fmt::Display) -> Value {
    json!({"err": {"conflict": what.to_string()}})
}

/// `err(failed)` of the WIT.
pub(super) fn failed(what: impl std::fmt::Display) -> Value {
    json!({"err": {"failed": what.to_string()}})
}

/// `err(invalid)` of the WIT.
pub(super) fn invalid(what: impl std::fmt::Display) -> Value {
    json!({"err": {"invalid": what.to_string()}})
}

fn counts<const N: usize>(pairs: [(&str, u64); N]) -> BTreeMap<String, u64> {
    pairs.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect()
}

impl Service {
    fn running(&self) -> u64 {
        self.running.len() as u64
    }
    /// Configuration versions and files of its working folder; logs are not counted, they rotate.
    fn files(&self) -> u64 {
        u64::from(self.latest).saturating_add(self.work_files)
    }
}

impl Model {
    /// Another environment is deleted: the floor of all is raised.
    pub(super) fn other_is_deleted(&mut self) {
        self.raise_floor();
        self.moved |= !self.adopted || self.services.values().any(|service| !service.adopted);
    }

    fn raise_floor(&mut self) {
        for service in self.services.values_mut() {
            service.moved |= !service.adopted;
        }
    }

    /// Whether the effects before would leave what an operation is about with a revision that nobody foresees.
    pub(super) fn is_moved(&self, operation: &Operation) -> bool {
        match operation.service() {
            Some(name) => self.services.get(name).is_some_and(|service| service.moved),
            None => self.moved,
        }
    }

    /// Applies one operation: what it does, and the environment after it.
    pub(super) fn apply(&mut self, environment: &str, operation: &Operation) -> Outcome {
        if !self.exists {
            return Outcome::Answer(not_found(format_args!(
                "there is no environment `{environment}`"
            )));
        }
        let Some(name) = operation.service() else {
            return Outcome::Effect(self.apply_to_all(operation));
        };
        let Some(service) = self.services.get_mut(name) else {
            let answer = format!("environment `{environment}` has no service `{name}`");
            return Outcome::Answer(not_found(answer));
        };
        let mut result = json!({"ok": null});
        let mut note = None;
        let (verb, counts) = match operation {
            Operation::Restart(_) => {
                let stops = service.running();
                service.stopped = false;
                service.running = (0..service.wanted).collect();
                ("restart", counts([("stops", stops), ("starts", service.running())]))
            }
            Operation::SetConfig(..) => {
                if service.latest as usize >= MAX_VERSIONS {
                    return Outcome::Answer(invalid(format_args!(
                        "service `{name}` has {MAX_VERSIONS} configuration versions, which is the most it may have"
                    )));
                }
                service.latest += 1;
                note = Some(format!(
                    "Version {} replaces version {}; the service sees it at its next start.",
                    service.latest, service.in_force
                ));
                service.in_force = service.latest;
                result = json!({"ok": service.latest});
                ("configure", counts([("writes files", 1)]))
            }
            Operation::Rollback(_, version) => {
                if !(1..=service.latest).contains(version) {
                    return Outcome::Answer(not_found(format_args!(
                        "service `{name}` has no configuration version {version}; its versions are 1 to {}",
                        service.latest
                    )));
                }
                note = Some(format!(
                    "Version {version} replaces version {}; the service sees it at its next start.",
                    service.in_force
                ));
                service.in_force = *version;
                ("roll back", counts([]))
            }
            Operation::Scale(_, replicas) => {
                if !(1..=MAX_REPLICAS).contains(replicas) {
                    return Outcome::Answer(invalid(format_args!(
                        "`replicas` is from 1 to {MAX_REPLICAS}"
                    )));
                }
                let stops = service.running.split_off(replicas).len() as u64;
                let before = service.running();
                note = Some(format!("From {} to {replicas} replicas.", service.wanted));
                service.wanted = *replicas;
                if !service.stopped {
                    service.running = (0..*replicas).collect();
                }
                ("scale", counts([("stops", stops), ("starts", service.running() - before)]))
            }
            Operation::Stop(_) => {
                let stops = service.running();
                service.stopped = true;
                service.running.clear();
                ("stop", counts([("stops", stops)]))
            }
            Operation::DeleteService(_) => {
                let counts =
                    counts([("stops", service.running()), ("deletes files", service.files())]);
                note = Some("Its definition and its captured logs are deleted too.".to_owned());
                self.services.remove(name);
                self.raise_floor();
                ("delete", counts)
            }
            // About the environment: handled above.
            Operation::DeleteEnvironment | Operation::Recreate => ("", counts([])),
        };
        // An effect gives a state to what it touches, and the run that has it learns the new revisions.
        self.adopted = true;
        if let Some(service) = self.services.get_mut(name) {
            service.adopted = true;
        }
        Outcome::Effect(Effect { verb, counts, services: vec![name.to_owned()], result, note })
    }

    fn apply_to_all(&mut self, operation: &Operation) -> Effect {
        let services: Vec<String> = self.services.keys().cloned().collect();
        let stops = self.services.values().map(Service::running).sum();
        let files = self.services.values().map(Service::files).fold(0, u64::saturating_add);
        let (verb, counts, note) = if *operation == Operation::Recreate {
            for service in self.services.values_mut() {
                service.wanted = service.defined;
                service.running = (0..service.defined).collect();
                (service.stopped, service.in_force, service.latest) = (false, 1, 1);
                service.work_files = 0;
                (service.adopted, service.moved) = (true, false);
            }
            (self.adopted, self.moved) = (true, false);
            let starts = self.services.values().map(Service::running).sum();
            (
                "recreate",
                counts([("stops", stops), ("deletes files", files), ("starts", starts)]),
                "Working files, configuration history and captured logs are deleted; each service starts anew as its `service.toml` says.",
            )
        } else {
            let deleted = services.len() as u64;
            *self = Self::default();
            (
                "delete",
                counts([("stops", stops), ("deletes files", files), ("deletes services", deleted)]),
                "Definitions and captured logs are deleted too.",
            )
        };
        let (result, note) = (json!({"ok": null}), Some(note.to_owned()));
        Effect { verb, counts, services, result, note }
    }
}

#[cfg(test)]
mod tests {
    use super::{Model, Operation, Outcome, Service};
    use serde_json::json;

    fn model() -> Model {
        let api = Service {
            defined: 2,
            wanted: 2,
            stopped: false,
            running: [0, 1].into(),
            in_force: 1,
            latest: 1,
            work_files: 3,
            adopted: true,
            moved: false,
        };
        let services = [("api".to_owned(), api)].into();
        Model { exists: true, services, adopted: true, moved: false }
    }

    fn result(model: &mut Model, operation: Operation) -> serde_json::Value {
        match model.apply("prod", &operation) {
            Outcome::Effect(effect) => effect.result,
            Outcome::Answer(answer) => answer,
        }
    }

    #[test]
    fn versions_count_on_through_a_plan() {
        let mut model = model();
        let set = || Operation::SetConfig("api".into(), String::new());
        assert_eq!(result(&mut model, set()), json!({"ok": 2}));
        assert_eq!(result(&mut model, set()), json!({"ok": 3}));
        assert_eq!(result(&mut model, Operation::Rollback("api".into(), 2)), json!({"ok": null}));
        assert_eq!(result(&mut model, set()), json!({"ok": 4}));
        let answer = result(&mut model, Operation::Rollback("api".into(), 5));
        assert!(answer["err"]["not-found"].is_string(), "{answer}");
    }

    #[test]
    fn recreate_counts_what_it_deletes() {
        let mut model = model();
        result(&mut model, Operation::SetConfig("api".into(), String::new()));
        result(&mut model, Operation::Scale("api".into(), 5));
        let Outcome::Effect(effect) = model.apply("prod", &Operation::Recreate) else { panic!() };
        assert_eq!(json!(effect.counts), json!({"stops": 5, "deletes files": 5, "starts": 2}));
        let Outcome::Effect(effect) = model.apply("prod", &Operation::Recreate) else { panic!() };
        assert_eq!(json!(effect.counts), json!({"stops": 2, "deletes files": 1, "starts": 2}));
    }

    /// More files than are counted is the largest number there is.
    #[test]
    fn counts_do_not_overflow() {
        for operation in [Operation::Recreate, Operation::DeleteService("api".into())] {
            let mut model = model();
            let mut other = model.services["api"].clone();
            other.work_files = u64::MAX;
            model.services.insert("api".into(), other.clone());
            model.services.insert("db".into(), other);
            let Outcome::Effect(effect) = model.apply("prod", &operation) else { panic!() };
            assert_eq!(effect.counts["deletes files"], u64::MAX, "{operation:?}");
        }
    }

    #[test]
    fn what_is_deleted_is_not_found() {
        let mut model = model();
        result(&mut model, Operation::DeleteService("api".into()));
        assert!(
            result(&mut model, Operation::Restart("api".into()))["err"]["not-found"].is_string()
        );
        assert_eq!(result(&mut model, Operation::DeleteEnvironment), json!({"ok": null}));
        assert!(result(&mut model, Operation::Recreate)["err"]["not-found"].is_string());
    }
}
