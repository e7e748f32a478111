//! Catalogues that name programs: what is wrong with one, said with its line, and which values a program
//! is given at all.

use crate::fixture::source;
use interlock_authority::{
    Catalogue, InterfaceName,
    catalogue::{Command, Step},
};
use serde_json::{Value, json};
use std::sync::Arc;

const WIT: &str = r#"
package acme:queue@1.0.0;

interface jobs {
  variant error { denied(string), not-found, conflict(string), failed(string), odd(u32) }
  enum level { low, high }
  record filter { name: string }
  depth: func(queue: string) -> result<u64, error>;
  show: func(queue: string, since: option<string>, level: level, filter: filter, tags: list<string>) -> string;
  drain: func(queue: string, most: s32, reason: string) -> result<u64, error>;
}
interface bare {
  enum error { gone, failed }
  touch: func(queue: string) -> result<_, error>;
  poke: func(queue: string) -> bool;
}
"#;

const TEXT: &str = r#"wit = "acme-queue.wit"
[interface."acme:queue/jobs@1.0.0"]
provider = { exec = "queuectl" }
[interface."acme:queue/jobs@1.0.0".function.depth]
class = "read"
resource = "queue/{queue}"
argv = ["/usr/bin/queuectl", "depth", "{queue}"]
exits = { 3 = "not-found" }
[interface."acme:queue/jobs@1.0.0".function.show]
class = "read"
resource = "queue/{queue}"
argv = ["/usr/bin/queuectl", "show", "--level={level}", "--since={since}", "{queue}"]
output = "text"
[interface."acme:queue/jobs@1.0.0".function.drain]
class = "change"
resource = "queue/{queue}"
arguments.reason = { pattern = "[a-z ]{1,40}" }
argv = ["/usr/bin/queuectl", "drain", "--most", "{most}", "--reason={reason}", "--", "{queue}"]
forecast = { argv = ["/usr/bin/queuectl", "drain", "--dry-run", "{queue}"] }
revision = { argv = ["/usr/bin/queuectl", "generation", "{queue}"] }
stdin = "{reason}"
environment = { LANG = "C.UTF-8" }
secrets = { QUEUE_TOKEN = "queue-token" }
directory = "/var/empty"
timeout = "5s"
exits = { 3 = "not-found", 4 = "conflict", other = "failed" }
"#;

fn load(text: &str) -> Result<Catalogue, String> {
    Catalogue::load(&[source(text, WIT)]).map_err(|e| e.to_string())
}

fn jobs() -> InterfaceName {
    "acme:queue/jobs@1.0.0".parse().unwrap()
}

fn command(catalogue: &Catalogue, function: &str) -> Arc<Command> {
    catalogue.function(&jobs(), function).unwrap().command.clone().unwrap()
}

