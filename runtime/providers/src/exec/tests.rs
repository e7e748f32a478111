//! Real programs: what they get, how they end, and what comes back of them.

use super::{ExecProvider, provider::Inner};
use crate::{
    FROZEN, Forecasted, NOT_STARTED, Performed,
    secrets::{SecretSource, Secrets},
};
use interlock_authority::{
    Catalogue, Forecast, InterfaceName, Revision,
    catalogue::{CatalogueSource, ResolvedCall},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const WIT: &str = r#"
package acme:box@1.0.0;

interface look {
  variant error { denied(string), not-found, conflict(string), failed(string) }
  record seen { size: u64, note: option<string> }
  json: func(name: string) -> result<seen, error>;
  text: func(name: string) -> result<string, error>;
  bare: func(name: string) -> string;
}
interface act {
  use look.{error};
  put: func(name: string, content: string) -> result<u32, error>;
}
"#;

const CANARY: &str = "canary-7f3a91";

pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) catalogue: Catalogue,
    pub(super) inner: Arc<Inner>,
}

/// A shell line as an argv, with `$1` and so on for the arguments.
pub(super) fn sh(script: &str, arguments: &[&str]) -> String {
    let script = script.replace('{', "{{").replace('}', "}}");
    let mut argv = vec!["/bin/sh", "-c", &script, "sh"];
    argv.extend(arguments);
    format!("argv = {}", serde_json::to_string(&argv).unwrap())
}

/// A function of `look` that runs this, beside two that are never called.
pub(super) fn look(function: &str, lines: &str) -> Bench {
    bench(&looking(function, lines), BTreeMap::new())
}

fn looking(function: &str, lines: &str) -> String {
    let mut text =
        "wit = \"box.wit\"\n[interface.\"acme:box/look@1.0.0\"]\nprovider = { exec = \"box\" }\n"
            .to_owned();
    for name in ["json", "text", "bare"] {
        let lines = if name == function { lines } else { "argv = [\"/nowhere\"]" };
        text.push_str(&format!(
            "[interface.\"acme:box/look@1.0.0\".function.{name}]\nclass = \"read\"\nresource = \"box/a\"\n{lines}\n"
        ));
    }
    text
}

fn bench(text: &str, secrets: BTreeMap<String, SecretSource>) -> Bench {
    bench_in(tempfile::tempdir().unwrap(), text, secrets)
}

fn bench_in(
    folder: tempfile::TempDir,
    text: &str,
    secrets: BTreeMap<String, SecretSource>,
) -> Bench {
    let source = CatalogueSource {
        file: "box.toml".into(),
        text: text.into(),
        wit: vec![("box.wit".into(), WIT.into())],
    };
    let catalogue = Catalogue::load(&[source]).unwrap();
    let commands = catalogue.interfaces().flat_map(|i| {
        i.functions.iter().map(|(name, function)| {
            ((i.name.clone(), name.clone()), function.command.clone().unwrap())
        })
    });
    let locks = folder.path().join("locks");
    let inner = ExecProvider::new(commands.collect(), Secrets::new(secrets), locks).inner;
    Bench { folder, catalogue, inner }
}

impl Bench {
    pub(super) fn call(&self, interface: &str, function: &str, arguments: &[&str]) -> ResolvedCall {
        let name: InterfaceName = format!("acme:box/{interface}@1.0.0").parse().unwrap();
        let arguments = arguments.iter().map(|a| json!(a)).collect();
        self.catalogue.resolve(&name, function, arguments).unwrap()
    }

    fn read(&self, function: &str, name: &str) -> Result<Value, String> {
        let call = self.call("look", function, &[name]);
        self.inner.read(&call, &AtomicBool::new(false)).map_err(|e| e.to_string())
    }
}

const ANY: &str = "arguments.name = { pattern = '(?s).*' }\noutput = \"text\"\n";
/// Each argument, and a NUL behind it.
const TELL: &str = r#"for a; do printf '%s\0' "$a"; done"#;

