//! A capability of this test's own, whose provider counts, waits, blocks, panics or lies as asked, and a
//! recorder that remembers, or fails.

use async_trait::async_trait;
use interlock::{
    Config, Host, HostBuilder, HostError,
    authority::{
        Authorized, Catalogue, Digest, Forecast, Grant, Invocation, Mode, Permitted,
        PermittedEffect, Planned, Policies, Principal, Revision, authorize,
        catalogue::CatalogueSource,
        policy::{Directory, PolicySource},
    },
    freeze::Freeze,
    gate::{EffectTasks, GateParts, RunGate},
    helper::Helper,
    providers::{
        FROZEN, Forecasted, Forecaster, Performed, Performer, Provider, ProviderFault, Reader,
        StillAllowed, Told,
    },
    record::{Event, EventBody, Record, Recorder, WriteError},
    sandbox::GuestCall,
    seal::Seal,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

pub(crate) const WIT: &str = r#"package acme:cache@1.0.0;
interface look { stats: func(cluster: string) -> result<string, string>; }
interface tune {
  variant error { denied(string), failed(string) }
  evict: func(cluster: string, key: string) -> result<_, error>;
}
interface wipe { flush: func(cluster: string) -> result<_, string>; }
"#;

/// What a component needs to hand over strings: a memory, and room in it.
macro_rules! memory_of_strings {
    () => {
        r#"  (core module $Libc
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
"#
    };
}
pub(crate) use memory_of_strings;

/// The first half of a component that calls the capability: its imports, a memory, and a module in which `$stats` and
/// `$evict` are theirs. What it has is up to whoever goes on.
macro_rules! calls_the_cache {
    () => {
        concat!(
            r#"(component
  (import "acme:cache/look@1.0.0" (instance $look
    (export "stats" (func (param "cluster" string) (result (result string (error string)))))))
  (import "acme:cache/tune@1.0.0" (instance $tune
    (type $error' (variant (case "denied" string) (case "failed" string)))
    (export "error" (type $error (eq $error')))
    (export "evict" (func (param "cluster" string) (param "key" string) (result (result (error $error)))))))
"#,
            crate::fixture::memory_of_strings!(),
            r#"  (core func $stats (canon lower (func $look "stats") (memory $mem) (realloc (func $realloc))))
  (core func $evict (canon lower (func $tune "evict") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "stats" (func $stats (param i32 i32 i32)))
    (import "host" "evict" (func $evict (param i32 i32 i32 i32 i32)))
"#
        )
    };
}
pub(crate) use calls_the_cache;

/// The instance of that module. What is lifted from it, and the end, come after.
macro_rules! and_is_one_instance {
    () => {
        r#"  (core instance $i (instantiate $m (with "libc" (instance $libc))
    (with "host" (instance (export "stats" (func $stats)) (export "evict" (func $evict))))))
"#
    };
}
pub(crate) use and_is_one_instance;

const CATALOGUE: &str = r#"wit = "acme-cache.wit"
[interface."acme:cache/look@1.0.0"]
provider = "cache"
[interface."acme:cache/look@1.0.0".function.stats]
class = "read"
resource = "cache/{cluster}"
[interface."acme:cache/tune@1.0.0"]
provider = "cache"
[interface."acme:cache/tune@1.0.0".function.evict]
class = "change"
resource = "cache/{cluster}/key/{key...}"
[interface."acme:cache/wipe@1.0.0"]
provider = "cache"
[interface."acme:cache/wipe@1.0.0".function.flush]
class = "destroy"
resource = "cache/{cluster}"
"#;

pub(crate) fn source() -> CatalogueSource {
    CatalogueSource {
        file: "acme.toml".into(),
        text: CATALOGUE.into(),
        wit: vec![("acme-cache.wit".into(), WIT.into())],
    }
}

/// A host of this configuration with the capability, to be built.
pub(crate) fn host_of(file: &Path, cache: &Arc<Cache>) -> HostBuilder {
    Host::builder(Config::load(file).unwrap())
        .helper(Helper::program(env!("CARGO_BIN_EXE_interlock-helper")))
        .catalogue(source())
        .provider("cache", Provider::new(cache.clone()))
}

/// What the provider does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Never answers, but lets other tasks run.
    Hangs,
    /// Holds its thread.
    Blocks,
    /// Answers after the run's deadline.
    Slow,
    Panics,
    Faults,
    /// Forecasts an effect beyond its own resource.
    Reaches,
    /// Cannot say what would happen.
    Vague,
    /// Says what would happen after the run's deadline, and holds its thread till then.
    Ponders,
    /// Reads that something is wrong.
    Sour,
    /// Tells the world outside 16 bytes with each read.
    Tells,
    /// May not be read while planning.
    Shy,
    /// Does not allow the call.
    Strict,
    /// Says that there would be no effect.
    Idle,
    /// Does not do what it is told, with this code.
    Refuses(&'static str),
    /// Tries, and it fails part-way.
    Fails,
}

/// Counts what was asked of it.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(crate) mood: Mutex<Mood>,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// The revisions that effects expected of their resources.
    pub(crate) expected: Mutex<Vec<String>>,
}

impl Cache {
    fn note(&self, what: &str) {
        self.seen.lock().unwrap().push(what.to_owned());
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|s| *s == what).count()
    }

    async fn behave(&self) -> Result<(), ProviderFault> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Hangs => std::future::pending().await,
            Mood::Blocks => {
                std::thread::sleep(Duration::from_secs(5));
                Ok(())
            }
            Mood::Slow => {
                tokio::time::sleep(Duration::from_millis(2500)).await;
                Ok(())
            }
            Mood::Panics => panic!("the provider panics"),
            Mood::Faults => {
                Err(ProviderFault::Damaged { what: "cache".into(), problem: "bits".into() })
            }
            Mood::Strict => Err(ProviderFault::Denied {
                rule: "not-here",
                problem: "it is listed nowhere".into(),
            }),
            Mood::Well
            | Mood::Reaches
            | Mood::Vague
            | Mood::Ponders
            | Mood::Sour
            | Mood::Tells
            | Mood::Shy
            | Mood::Idle
            | Mood::Refuses(_)
            | Mood::Fails => Ok(()),
        }
    }
}

