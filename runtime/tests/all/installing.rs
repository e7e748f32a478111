//! Installing, removing and using plugins on a real folder: two editors at once, bytes that change
//! behind the host's back, folders that a plugin must not see.

use interlock::{
    Config, Host, HostError, Outcome, Request,
    config::edit::{SecretKey, secret_key},
    desk::Askers,
    folders::check_preopens,
    helper::Helper,
    host::read_plugin,
    install::{self, Install, install},
    record::{Event, EventBody, Journal, Record, Recorder},
    sandbox::{ArtifactCache, Compiler, Described, PluginBytes, Sandbox, SandboxSettings},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};

const ADD: &str = r#"(component
  (core module $m (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
  (core instance $c (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $c "add"))))"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("policies")).unwrap();
        fs::write(folder.path().join("policies/all.cedar"), crate::fixture::POLICIES).unwrap();
        let text = "policies = \"policies\"\n[agents.bot]\n";
        fs::write(folder.path().join("interlock.toml"), text).unwrap();
        Self(folder)
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn config(&self) -> Config {
        Config::load(&self.path("interlock.toml")).unwrap()
    }
    fn host(&self) -> Host {
        self.try_host().unwrap_or_else(|e| panic!("{e}"))
    }
    fn try_host(&self) -> Result<Host, HostError> {
        let helper = Helper::program(env!("CARGO_BIN_EXE_interlock-helper"));
        Host::builder(self.config()).helper(helper).build()
    }
    async fn install(&self, name: &str) -> Result<(), HostError> {
        install(&self.host(), &add(), &wanted(name)).await.map(drop)
    }
    async fn call(&self, arguments: Value) -> Result<Outcome, HostError> {
        let request = Request::new("Agent::bot".parse().unwrap(), "one", "add", arguments);
        Ok(self.host().call(request).await?.outcome)
    }
    fn text(&self) -> String {
        fs::read_to_string(self.path("interlock.toml")).unwrap()
    }
}

fn add() -> PluginBytes {
    PluginBytes::from_file_bytes(ADD.as_bytes().to_vec()).unwrap()
}

fn wanted(name: &str) -> Install {
    Install { name: name.into(), grants: None, preopens: None }
}

fn plugin_file(config: &Config, name: &str) -> PathBuf {
    config.plugins.get(name).unwrap().file.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn editors_at_once_lose_nothing() {
    let folder = std::sync::Arc::new(Folder::new());
    let names = ["a", "b", "c", "d", "e", "f"];
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let folder = folder.clone();
            // Blocking on purpose: the lock holds its thread.
            tokio::task::spawn_blocking(move || {
                tokio::runtime::Handle::current().block_on(folder.install(name))
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let installed: Vec<String> = folder.config().plugins.into_keys().collect();
    assert_eq!(installed, names);
}

#[tokio::test]
async fn a_removed_plugin_stays_removed() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    // A host that still knows the plugin installs another: what it remembers is not written back.
    let host = folder.host();
    let file = plugin_file(&folder.config(), "one");
    install::remove(&folder.config(), "one").await.unwrap();
    assert!(!file.exists());
    install(&host, &add(), &wanted("two")).await.unwrap();
    let installed: Vec<String> = folder.config().plugins.into_keys().collect();
    assert_eq!(installed, ["two"]);
    assert!(install::remove(&folder.config(), "one").await.is_err());
    drop(host);
    let told = Journal::open(&folder.config()).unwrap().last(9).unwrap();
    assert!(told.iter().any(|told| told.kind == "removal"), "{told:?}");
}

#[tokio::test]
async fn bytes_that_another_entry_names_stay() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let twin = folder
        .text()
        .replace("name = \"one\"", "name = \"twin\"")
        .replace("[agents.bot]", "")
        .replace("policies = \"policies\"", "");
    fs::write(folder.path("interlock.toml"), format!("{}{twin}", folder.text())).unwrap();
    install::remove(&folder.config(), "one").await.unwrap();
    assert!(read_plugin(&plugin_file(&folder.config(), "twin")).is_ok());
}

#[tokio::test]
async fn what_a_killed_editor_left_is_swept() {
    let folder = Folder::new();
    fs::write(folder.path(".interlock.toml.0123456789abcdef"), "x").unwrap();
    fs::write(folder.path(".interlock.toml.mine"), "x").unwrap();
    fs::create_dir(folder.path("plugins")).unwrap();
    let (ours, theirs) = (".one-0123456789ab.wasm.0123456789abcdef", ".important.0123456789abcdef");
    fs::write(folder.path("plugins").join(ours), "x").unwrap();
    fs::write(folder.path("plugins").join(theirs), "x").unwrap();
    folder.install("one").await.unwrap();
    assert!(!folder.path(".interlock.toml.0123456789abcdef").exists());
    assert!(folder.path(".interlock.toml.mine").exists());
    assert!(!folder.path("plugins").join(ours).exists());
    assert!(folder.path("plugins").join(theirs).exists());
}

#[tokio::test]
async fn a_linked_configuration_stays_a_link() {
    let folder = Folder::new();
    fs::rename(folder.path("interlock.toml"), folder.path("real.toml")).unwrap();
    symlink("real.toml", folder.path("interlock.toml")).unwrap();
    folder.install("one").await.unwrap();
    assert!(folder.path("interlock.toml").is_symlink());
    assert!(fs::read_to_string(folder.path("real.toml")).unwrap().contains("one"));
}

#[tokio::test]
async fn anything_but_the_installed_bytes_is_an_integrity_failure() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let file = plugin_file(&folder.config(), "one");
    let bytes = fs::read(&file).unwrap();
    let mut other = bytes.clone();
    other.push(0);
    for broken in [Some(Vec::new()), Some(other), Some(b"(component)".to_vec()), None] {
        match &broken {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let error = folder.call(json!({"a": 1, "b": 2})).await.unwrap_err();
        assert!(matches!(error, HostError::PinnedBytes { .. }), "{broken:?}: {error}");
    }
    fs::write(&file, &bytes).unwrap();
    assert!(matches!(folder.call(json!({"a": 1, "b": 2})).await, Ok(Outcome::Done { .. })));
}

#[tokio::test]
async fn arguments_are_bounded_and_checked_before_anything_runs() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let outcome = folder.call(json!({"a": 1, "b": "x".repeat(5 << 20)})).await.unwrap();
    assert!(matches!(&outcome, Outcome::Limit { code, .. } if code == "call"), "{outcome:?}");
    assert_eq!(outcome.exit_code(), 5);
    let outcome = folder.call(json!({"a": -1, "b": 2})).await.unwrap();
    assert_eq!(outcome.exit_code(), 2);
}