#[test]
fn each_argv_case_reaches_a_real_program_whole_or_not_at_all() {
    let open = look("bare", &format!("{ANY}{}", sh(TELL, &["--", "{name}", "x{name}y", "end"])));
    let text = include_str!("../../../../tests/cases/argv/cases.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut given = 0;
    for case in &cases {
        let times = case["repeat"].as_u64().unwrap_or(1) as usize;
        let value = case["text"].as_str().unwrap().repeat(times);
        let name: InterfaceName = "acme:box/look@1.0.0".parse().unwrap();
        let Ok(call) = open.catalogue.resolve(&name, "bare", vec![json!(value)]) else { continue };
        let told = open.inner.read(&call, &AtomicBool::new(false)).unwrap();
        assert_eq!(told, format!("--\0{value}\0x{value}y\0end\0"), "{:.40}", value);
        given += 1;
    }
    // Behind `--` an option is given as well; NUL and what is too long are not.
    assert!(given > 160 && given < cases.len(), "{given}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn one_argument_stays_one_argument(value in "[^\0]{0,60}") {
        let open = look("bare", &format!("{ANY}{}", sh(TELL, &["--", "{name}"])));
        prop_assert_eq!(open.read("bare", &value).unwrap(), format!("--\0{value}\0"));
    }
}

#[test]
fn nothing_is_inherited() {
    let lines = format!(
        "output = \"text\"\nenvironment = {{ A = \"1 {{x}}\" }}\ndirectory = \"/usr\"\n{}",
        "argv = [\"/usr/bin/env\"]"
    );
    assert_eq!(look("text", &lines).read("text", "a").unwrap(), json!({"ok": "A=1 {x}"}));
    let place =
        look("text", &format!("output = \"text\"\ndirectory = \"/usr\"\n{}", sh("pwd", &[])));
    assert_eq!(place.read("text", "a").unwrap(), json!({"ok": "/usr"}));
    // Standard input is empty, and no file of the host is open.
    let own = tempfile::NamedTempFile::new().unwrap();
    let script = "cat; for f in /proc/$$/fd/*; do /bin/readlink \"$f\"; done; true";
    let files = look("text", &format!("output = \"text\"\n{}", sh(script, &[])));
    let open = files.read("text", "a").unwrap();
    let open = open["ok"].as_str().unwrap();
    assert!(open.contains("/dev/null") && open.contains("pipe:"), "{open}");
    assert!(!open.contains(own.path().to_str().unwrap()), "{open}");
}

#[test]
fn answers_are_typed_and_exit_codes_are_cases() {
    let run = |script: &str| {
        let lines = format!(
            "exits = {{ 3 = \"not-found\", 4 = \"conflict\" }}\n{}",
            sh(script, &["{name}"])
        );
        look("json", &lines).read("json", "a")
    };
    let seen = r#"echo '{"size": 5, "more": true}'"#;
    assert_eq!(run(seen).unwrap(), json!({"ok": {"size": "5", "note": null}}));
    assert_eq!(run("exit 3").unwrap(), json!({"err": {"not-found": null}}));
    assert_eq!(run("echo no >&2; exit 4").unwrap(), json!({"err": {"conflict": "no"}}));
    assert_eq!(run("exit 9").unwrap(), json!({"err": {"failed": "exit code 9"}}));
    for (script, words) in [
        ("echo '{}'", "`size` is missing"),
        ("echo size", "is not JSON"),
        ("kill -TERM $$", "signal 15"),
        ("", "is not JSON"),
    ] {
        let problem = run(script).unwrap_err();
        assert!(problem.contains(words) && problem.contains("look@1.0.0#json"), "{problem}");
    }
    // A result without a word for failure.
    let bare =
        look("bare", &format!("output = \"text\"\n{}", sh("echo 'no\tway' >&2; exit 2", &[])));
    let problem = bare.read("bare", "a").unwrap_err();
    assert!(problem.contains(r"exit code 2 and said `no\tway`"), "{problem}");
}

#[test]
fn a_program_that_is_missing_says_so() {
    for (argv, words) in [
        ("argv = [\"/nowhere/at-all\"]", "no such program"),
        ("argv = [\"/etc/passwd\"]", "could not be started"),
        ("argv = [\"/bin/true\"]\ndirectory = \"/nowhere\"", "directory `/nowhere` does not exist"),
    ] {
        let problem = look("json", argv).read("json", "a").unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

/// How long a program sleeps that must not: for hours, and by a number that no other process has.
pub(super) fn hours(n: u32) -> String {
    format!("{n}{}", std::process::id())
}

/// The processes whose command line has this word.
pub(super) fn running(word: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|e| {
            let line = fs::read(e.path().join("cmdline")).unwrap_or_default();
            let own = e.file_name().to_string_lossy() == std::process::id().to_string();
            !own && String::from_utf8_lossy(&line).contains(word)
        })
        .count()
}

pub(super) fn gone(word: &str) -> bool {
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        running(word) == 0
    })
}

