//! The real thing: a deployment on disk with a host, people and their keys. It does one thing at a time through the
//! doors that surfaces use, and says what whoever did it was told, in the words of the reference.

use super::{
    capability::{Armed, World, copy},
    op::*,
    plugins::{WIPER, caller},
    reference::{BUDGET, COOLING, REQUESTS, TTL, TTL_DESTROY},
};
use crate::fixture::source;
use interlock::{
    Config, Host, HostError, Outcome, Request, Response,
    authority::{Principal, signature},
    desk::{Approver, Askers},
    helper::Helper,
    providers::Provider,
    record::{Clock, Event, EventBody, Journal, Record, Recorder, space},
    sandbox::PluginBytes,
};
use serde_json::json;
use ssh_key::{PrivateKey, private::Ed25519Keypair};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, atomic::Ordering},
};

/// When sequences begin, unix milliseconds.
pub(crate) const BEGIN: u64 = 1_800_000_000_000;

fn private(key: Key) -> &'static PrivateKey {
    static KEYS: OnceLock<BTreeMap<Key, PrivateKey>> = OnceLock::new();
    let make = |key: Key| {
        (key, PrivateKey::new(Ed25519Keypair::from_seed(&[key as u8 + 1; 32]).into(), "").unwrap())
    };
    let all = [Key::Amira, Key::AmirasOther, Key::Li, Key::Zoe, Key::Noor, Key::Stranger];
    &KEYS.get_or_init(|| all.map(make).into())[&key]
}

/// The files of a deployment that are the same in all sequences: plugins, and what they are compiled to.
struct Prepared {
    folder: tempfile::TempDir,
    digests: [String; 3],
}

/// A folder, in memory where the machine has such a place: what a sequence waits for most is the disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("interlock-model-").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

static PREPARED: tokio::sync::OnceCell<Prepared> = tokio::sync::OnceCell::const_new();

/// Takes away what all sequences share: nothing else drops it.
pub(crate) fn tidy() {
    if let Some(prepared) = PREPARED.get() {
        fs::remove_dir_all(prepared.folder.path()).unwrap();
    }
}

impl Prepared {
    async fn get() -> &'static Self {
        PREPARED.get_or_init(Self::make).await
    }

    async fn make() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        let texts = [("caller-0", caller(0)), ("caller-1", caller(1)), ("wiper-0", WIPER.into())];
        let digests = texts.map(|(name, text)| {
            let plugin = PluginBytes::from_file_bytes(text.into_bytes()).unwrap();
            fs::write(folder.path().join(format!("plugins/{name}.wasm")), plugin.bytes()).unwrap();
            plugin.digest().to_string()
        });
        let prepared = Self { digests, folder };
        // Compiled once; each deployment has a copy of what came of it.
        for build in [0, 1] {
            let rules =
                Rules { policy: Policy::Nobody, grants: Grants::Cluster, noor: true, build };
            write(prepared.folder.path(), &prepared.digests, rules);
            let host = build_host(prepared.folder.path(), &Arc::default());
            for plugin in ["caller", "wiper"] {
                host.tools(plugin).await.unwrap_or_else(|e| panic!("{e}"));
            }
        }
        for file in ["log.key", "journal.db", "journal.db-wal", "journal.db-shm"] {
            let _ = fs::remove_file(prepared.folder.path().join(".interlock").join(file));
        }
        prepared
    }
}