#[test]
fn each_mistake_names_its_line() {
    // what to replace, with what, the line, and words of the message
    let cases = [
        ("provider = { exec = \"queuectl\" }", "provider = { exec = \"\" }", 3, "empty"),
        ("provider = { exec = \"queuectl\" }", "provider = { exec = \"a b\" }", 3, "letters"),
        ("provider = { exec = \"queuectl\" }", "provider = \"exec:queuectl\"", 3, "letters"),
        ("provider = { exec = \"queuectl\" }", "provider = { run = \"queuectl\" }", 3, "exec"),
        (
            "provider = { exec = \"queuectl\" }",
            "provider = \"queuectl\"",
            7,
            "for the provider `exec`",
        ),
        ("argv = [\"/usr/bin/queuectl\", \"depth\", \"{queue}\"]\n", "", 4, "needs `argv`"),
        ("\"depth\", \"{queue}\"", "\"depth\", \"{quue}\"", 7, "no argument `quue`; it has queue"),
        ("\"depth\", \"{queue}\"", "\"depth\", \"{queue\"", 7, "without its `}`"),
        ("\"depth\", \"{queue}\"", "\"depth\", \"queue}\"", 7, "without its `{`"),
        ("\"depth\", \"{queue}\"", "\"a\\u0000b\"", 7, "NUL"),
        ("[\"/usr/bin/queuectl\", \"depth\", \"{queue}\"]", "[]", 7, "begins with its program"),
        ("\"/usr/bin/queuectl\", \"depth\"", "\"queuectl\", \"depth\"", 7, "absolute path"),
        ("\"/usr/bin/queuectl\", \"depth\"", "\"./queuectl\", \"depth\"", 7, "absolute path"),
        ("\"/usr/bin/queuectl\", \"depth\"", "\"~/queuectl\", \"depth\"", 7, "absolute path"),
        ("\"/usr/bin/queuectl\", \"depth\"", "\"/{queue}\", \"depth\"", 7, "absolute path"),
        ("\"/usr/bin/queuectl\", \"depth\"", "\"{queue}\", \"depth\"", 7, "absolute path"),
        ("{ 3 = \"not-found\" }", "{ 3 = \"nowhere\" }", 8, "no case `nowhere`; it has denied"),
        ("{ 3 = \"not-found\" }", "{ 3 = \"odd\" }", 8, "carries more than a text"),
        ("{ 3 = \"not-found\" }", "{ 0 = \"not-found\" }", 8, "1 to 255"),
        ("{ 3 = \"not-found\" }", "{ 256 = \"not-found\" }", 8, "1 to 255"),
        ("{ 3 = \"not-found\" }", "{ always = \"not-found\" }", 8, "1 to 255"),
        ("{ 3 = \"not-found\" }\n", "{ 3 = \"not-found\" }\noutput = \"text\"\n", 9, "a string"),
        ("{ 3 = \"not-found\" }\n", "{ 3 = \"not-found\" }\noutput = \"xml\"\n", 9, "xml"),
        ("{ 3 = \"not-found\" }\n", "{}\nnothing = \"nowhere\"\n", 9, "no case `nowhere`"),
        ("{ 3 = \"not-found\" }\n", "{}\nnothing = \"odd\"\n", 9, "carries more than a text"),
        ("{ 3 = \"not-found\" }\n", "{}\nunknown = [255]\n", 9, "take `unknown` out"),
        ("other = \"failed\" }\n", "other = \"failed\" }\nunknown = [0]\n", 27, "1 to 255"),
        ("other = \"failed\" }\n", "other = \"failed\" }\nunknown = [256]\n", 27, "1 to 255"),
        ("other = \"failed\" }\n", "other = \"failed\" }\nunknown = [3]\n", 27, "in `exits` too"),
        (
            "{ 3 = \"not-found\" }\n",
            "{ }\nforecast = { argv = [\"/a\"] }\n",
            9,
            "nothing to foresee",
        ),
        ("{ 3 = \"not-found\" }\n", "{ }\nrevision = { argv = [\"/a\"] }\n", 9, "changes nothing"),
        ("{ 3 = \"not-found\" }\n", "{ }\nshell = true\n", 9, "shell"),
        ("\"--since={since}\"", "\"{filter}\"", 12, "must be a string"),
        ("\"--since={since}\"", "\"{tags}\"", 12, "must be a string"),
        ("pattern = \"[a-z ]{1,40}\"", "pattern = \"a)|(b\"", 17, "cannot be used"),
        ("pattern = \"[a-z ]{1,40}\"", "pattern = \"(a{1000}){1000}\"", 17, "cannot be used"),
        ("arguments.reason", "arguments.most", 17, "for strings"),
        (
            "forecast = { argv = [\"/usr/bin/queuectl\", \"drain\", \"--dry-run\", \"{queue}\"] }\n",
            "",
            14,
            "needs `forecast",
        ),
        (
            "revision = { argv = [\"/usr/bin/queuectl\", \"generation\", \"{queue}\"] }\n",
            "",
            14,
            "needs `forecast",
        ),
        ("\"--dry-run\", \"{queue}\"", "\"--dry-run\", \"{all}\"", 19, "no argument `all`"),
        ("\"--dry-run\", \"{queue}\"] }", "\"{queue}\"], output = \"text\" }", 19, "a string"),
        (
            "[\"/usr/bin/queuectl\", \"generation\"",
            "[\"queuectl\", \"generation\"",
            20,
            "absolute path",
        ),
        ("stdin = \"{reason}\"", "stdin = \"{cause}\"", 21, "no argument `cause`"),
        (
            "\"--dry-run\", \"{queue}\"] }",
            "\"x\"], stdin = \"{cause}\" }",
            19,
            "no argument `cause`",
        ),
        ("{ LANG = \"C.UTF-8\" }", "{ \"{queue}\" = \"x\" }", 22, "environment variable"),
        ("{ LANG = \"C.UTF-8\" }", "{ \"A=B\" = \"x\" }", 22, "environment variable"),
        ("{ LANG = \"C.UTF-8\" }", "{ LANG = \"a\\u0000\" }", 22, "NUL"),
        ("QUEUE_TOKEN = \"queue-token\"", "LANG = \"queue-token\"", 23, "in `environment` too"),
        ("QUEUE_TOKEN = \"queue-token\"", "QUEUE_TOKEN = \"queue token\"", 23, "[secrets.NAME]"),
        ("\"/var/empty\"", "\"empty\"", 24, "absolute path"),
        ("\"5s\"", "\"5\"", 25, "such as `30s`"),
        ("\"5s\"", "\"0s\"", 25, "1ms"),
        ("\"5s\"", "\"2h\"", 25, "1h"),
    ];
    assert!(load(TEXT).is_ok(), "{:?}", load(TEXT).err());
    for (from, to, line, words) in cases {
        assert!(TEXT.contains(from), "{from}");
        let problem = load(&TEXT.replacen(from, to, 1)).expect_err(&format!("{from} -> {to}"));
        assert!(problem.starts_with(&format!("acme.toml:{line}:")), "{from} -> {to}: {problem}");
        assert!(problem.contains(words), "{from} -> {to}: {problem}");
    }
}