#[test]
fn a_program_that_hangs_ends_with_its_children() {
    let script = format!("/bin/sleep {0} & /bin/sleep {0}", hours(7171));
    let bench = look("json", &format!("timeout = \"300ms\"\n{}", sh(&script, &[])));
    let begin = Instant::now();
    let problem = bench.read("json", "a").unwrap_err();
    assert!(problem.contains("had not ended after 300ms"), "{problem}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(gone(&hours(7171)), "its child lives on");
}

#[test]
fn a_program_that_ignores_signals_and_closes_its_pipes_ends_too() {
    let script = format!(
        "trap '' TERM INT HUP; exec >&- 2>&- <&-; /bin/sleep {0}; /bin/sleep {0}",
        hours(7272)
    );
    let bench = look("json", &format!("timeout = \"300ms\"\n{}", sh(&script, &[])));
    assert!(bench.read("json", "a").unwrap_err().contains("had not ended"));
    assert!(gone(&hours(7272)));
}

#[test]
fn a_child_that_is_left_behind_holds_nothing_up() {
    let script = format!("/bin/sleep {} & echo '{{\"size\": 1}}'", hours(7373));
    let bench = look("json", &sh(&script, &[]));
    let begin = Instant::now();
    assert_eq!(bench.read("json", "a").unwrap()["ok"]["size"], "1");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(gone(&hours(7373)), "it lives on");
    // Nor one that left the group, and keeps the pipe.
    if !Path::new("/usr/bin/setsid").exists() {
        return;
    }
    let script = "/usr/bin/setsid /bin/sleep 3 & sleep 0.2; echo '{\"size\": 1}'";
    let bench =
        look("json", &format!("environment = {{ PATH = \"/bin:/usr/bin\" }}\n{}", sh(script, &[])));
    let begin = Instant::now();
    assert_eq!(bench.read("json", "a").unwrap()["ok"]["size"], "1");
    assert!(begin.elapsed() < Duration::from_millis(2500), "{:?}", begin.elapsed());
}

#[test]
fn a_flood_is_cut_off() {
    for (script, most) in [
        ("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", 1 << 20),
        ("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2; done", 64 * 1024),
    ] {
        let bench = look("text", &format!("output = \"text\"\n{}", sh(script, &[])));
        let problem = bench.read("text", "a").unwrap_err();
        assert!(problem.contains(&format!("more than {most} bytes")), "{problem}");
    }
    // As much as fits is an answer.
    let script = "i=0; while [ $i -lt 1024 ]; do printf '%1023s\\n' x; i=$((i+1)); done";
    let bench = look("text", &format!("output = \"text\"\n{}", sh(script, &[])));
    assert_eq!(bench.read("text", "a").unwrap()["ok"].as_str().unwrap().len(), (1 << 20) - 1);
}

#[test]
fn nobody_waits_for_it_any_more() {
    let bench = look("json", &sh(&format!("/bin/sleep {}", hours(7474)), &[]));
    let call = bench.call("look", "json", &["a"]);
    let over = AtomicBool::new(false);
    let (problem, took) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let begin = Instant::now();
            (bench.inner.read(&call, &over).unwrap_err().to_string(), begin.elapsed())
        });
        std::thread::sleep(Duration::from_millis(100));
        over.store(true, Ordering::Relaxed);
        reading.join().unwrap()
    });
    assert!(problem.contains("nobody waits") && took < Duration::from_secs(3), "{problem}");
    assert!(gone(&hours(7474)));
}

