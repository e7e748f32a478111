//! Plugins of the SDK contract, `interlock:tool/tools@0.1.0`.

use crate::{
    harness::{
        REMEDIATE, TestGate, admit, authorized, inspect, next_call_is_served, run, run_with,
        sandbox, settings,
    },
    text::{LIBC, import},
};
use interlock_authority::{Mode, refusal::Withheld};
use interlock_sandbox::{AdmissionError, Form, LimitKind, Limits, RunOutcome, ToolErrorKind};
use serde_json::json;
use std::time::{Duration, Instant};

/// The static data of a component, laid out by hand.
struct Data {
    at: usize,
    text: String,
}

impl Data {
    fn bytes(&mut self, bytes: &[u8], align: usize) -> usize {
        let at = self.at.next_multiple_of(align);
        let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
        self.text += &format!("(data (i32.const {at}) \"{escaped}\")\n");
        self.at = at + bytes.len();
        at
    }
    /// Pointer and length, as a string is passed.
    fn string(&mut self, text: &str) -> [u32; 2] {
        [self.bytes(text.as_bytes(), 1) as u32, text.len() as u32]
    }
}

/// One tool definition.
#[derive(Clone)]
pub(crate) struct Def {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) schema: &'static str,
    pub(crate) uses: Option<&'static str>,
}