#[tokio::test]
async fn no_plugin_reads_the_hosts_own_state() {
    let folder = Folder::new();
    fs::create_dir(folder.path("notes")).unwrap();
    fs::write(folder.path("file"), "x").unwrap();
    folder.install("before").await.unwrap();
    symlink(".interlock", folder.path("innocent")).unwrap();
    let text = folder.text();
    for (host, words) in [
        (".interlock", "own state"),
        (".interlock/artifacts", "own state"),
        (".", "own state"),
        ("/", "own state"),
        ("environments", "own state"),
        ("/proc", "kernel"),
        ("innocent", "own state"),
        ("missing", "cannot be opened"),
        ("file", "not a folder"),
    ] {
        let preopens = Some(vec![(host.to_owned(), "/notes".to_owned())]);
        let asked = Install { preopens, ..wanted("one") };
        let error = install(&folder.host(), &add(), &asked).await.unwrap_err().to_string();
        assert!(error.contains(words), "{host}: {error}");
        assert_eq!(folder.text(), text, "{host}");
    }
    let preopens = Some(vec![("notes".to_owned(), "/notes".to_owned())]);
    install(&folder.host(), &add(), &Install { preopens, ..wanted("one") }).await.unwrap();
    let config = folder.config();
    check_preopens(&config, config.plugins.get("one").unwrap()).unwrap();
}

#[test]
fn a_state_folder_that_others_can_write_is_not_used() {
    let folder = Folder::new();
    let state = folder.path(".interlock");
    drop(folder.host());
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o777, 0o720, 0o702] {
        fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
        let error = folder.try_host().err().unwrap().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }
}

#[test]
fn a_journal_that_is_not_ours_alone_is_not_used() {
    let folder = Folder::new();
    drop(folder.host());
    let journal = folder.path(".interlock/journal.db");
    let problem = |path: &Path| {
        let error = folder.try_host().err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("journal"), "{}: {error}", path.display());
    };
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).unwrap();
    problem(&journal);
    fs::remove_file(&journal).unwrap();
    symlink("/dev/null", &journal).unwrap();
    problem(&journal);
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    problem(&journal);
}

#[tokio::test]
async fn a_journal_that_was_deleted_under_the_host_keeps_no_intent() {
    let folder = Folder::new();
    let journal = Journal::open(&folder.config()).unwrap();
    let freeze = || Record::of(Event::alone(EventBody::Freeze { reason: "x".into() }));
    journal.write(freeze()).await.unwrap();
    fs::remove_file(folder.path(".interlock/journal.db")).unwrap();
    let error = journal.write(freeze()).await.unwrap_err().to_string();
    assert!(error.contains("deleted"), "{error}");
}