/// A box on disk: `NAME` holds the content, `.generation` counts. Written as one shell script.
const BOX: &str = r#"
cd "$1" || exit 9
generation() { cat .generation 2>/dev/null || echo 0; }
case $2 in
  generation) generation ;;
  dry) [ -e "$3" ] || exit 3; [ -e .dry-fails ] && { echo broken >&2; exit 7; }
       [ -e .quiet ] && exit 0
       [ -e .grown ] && echo 99 || wc -c <"$3" ;;
  put) [ -e .slow ] && sleep 1
       [ -e .fails ] && { echo "half of it" >&2; exit 7; }
       [ -e .dies ] && kill -KILL $$
       [ -e .torn ] && { echo new >"$3"; echo "lost the connection" >&2; exit 9; }
       [ -e .missed ] && exit 0
       n=$(wc -c <"$3"); cat >"$3"; echo $(( $(generation) + 1 )) >.generation
       [ -e .garbled ] && echo garbled || echo $n ;;
esac
"#;

pub(super) fn acting(secrets: bool) -> (Bench, PathBuf) {
    acting_so(if secrets { "secrets = { TOKEN = \"token\" }\n" } else { "" })
}

/// With these lines in its function.
fn acting_so(lines: &str) -> (Bench, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("box");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("a"), "12345").unwrap();
    let program = place.join("box.sh");
    fs::write(&program, BOX).unwrap();
    let argv = |step: &str| {
        format!(
            "argv = [\"/bin/sh\", \"{}\", \"{}\", \"{step}\", \"{{name}}\"]",
            program.display(),
            place.display()
        )
    };
    let text = format!(
        "wit = \"box.wit\"\n[interface.\"acme:box/act@1.0.0\"]\nprovider = {{ exec = \"box\" }}\n\
         [interface.\"acme:box/act@1.0.0\".function.put]\nclass = \"change\"\nresource = \"box/{{name}}\"\n\
         stdin = \"{{content}}\"\nenvironment = {{ PATH = \"/bin:/usr/bin\" }}\n\
         exits = {{ 3 = \"not-found\" }}\n{}\nforecast = {{ {} }}\nrevision = {{ {} }}\n{}",
        argv("put"),
        argv("dry"),
        argv("generation"),
        lines,
    );
    let sources = BTreeMap::from([("token".to_owned(), SecretSource::File(place.join(".token")))]);
    (bench_in(folder, &text, sources), place)
}

impl Bench {
    fn forecast(&self, name: &str) -> Forecasted {
        let call = self.call("act", "put", &[name, "new"]);
        self.inner.forecast(&call, &AtomicBool::new(false)).unwrap()
    }

    fn perform(&self, forecast: &Forecast, expected: &Revision) -> Result<Performed, String> {
        let call = self.call("act", "put", &["a", "new"]);
        let performed = self.inner.perform(&call, forecast, expected, &|| Ok(()));
        performed.map_err(|e| e.to_string())
    }
}

fn exact(forecasted: Forecasted) -> Forecast {
    let Forecasted::Exact(forecast) = forecasted else { panic!("{forecasted:?}") };
    forecast
}

fn code(performed: Result<Performed, String>) -> &'static str {
    match performed {
        Ok(Performed::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_effect_does_what_its_forecast_said_and_moves_the_revision() {
    let (bench, place) = acting(false);
    let forecast = exact(bench.forecast("a"));
    assert_eq!(forecast.result, json!({"ok": 5}));
    assert_eq!(forecast.note.as_deref(), Some("5"));
    assert_eq!(forecast.touches, ["box/a".parse().unwrap()]);
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "12345", "a dry run changes nothing");
    let done = bench.perform(&forecast, &forecast.revision).unwrap();
    let Performed::Done { result, revisions } = done else { panic!("{done:?}") };
    assert_eq!(result, forecast.result);
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "new");
    // The revision that it left is the one of the next forecast, and the old one is no use any more.
    let next = exact(bench.forecast("a"));
    assert_eq!(revisions[&forecast.touches[0]], next.revision);
    assert_ne!(next.revision, forecast.revision);
    assert_eq!(code(bench.perform(&forecast, &forecast.revision)), "stale");
    assert!(bench.folder.path().join("locks").is_dir());
}

