//! What is said of imports that this host does not have, or has otherwise: the words that a person reads who has
//! just tried a plugin.

use crate::{
    harness::{OBSERVE, PLAIN, REMEDIATE, admit, catalogue, inspect, plugin, sandbox},
    sdk_form::{ECHO, def, sdk},
    text::import,
};
use interlock_authority::Catalogue;
use interlock_sandbox::{AdmissionError, RunOutcome};

/// A component with one tool and these imports.
fn importing(imports: &str) -> String {
    format!(
        r#"(component {imports}
      (core module $m (func (export "go"))) (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))"#
    )
}

/// Each import that is unknown, with what is said of it.
async fn unknown(imports: &str, catalogue: &Catalogue) -> Vec<(String, String)> {
    let plugin = plugin(&importing(imports));
    let inspection = sandbox().inspect(&plugin, catalogue).await.unwrap();
    let refused = sandbox().admit(&plugin, "test", &[], catalogue).await;
    let all: Vec<_> = inspection.unknown.into_iter().map(|u| (u.import, u.problem)).collect();
    match (refused, all.first()) {
        (Err(AdmissionError::UnknownImport { import, problem }), Some(first)) => {
            assert_eq!(*first, (import, problem), "the first is why it is not admitted");
        }
        (refused, first) => panic!("{first:?} {:?}", refused.err()),
    }
    all
}

#[tokio::test]
async fn what_is_no_function_of_an_interface_is_unknown_and_said() {
    const RESOURCE: &str = "which is a resource; capabilities carry plain values only";
    const CORE: &str = "which is core WebAssembly; this host provides interfaces only";
    const COMPONENT: &str = "which is a component; this host provides interfaces only";
    const INSIDE: &str = "which is an interface inside an interface; this host has none";
    for (item, alone, inside) in [
        (
            "(func)",
            Some(
                "which is a function outside an interface; capabilities are interfaces with a version",
            ),
            None,
        ),
        ("(type (sub resource))", Some(RESOURCE), Some(RESOURCE)),
        ("(core module)", Some(CORE), Some(CORE)),
        ("(component)", None, Some(COMPONENT)),
        ("(instance)", None, Some(INSIDE)),
    ] {
        if let Some(says) = alone {
            let said = unknown(&format!("(import \"x\" {item})"), &catalogue()).await;
            assert_eq!(said, [("x".to_owned(), says.to_owned())], "{item}");
        }
        if let Some(says) = inside {
            let import = format!("(import \"a:b/c@1.0.0\" (instance (export \"x\" {item})))");
            let said = unknown(&import, &catalogue()).await;
            assert_eq!(said, [("a:b/c@1.0.0#x".to_owned(), says.to_owned())], "{item}");
        }
    }
}