pub(crate) fn def(name: &'static str) -> Def {
    let description = format!("Does {name}.");
    Def { name, description, schema: r#"{"type":"object"}"#, uses: None }
}

/// An SDK plugin: `describe` runs `describe_body` and returns the definitions, `call` runs `call_body`
/// with locals `$n $nl $a $al` (name and arguments) and returns a pointer to its result.
pub(crate) fn sdk(defs: &[Def], imports: &str, describe_body: &str, call_body: &str) -> String {
    let mut data = Data { at: 1024, text: String::new() };
    let mut table = Vec::new();
    for def in defs {
        let uses = def.uses.map(|name| {
            let name = data.string(name);
            let list: Vec<u8> = name.iter().flat_map(|w| w.to_le_bytes()).collect();
            data.bytes(&list, 4) as u32
        });
        let [name, name_len] = data.string(def.name);
        let [description, description_len] = data.string(&def.description);
        let [schema, schema_len] = data.string(def.schema);
        let words = [
            name,
            name_len,
            0,
            0,
            0,
            description,
            description_len,
            schema,
            schema_len,
            0,
            0,
            0,
            u32::from(uses.is_some()),
            uses.unwrap_or(0),
            1,
        ];
        table.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    }
    let table = data.bytes(&table, 4);
    let count = defs.len();
    let data = data.text;
    let host = if imports.is_empty() {
        ""
    } else {
        r#"(core func $restart (canon lower (func $r "restart-service") (memory $mem) (realloc (func $realloc))))"#
    };
    let (host_import, host_with) = if imports.is_empty() {
        ("", "")
    } else {
        (
            r#"(import "host" "restart" (func $restart (param i32 i32 i32 i32 i32)))"#,
            r#"(with "host" (instance (export "restart" (func $restart))))"#,
        )
    };
    let types = r#"
      (type $kind' (enum "invalid-arguments" "unknown-tool" "denied" "failed"))
      (DECL "error-kind" (type $kind (eq $kind')))
      (type $error' (record (field "kind" $kind) (field "message" string) (field "details" (option string))))
      (DECL "tool-error" (type $error (eq $error')))
      (type $def' (record (field "name" string) (field "title" (option string))
        (field "description" string) (field "input-schema" string)
        (field "output-schema" (option string)) (field "uses" (option (list string)))))
      (DECL "tool-definition" (type $def (eq $def')))"#;
    let imported = types.replace("DECL", "import");
    format!(
        r#"(component
  {imports}
  {LIBC}
  {host}
  (core module $m
    (import "libc" "mem" (memory 2))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    {host_import}
    {data}
    (func (export "describe") (result i32)
      {describe_body}
      (i32.store (i32.const 16) (i32.const {table})) (i32.store (i32.const 20) (i32.const {count}))
      (i32.const 16))
    (func (export "call") (param $n i32) (param $nl i32) (param $a i32) (param $al i32) (result i32)
      {call_body}))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) {host_with}))
  (type $kind (enum "invalid-arguments" "unknown-tool" "denied" "failed"))
  (type $error (record (field "kind" $kind) (field "message" string) (field "details" (option string))))
  (type $def (record (field "name" string) (field "title" (option string))
    (field "description" string) (field "input-schema" string)
    (field "output-schema" (option string)) (field "uses" (option (list string)))))
  (func $describe (result (list $def))
    (canon lift (core func $i "describe") (memory $mem) (realloc (func $realloc))))
  (func $call (param "name" string) (param "arguments" string) (result (result string (error $error)))
    (canon lift (core func $i "call") (memory $mem) (realloc (func $realloc))))
  (component $Shim
    {imported}
    (import "describe" (func $describe (result (list $def))))
    (import "call" (func $call (param "name" string) (param "arguments" string) (result (result string (error $error)))))
    (export $kind2 "error-kind" (type $kind))
    (type $error2' (record (field "kind" $kind2) (field "message" string) (field "details" (option string))))
    (export $error2 "tool-error" (type $error2'))
    (export $def2 "tool-definition" (type $def))
    (export "describe" (func $describe) (func (result (list $def2))))
    (export "call" (func $call) (func (param "name" string) (param "arguments" string) (result (result string (error $error2))))))
  (instance $tools (instantiate $Shim
    (with "error-kind" (type $kind)) (with "tool-error" (type $error))
    (with "tool-definition" (type $def))
    (with "describe" (func $describe)) (with "call" (func $call))))
  (export "interlock:tool/tools@0.1.0" (instance $tools)))"#
    )
}

/// Returns its arguments.
pub(crate) const ECHO: &str = "(i32.store8 (i32.const 64) (i32.const 0))
  (i32.store (i32.const 68) (local.get $a)) (i32.store (i32.const 72) (local.get $al)) (i32.const 64)";

#[tokio::test]
async fn describe_and_call() {
    let mut heal = def("heal");
    heal.uses = Some("interlock:environment/observe");
    let text = sdk(&[heal, def("diagnose")], "", "", ECHO);
    let inspection = inspect(&text).await.unwrap();
    assert_eq!(inspection.form, Form::Sdk);
    let names: Vec<&str> = inspection.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["diagnose", "heal"]);
    assert_eq!(inspection.tools[1].uses, Some(vec!["interlock:environment/observe".to_owned()]));
    assert_eq!(inspection.tools[0].description, "Does diagnose.");
    let admitted = admit(&sdk(&[def("echo")], "", "", ECHO), &[]).await.unwrap();
    let arguments = json!({"a": [1, "ü", null], "b": {"c": 1.5}});
    let report = run(&admitted, "echo", arguments.clone()).await;
    assert_eq!(report.outcome, RunOutcome::Returned(arguments));
    let report = run(&admitted, "other", json!({})).await;
    assert!(matches!(report.outcome, RunOutcome::Invalid { .. }), "{report:?}");
}

#[tokio::test]
async fn errors_of_the_contract() {
    let body = r#"(i32.store8 (i32.const 64) (i32.const 1))
      (i32.store8 (i32.const 68) (i32.const 2))
      (i32.store (i32.const 72) (local.get $n)) (i32.store (i32.const 76) (local.get $nl))
      (i32.store8 (i32.const 80) (i32.const 1))
      (i32.store (i32.const 84) (local.get $a)) (i32.store (i32.const 88) (local.get $al))
      (i32.const 64)"#;
    let admitted = admit(&sdk(&[def("fail")], "", "", body), &[]).await.unwrap();
    let report = run(&admitted, "fail", json!({"x": 1})).await;
    let expected = RunOutcome::ToolError {
        kind: ToolErrorKind::Denied,
        message: "fail".into(),
        details: Some(json!({"x": 1})),
    };
    assert_eq!(report.outcome, expected);
}

/// A plugin whose tool `odd` returns these bytes as its result.
fn returning(bytes: &str) -> String {
    let mut data = Data { at: 10_000, text: String::new() };
    let [ptr, len] = data.string(bytes);
    let body = format!(
        "(i32.store8 (i32.const 64) (i32.const 0)) (i32.store (i32.const 68) (i32.const {ptr}))
         (i32.store (i32.const 72) (i32.const {len})) (i32.const 64)"
    );
    sdk(&[def("odd")], "", "", &body).replace(
        "(func (export \"describe\")",
        &format!("{} (func (export \"describe\")", data.text),
    )
}

/// Results that are not JSON, or JSON with two meanings.
#[tokio::test]
async fn a_result_that_is_not_json() {
    let key = "k".repeat(20_000);
    let twice = format!(r#"{{"{key}":1,"{key}":2}}"#);
    for bytes in ["{", r#"{"a":1,"a":2}"#, "NaN", "", &twice] {
        let admitted = admit(&returning(bytes), &[]).await.unwrap();
        let report = run(&admitted, "odd", json!({})).await;
        let RunOutcome::BrokenContract { message } = &report.outcome else { panic!("{report:?}") };
        assert!(message.contains("JSON"), "{message}");
        assert!(message.len() < 1_000, "{} bytes", message.len());
    }
}

/// A plugin that acted and then broke its contract is not one that never ran: `Invalid` would invite
/// the caller to correct the arguments and call again.
#[tokio::test]
async fn a_broken_contract_after_an_effect_is_not_invalid() {
    let remediate = import(REMEDIATE, "r", &["restart-service"]);
    // Its result is the first byte of its own arguments, which is no JSON text.
    let body =
        "(call $restart (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 200))
      (i32.store8 (i32.const 64) (i32.const 0)) (i32.store (i32.const 68) (local.get $a))
      (i32.store (i32.const 72) (i32.const 1)) (i32.const 64)";
    let text = sdk(&[def("heal")], &remediate, "", body);
    let admitted = admit(&text, &[REMEDIATE]).await.unwrap();
    let gate = TestGate::ok();
    let report =
        run_with(&admitted, "heal", json!({}), settings(Limits::default()), gate.clone()).await;
    assert_eq!(gate.count(), 1);
    assert!(matches!(report.outcome, RunOutcome::BrokenContract { .. }), "{report:?}");
}

/// How `describe` ended, where it says so in these words.
fn describe_failed<'a>(error: &'a AdmissionError, says: &str) -> &'a RunOutcome {
    let AdmissionError::DescribeFailed { message, outcome } = error else { panic!("{error:?}") };
    assert!(message.contains(says), "{message}");
    outcome
}

/// A tool's own words about its failure, of any length that a result may have.
#[tokio::test]
async fn the_message_of_a_failed_tool_is_bounded() {
    let body = r#"(i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 68) (i32.const 3))
      (i32.store (i32.const 72) (local.get $a)) (i32.store (i32.const 76) (local.get $al))
      (i32.store8 (i32.const 80) (i32.const 0)) (i32.const 64)"#;
    let admitted = admit(&sdk(&[def("fail")], "", "", body), &[]).await.unwrap();
    let report = run(&admitted, "fail", json!({"x": "y".repeat(300_000)})).await;
    let RunOutcome::ToolError { message, .. } = &report.outcome else { panic!("{report:?}") };
    assert!(message.starts_with(r#"{"x":"yyy"#) && message.len() < 5_000, "{}", message.len());
}

#[tokio::test]
async fn an_infinite_loop_in_describe() {
    let started = Instant::now();
    let text = sdk(&[def("x")], "", "(loop $l (br $l))", ECHO);
    let error = inspect(&text).await.unwrap_err();
    let outcome = describe_failed(&error, "time");
    assert!(matches!(outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
    next_call_is_served().await;
}

#[tokio::test]
async fn describe_runs_under_limits() {
    let grow = "(loop $l (drop (memory.grow (i32.const 100))) (br $l))";
    let error = inspect(&sdk(&[def("x")], "", grow, ECHO)).await.unwrap_err();
    let outcome = describe_failed(&error, "memory");
    assert!(matches!(outcome, RunOutcome::Limit { limit: LimitKind::Memory, .. }), "{outcome:?}");
    let error = inspect(&sdk(&[def("x")], "", "(unreachable)", ECHO)).await.unwrap_err();
    let outcome = describe_failed(&error, "unreachable");
    assert!(matches!(outcome, RunOutcome::Trap { .. }), "{outcome:?}");
}

/// A start function runs before `describe`; what ends it is told apart in the same way.
#[tokio::test]
async fn a_start_function_runs_under_the_limits_of_describe() {
    for (start, says) in [("(loop $l (br $l))", "time"), ("(unreachable)", "unreachable")] {
        let text = sdk(&[def("x")], "", "", ECHO).replace(
            "(func (export \"describe\")",
            &format!("(func $begin {start}) (start $begin) (func (export \"describe\")"),
        );
        let error = inspect(&text).await.unwrap_err();
        let outcome = describe_failed(&error, says);
        match says {
            "time" => {
                assert!(matches!(outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }));
            }
            _ => assert!(matches!(outcome, RunOutcome::Trap { .. }), "{outcome:?}"),
        }
    }
    next_call_is_served().await;
}

/// `describe` that calls a capability gets a refusal: nothing is live, and no gate is there.
#[tokio::test]
async fn describe_reaches_nothing() {
    let remediate = import(REMEDIATE, "r", &["restart-service"]);
    let body =
        "(call $restart (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 200))
      (if (i32.eqz (i32.load8_u (i32.const 200))) (then unreachable))
      (if (i32.load8_u (i32.const 204)) (then unreachable))";
    let text = sdk(&[def("x")], &remediate, body, ECHO);
    inspect(&text).await.unwrap();
    let error = admit(&text, &[]).await.unwrap_err();
    assert!(matches!(error, AdmissionError::NotGranted { .. }), "{error}");
    admit(&text, &[REMEDIATE]).await.unwrap();
}

/// The refusal comes before `describe`: a plugin whose `describe` never ends is refused at once.
#[tokio::test]
async fn absent_not_denied_comes_before_describe() {
    let remediate = import(REMEDIATE, "r", &["restart-service"]);
    let text = sdk(&[def("x")], &remediate, "(loop $l (br $l))", ECHO);
    let started = Instant::now();
    let error = admit(&text, &[]).await.unwrap_err();
    assert!(matches!(error, AdmissionError::NotGranted { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4), "describe would have taken 5 s");
}

/// A tool that says it uses something else has the rest withheld.
#[tokio::test]
async fn uses_only_narrows() {
    let remediate = import(REMEDIATE, "r", &["restart-service"]);
    let body = format!(
        "(call $restart (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 200)) {ECHO}"
    );
    let mut look = def("look");
    look.uses = Some("interlock:environment/observe");
    let text = sdk(&[def("heal"), look], &remediate, "", &body);
    let admitted = admit(&text, &[REMEDIATE]).await.unwrap();
    for (tool, calls) in [("heal", 1), ("look", 0)] {
        let gate = TestGate::ok();
        let authorized = authorized(&admitted, tool, Mode::Call);
        let report = sandbox()
            .run(&admitted, &authorized, &json!({}), settings(Limits::default()), gate.clone())
            .await;
        assert_eq!(gate.count(), calls, "{tool}");
        assert_eq!(
            report.withheld.iter().any(|w| w.reason == Withheld::ToolDoesNotUse),
            calls == 0
        );
    }
}

#[tokio::test]
async fn poisoned_descriptions_are_refused() {
    let mut poisoned = def("heal");
    poisoned.description = "Heals.\u{200b}\u{e0049}\u{e0067}".into();
    for bad in [poisoned, def("Heal"), def("delete\u{2011}pod"), Def { schema: "[]", ..def("x") }] {
        let error = inspect(&sdk(&[bad], "", "", ECHO)).await.unwrap_err();
        assert!(matches!(error, AdmissionError::BadDescription(_)), "{error}");
    }
    let error = inspect(&sdk(&[def("a"), def("a")], "", "", ECHO)).await.unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    let many = vec![def("a"); 200];
    assert!(
        inspect(&sdk(&many, "", "", ECHO)).await.unwrap_err().to_string().contains("at most 128")
    );
    assert!(matches!(
        inspect(&sdk(&[], "", "", ECHO)).await.unwrap_err(),
        AdmissionError::NoTools { .. }
    ));
}

#[tokio::test]
async fn another_version_of_the_contract_says_so() {
    let text = sdk(&[def("x")], "", "", ECHO)
        .replace("interlock:tool/tools@0.1.0", "interlock:tool/tools@0.2.0");
    let error = inspect(&text).await.unwrap_err();
    assert!(error.to_string().contains("interlock:tool/tools@0.1.0"), "{error}");
    let text = sdk(&[def("x")], "", "", ECHO).replace("\"details\"", "\"detail\"");
    let error = inspect(&text).await.unwrap_err();
    assert!(
        matches!(&error, AdmissionError::WrongType { function, .. } if function == "call"),
        "{error}"
    );
}

#[tokio::test]
async fn the_sdk_version_is_read_from_its_section() {
    let with = |section: &str| {
        sdk(&[def("x")], "", "", ECHO).replace(
            "(core module $m\n",
            &format!("(core module $m\n(@custom \"interlock-guest\" \"{section}\")"),
        )
    };
    assert_eq!(inspect(&with("0.1.0")).await.unwrap().sdk.as_deref(), Some("0.1.0"));
    assert_eq!(inspect(&with("\\1b[31m")).await.unwrap().sdk, None);
    assert_eq!(inspect(&sdk(&[def("x")], "", "", ECHO)).await.unwrap().sdk, None);
}

#[tokio::test]
async fn a_result_beyond_the_output_limit() {
    let admitted = admit(&sdk(&[def("echo")], "", "", ECHO), &[]).await.unwrap();
    let limits = Limits { output: 1_000, ..Limits::default() };
    let arguments = json!({"x": "y".repeat(2_000)});
    let report = run_with(&admitted, "echo", arguments, settings(limits), TestGate::ok()).await;
    assert!(
        matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Output, .. }),
        "{report:?}"
    );
}

/// `inspect` describes a plugin for another host, too, and says what is missing here.
#[tokio::test]
async fn inspect_describes_what_it_could_not_admit() {
    let newer = REMEDIATE.replace("0.1.0", "0.1.7");
    let text = sdk(&[def("heal")], &import(&newer, "r", &["restart-service"]), "", ECHO);
    let inspection = inspect(&text).await.unwrap();
    assert_eq!((inspection.tools.len(), inspection.unknown.len()), (1, 1));
    assert!(inspection.unknown[0].problem.contains(REMEDIATE), "{:?}", inspection.unknown);
    // Its describe calls the import: there is nothing behind it.
    let body =
        "(call $restart (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 200))";
    let text = sdk(&[def("heal")], &import(&newer, "r", &["restart-service"]), body, ECHO);
    let error = inspect(&text).await.unwrap_err();
    let outcome = describe_failed(&error, "not there");
    assert!(
        matches!(&outcome, RunOutcome::Ended { code, .. } if code == "unknown-import"),
        "{outcome:?}"
    );
}