#[test]
fn what_would_not_happen_is_an_answer_and_what_nobody_knows_is_no_forecast() {
    let (bench, place) = acting(false);
    let not_found = Forecasted::NoEffect(json!({"err": {"not-found": null}}));
    assert_eq!(bench.forecast("b"), not_found);
    fs::write(place.join(".dry-fails"), "").unwrap();
    assert_eq!(bench.forecast("a"), Forecasted::NoEffect(json!({"err": {"failed": "broken"}})));
    fs::remove_file(place.join(".dry-fails")).unwrap();
    fs::write(place.join(".generation"), "\n").unwrap();
    assert!(matches!(bench.forecast("a"), Forecasted::Inexact(why) if why.contains("no revision")));
    fs::write(place.join(".generation"), "x".repeat(5000)).unwrap();
    assert!(matches!(bench.forecast("a"), Forecasted::Inexact(_)));
}

#[test]
fn a_world_that_moved_is_left_alone() {
    let (bench, place) = acting(false);
    let forecast = exact(bench.forecast("a"));
    let untouched = || fs::read_to_string(place.join("a")).unwrap() == "12345";
    let attempt = || bench.perform(&forecast, &forecast.revision);
    // The revision is the same, and the dry run is not.
    fs::write(place.join(".grown"), "").unwrap();
    assert_eq!(code(attempt()), "stale");
    fs::remove_file(place.join(".grown")).unwrap();
    fs::write(place.join(".generation"), "1\n").unwrap();
    assert_eq!(code(attempt()), "stale");
    fs::write(place.join(".generation"), "0\n").unwrap();
    let call = bench.call("act", "put", &["a", "new"]);
    let frozen = bench.inner.perform(&call, &forecast, &forecast.revision, &|| Err("no".into()));
    assert_eq!(code(frozen.map_err(|e| e.to_string())), FROZEN);
    // Somebody took the program away: nothing was begun.
    fs::rename(place.join("box.sh"), place.join("away.sh")).unwrap();
    assert!(matches!(code(attempt()), "stale" | NOT_STARTED));
    assert!(untouched());
}

// INVARIANT AT-MOST-ONCE
#[test]
fn at_most_once_a_program_that_was_lost_leaves_its_end_unknown() {
    let (bench, place) = acting(false);
    let forecast = exact(bench.forecast("a"));
    let attempt = || bench.perform(&forecast, &forecast.revision);
    fs::write(place.join(".fails"), "").unwrap();
    let failed = attempt().unwrap();
    let told = json!({"err": {"failed": "half of it"}});
    assert!(matches!(&failed, Performed::Failed { result, .. } if *result == told), "{failed:?}");
    fs::remove_file(place.join(".fails")).unwrap();
    fs::write(place.join(".dies"), "").unwrap();
    assert!(attempt().unwrap_err().contains("signal 9"));
    fs::remove_file(place.join(".dies")).unwrap();
    fs::write(place.join(".garbled"), "").unwrap();
    let garbled = attempt().unwrap();
    assert!(
        matches!(&garbled, Performed::Failed { result, revisions }
        if result.to_string().contains("ended well") && revisions.len() == 1),
        "{garbled:?}"
    );
}

#[test]
fn at_most_once_a_program_that_does_not_know_its_own_end_leaves_it_unknown() {
    let (bench, place) = acting_so("unknown = [9]\n");
    let forecast = exact(bench.forecast("a"));
    fs::write(place.join(".torn"), "").unwrap();
    let ended = bench.perform(&forecast, &forecast.revision).unwrap_err();
    assert!(ended.contains("exit code 9") && ended.contains("lost the connection"), "{ended}");
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "new\n", "and it did happen");
}

#[test]
fn nothing_to_tell_is_an_answer_where_the_catalogue_says_so() {
    let (bench, place) = acting_so("nothing = \"conflict\"\n");
    let conflict = json!({"err": {"conflict": "there is no such thing"}});
    let forecast = exact(bench.forecast("a"));
    // Of a dry run: nothing would happen, nothing does.
    fs::write(place.join(".quiet"), "").unwrap();
    assert_eq!(bench.forecast("a"), Forecasted::NoEffect(conflict.clone()));
    assert_eq!(code(bench.perform(&forecast, &forecast.revision)), "stale");
    fs::remove_file(place.join(".quiet")).unwrap();
    // Of the effect's own program: it found nothing to do it to.
    fs::write(place.join(".missed"), "").unwrap();
    let missed = bench.perform(&forecast, &forecast.revision).unwrap();
    assert!(
        matches!(&missed, Performed::Failed { result, .. } if *result == conflict),
        "{missed:?}"
    );
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "12345");
    // Of a look; and where the catalogue says nothing of it, it is no answer.
    for (printed, told) in [("null", true), ("", true), (" null\n", true), ("[null]", false)] {
        let line = format!("{}\nnothing = \"not-found\"", sh(&format!("echo '{printed}'"), &[]));
        let answer = look("json", &line).read("json", "a");
        let none = answer.as_ref().is_ok_and(|a| *a == json!({"err": {"not-found": null}}));
        assert_eq!(none, told, "{printed} {answer:?}");
        assert!(look("json", &sh(&format!("echo '{printed}'"), &[])).read("json", "a").is_err());
    }
}

