//! The fake world of one test: environments, what the test withholds, and a record of every call.
//!
//! It belongs to the thread that installed it, so tests that run side by side cannot see each other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::service::Service;
use crate::environment::{Error, ServiceStatus};

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<World>>>> = const { RefCell::new(None) };
    static NARROWED: RefCell<Option<&'static [&'static str]>> = const { RefCell::new(None) };
}

/// Environments in memory, to be filled and then [installed](Fake::install).
///
/// ```
/// use interlock_guest::environment::{observe, remediate};
/// use interlock_guest::testing::{Fake, Service};
///
/// let api = Service::new("port = 8080")
///     .healthy_when(|config| config.contains("8080"))
///     .config("port = eighty")
///     .log("invalid port: eighty");
/// let fake = Fake::new().service("prod", "api", api).install();
///
/// let status = observe::service_status("prod", "api").unwrap();
/// assert!(!status.healthy);
/// assert_eq!(status.last_healthy_version, Some(1));
///
/// remediate::rollback_config("prod", "api", 1).unwrap();
/// assert!(!fake.status("prod", "api").unwrap().healthy, "a service reads its configuration at start");
/// remediate::restart_service("prod", "api").unwrap();
/// assert!(fake.status("prod", "api").unwrap().healthy);
/// assert_eq!(fake.effects(), ["rollback-config(prod, api, 1)", "restart-service(prod, api)"]);
/// ```
#[derive(Debug, Default)]
pub struct Fake {
    world: World,
}

/// A fake in force on this thread, until it is dropped. Looking at it is not recorded.
#[derive(Debug)]
pub struct Installed {
    world: Rc<RefCell<World>>,
    before: Option<Rc<RefCell<World>>>,
}

/// Everything the fake knows.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) environments: BTreeMap<String, BTreeMap<String, Service>>,
    pub(super) endpoints: super::http::Endpoints,
    pub(super) files: BTreeMap<String, super::files::Below>,
    pub(super) kept: super::kv::Kept,
    withheld: BTreeSet<String>,
    failures: BTreeMap<String, VecDeque<Error>>,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    text: String,
    effect: bool,
    /// The names of the resource: environment, service. Fewer means everything below.
    segments: Vec<String>,
}

impl Call {
    /// One of the two resources is the other, or lies below it.
    fn overlaps(&self, other: &Self) -> bool {
        self.segments.iter().zip(&other.segments).all(|(mine, theirs)| mine == theirs)
    }
}

/// What a plan of the calls so far would show to the people who decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The effects before the plan's horizon, as `function(argument, …)`.
    pub effects: Vec<String>,
    /// No read looked at what an earlier effect touches, so the plan reaches the tool's end.
    pub complete: bool,
}

impl Fake {
    /// A world without environments, in which every built-in capability is granted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an environment without services.
    #[must_use]
    pub fn environment(mut self, environment: &str) -> Self {
        self.world.environments.entry(environment.into()).or_default();
        self
    }

    /// Adds a service, and its environment where it is new.
    #[must_use]
    pub fn service(mut self, environment: &str, service: &str, definition: Service) -> Self {
        let services = self.world.environments.entry(environment.into()).or_default();
        services.insert(service.into(), definition);
        self
    }

    /// Adds an answer of an HTTP endpoint, and the endpoint where it is new: what a GET of the path gets. Other
    /// paths of it answer 404, and every effect on it is acknowledged.
    #[must_use]
    pub fn answers(mut self, endpoint: &str, path: &str, status: u16, body: &str) -> Self {
        let answers = self.world.endpoints.entry(endpoint.into()).or_default();
        answers.insert(path.into(), (status, body.into()));
        self
    }

    /// Adds a file with this text, and the folders that it is in. The folder is the one that an operator names.
    #[must_use]
    pub fn file(mut self, folder: &str, path: &str, text: &str) -> Self {
        let below = self.world.files.entry(folder.into()).or_default();
        for (end, _) in path.match_indices('/') {
            let parent = path.get(..end).unwrap_or_default();
            below.entry(parent.to_owned()).or_insert(None);
        }
        below.insert(path.into(), Some(text.into()));
        self
    }

    /// Adds a key with its value, as an earlier run of the plugin kept it.
    #[must_use]
    pub fn keeps(mut self, key: &str, value: &str) -> Self {
        self.world.kept.insert(key.into(), value.into());
        self
    }

    /// Withholds a capability: every call of it is denied. Takes the interface's full name, for
    /// example `remediate::INTERFACE`.
    #[must_use]
    pub fn withhold(mut self, interface: &str) -> Self {
        self.world.withheld.insert(interface.into());
        self
    }

    /// Makes the next call of `function` (as the WIT spells it, `restart-service`) fail with `error`
    /// and do nothing. Given twice, the next two calls fail, in order.
    #[must_use]
    pub fn fail(mut self, function: &str, error: Error) -> Self {
        self.world.failures.entry(function.into()).or_default().push_back(error);
        self
    }

    /// Puts the fake in force on this thread.
    #[must_use = "the fake is in force until this value is dropped"]
    pub fn install(self) -> Installed {
        let world = Rc::new(RefCell::new(self.world));
        let before = CURRENT.replace(Some(Rc::clone(&world)));
        Installed { world, before }
    }
}