#[async_trait]
impl Reader for Cache {
    async fn read(&self, _: &Permitted) -> Result<Value, ProviderFault> {
        self.note("read");
        self.behave().await?;
        Ok(match *self.mood.lock().unwrap() {
            Mood::Sour => json!({"err": "sour"}),
            _ => json!({"ok": "fine"}),
        })
    }

    fn told(&self, _: &Permitted) -> Told {
        match *self.mood.lock().unwrap() {
            Mood::Tells => Told::Bytes(16),
            Mood::Shy => Told::NotWhilePlanning("it is shy".into()),
            _ => Told::Nothing,
        }
    }
}

#[async_trait]
impl Forecaster for Cache {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        self.note("forecast");
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Vague {
            return Ok(Forecasted::Inexact("it depends".into()));
        }
        if mood == Mood::Idle {
            return Ok(Forecasted::NoEffect(json!({"err": {"failed": "no such key"}})));
        }
        if mood == Mood::Ponders {
            std::thread::sleep(Duration::from_millis(2500));
            self.note("forecasted");
        }
        let mut touches = vec![call.call().resource().clone()];
        if mood == Mood::Reaches {
            touches.push("cache/other/key/k".parse().unwrap());
        }
        Ok(Forecasted::Exact(Forecast {
            verb: "evict".into(),
            counts: BTreeMap::from([("keys".into(), 1)]),
            touches,
            revision: Revision::new(format!("r{}", earlier.len())),
            result: json!({"ok": null}),
            note: Some("n".repeat(1000)),
        }))
    }
}

#[async_trait]
impl Performer for Cache {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        self.note("perform");
        self.expected.lock().unwrap().push(effect.expected().as_str().to_owned());
        self.behave().await?;
        if let Err(why) = still_allowed() {
            return Ok(Performed::Refused {
                code: FROZEN,
                result: json!({"err": {"denied": why}}),
            });
        }
        let revisions =
            BTreeMap::from([(effect.call().resource().clone(), Revision::new("after"))]);
        let mood = *self.mood.lock().unwrap();
        if let Mood::Refuses(code) = mood {
            return Ok(Performed::Refused { code, result: json!({"err": {"failed": code}}) });
        }
        self.note("performed");
        Ok(match mood {
            Mood::Fails => {
                Performed::Failed { result: json!({"err": {"failed": "half"}}), revisions }
            }
            _ => Performed::Done { result: json!({"ok": null}), revisions },
        })
    }
}

/// Remembers events, in one list with what the provider saw.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) events: Mutex<Vec<Event>>,
    /// What was to be written, with what had to hold.
    pub(crate) records: Mutex<Vec<Record>>,
    /// Why the next record is not written.
    pub(crate) refuses: Mutex<Option<WriteError>>,
    /// What happens elsewhere while the next record is written.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// The places outside take nothing.
    pub(crate) shut: Mutex<bool>,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// Events of this kind cannot be kept.
    pub(crate) fails_at: Mutex<Option<&'static str>>,
}

pub(crate) fn kind(body: &EventBody) -> String {
    serde_json::to_value(body).unwrap().get("event").unwrap().as_str().unwrap().to_owned()
}

impl Memory {
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|e| kind(&e.body)).collect()
    }
    pub(crate) fn last(&self) -> Value {
        serde_json::to_value(self.events.lock().unwrap().last().unwrap()).unwrap()
    }
}

impl Memory {
    fn keep(&self, event: Event) -> Result<(), HostError> {
        let kind = kind(&event.body);
        if *self.fails_at.lock().unwrap() == Some(kind.as_str()) {
            let message = "the journal cannot be written: disk full".to_owned();
            return Err(HostError::Journal { code: "journal-unwritable", message });
        }
        self.seen.lock().unwrap().push(kind);
        self.events.lock().unwrap().push(event);
        Ok(())
    }
}