#[test]
fn two_hosts_that_make_the_key_at_once_have_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let read = || secret_key(folder.path(), SecretKey::Log).unwrap();
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let hosts: Vec<_> = (0..16).map(|_| scope.spawn(read)).collect();
        hosts.into_iter().map(|host| host.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// How many tools the agent is offered by a host that was just started.
async fn offered(folder: &Folder) -> usize {
    let askers = Askers::of(Arc::new(folder.host()));
    askers.asker("Agent::bot".parse().unwrap()).offers().await.offers.len()
}

/// A list loads no code, and believes what was kept; a call believes nothing but the bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_found_of_a_plugin_is_kept_for_lists_and_its_bytes_decide_a_call() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let of = |ending: &str| {
        let entries = fs::read_dir(folder.path(".interlock/artifacts")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().ends_with(ending)).collect::<Vec<_>>()
    };
    assert_eq!((of(".artifact").len(), of(".description").len()), (1, 1));
    fs::remove_file(&of(".artifact")[0]).unwrap();
    assert_eq!(offered(&folder).await, 1);
    assert!(of(".artifact").is_empty(), "nothing was compiled for a list");

    let file = folder.config().plugins["one"].file.clone();
    let good = fs::read(&file).unwrap();
    let mut other = good.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&file, &other).unwrap();
    assert_eq!(offered(&folder).await, 1);
    let refused = folder.call(json!({"a": 1, "b": 2})).await.unwrap_err();
    assert!(matches!(refused, HostError::PinnedBytes { .. }), "{refused}");
    fs::write(&file, &good[..good.len() - 1]).unwrap();
    assert_eq!(offered(&folder).await, 0, "a file that is another at a glance");
    fs::write(&file, &good).unwrap();
    let called = folder.call(json!({"a": 1, "b": 2})).await.unwrap();
    assert!(matches!(called, Outcome::Done { result } if result == json!(3)));
}

/// Whoever edits what was kept makes the host look again, and is told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tampered_description_is_never_believed() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let artifacts = folder.path(".interlock/artifacts");
    let kept = fs::read_dir(artifacts)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "description"))
        .unwrap();
    let good = fs::read(&kept).unwrap();
    let spots = (0..good.len()).step_by(good.len() / 6).chain([good.len() - 1]);
    let mut tries = 0;
    for at in spots {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&kept, &bad).unwrap();
        assert_eq!(offered(&folder).await, 1, "{at}");
        assert_eq!(fs::read(&kept).unwrap(), good, "{at}: it was put right");
        tries += 1;
    }
    let told = Journal::open(&folder.config()).unwrap().last(1000).unwrap();
    let replaced = told.iter().filter(|leaf| leaf.kind == "artifact-replaced").count();
    assert_eq!(replaced, tries);
}

/// What was kept by a host that read the same bytes otherwise is not run, and is put right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_description_that_does_not_agree_stops_one_host_and_not_the_next() {
    let folder = Folder::new();
    folder.install("one").await.unwrap();
    let key = fs::read(folder.path(".interlock/artifact.key")).unwrap();
    let cache =
        ArtifactCache { dir: folder.path(".interlock/artifacts"), key: key.try_into().unwrap() };
    let settings = SandboxSettings { cache: Some(cache), compiler: Compiler::InProcess };
    let (digest, catalogues) = (add().digest(), folder.host().rules().epoch.catalogues);
    let sandbox = Sandbox::new(settings).unwrap();
    let Described::Found(mut other) = sandbox.described(digest, catalogues) else {
        panic!("nothing was kept");
    };
    other.tools[0].description.push_str(" And more.");
    sandbox.describe(&other, catalogues).unwrap();

    assert_eq!(offered(&folder).await, 1);
    let refused = folder.call(json!({"a": 1, "b": 2})).await.unwrap_err();
    assert!(refused.to_string().contains("start the host again"), "{refused}");
    let called = folder.call(json!({"a": 1, "b": 2})).await.unwrap();
    assert!(matches!(called, Outcome::Done { result } if result == json!(3)));
}

/// Who deletes the log's key has another deployment: only what can be made again is to be deleted.
#[test]
fn each_key_that_cannot_be_used_says_its_own_next_step() {
    let steps =
        [("artifact", "delete it"), ("log", "restore it from a backup"), ("statement", "declared")];
    for (key, step) in steps {
        let folder = Folder::new();
        drop(folder.host());
        let file = folder.path(&format!(".interlock/{key}.key"));
        for bad in [&[7u8; 300][..], &[]] {
            fs::write(&file, bad).unwrap();
            let error = folder.try_host().err().unwrap().to_string();
            assert!(error.contains(step), "{key}: {error}");
            assert_eq!(error.contains("delete it"), key != "log", "{key}: {error}");
        }
    }
}

/// Without its journal a deployment would have forgotten which approvals were used, and which rules are in force.
#[test]
fn fail_closed_a_lost_journal_is_not_begun_anew_under_the_same_key() {
    let folder = Folder::new();
    drop(Journal::open(&folder.config()).unwrap());
    let journal = folder.path(".interlock/journal.db");
    let code = || match Journal::open(&folder.config()) {
        Err(HostError::Integrity { code, message }) => {
            assert!(message.contains("log.key"), "{message}");
            code
        }
        other => panic!("{:?}", other.map(drop)),
    };
    fs::remove_file(&journal).unwrap();
    assert_eq!(code(), "journal-lost");
    assert!(!journal.exists(), "nothing was made in its place");
    fs::write(&journal, "").unwrap();
    assert_eq!(code(), "journal-lost");
    // Somebody who says so begins a new one.
    fs::remove_file(folder.path(".interlock/log.key")).unwrap();
    fs::remove_file(&journal).unwrap();
    Journal::open(&folder.config()).unwrap();
}