/// Writes the files of an operator.
fn write(folder: &Path, digests: &[String; 3], rules: Rules) {
    let at = |name: &str| folder.join(name);
    let changes = match rules.policy {
        Policy::TwoPeople => "@approvals(\"2\")",
        Policy::OneOfOps => "@approvals(\"1\") @approvers(\"ops\")",
        Policy::Nobody => "",
    };
    let policies = format!(
        r#"@id("invoke") permit (principal, action == Action::"invoke", resource);
@id("reads") permit (principal, action in Action::"read", resource);
@id("plans") permit (principal, action == Action::"apply-plan", resource);
@id("changes") {changes} permit (principal, action in Action::"change", resource);
@id("destroys") @approvals("2") @ttl("{TTL_DESTROY}s") permit (principal, action in Action::"destroy", resource);
"#
    );
    let names = [
        ("amira@example.com", Key::Amira),
        ("amira@laptop", Key::AmirasOther),
        ("li@example.com", Key::Li),
        ("zoe@example.com", Key::Zoe),
        ("noor@example.com", Key::Noor),
    ];
    let here = names.iter().filter(|(_, key)| *key != Key::Noor || rules.noor);
    let signers: String = here
        .map(|(name, key)| format!("{name} {}\n", private(*key).public_key().to_openssh().unwrap()))
        .collect();
    let grant = |capability: &str, cluster: &str, budget: bool| {
        let budget = if budget {
            format!("budget = {{ effects = {BUDGET}, per = \"10m\" }}\n")
        } else {
            String::new()
        };
        format!(
            "[[plugin.grant]]\ncapability = \"acme:cache/{capability}@1.0.0\"\nresources = [\"cache/{cluster}\"]\n{budget}"
        )
    };
    let tune = match rules.grants {
        Grants::Cluster => grant("tune", "a", false),
        Grants::Budgeted => grant("tune", "a", true),
        Grants::OtherCluster => grant("tune", "b", false),
        Grants::TooLittle => String::new(),
    };
    let build = rules.build;
    let config = format!(
        r#"policies = "policies"
[agents.bot]
operators = ["zoe@example.com"]
[people.amira]
principals = ["amira@example.com", "amira@laptop"]
[people.li]
principals = ["li@example.com"]
[people.zoe]
principals = ["zoe@example.com"]
[people.noor]
principals = [{noor}]
[approvers]
allowed_signers = "signers"
groups.ops = ["amira@example.com", "zoe@example.com"]
[requests]
per-principal = {{ count = {REQUESTS}, per = "10m" }}
cooling = "{COOLING}s"
ttl = "{TTL}s"
[[plugin]]
name = "caller"
file = "plugins/caller-{build}.wasm"
sha256 = "{caller}"
{look}{tune}
[[plugin]]
name = "wiper"
file = "plugins/wiper-0.wasm"
sha256 = "{wiper}"
publisher = "li@example.com"
{wipe}"#,
        caller = digests[usize::from(build)],
        wiper = digests[2],
        look = grant("look", "a", false),
        wipe = grant("wipe", "a", false),
        noor = if rules.noor { "\"noor@example.com\"" } else { "" },
    );
    fs::create_dir_all(at("policies")).unwrap();
    fs::write(at("policies/test.cedar"), policies).unwrap();
    fs::write(at("signers"), signers).unwrap();
    fs::write(at("interlock.toml"), config).unwrap();
}

fn build_host(folder: &Path, world: &Arc<World>) -> Arc<Host> {
    let time = world.clock.clone();
    let clock: Clock = Arc::new(move || time.load(Ordering::SeqCst));
    let host = Host::builder(
        Config::load(&folder.join("interlock.toml")).unwrap_or_else(|e| panic!("{e}")),
    )
    .helper(Helper::program(env!("CARGO_BIN_EXE_interlock-helper")))
    .catalogue(source())
    .provider("cache", Provider::new(world.clone()))
    .clock(clock)
    .build();
    let host = Arc::new(host.unwrap_or_else(|e| panic!("{e}")));
    *world.host.lock().unwrap() = Arc::downgrade(&host);
    host
}

/// A deployment with a host.
pub(crate) struct Deployment {
    prepared: &'static Prepared,
    folder: tempfile::TempDir,
    rules: Rules,
    host: Option<Arc<Host>>,
    pub(crate) world: Arc<World>,
    /// The ids of its requests, oldest first.
    requests: Vec<String>,
    /// Its invocations, and what was told of each.
    invocations: Vec<(String, String)>,
}