#[test]
fn an_effect_needs_a_word_for_failure() {
    let effect = |name: &str, more: &str| {
        let other = if name == "touch" { "poke" } else { "touch" };
        load(&format!(
            "wit = \"x\"\n[interface.\"acme:queue/bare@1.0.0\"]\nprovider = {{ exec = \"q\" }}\n\
             [interface.\"acme:queue/bare@1.0.0\".function.{other}]\nclass = \"read\"\nresource = \"queue\"\nargv = [\"/q\"]\n\
             [interface.\"acme:queue/bare@1.0.0\".function.{name}]\nclass = \"change\"\nresource = \"queue\"\n\
             argv = [\"/q\"]\nforecast = {{ argv = [\"/q\"] }}\nrevision = {{ argv = [\"/q\"] }}\n{more}"
        ))
    };
    assert!(effect("touch", "").is_ok(), "{:?}", effect("touch", "").err());
    let problem = effect("poke", "").unwrap_err();
    assert!(
        problem.starts_with("acme.toml:8:") && problem.contains("no word for failure"),
        "{problem}"
    );
}

#[test]
fn what_is_said_of_programs_is_part_of_the_call() {
    let catalogue = load(TEXT).unwrap();
    let interface = catalogue.interface(&jobs()).unwrap();
    assert_eq!(
        (interface.exec(), interface.provider.as_str()),
        (Some("queuectl"), "exec:queuectl")
    );
    // A negative number where an option could stand is none.
    let arguments = vec![json!("main"), json!(-3), json!("too many")];
    let denial = catalogue.resolve(&jobs(), "drain", arguments).unwrap_err();
    assert!(denial.to_string().contains("must not begin with `-`"), "{denial}");
}

#[test]
fn programs_get_exactly_the_elements() {
    let catalogue = load(TEXT).unwrap();
    let drain = command(&catalogue, "drain");
    let arguments = vec![json!("main"), json!(3), json!("too many")];
    let call = catalogue.resolve(&jobs(), "drain", arguments).unwrap();
    let prepared = |step| drain.prepare(step, call.arguments()).unwrap().unwrap();
    let whole = prepared(Step::Call);
    let expected = ["/usr/bin/queuectl", "drain", "--most", "3", "--reason=too many", "--", "main"];
    assert_eq!(whole.argv, expected);
    assert_eq!(whole.stdin.as_deref(), Some("too many"));
    assert_eq!(prepared(Step::Forecast).argv[2], "--dry-run");
    assert_eq!(prepared(Step::Forecast).stdin, None, "it could be the order to do it");
    assert_eq!(prepared(Step::Revision).stdin, None);
    assert_eq!(drain.timeout().as_secs(), 5);
    let mut fixed: Vec<&str> = drain.fixed().collect();
    fixed.sort_unstable();
    assert_eq!(
        fixed,
        ["--", "--dry-run", "--most", "drain", "drain", "generation"],
        "and no value"
    );

    let show = command(&catalogue, "show");
    let arguments =
        vec![json!("main"), Value::Null, json!("low"), json!({"name": "-x"}), json!(["$(id)"])];
    let call = catalogue.resolve(&jobs(), "show", arguments).unwrap();
    let argv = show.prepare(Step::Call, call.arguments()).unwrap().unwrap().argv;
    assert_eq!(argv, ["/usr/bin/queuectl", "show", "--level=low", "main"]);
    // An optional string that reaches an argv has a pattern too.
    let arguments =
        vec![json!("main"), json!("a b"), json!("low"), json!({"name": "x"}), json!([])];
    assert!(catalogue.resolve(&jobs(), "show", arguments).is_err());
}