/// A type says nothing by itself, alone or in an interface.
#[tokio::test]
async fn types_are_no_functions() {
    for import in [
        r#"(type $t (enum "a")) (import "t" (type (eq $t)))"#,
        r#"(import "a:b/types@1.0.0" (instance (type $t (enum "a")) (export "t" (type (eq $t)))))"#,
        r#"(import "a:b/nothing@1.0.0" (instance))"#,
    ] {
        let admitted = admit(&importing(import), &[]).await.unwrap();
        assert!(admitted.imports.is_empty() && admitted.unknown.is_empty(), "{import}");
    }
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_told_what_is() {
    let function = "(instance (export \"f\" (func)))";
    let observe_and = |name: &str| format!("(import \"{name}\" {function})");
    let said = unknown(&observe_and("acme:gone/door@1.0.0"), &catalogue()).await;
    let known = [OBSERVE, REMEDIATE, crate::harness::TEARDOWN];
    let all: Vec<String> = [PLAIN].iter().chain(&known).map(|name| format!("`{name}`")).collect();
    let says = format!("which no catalogue of this host describes; it has {}", all.join(", "));
    assert_eq!(said, [("acme:gone/door@1.0.0".to_owned(), says)]);
    // In another version, with or without one.
    for name in ["acme:plain/calls@2.0.0", "acme:plain/calls"] {
        let said = unknown(&observe_and(name), &catalogue()).await;
        let says = format!(
            "but this host has `{PLAIN}`; versions match exactly, so build the plugin against that one"
        );
        assert_eq!(said, [(name.to_owned(), says)]);
    }
    let none = Catalogue::load(&[]).unwrap();
    let said = unknown(&observe_and(PLAIN), &none).await;
    let says = "which no catalogue of this host describes; it has none";
    assert_eq!(said, [(PLAIN.to_owned(), says.to_owned())]);
}

/// All of them, in their order; a function that is known beside them is still read.
#[tokio::test]
async fn every_unknown_import_is_listed() {
    let imports = format!(
        r#"(import "{PLAIN}" (instance (export "pong" (func)) (export "ping" (func (result u32)))))
        (import "wasi:http/types@0.2.6" (instance (export "f" (func))))
        (import "x" (func))"#
    );
    let said = unknown(&imports, &catalogue()).await;
    let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["acme:plain/calls@1.0.0#pong", "wasi:http/types@0.2.6", "x"]);
    assert_eq!(said[0].1, "but the host's interface has only bare, ping, put, weigh");
    assert!(said[1].1.starts_with("which is not in the WASI 0.2 floor of this host"));
    let inspection = inspect(&importing(&imports)).await.unwrap();
    let functions = &inspection.imports[&PLAIN.parse().unwrap()];
    assert_eq!(functions.iter().collect::<Vec<_>>(), ["ping"]);
}

/// The first function that is not the host's own is said; that another is right does not help.
#[tokio::test]
async fn types_are_ours_the_first_wrong_function_is_said() {
    let imports = format!(
        r#"(import "{PLAIN}" (instance
          (export "ping" (func (result u32)))
          (export "weigh" (func (param "y" f64) (result f64)))
          (export "put" (func (param "data" u32)))))"#
    );
    for error in [
        admit(&importing(&imports), &[PLAIN]).await.unwrap_err(),
        inspect(&importing(&imports)).await.unwrap_err(),
    ] {
        let AdmissionError::WrongType { interface, function, difference } = &error else {
            panic!("{error}")
        };
        assert_eq!((interface.as_str(), function.as_str()), (PLAIN, "weigh"));
        assert_eq!(difference, "parameter 1 is `y` in the plugin and `x` in the host's WIT");
    }
}

/// What was never granted is asked about first: of an interface that is not granted no types are compared.
#[tokio::test]
async fn absent_not_denied_comes_before_the_types() {
    let imports = format!(r#"(import "{PLAIN}" (instance (export "ping" (func (result u8)))))"#);
    let error = admit(&importing(&imports), &[]).await.unwrap_err();
    assert!(matches!(error, AdmissionError::NotGranted { .. }), "{error}");
    let error = admit(&importing(&imports), &[PLAIN]).await.unwrap_err();
    assert!(matches!(error, AdmissionError::WrongType { .. }), "{error}");
}

/// A function that cannot say `denied` in its own type ends `describe`, and the reason is said.
#[tokio::test]
async fn why_a_plugin_cannot_be_described_is_said() {
    let ping = format!(r#"(import "{PLAIN}" (instance $r (export "ping" (func (result u32)))))"#);
    let text = sdk(&[def("x")], &ping, "(drop (call $restart))", ECHO)
        .replace("(func $r \"restart-service\")", "(func $r \"ping\")")
        .replace("(func $restart (param i32 i32 i32 i32 i32))", "(func $restart (result i32))");
    let error = inspect(&text).await.unwrap_err();
    let AdmissionError::DescribeFailed { message, outcome } = &error else { panic!("{error}") };
    assert!(matches!(**outcome, RunOutcome::Refused { .. }), "{outcome:?}");
    let says = "it calls `acme:plain/calls@1.0.0` `ping`, but nothing can be called while a plugin is described";
    assert_eq!(message, says);

    let remediate = import(REMEDIATE, "r", &["restart-service"]);
    let forever = sdk(&[def("x")], &remediate, "(unreachable)", ECHO);
    let error = inspect(&forever).await.unwrap_err();
    let AdmissionError::DescribeFailed { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("unreachable"), "{message}");
}