fn principal(asker: Asker) -> Principal {
    match asker {
        Asker::Bot => "Agent::bot",
        Asker::Amira => "Person::amira",
    }
    .parse()
    .unwrap()
}

const fn tool_name(tool: Tool) -> &'static str {
    match tool {
        Tool::Look => "look",
        Tool::One => "one",
        Tool::Three => "three",
        Tool::Seen => "seen",
        Tool::Other => "other",
        Tool::Wipe => "wipe",
    }
}

fn told(result: Result<(), HostError>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
}

impl Deployment {
    pub(crate) async fn new(rules: Rules) -> Self {
        let (prepared, folder) = (Prepared::get().await, folder());
        copy_folder(prepared.folder.path(), folder.path());
        write(folder.path(), &prepared.digests, rules);
        let world = Arc::new(World::default());
        world.clock.store(BEGIN, Ordering::SeqCst);
        let host = Some(build_host(folder.path(), &world));
        let (requests, invocations) = (Vec::new(), Vec::new());
        Self { prepared, folder, rules, host, world, requests, invocations }
    }

    fn host(&self) -> &Arc<Host> {
        self.host.as_ref().unwrap()
    }

    fn id(&self, ago: Ago) -> String {
        let nobodys = || "01JD8Z5T3K9QW2M4X6Y8A0B1C2".to_owned();
        ago.of(self.requests.len()).map_or_else(nobodys, |at| self.requests[at].clone())
    }

    /// Does one thing, and says what whoever did it was told.
    pub(crate) async fn step(&mut self, op: Op) -> String {
        let none = String::new;
        let said = match op {
            Op::Call(asker, tool, during) => {
                // While planning nothing is to happen: what is read then is read again.
                let during = during.filter(|(at, _)| *at != At::Reading);
                self.call(asker, tool, None, during).await
            }
            Op::Plan(asker, tool) => {
                let request =
                    Request::new(principal(asker), tool.plugin(), tool_name(tool), json!({}));
                match self.host().plan(request).await {
                    Ok(Response { outcome: Outcome::Planned { effects, .. }, .. }) => {
                        format!("planned {}", effects.len())
                    }
                    Ok(response) => response.outcome.code().to_owned(),
                    Err(error) => error.code().to_owned(),
                }
            }
            Op::Apply(ago, during) => match self.asked(ago) {
                Some((asker, tool)) => self.call(asker, tool, Some(self.id(ago)), during).await,
                None => self.unknown(ago),
            },
            Op::ApplyAs(ago, asker, tool) => self.call(asker, tool, Some(self.id(ago)), None).await,
            Op::Race(ago) => {
                let Some((asker, tool)) = self.asked(ago) else {
                    let unknown = self.unknown(ago);
                    return format!("{unknown} | {unknown}");
                };
                let request = self.request(asker, tool, Some(self.id(ago)));
                let host = self.host().clone();
                let (one, two) = tokio::join!(host.call(request.clone()), host.call(request));
                let mut both = [self.ended(one), self.ended(two)];
                both.sort();
                both.join(" | ")
            }
            Op::Sign(ago, key) => self.sign(ago, key, "").await,
            Op::SignOther(ago, key) => self.sign(ago, key, "something else").await,
            Op::SignAll(ago) => self.sign_all(ago).await,
            Op::Approved(asker, tool) => {
                let called = self.call(asker, tool, None, None).await;
                called + " | " + &self.sign_all(Ago::NEWEST).await
            }
            Op::Deny(ago) => told(Approver::of(self.host()).deny(&self.id(ago), "ops", "no").await),
            Op::Revoke(ago) => told(Approver::of(self.host()).revoke(&self.id(ago), "ops").await),
            Op::Withdraw(ago, asker) => {
                let asker = Askers::of(self.host().clone()).asker(principal(asker));
                told(asker.withdraw(&self.id(ago)).await)
            }
            Op::Wait(seconds) => {
                let now = self.host().journal().now_ms();
                self.world.clock.fetch_max(now + u64::from(seconds) * 1000, Ordering::SeqCst);
                none()
            }
            Op::WaitFor(ago) => {
                let ends = self.expires(&self.id(ago));
                self.world.clock.fetch_max(ends, Ordering::SeqCst);
                none()
            }
            Op::ClockBack => {
                // Something is written at this time, and then it is an hour ago.
                let written = Record::of(Event::alone(EventBody::Thaw));
                self.host().journal().write(written).await.unwrap();
                self.world.clock.fetch_sub(3_600_000, Ordering::SeqCst);
                none()
            }
            Op::Policy(policy) => self.operate(Rules { policy, ..self.rules }),
            Op::Grant(grants) => self.operate(Rules { grants, ..self.rules }),
            Op::Roster(noor) => self.operate(Rules { noor, ..self.rules }),
            Op::Install(build) => self.operate(Rules { build, ..self.rules }),
            Op::Freeze => {
                self.host().freeze().set("stop").unwrap();
                none()
            }
            Op::Thaw => {
                self.host().freeze().clear().unwrap();
                none()
            }
            Op::Touch => {
                self.world.advance(&"cache/a/key/k".parse().unwrap());
                none()
            }
            Op::Sour(sour) => {
                *self.world.sour.lock().unwrap() = sour;
                none()
            }
            Op::Restart => {
                self.start();
                none()
            }
            Op::Crash => {
                let files = copy(self.host());
                self.start_on(&files);
                none()
            }
        };
        *self.world.armed.lock().unwrap() = None;
        let crashed = self.world.crashed.lock().unwrap().take();
        if let Some(files) = crashed {
            self.start_on(&files);
            return "crashed".to_owned();
        }
        // What nothing waits for has the time of this step, not of a later one.
        self.host().journal().store().flush().await.unwrap();
        said
    }