impl Installed {
    /// The effects that happened, in order, as `function(argument, …)`.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        let world = self.world.borrow();
        world.calls.iter().filter(|call| call.effect).map(|call| call.text.clone()).collect()
    }

    /// What a plan of these calls would list: it ends at the first read that overlaps what an earlier
    /// effect touches, because the answer would be about a world that does not exist yet. A tool whose
    /// effects all come before that read can be approved as a whole.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let world = self.world.borrow();
        let mut effects: Vec<&Call> = Vec::new();
        let mut complete = true;
        for call in &world.calls {
            if call.effect {
                effects.push(call);
            } else if effects.iter().any(|effect| effect.overlaps(call)) {
                complete = false;
                break;
            }
        }
        Plan { effects: effects.iter().map(|call| call.text.clone()).collect(), complete }
    }

    /// Every call that was answered, reads too, in order, as `function(argument, …)`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.world.borrow().calls.iter().map(|call| call.text.clone()).collect()
    }

    /// The state of one service, if it exists.
    #[must_use]
    pub fn status(&self, environment: &str, service: &str) -> Option<ServiceStatus> {
        let world = self.world.borrow();
        let found = world.environments.get(environment)?.get(service)?;
        Some(found.status(environment, service))
    }

    /// The text of one file, if it exists.
    #[must_use]
    pub fn file(&self, folder: &str, path: &str) -> Option<String> {
        self.world.borrow().files.get(folder)?.get(path)?.clone()
    }

    /// The names of the environments that exist.
    #[must_use]
    pub fn environments(&self) -> Vec<String> {
        self.world.borrow().environments.keys().cloned().collect()
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.replace(self.before.take());
    }
}

/// One capability call, as the fake's functions describe it.
pub(super) struct Request<'a> {
    pub(super) interface: &'a str,
    pub(super) function: &'a str,
    pub(super) effect: bool,
    /// Names of things: checked as the gate checks the segments of a resource.
    pub(super) segments: &'a [&'a str],
    /// A path below the last of them: checked as the gate checks a path.
    pub(super) path: Option<&'a str>,
    /// The remaining arguments, written out.
    pub(super) others: &'a [String],
}

/// The fake's one door: grants, names and planted failures before the world, the record after it.
pub(super) fn gate<T, E: From<Error>>(
    request: &Request<'_>,
    act: impl FnOnce(&mut World) -> Result<T, E>,
) -> Result<T, E> {
    let Request { interface, function, effect, segments, path, others } = request;
    let denied = |code: &str, text: String| Err(E::from(Error::Denied(format!("{code}: {text}"))));
    let Some(world) = CURRENT.with_borrow(Clone::clone) else {
        return denied(
            "not-granted",
            format!(
                "`{interface}` has no provider here; install an `interlock_guest::testing::Fake`"
            ),
        );
    };
    let mut world = world.borrow_mut();
    if NARROWED
        .with_borrow(|uses| uses.is_some_and(|uses| !uses.iter().any(|u| covers(u, interface))))
    {
        return denied("withheld", format!("this tool does not say that it uses `{interface}`"));
    }
    if world.withheld.contains(*interface) {
        return denied("withheld", format!("`{interface}` is withheld"));
    }
    if let Some(bad) = segments.iter().find(|segment| !named(interface, segment)) {
        return denied("bad-resource", format!("`{}` cannot be a name", bad.escape_debug()));
    }
    let names = || path.iter().flat_map(|path| path.split('/'));
    if names().any(|name| matches!(name, "" | "." | "..") || name.len() > 128) {
        return denied("bad-resource", "a path has no empty, `.` or `..` names".to_owned());
    }
    if let Some(error) = world.failures.get_mut(*function).and_then(VecDeque::pop_front) {
        return Err(error.into());
    }
    let answer = act(&mut world)?;
    let arguments: Vec<_> = segments
        .iter()
        .chain(path)
        .map(ToString::to_string)
        .chain(others.iter().cloned())
        .collect();
    let text = format!("{function}({})", arguments.join(", "));
    let segments = segments.iter().copied().chain(names()).map(str::to_owned).collect();
    world.calls.push(Call { text, effect: *effect, segments });
    Ok(answer)
}

/// A name in `uses` covers its interface with or without the version.
fn covers(used: &str, interface: &str) -> bool {
    used == interface || interface.strip_prefix(used).is_some_and(|rest| rest.starts_with('@'))
}

/// A name of a resource: of HTTP, a segment of a path has a few characters more.
fn named(interface: &str, text: &str) -> bool {
    let of_path = |c: char| c.is_ascii_alphanumeric() || "._~@:+,=-".contains(c);
    let path = interface.starts_with("interlock:http/")
        && (1..=128).contains(&text.len())
        && text.chars().all(of_path)
        && !text.chars().all(|c| c == '.');
    // Of a key, a segment may be anything that is not empty and leads nowhere.
    let key = interface.starts_with("interlock:kv/")
        && (1..=128).contains(&text.len())
        && !matches!(text, "." | "..");
    path || key || is_segment(text)
}

/// The segment rule of resource names: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
fn is_segment(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Narrows this thread's capabilities to `uses` until the guard is dropped.
pub(super) fn narrow(uses: Option<&'static [&'static str]>) -> Narrowed {
    Narrowed { before: NARROWED.replace(uses) }
}

pub(super) struct Narrowed {
    before: Option<&'static [&'static str]>,
}

impl Drop for Narrowed {
    fn drop(&mut self) {
        NARROWED.replace(self.before);
    }
}
