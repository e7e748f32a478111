//! The provider through the authority, on real folders: a corpus of paths, names that are swapped while it
//! opens them, and what every provider promises of forecasts, revisions and locks.

use super::{FilesProvider, FolderLimits, FolderSettings, catalogue};
use crate::{
    FROZEN, Forecasted, Forecaster as _, Performed, Performer as _, Reader as _, StillAllowed,
    alone::Alone,
};
use interlock_authority::{Forecast, Permitted, PermittedEffect, Planned};
use rustix::fs::{FileType, Mode as FileMode, RenameFlags};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;

/// What lies outside. No answer may have it.
const SECRET: &str = "a lark at dawn";

struct Scene {
    /// Names are swapped under our eyes: what was done may not be found again.
    moving: bool,
    dir: TempDir,
    provider: FilesProvider,
    alone: Alone,
}

impl Scene {
    fn new(make: impl Fn(&Path, &Path)) -> Self {
        Self::with(true, FolderLimits::default(), make)
    }

    fn with(write: bool, limits: FolderLimits, make: impl Fn(&Path, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("canary.txt"), SECRET).unwrap();
        make(&root, &outside);
        let settings = FolderSettings { path: root, write, limits };
        let folders = [("docs".to_owned(), settings)].into();
        let provider = FilesProvider::open(&folders, &dir.path().join("state")).unwrap();
        let alone = Alone::of(catalogue(), "files", "test");
        Self { moving: false, dir, provider, alone }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    /// The call as the authority lets it through, or the code of its denial.
    fn permitted(&self, function: &str, arguments: &[Value]) -> Result<Permitted, String> {
        let mut all = vec![json!("docs")];
        all.extend(arguments.iter().cloned());
        let call = self.alone.resolve(function, all).map_err(|d| d.code().to_owned())?;
        Ok(self.alone.permit(call).unwrap())
    }

    async fn read(&self, function: &str, arguments: &[Value]) -> Value {
        match self.permitted(function, arguments) {
            Ok(permitted) => self.provider.read(&permitted).await.unwrap(),
            Err(code) => json!({ "err": { code: "" } }),
        }
    }

    async fn forecast(&self, function: &str, arguments: &[Value]) -> Forecast {
        let permitted = self.permitted(function, arguments).unwrap();
        match self.provider.forecast(&permitted, &[]).await.unwrap() {
            Forecasted::Exact(forecast) => forecast,
            other => panic!("{function}: {other:?}"),
        }
    }

    fn effect(&self, function: &str, arguments: &[Value], forecast: Forecast) -> PermittedEffect {
        let permitted = self.permitted(function, arguments).unwrap();
        self.alone.effect(permitted, forecast)
    }

    async fn perform(&self, function: &str, arguments: &[Value], forecast: Forecast) -> Performed {
        let effect = self.effect(function, arguments, forecast);
        let allowed: StillAllowed = Arc::new(|| Ok(()));
        self.provider.perform(&effect, &allowed).await.unwrap()
    }

    /// As a direct call: forecast and performed; the guest's answer.
    async fn act(&self, function: &str, arguments: &[Value]) -> Value {
        let permitted = match self.permitted(function, arguments) {
            Ok(permitted) => permitted,
            Err(code) => return json!({ "err": { code: "" } }),
        };
        let forecast = match self.provider.forecast(&permitted, &[]).await.unwrap() {
            Forecasted::Exact(forecast) => forecast,
            Forecasted::NoEffect(answer) => return answer,
            Forecasted::Inexact(why) => panic!("{why}"),
        };
        match self.perform(function, arguments, forecast.clone()).await {
            Performed::Done { result, revisions } => {
                assert_eq!(result, forecast.result);
                if !self.moving {
                    assert!(forecast.touches.iter().all(|t| revisions.contains_key(t)));
                    assert_ne!(revisions[&forecast.touches[0]], forecast.revision, "{function}");
                }
                result
            }
            Performed::Refused { result, .. } | Performed::Failed { result, .. } => result,
        }
    }
}

/// `ok`, or the case of the error.
fn word(answer: &Value) -> String {
    match answer.get("err") {
        None => "ok".to_owned(),
        Some(error) => error.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

/// Everything below a folder: names, kinds and contents.
fn tree(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let what = if meta.is_dir() {
                open.push(path.clone());
                "folder".to_owned()
            } else if meta.is_file() {
                format!("file {}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
            } else {
                format!("{:?}", meta.file_type())
            };
            all.push((path.strip_prefix(folder).unwrap().display().to_string(), what));
        }
    }
    all.sort();
    all
}

fn hostile(root: &Path, outside: &Path) {
    for folder in ["notes/deep", "empty"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["notes/a.txt", "notes/deep/b.txt", "Upper.txt", "notes/.hidden", "hard.txt"] {
        fs::write(root.join(file), "inside").unwrap();
    }
    fs::hard_link(root.join("hard.txt"), root.join("hard-too.txt")).unwrap();
    for (name, to) in [
        ("link-file", "notes/a.txt"),
        ("link-dir", "notes"),
        ("out-rel", "../outside"),
        ("out-file", "../outside/canary.txt"),
        ("dangling", "nowhere"),
        ("itself", "itself"),
        ("proc", "/proc/self/root"),
        ("fd", "/proc/self/fd"),
        ("notes/up", ".."),
        ("notes/out", "../../outside"),
        ("notes/to-file", "a.txt"),
        ("loop-a", "loop-b"),
        ("loop-b", "loop-a"),
        ("chain", "out-rel"),
    ] {
        symlink(to, root.join(name)).unwrap();
    }
    symlink(outside, root.join("out-abs")).unwrap();
    symlink(outside.join("canary.txt"), root.join("out-abs-file")).unwrap();
    let at = fs::File::open(root).unwrap();
    rustix::fs::mknodat(&at, "fifo", FileType::Fifo, FileMode::from_raw_mode(0o600), 0).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    path: String,
    read: String,
    write: String,
    delete: String,
    #[serde(default)]
    repeat: Option<usize>,
}

/// Each path of the corpus, read, written and deleted. Nothing outside the folder is read, written or deleted
/// by any of them, and what is refused changes nothing inside it.
async fn corpus(by_names: bool) {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/cases/paths/cases.json")).unwrap();
    assert!(cases.len() >= 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let path = json!(case.path.repeat(case.repeat.unwrap_or(1)));
        let scene = Scene::new(hostile);
        if by_names {
            scene.provider.by_names();
        }
        let outside = tree(&scene.dir.path().join("outside"));
        let inside = tree(&scene.root());
        for (function, arguments, expected) in [
            ("read-text", vec![path.clone()], &case.read),
            ("write-text", vec![path.clone(), json!("changed")], &case.write),
            ("delete-file", vec![path.clone()], &case.delete),
        ] {
            if function == "delete-file" && case.write == "ok" && case.delete != "ok" {
                continue; // It is there now.
            }
            let answer = match function {
                "read-text" => scene.read(function, &arguments).await,
                _ => scene.act(function, &arguments).await,
            };
            if word(&answer) != *expected {
                wrong.push(format!("{function} {:?} ({}): {answer}", case.path, case.what));
            }
            assert!(!answer.to_string().contains(SECRET), "{function} {:?} read it", case.path);
            assert_eq!(tree(&scene.dir.path().join("outside")), outside, "{:?}", case.path);
            if word(&answer) != "ok" && case.write != "ok" {
                assert_eq!(tree(&scene.root()), inside, "{function} {:?}", case.path);
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn no_path_of_the_corpus_leaves_the_folder() {
    corpus(false).await;
}

#[tokio::test]
async fn nor_where_the_kernel_has_no_openat2() {
    corpus(true).await;
}

/// Somebody exchanges a folder and a link to the outside for one another, all the time.
async fn swapped(by_names: bool, reads: usize, effects: usize) {
    let mut scene = Scene::new(|root, outside| {
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/canary.txt"), "inside").unwrap();
        symlink(outside, root.join("b")).unwrap();
    });
    if by_names {
        scene.provider.by_names();
    }
    scene.moving = true;
    let over = Arc::new(AtomicBool::new(false));
    let (root, stop) = (scene.root(), over.clone());
    let swapper = std::thread::spawn(move || {
        let at = fs::File::open(root).unwrap();
        while !stop.load(Ordering::Relaxed) {
            rustix::fs::renameat_with(&at, "a", &at, "b", RenameFlags::EXCHANGE).unwrap();
        }
    });
    let outside = tree(&scene.dir.path().join("outside"));
    let (mut inside, mut refused) = (0, 0);
    for _ in 0..reads {
        let answer = scene.read("read-text", &[json!("a/canary.txt")]).await;
        match word(&answer).as_str() {
            "ok" => {
                assert_eq!(answer, json!({ "ok": "inside" }));
                inside += 1;
            }
            _ => refused += 1,
        }
    }
    for _ in 0..effects {
        scene.act("write-text", &[json!("a/new.txt"), json!("x")]).await;
        scene.act("delete-file", &[json!("a/new.txt")]).await;
        scene.act("make-folder", &[json!("a/sub")]).await;
        scene.act("delete-folder", &[json!("a/sub")]).await;
        scene.act("write-text", &[json!("a/canary.txt"), json!("inside")]).await;
        assert_eq!(tree(&scene.dir.path().join("outside")), outside);
    }
    over.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(inside > 0 && refused > 0, "the race took place: {inside} and {refused}");
}

#[tokio::test]
async fn names_that_are_swapped_during_opens_lead_nowhere() {
    swapped(false, 20_000, 100).await;
    swapped(true, 20_000, 100).await;
}

fn one_file(root: &Path, _: &Path) {
    fs::write(root.join("a.txt"), "old").unwrap();
}

#[tokio::test]
async fn a_folder_that_is_read_only_takes_no_effect() {
    let scene = Scene::with(false, FolderLimits::default(), one_file);
    for (function, arguments) in [
        ("write-text", vec![json!("a.txt"), json!("")]),
        ("write-bytes", vec![json!("a.txt"), json!("")]),
        ("append-text", vec![json!("a.txt"), json!("x")]),
        ("make-folder", vec![json!("b")]),
        ("delete-file", vec![json!("a.txt")]),
        ("delete-folder", vec![json!("b")]),
    ] {
        assert_eq!(word(&scene.act(function, &arguments).await), "denied", "{function}");
    }
    assert_eq!(fs::read_to_string(scene.root().join("a.txt")).unwrap(), "old");
    assert_eq!(scene.read("read-text", &[json!("a.txt")]).await, json!({ "ok": "old" }));
}

#[tokio::test]
async fn reads_and_forecasts_change_nothing() {
    let scene = Scene::new(hostile);
    let before = tree(scene.dir.path());
    let listed = scene.read("list-root", &[Value::Null]).await;
    assert_eq!(
        listed["ok"]["entries"][0],
        json!({"name": "Upper.txt", "kind": "file", "size": "6"})
    );
    let after = scene.read("list-folder", &[json!("notes"), json!("a.txt")]).await;
    assert_eq!(after["ok"]["entries"][0]["name"], "deep");
    let part = scene.read("read-bytes", &[json!("notes/a.txt"), json!("2"), json!(3)]).await;
    assert_eq!(part, json!({ "ok": { "content": "c2lk", "size": "6" } }));
    assert_eq!(scene.read("stat", &[json!("fifo")]).await["ok"]["kind"], "other");
    scene.forecast("write-text", &[json!("notes/a.txt"), json!("x")]).await;
    scene.forecast("delete-file", &[json!("notes/a.txt")]).await;
    scene.forecast("make-folder", &[json!("new")]).await;
    assert_eq!(tree(scene.dir.path()), before);
}

#[tokio::test]
async fn an_effect_on_a_world_that_moved_is_refused() {
    let scene = Scene::new(one_file);
    let arguments = [json!("a.txt"), json!("new")];
    let file = scene.root().join("a.txt");
    let moves: [&dyn Fn(); 4] = [
        // The same size, and possibly the same tick of the clock.
        &|| fs::write(&file, "odd").unwrap(),
        &|| fs::remove_file(&file).unwrap(),
        &|| fs::write(&file, "old").unwrap(),
        &|| {
            fs::rename(&file, scene.root().join("b.txt")).unwrap();
            fs::write(&file, "old").unwrap();
        },
    ];
    for (index, moved) in moves.iter().enumerate() {
        let forecast = scene.forecast("write-text", &arguments).await;
        moved();
        let before = tree(&scene.root());
        match scene.perform("write-text", &arguments, forecast).await {
            Performed::Refused { code: "stale", result } => assert_eq!(word(&result), "conflict"),
            other => panic!("{index}: {other:?}"),
        }
        assert_eq!(tree(&scene.root()), before);
    }
}

#[tokio::test]
async fn what_was_stopped_meanwhile_does_not_begin() {
    let scene = Scene::new(one_file);
    let arguments = [json!("a.txt")];
    let forecast = scene.forecast("delete-file", &arguments).await;
    let effect = scene.effect("delete-file", &arguments, forecast);
    let root = scene.root();
    let stopped: StillAllowed = Arc::new(move || {
        // It is asked under the lock: nobody else gets it now.
        let folder = fs::File::open(&root).unwrap();
        let lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        assert!(rustix::fs::flock(&folder, lock).is_err());
        Err("frozen".to_owned())
    });
    match scene.provider.perform(&effect, &stopped).await.unwrap() {
        Performed::Refused { code, .. } => assert_eq!(code, FROZEN),
        other => panic!("{other:?}"),
    }
    assert!(scene.root().join("a.txt").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_effects_on_one_revision_exactly_one_wins() {
    let scene = Arc::new(Scene::new(one_file));
    for round in 0..10 {
        let forecast = scene.forecast("write-text", &[json!("a.txt"), json!("0000")]).await;
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (scene, forecast) = (scene.clone(), forecast.clone());
                tokio::spawn(async move {
                    let arguments = [json!("a.txt"), json!(format!("{n:04}"))];
                    matches!(
                        scene.perform("write-text", &arguments, forecast).await,
                        Performed::Done { .. }
                    )
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap());
        }
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test]
async fn revisions_do_not_come_back() {
    let scene = Scene::new(|_, _| {});
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        for (function, arguments) in [
            ("write-text", vec![json!("a.txt"), json!("same")]),
            ("write-text", vec![json!("a.txt"), json!("same")]),
            ("delete-file", vec![json!("a.txt")]),
        ] {
            let forecast = scene.forecast(function, &arguments).await;
            assert!(seen.insert(forecast.revision.as_str().to_owned()), "{function}");
            assert_eq!(word(&scene.act(function, &arguments).await), "ok");
        }
    }
}

#[tokio::test]
async fn a_plan_is_forecast_effect_by_effect_and_then_happens_so() {
    let scene = Scene::new(one_file);
    let steps = [
        ("make-folder", vec![json!("old")]),
        ("write-text", vec![json!("old/b.txt"), json!("12345")]),
        ("append-text", vec![json!("old/b.txt"), json!("678")]),
        ("delete-file", vec![json!("a.txt")]),
        ("write-text", vec![json!("a.txt"), json!("new")]),
        ("delete-file", vec![json!("old/b.txt")]),
        ("delete-folder", vec![json!("old")]),
    ];
    let mut planned: Vec<Planned> = Vec::new();
    for (function, arguments) in &steps {
        let permitted = scene.permitted(function, arguments).unwrap();
        let forecasted = scene.provider.forecast(&permitted, &planned).await.unwrap();
        let Forecasted::Exact(forecast) = forecasted else { panic!("{function}: {forecasted:?}") };
        planned.push(Planned { call: permitted.call().clone(), forecast });
    }
    // As tickets have it: the plan's revision first, then what this run's effects returned.
    let mut known = std::collections::BTreeMap::new();
    for ((function, arguments), planned) in steps.iter().zip(&planned) {
        let mut forecast = planned.forecast.clone();
        if let Some(revision) = known.get(planned.call.resource()) {
            forecast.revision = Clone::clone(revision);
        }
        match scene.perform(function, arguments, forecast).await {
            Performed::Done { revisions, .. } => known.extend(revisions),
            other => panic!("{function}: {other:?}"),
        }
    }
    let left = vec![("a.txt".to_owned(), "file new".to_owned())];
    assert_eq!(tree(&scene.root()), left);
}

#[tokio::test]
async fn limits_of_a_folder_hold() {
    let limits = FolderLimits { file: 10, total: 25, entries: 3, depth: 2 };
    let scene = Scene::with(true, limits, one_file);
    let text = |n: usize| json!("x".repeat(n));
    for (function, arguments, expected) in [
        ("write-text", vec![json!("b"), text(11)], "full"),
        ("write-text", vec![json!("b"), text(10)], "ok"),
        ("append-text", vec![json!("b"), text(1)], "full"),
        ("append-text", vec![json!("a.txt"), text(7)], "ok"),
        ("write-text", vec![json!("c"), text(6)], "full"),
        ("write-text", vec![json!("c"), text(5)], "ok"),
        ("make-folder", vec![json!("d")], "full"),
        ("write-text", vec![json!("d/e/f"), text(1)], "invalid"),
        ("write-text", vec![json!("b"), text(1)], "ok"),
        ("write-bytes", vec![json!("b"), json!("!")], "invalid"),
        ("write-bytes", vec![json!("b"), json!("AP8=")], "ok"),
    ] {
        let answer = scene.act(function, &arguments).await;
        assert_eq!(word(&answer), expected, "{function} {arguments:?}: {answer}");
    }
    assert_eq!(word(&scene.read("read-text", &[json!("b")]).await), "invalid");
}

#[tokio::test]
async fn what_a_crash_left_is_neither_seen_nor_kept() {
    let scene = Scene::new(|root, outside| {
        one_file(root, outside);
        fs::write(root.join(".interlock-new-00"), "half").unwrap();
    });
    let listed = scene.read("list-root", &[Value::Null]).await;
    assert_eq!(listed["ok"]["entries"].as_array().unwrap().len(), 1);
    assert_eq!(word(&scene.act("write-text", &[json!("b"), json!("x")]).await), "ok");
    let left: Vec<String> = tree(&scene.root()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["a.txt", "b"]);
}

/// However a folder is laid out, its bytes are counted before it gets more; and what cannot be counted is full.
#[tokio::test]
async fn the_bytes_of_a_folder_are_bounded_whatever_its_shape() {
    use std::os::unix::ffi::OsStrExt as _;
    let limits = FolderLimits { total: 700, ..FolderLimits::default() };
    let wide = Scene::with(true, limits, |root, _| {
        for n in 0..600 {
            fs::create_dir(root.join(format!("{n:03}"))).unwrap();
            fs::write(root.join(format!("{n:03}/one")), "x").unwrap();
        }
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff")), vec![b'x'; 50]).unwrap();
    });
    let text = |n: usize| json!("x".repeat(n));
    assert_eq!(word(&wide.act("write-text", &[json!("new"), text(51)]).await), "full");
    assert_eq!(word(&wide.act("write-text", &[json!("000/one"), text(52)]).await), "full");
    assert_eq!(word(&wide.act("write-text", &[json!("000/one"), text(51)]).await), "ok");
    assert_eq!(word(&wide.act("write-text", &[json!("001/one"), text(2)]).await), "full");
    // More entries than may be made here are no reason to count fewer bytes.
    let limits = FolderLimits { total: 20, entries: 3, ..FolderLimits::default() };
    let many = Scene::with(true, limits, |root, _| {
        for n in 0..10 {
            fs::write(root.join(n.to_string()), "xx").unwrap();
        }
    });
    assert_eq!(word(&many.act("write-text", &[json!("0"), text(3)]).await), "full");
    assert_eq!(word(&many.act("write-text", &[json!("0"), text(1)]).await), "ok");
    assert_eq!(word(&many.act("write-text", &[json!("1"), text(3)]).await), "ok");
    // Deeper than it is measured: nothing more goes in, and becoming smaller does.
    let deep = Scene::new(|root, _| {
        let mut path = root.to_owned();
        for _ in 0..80 {
            path.push("d");
        }
        fs::create_dir_all(path).unwrap();
        fs::write(root.join("old"), "xx").unwrap();
    });
    assert_eq!(word(&deep.act("write-text", &[json!("new"), text(1)]).await), "full");
    assert_eq!(word(&deep.act("write-text", &[json!("old"), text(3)]).await), "full");
    assert_eq!(word(&deep.act("write-text", &[json!("old"), text(1)]).await), "ok");
}