#[test]
fn two_at_once_happen_once() {
    let (bench, place) = acting(false);
    fs::write(place.join(".slow"), "").unwrap();
    let forecast = exact(bench.forecast("a"));
    let ended: Vec<bool> = std::thread::scope(|scope| {
        let attempt =
            || matches!(bench.perform(&forecast, &forecast.revision), Ok(Performed::Done { .. }));
        let both = [scope.spawn(attempt), scope.spawn(attempt)];
        both.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ended.iter().filter(|done| **done).count(), 1, "{ended:?}");
    assert_eq!(fs::read_to_string(place.join(".generation")).unwrap(), "1\n");
}

#[test]
fn a_secret_that_cannot_be_had_begins_nothing() {
    let (bench, place) = acting(true);
    fs::write(place.join(".token"), CANARY).unwrap();
    let forecast = exact(bench.forecast("a"));
    for unfit in [None, Some("short"), Some("with\0nul-inside")] {
        match unfit {
            None => fs::remove_file(place.join(".token")).unwrap(),
            Some(text) => fs::write(place.join(".token"), text).unwrap(),
        }
        assert_eq!(code(bench.perform(&forecast, &forecast.revision)), NOT_STARTED);
    }
    assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "12345");
}

#[test]
fn a_secret_is_in_the_environment_of_its_program_and_in_nothing_that_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    let odd = "cänary\"7\\3a91";
    let print = vec!["/bin/echo".to_owned(), CANARY.to_owned()];
    for (source, value) in [
        (SecretSource::File(file.clone()), CANARY),
        (SecretSource::File(file.clone()), odd),
        (SecretSource::File(file.clone()), "1234567890"),
        (SecretSource::Command(print), CANARY),
    ] {
        fs::write(&file, format!("{value}\n")).unwrap();
        let seen = place.path().join("seen");
        let escaped: String = value.encode_utf16().map(|unit| format!("\\\\u{unit:04x}")).collect();
        for (script, ok) in [
            (format!("printf %s \"$TOKEN\" >{}; echo '{{\"size\": 1}}'", seen.display()), true),
            ("printf '{\"size\": 1, \"note\": \"a%sb\"}' \"$TOKEN\"".to_owned(), false),
            (
                format!("echo '{{\"size\": 1, \"note\": \"{}\"}}'", escaped.replace("\\\\", "\\")),
                true,
            ),
            ("printf '{\"size\": %s}' \"$TOKEN\"".to_owned(), false),
            ("echo \"$TOKEN\" >&2; exit 1".to_owned(), true),
            ("echo \"$TOKEN\"; exit 0".to_owned(), false),
            ("echo \"$TOKEN\" >&2; kill -KILL $$".to_owned(), false),
        ] {
            let text = looking(
                "json",
                &format!("secrets = {{ TOKEN = \"token\" }}\n{}", sh(&script, &[])),
            );
            let bench = bench(&text, BTreeMap::from([("token".into(), source.clone())]));
            let told = bench.read("json", "a");
            assert!(!ok || told.is_ok(), "{script}: {told:?}");
            let told = format!("{told:?}");
            for form in [value.to_owned(), format!("{value:?}").trim_matches('"').to_owned()] {
                assert!(!told.contains(&form), "{script}: {told}");
            }
            assert!(
                !format!("{:?}", bench.inner).contains(CANARY)
                    || matches!(source, SecretSource::Command(_))
            );
        }
        assert_eq!(fs::read_to_string(seen).unwrap(), value, "its program has it");
    }
}