#[test]
fn each_argv_case() {
    let text = include_str!("../../../../tests/cases/argv/cases.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    assert!(cases.len() >= 100, "{}", cases.len());
    let plain = load(TEXT).unwrap();
    let open = load(&TEXT.replace("[a-z ]{1,40}", "(?s).*")).unwrap();
    let bare =
        TEXT.replace("[a-z ]{1,40}", "(?s).*").replace("\"--reason={reason}\"", "\"{reason}\"");
    let bare = load(&bare).unwrap();
    for case in cases {
        let times = case["repeat"].as_u64().unwrap_or(1) as usize;
        let value = case["text"].as_str().unwrap().repeat(times);
        let shown: String = value.chars().take(40).collect();
        // By the default rule.
        let arguments =
            vec![json!("main"), json!(value), json!("low"), json!({"name": "x"}), json!([])];
        let show = plain.resolve(&jobs(), "show", arguments);
        assert_eq!(show.is_ok(), case["segment"] == true, "{shown:?}");
        // Where the catalogue allows anything, at the start of an element and inside one.
        let arguments = vec![json!("main"), json!(1), json!(value)];
        let told = bare.resolve(&jobs(), "drain", arguments.clone());
        assert_eq!(told.is_ok(), case["given"] == true, "{shown:?} {told:?}");
        let Ok(call) = told else {
            assert_eq!(told.unwrap_err().code(), "argument-out-of-range", "{shown:?}");
            continue;
        };
        let argv = command(&bare, "drain").prepare(Step::Call, call.arguments()).unwrap().unwrap();
        assert_eq!(argv.argv.len(), 7, "{shown:?}");
        assert_eq!(argv.argv[4], value, "{shown:?}");
        if let Ok(call) = open.resolve(&jobs(), "drain", arguments) {
            let argv = command(&open, "drain").prepare(Step::Call, call.arguments()).unwrap();
            assert_eq!(argv.unwrap().argv[4], format!("--reason={value}"), "{shown:?}");
        }
    }
}

#[test]
fn an_answer_is_what_the_wit_has_words_for() {
    let catalogue = load(TEXT).unwrap();
    let (depth, show, drain) =
        (command(&catalogue, "depth"), command(&catalogue, "show"), command(&catalogue, "drain"));
    assert_eq!(depth.result(Step::Call, b"12\n"), Ok(json!({"ok": "12"})));
    assert_eq!(depth.result(Step::Call, b"\"12\""), Ok(json!({"ok": "12"})));
    for bad in [&b""[..], b"-1", b"1.5", b"twelve", b"12 13", b"{}", b"\xff", b"null", b"[12"] {
        let why = depth.result(Step::Call, bad).unwrap_err();
        assert!(!why.contains("twelve"), "{why}");
    }
    assert_eq!(show.result(Step::Call, b"a\nb\n"), Ok(json!("a\nb")));
    assert_eq!(show.result(Step::Call, b"\n"), Ok(json!("")));
    assert!(show.result(Step::Call, b"\xff").is_err());
    assert_eq!(depth.exit(3, "words"), Some(json!({"err": {"not-found": null}})));
    assert_eq!(depth.exit(9, "words"), Some(json!({"err": {"failed": "words"}})));
    assert_eq!(drain.exit(4, "words"), Some(json!({"err": {"conflict": "words"}})));
    assert_eq!(drain.conflict("moved"), Some(json!({"err": {"conflict": "moved"}})));
    assert_eq!(drain.denied("no"), Some(json!({"err": {"denied": "no"}})));
    assert_eq!(show.exit(1, "words"), None);
    let long = drain.failed(&"x".repeat(1 << 20)).unwrap();
    assert!(long.to_string().len() < 3000);
}