#[async_trait]
impl Recorder for Memory {
    async fn note(&self, event: Event) -> Result<(), HostError> {
        self.keep(event)
    }
    async fn write(&self, record: Record) -> Result<(), WriteError> {
        self.records.lock().unwrap().push(record.clone());
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        if let Some(why) = self.refuses.lock().unwrap().take() {
            return Err(why);
        }
        Ok(self.keep(record.event)?)
    }
    async fn publish(&self) -> Result<(), HostError> {
        if *self.shut.lock().unwrap() {
            let message = "a place takes no checkpoint".to_owned();
            return Err(HostError::Journal { code: "unpublished", message });
        }
        self.seen.lock().unwrap().push("publish".to_owned());
        Ok(())
    }
}

/// Everything that is granted; destroying with two people.
pub(crate) use interlock::authority::policy::WHERE_GRANTED as POLICIES;

pub(crate) fn policies(text: &str) -> Arc<Policies> {
    let catalogue = Arc::new(Catalogue::load(&[source()]).unwrap());
    let source = PolicySource { file: "test.cedar".into(), text: text.into() };
    Arc::new(Policies::load(&[source], &catalogue, Directory::default()).unwrap())
}

pub(crate) fn grant(interface: &str, resources: &[&str]) -> Grant {
    Grant {
        interface: format!("acme:cache/{interface}@1.0.0").parse().unwrap(),
        functions: None,
        resources: resources.iter().map(|r| r.parse().unwrap()).collect(),
        budget: None,
        elevation: None,
    }
}

pub(crate) fn authorized(mode: Mode, granted: &[&str], resource: &str) -> Authorized {
    let grants: Vec<Grant> = granted.iter().map(|i| grant(i, &[resource])).collect();
    authorized_by(mode, &grants)
}

pub(crate) fn authorized_by(mode: Mode, grants: &[Grant]) -> Authorized {
    let catalogue = Catalogue::load(&[source()]).unwrap();
    let known: BTreeSet<Principal> = ["Agent::bot".parse().unwrap()].into();
    let imports = catalogue
        .interfaces()
        .filter(|i| grants.iter().any(|g| g.interface == i.name))
        .map(|i| (i.name.clone(), i.functions.keys().cloned().collect()))
        .collect();
    let asked = Invocation {
        principal: &"Agent::bot".parse().unwrap(),
        known_principals: &known,
        plugin: "cachebox",
        digest: Digest::from_bytes([7; 32]),
        publisher: None,
        imports: &imports,
        grants,
        tool: "tidy",
        uses: None,
        mode,
    };
    authorize(&asked, &catalogue, &policies(POLICIES)).unwrap()
}

/// A gate with everything around it that a test may look at.
pub(crate) struct Scene {
    pub(crate) gate: RunGate,
    pub(crate) cache: Arc<Cache>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tasks: EffectTasks,
    pub(crate) state: tempfile::TempDir,
}

/// A scene that is never short of time.
pub(crate) fn scene(mode: Mode, granted: &[&str], resource: &str) -> Scene {
    scene_until(mode, granted, resource, Duration::from_secs(60))
}

pub(crate) fn scene_until(
    mode: Mode,
    granted: &[&str],
    resource: &str,
    deadline: Duration,
) -> Scene {
    scene_of(authorized(mode, granted, resource), |parts| {
        parts.deadline = Instant::now() + deadline;
    })
}

/// A scene in which something is otherwise.
pub(crate) fn scene_of(authorized: Authorized, otherwise: impl FnOnce(&mut GateParts)) -> Scene {
    let seen = Arc::default();
    let cache = Arc::new(Cache { seen: Arc::clone(&seen), ..Cache::default() });
    let memory = Arc::new(Memory { seen, ..Memory::default() });
    let state = tempfile::tempdir().unwrap();
    let tasks = EffectTasks::default();
    let mut parts = GateParts {
        invocation: "01TEST".into(),
        authorized,
        catalogue: Arc::new(Catalogue::load(&[source()]).unwrap()),
        policies: policies(POLICIES),
        applying: None,
        recorder: memory.clone(),
        freeze: Freeze::in_state(state.path()),
        seal: Seal::none(),
        host_calls: 60,
        host_bytes: 4096,
        plan_bytes: 64,
        recording: 1 << 20,
        deadline: Instant::now() + Duration::from_secs(60),
        tasks: tasks.clone(),
    };
    otherwise(&mut parts);
    let providers = BTreeMap::from([("cache".to_owned(), Provider::new(cache.clone()))]);
    Scene { gate: RunGate::new(parts, &providers), cache, memory, tasks, state }
}

pub(crate) fn call(interface: &str, function: &str, arguments: &[&str]) -> GuestCall {
    GuestCall {
        interface: format!("acme:cache/{interface}@1.0.0").parse().unwrap(),
        function: function.into(),
        arguments: Ok(arguments.iter().map(|a| json!(a)).collect()),
        bytes: 10,
    }
}

pub(crate) fn state_of(path: &Path) -> Freeze {
    Freeze::in_state(path)
}