    /// Another host, on the files that are there.
    fn start(&mut self) {
        self.host = None;
        self.host = Some(build_host(self.folder.path(), &self.world));
    }

    /// Another host, on the files that a crash left.
    fn start_on(&mut self, files: &[(PathBuf, Vec<u8>)]) {
        let journal = self.host().journal().store().path().to_owned();
        self.host = None;
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", journal.display()));
        }
        for (file, bytes) in files {
            fs::write(file, bytes).unwrap();
        }
        self.start();
    }

    fn operate(&mut self, rules: Rules) -> String {
        if rules != self.rules {
            self.rules = rules;
            write(self.folder.path(), &self.prepared.digests, rules);
            self.start();
        }
        String::new()
    }

    fn request(&self, asker: Asker, tool: Tool, request: Option<String>) -> Request {
        let asked = Request::new(principal(asker), tool.plugin(), tool_name(tool), json!({}));
        Request { request, ..asked }
    }

    fn expires(&self, id: &str) -> u64 {
        let case = Approver::of(self.host()).case(id);
        case.map_or(0, |case| case.body.expires * 1000)
    }

    /// Who asked for a request, and by which tool, as the journal has it.
    fn asked(&self, ago: Ago) -> Option<(Asker, Tool)> {
        let case = Approver::of(self.host()).case(&self.id(ago)).ok()?;
        let plan = case.body.plan().unwrap();
        let asker = [Asker::Bot, Asker::Amira]
            .into_iter()
            .find(|asker| principal(*asker) == case.body.asker.principal)?;
        let tools = [Tool::One, Tool::Three, Tool::Seen, Tool::Other, Tool::Wipe];
        Some((asker, tools.into_iter().find(|tool| tool_name(*tool) == plan.tool)?))
    }

    fn unknown(&self, ago: Ago) -> String {
        told(Approver::of(self.host()).case(&self.id(ago)).map(drop))
    }

    async fn call(
        &mut self,
        asker: Asker,
        tool: Tool,
        request: Option<String>,
        during: During,
    ) -> String {
        let ends = request.as_ref().map(|id| (id.clone(), self.expires(id)));
        *self.world.armed.lock().unwrap() = Some(Armed { during, request: ends });
        let asked = self.request(asker, tool, request);
        let answer = self.host().call(asked).await;
        self.ended(answer)
    }

    fn ended(&mut self, answer: Result<Response, HostError>) -> String {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return error.code().to_owned(),
        };
        let told = match &response.outcome {
            Outcome::ApprovalRequired(waiting) => {
                let known = self.requests.iter().position(|id| *id == waiting.request);
                let at = known.unwrap_or_else(|| {
                    self.requests.push(waiting.request.clone());
                    self.requests.len() - 1
                });
                format!("approval-required {at}")
            }
            Outcome::Done { .. } => {
                let denied: BTreeSet<&str> =
                    response.denied.iter().map(|denied| denied.code.as_str()).collect();
                format!("done {denied:?}")
            }
            other => other.code().to_owned(),
        };
        self.invocations.push((response.invocation, told.clone()));
        told
    }

    async fn sign(&self, ago: Ago, key: Key, instead: &str) -> String {
        let (desk, id) = (Approver::of(self.host()), self.id(ago));
        let document = match desk.case(&id) {
            Ok(case) => case.document,
            Err(error) => return error.code().to_owned(),
        };
        let signed = if instead.is_empty() { document.as_str() } else { instead };
        let armoured = signature::sign(private(key), signed.as_bytes()).unwrap();
        match desk.approve(&id, &armoured).await {
            Ok(signed) => format!("signed {}", signed.tally.met),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn sign_all(&self, ago: Ago) -> String {
        let mut all = Vec::new();
        for key in [Key::Amira, Key::Li, Key::Zoe, Key::Noor] {
            all.push(self.sign(ago, key, "").await);
        }
        all.join(" | ")
    }

    /// The state of each request, oldest first, as people see it in their list.
    pub(crate) fn states(&self) -> Vec<String> {
        let shown = Approver::of(self.host()).list(1000).unwrap_or_else(|e| panic!("{e}"));
        let ids: Vec<&String> = shown.iter().rev().map(|shown| &shown.request).collect();
        assert_eq!(ids, self.requests.iter().collect::<Vec<_>>(), "the requests that are listed");
        shown.iter().rev().map(|shown| shown.state.as_str().to_owned()).collect()
    }

    pub(crate) fn journal(&self) -> &Journal {
        self.host().journal()
    }

    /// How many leaves of each kind there are; everything in the file was compared with the signed head before.
    pub(crate) fn told(&self) -> BTreeMap<String, u64> {
        let store = self.journal().store();
        store.audit().unwrap_or_else(|e| panic!("the journal does not verify: {e}"));
        let mut all = BTreeMap::new();
        let mut begun: BTreeSet<String> = BTreeSet::new();
        for leaf in store.verified_since(0).unwrap() {
            let marks = leaf.marks.iter();
            let effect = |space: &str| {
                marks.clone().find(|mark| mark.space == space).map(|mark| mark.key.clone())
            };
            match leaf.kind.as_str() {
                "intent" => drop(begun.insert(effect(space::INTENT).unwrap())),
                "outcome" => {
                    let of = effect(space::OUTCOME);
                    assert!(
                        of.is_none_or(|of| begun.contains(&of)),
                        "an outcome before its intent"
                    );
                }
                _ => {}
            }
            *all.entry(leaf.kind).or_default() += 1;
        }
        all
    }

    /// The receipt of the newest invocation, which must be had, unless it only asked again while people decide.
    pub(crate) async fn receipt(&self) {
        let Some((newest, told)) = self.invocations.last() else { return };
        let receipt = self.host().receipt(newest).await;
        let asked_again = told.starts_with("approval-required")
            && matches!(&receipt, Err(error) if error.code() == "no-decision");
        assert!(receipt.is_ok() || asked_again, "{told}: {receipt:?}");
    }
}
