//! Plain components, called by their typed exports.

use crate::{
    harness::{admit, inspect, run},
    text::{ADD, LIBC},
};
use interlock_sandbox::{AdmissionError, Form, RunOutcome, ToolErrorKind};
use serde_json::{Value, json};

/// Functions that return what they are given, over many types.
fn identities() -> String {
    format!(
        r#"(component
  {LIBC}
  (core module $m
    (import "libc" "mem" (memory 1))
    (func (export "i64") (param i64) (result i64) (local.get 0))
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "divf") (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1)))
    (func (export "pair") (param i32 i32) (result i32)
      (i32.store (i32.const 32) (local.get 0)) (i32.store (i32.const 36) (local.get 1)) (i32.const 32))
    ;; result<u32, string>: an error when the divisor is 0
    (data (i32.const 200) "division by zero")
    (func (export "div") (param i32 i32) (result i32)
      (if (i32.eqz (local.get 1))
        (then (i32.store8 (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (i32.const 200))
              (i32.store (i32.const 72) (i32.const 16)))
        (else (i32.store8 (i32.const 64) (i32.const 0))
              (i32.store (i32.const 68) (i32.div_u (local.get 0) (local.get 1)))))
      (i32.const 64))
    ;; record {{ id: u64, at: record {{ x: s32, y: s32 }}, tag: option<string> }}: flat i64 i32 i32 i32 i32 i32
    (func (export "record") (param i64 i32 i32 i32 i32 i32) (result i32)
      (i64.store (i32.const 96) (local.get 0))
      (i32.store (i32.const 104) (local.get 1)) (i32.store (i32.const 108) (local.get 2))
      (i32.store8 (i32.const 112) (local.get 3))
      (i32.store (i32.const 116) (local.get 4)) (i32.store (i32.const 120) (local.get 5))
      (i32.const 96))
    ;; variant {{ none, some(u32), pair(tuple<u8, u8>) }}: flat i32 i32 i32
    (func (export "variant") (param i32 i32 i32) (result i32)
      (i32.store8 (i32.const 128) (local.get 0))
      (if (i32.eq (local.get 0) (i32.const 2))
        (then (i32.store8 (i32.const 132) (local.get 1)) (i32.store8 (i32.const 133) (local.get 2)))
        (else (i32.store (i32.const 132) (local.get 1))))
      (i32.const 128))
    (func (export "stop") (param i32) (unreachable)))
  (core instance $i (instantiate $m (with "libc" (instance $libc))))
  (type $at' (record (field "x" s32) (field "y" s32)))
  (export $at "at" (type $at'))
  (type $thing' (record (field "id" u64) (field "at" $at) (field "tag" (option string))))
  (export $thing "thing" (type $thing'))
  (type $shape' (variant (case "none") (case "some" u32) (case "pair" (tuple u8 u8))))
  (export $shape "shape" (type $shape'))
  (type $colour' (enum "red" "green"))
  (export $colour "colour" (type $colour'))
  (type $rights' (flags "read" "write" "execute"))
  (export $rights "rights" (type $rights'))
  (func (export "big") (param "x" u64) (result u64) (canon lift (core func $i "i64")))
  (func (export "signed") (param "x" s64) (result s64) (canon lift (core func $i "i64")))
  (func (export "small") (param "x" u8) (result u8) (canon lift (core func $i "i32")))
  (func (export "real") (param "x" f64) (result f64) (canon lift (core func $i "f64")))
  (func (export "short") (param "x" f32) (result f32) (canon lift (core func $i "f32")))
  (func (export "divide-real") (param "a" f64) (param "b" f64) (result f64) (canon lift (core func $i "divf")))
  (func (export "letter") (param "x" char) (result char) (canon lift (core func $i "i32")))
  (func (export "yes") (param "x" bool) (result bool) (canon lift (core func $i "i32")))
  (func (export "say") (param "x" string) (result string)
    (canon lift (core func $i "pair") (memory $mem) (realloc (func $realloc))))
  (func (export "bytes") (param "x" (list u8)) (result (list u8))
    (canon lift (core func $i "pair") (memory $mem) (realloc (func $realloc))))
  (func (export "divide") (param "a" u32) (param "b" u32) (result (result u32 (error string)))
    (canon lift (core func $i "div") (memory $mem) (realloc (func $realloc))))
  (func (export "thing-of") (param "x" $thing) (result $thing)
    (canon lift (core func $i "record") (memory $mem) (realloc (func $realloc))))
  (func (export "shape-of") (param "x" $shape) (result $shape)
    (canon lift (core func $i "variant") (memory $mem) (realloc (func $realloc))))
  (func (export "colour-of") (param "x" $colour) (result $colour) (canon lift (core func $i "i32")))
  (func (export "rights-of") (param "x" $rights) (result $rights) (canon lift (core func $i "i32")))
  (func (export "stop") (param "x" u32) (canon lift (core func $i "stop"))))"#
    )
}

#[tokio::test]
async fn a_plain_function_is_a_tool() {
    let admitted = admit(ADD, &[]).await.unwrap();
    assert_eq!(admitted.form, Form::Wit);
    assert_eq!(admitted.tools.len(), 1);
    let tool = &admitted.tools[0];
    assert_eq!(tool.name, "add");
    assert_eq!(tool.description, "`add`: func(a: u32, b: u32) -> u32");
    assert_eq!(
        tool.input_schema,
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "required": ["a", "b"],
            "properties": {
                "a": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
                "b": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}
            }
        })
    );
    let report = run(&admitted, "add", json!({"a": 1, "b": 2})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!(3)));
    assert!(report.fuel.is_some_and(|fuel| fuel > 0 && fuel < 1_000), "{:?}", report.fuel);
}

#[tokio::test]
async fn every_value_comes_back_as_it_went() {
    let admitted = admit(&identities(), &[]).await.unwrap();
    let thing = json!({"id": "18446744073709551615", "at": {"x": -1, "y": 2}, "tag": "ü\"\n"});
    let same: Vec<(&str, Value)> = vec![
        ("big", json!("18446744073709551615")),
        ("big", json!("0")),
        ("signed", json!("-9223372036854775808")),
        ("small", json!(255)),
        ("real", json!(-0.1)),
        ("short", json!(0.5)),
        ("letter", json!("\u{1F980}")),
        ("yes", json!(true)),
        ("say", json!("grüße \u{1F980} \0 end")),
        ("say", json!("")),
        ("bytes", json!("AAEC/w==")),
        ("bytes", json!("")),
        ("thing-of", thing),
        ("thing-of", json!({"id": "0", "at": {"x": 0, "y": 0}, "tag": null})),
        ("shape-of", json!({"none": null})),
        ("shape-of", json!({"some": 4_000_000_000_u32})),
        ("shape-of", json!({"pair": [1, 2]})),
        ("colour-of", json!("green")),
        ("rights-of", json!(["read", "execute"])),
        ("rights-of", json!([])),
    ];
    for (tool, value) in same {
        let report = run(&admitted, tool, json!({"x": value.clone()})).await;
        assert_eq!(report.outcome, RunOutcome::Returned(value), "{tool}");
    }
    for (tool, given, back) in [
        ("big", json!(7), json!("7")),
        ("signed", json!(-7.0), json!("-7")),
        ("real", json!(3), json!(3.0)),
        (
            "thing-of",
            json!({"id": 1, "at": {"x": 1, "y": 1}}),
            json!({"id": "1", "at": {"x": 1, "y": 1}, "tag": null}),
        ),
        ("rights-of", json!(["execute", "read"]), json!(["read", "execute"])),
    ] {
        let report = run(&admitted, tool, json!({"x": given})).await;
        assert_eq!(report.outcome, RunOutcome::Returned(back), "{tool}");
    }
}

#[tokio::test]
async fn results_say_what_json_numbers_cannot() {
    let admitted = admit(&identities(), &[]).await.unwrap();
    for (a, b, expected) in
        [(0.0, 0.0, json!("NaN")), (1.0, 0.0, json!("Infinity")), (-1.0, 0.0, json!("-Infinity"))]
    {
        let report = run(&admitted, "divide-real", json!({"a": a, "b": b})).await;
        assert_eq!(report.outcome, RunOutcome::Returned(expected));
    }
}

#[tokio::test]
async fn an_error_result_is_the_tools_failure() {
    let admitted = admit(&identities(), &[]).await.unwrap();
    let report = run(&admitted, "divide", json!({"a": 6, "b": 3})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!(2)));
    let report = run(&admitted, "divide", json!({"a": 6, "b": 0})).await;
    let expected = RunOutcome::ToolError {
        kind: ToolErrorKind::Failed,
        message: "division by zero".into(),
        details: Some(json!("division by zero")),
    };
    assert_eq!(report.outcome, expected);
    let report = run(&admitted, "stop", json!({"x": 1})).await;
    assert!(
        matches!(&report.outcome, RunOutcome::Trap { message } if message.contains("unreachable")),
        "{report:?}"
    );
    assert_eq!(report.fuel, None);
}

#[tokio::test]
async fn arguments_that_do_not_fit_run_nothing() {
    let admitted = admit(&identities(), &[]).await.unwrap();
    for (tool, arguments, says) in [
        ("stop", json!({}), "`x` is missing"),
        ("stop", json!({"x": 1, "y": 2}), "no key `y`"),
        ("stop", json!([1]), "not a JSON object"),
        ("stop", json!({"x": -1}), "`x`: -1 does not fit u32"),
        ("stop", json!({"x": 4_294_967_296_u64}), "does not fit u32"),
        ("stop", json!({"x": 1.5}), "does not fit u32"),
        ("stop", json!({"x": "1"}), "does not fit u32"),
        ("stop", json!({"x": null}), "does not fit u32"),
        ("small", json!({"x": 256}), "does not fit u8"),
        ("big", json!({"x": "007"}), "does not fit u64"),
        ("big", json!({"x": "+7"}), "does not fit u64"),
        ("big", json!({"x": "18446744073709551616"}), "does not fit u64"),
        ("signed", json!({"x": "-0"}), "does not fit s64"),
        ("real", json!({"x": "NaN"}), "does not fit f64"),
        ("real", json!({"x": 9_007_199_254_740_993_u64}), "does not fit f64"),
        ("short", json!({"x": 1e300}), "does not fit f32"),
        ("letter", json!({"x": "ab"}), "does not fit char"),
        ("bytes", json!({"x": [1, 2]}), "base64"),
        ("bytes", json!({"x": "AAE"}), "base64"),
        ("shape-of", json!({"x": {"other": 1}}), "no case `other`; there is none, some, pair"),
        ("shape-of", json!({"x": {"none": 1}}), "carries nothing"),
        ("shape-of", json!({"x": {"none": null, "some": 1}}), "does not fit variant"),
        ("shape-of", json!({"x": {"pair": [1, 256]}}), "`x.pair[1]`: 256 does not fit u8"),
        ("thing-of", json!({"x": {"id": 1, "at": {"x": 1}}}), "`x.at`: `y` is missing"),
        ("colour-of", json!({"x": "blue"}), "no case `blue`"),
        ("rights-of", json!({"x": ["read", "read"]}), "twice"),
        ("missing", json!({}), "no tool `missing`"),
    ] {
        let report = run(&admitted, tool, arguments).await;
        let RunOutcome::Invalid { message } = &report.outcome else { panic!("{tool}: {report:?}") };
        assert!(message.contains(says), "{tool}: {message}");
    }
}

#[tokio::test]
async fn names_collide_and_exports_are_passed_over() {
    let text = r#"(component
      (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
      (core instance $i (instantiate $m))
      (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
      (instance $one (export "twist" (func $f)) (export "alone" (func $f)))
      (export "docs:one/left@1.0.0" (instance $one))
      (instance $two (export "twist" (func $f)))
      (export "docs:two/right@1.0.0" (instance $two))
      (instance $run (export "run" (func $f)))
      (export "wasi:cli/run@0.2.0" (instance $run))
      (export "exports" (instance $run))
      (export "SHOUT" (func $f)))"#;
    let inspection = inspect(text).await.unwrap();
    let names: Vec<&str> = inspection.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["alone", "left-twist", "right-twist"]);
    assert_eq!(inspection.passed_over.len(), 3, "{:?}", inspection.passed_over);
    let admitted = admit(text, &[]).await.unwrap();
    let report = run(&admitted, "right-twist", json!({"x": 5})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!(5)));
}

#[tokio::test]
async fn a_component_without_tools_says_why() {
    let text = r#"(component
      (core module $m (func (export "f") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (type $r' (resource (rep i32)))
      (export $r "handle" (type $r'))
      (func (export "open") (result (own $r)) (canon lift (core func $i "f"))))"#;
    let error = inspect(text).await.unwrap_err();
    let AdmissionError::NoTools { passed_over } = &error else { panic!("{error}") };
    assert!(passed_over.iter().any(|p| p.contains("resource")), "{passed_over:?}");
    assert!(inspect("(component)").await.unwrap_err().to_string().contains("exports nothing"));
}

/// A component made of components, each with its own memory, as composition tools make them.
#[tokio::test]
async fn components_inside_pass_strings() {
    let text = format!(
        r#"(component
  (component $Inner {LIBC}
    (core module $m (import "libc" "mem" (memory 1))
      (func (export "len") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m (with "libc" (instance $libc))))
    (func (export "len") (param "x" string) (result u32)
      (canon lift (core func $i "len") (memory $mem) (realloc (func $realloc)))))
  (component $Outer
    (import "len" (func $inner (param "x" string) (result u32)))
    {LIBC}
    (core func $len (canon lower (func $inner) (memory $mem)))
    (core module $m
      (import "libc" "mem" (memory 1))
      (import "inner" "len" (func $len (param i32 i32) (result i32)))
      (func (export "twice") (param i32 i32) (result i32)
        (i32.mul (i32.const 2) (call $len (local.get 0) (local.get 1)))))
    (core instance $i (instantiate $m (with "libc" (instance $libc))
      (with "inner" (instance (export "len" (func $len))))))
    (func (export "twice") (param "x" string) (result u32)
      (canon lift (core func $i "twice") (memory $mem) (realloc (func $realloc)))))
  (instance $inner (instantiate $Inner))
  (instance $outer (instantiate $Outer (with "len" (func $inner "len"))))
  (export "twice" (func $outer "twice")))"#
    );
    let admitted = admit(&text, &[]).await.unwrap();
    let report = run(&admitted, "twice", json!({"x": "abc"})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!(6)));
}
