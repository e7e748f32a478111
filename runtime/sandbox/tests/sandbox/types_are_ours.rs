//! TYPES-ARE-OURS: a plugin whose imports differ from the host's WIT in a name, an order, a type or a
//! version is refused at admission, where the engine alone would link it.

use crate::{
    harness::{OBSERVE, REMEDIATE, admit, inspect},
    text::{import, restarter},
};
use interlock_sandbox::AdmissionError;

const ERROR: &str = r#"(case "denied" string) (case "not-found" string) (case "invalid" string)
    (case "conflict" string) (case "failed" string)"#;

/// `restart-service` with this signature, beside an error with these cases.
fn imported(name: &str, cases: &str, signature: &str) -> String {
    format!(
        r#"(component (import "{name}" (instance $r
    (type $e' (variant {cases}))
    (export "error" (type $e (eq $e')))
    (type $nothing (result (error $e)))
    (type $number (result u32 (error $e)))
    (export "restart-service" (func {signature}))))
  (core module $m (func $s (unreachable)) (start $s) (func (export "go")))
  (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))"#
    )
}

#[tokio::test]
async fn types_are_ours_the_hosts_own_function_is_admitted() {
    let signature = r#"(param "environment" string) (param "service" string) (result $nothing)"#;
    admit(&imported(REMEDIATE, ERROR, signature), &[REMEDIATE]).await.unwrap();
    admit(&restarter(&import(REMEDIATE, "r", &["restart-service"])), &[REMEDIATE]).await.unwrap();
}

#[tokio::test]
async fn types_are_ours_every_difference_is_refused_and_said() {
    let swapped = r#"(param "service" string) (param "environment" string) (result $nothing)"#;
    let bytes = r#"(param "environment" string) (param "service" (list u8)) (result $nothing)"#;
    let fewer = r#"(param "environment" string) (result $nothing)"#;
    let more = r#"(param "environment" string) (param "service" string) (param "force" bool) (result $nothing)"#;
    let renamed = r#"(param "environment" string) (param "services" string) (result $nothing)"#;
    let number = r#"(param "environment" string) (param "service" string) (result $number)"#;
    let no_result = r#"(param "environment" string) (param "service" string)"#;
    let right = r#"(param "environment" string) (param "service" string) (result $nothing)"#;
    let cases = [
        (ERROR, swapped, "parameter 1 is `service` in the plugin and `environment`"),
        (ERROR, bytes, "parameter `service` is list in the plugin and string"),
        (ERROR, fewer, "1 parameters, the host 2"),
        (ERROR, more, "3 parameters, the host 2"),
        (ERROR, renamed, "parameter 2 is `services`"),
        (ERROR, number, "in `ok`, carries a value in the plugin and none"),
        (ERROR, no_result, "without a result"),
        (r#"(case "denied" string)"#, right, "has 1 cases in the plugin and 5"),
        (
            r#"(case "denied" string) (case "invalid" string) (case "not-found" string) (case "conflict" string) (case "failed" string)"#,
            right,
            "the case `invalid` in the plugin where the host's WIT has `not-found`",
        ),
        (
            r#"(case "denied") (case "not-found" string) (case "invalid" string) (case "conflict" string) (case "failed" string)"#,
            right,
            "in `err.denied`, carries nothing",
        ),
        (
            r#"(case "denied" u32) (case "not-found" string) (case "invalid" string) (case "conflict" string) (case "failed" string)"#,
            right,
            "in `err.denied`, is u32 in the plugin and string",
        ),
    ];
    for (cases, signature, says) in cases {
        let text = imported(REMEDIATE, cases, signature);
        for error in
            [admit(&text, &[REMEDIATE]).await.unwrap_err(), inspect(&text).await.unwrap_err()]
        {
            let AdmissionError::WrongType { interface, function, difference } = &error else {
                panic!("{error}")
            };
            assert_eq!((interface.as_str(), function.as_str()), (REMEDIATE, "restart-service"));
            assert!(difference.contains(says), "{difference}");
        }
    }
}

/// Records inside records are compared too.
#[tokio::test]
async fn types_are_ours_deep_inside() {
    let right = import(OBSERVE, "o", &["service-status"]);
    let component = |import: &str| {
        format!(
            r#"(component {import}
  (core module $m (func (export "go"))) (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))"#
        )
    };
    admit(&component(&right), &[OBSERVE]).await.unwrap();
    for (from, to, says) in [
        (
            r#"(field "pid" (option u32))"#,
            r#"(field "pid" (option u64))"#,
            "is u64 in the plugin and u32",
        ),
        (
            r#"(field "pid" (option u32))"#,
            r#"(field "pid" u32)"#,
            "is u32 in the plugin and option",
        ),
        (
            r#"(field "healthy" bool) (field "wanted" u32)"#,
            r#"(field "wanted" u32) (field "healthy" bool)"#,
            "the field `wanted`",
        ),
        (r#""unhealthy" "unknown""#, r#""unknown" "unhealthy""#, "the case `unknown`"),
        (r#"(field "last-exit" (option s32)) "#, "", "has 4 fields in the plugin and 5"),
    ] {
        let wrong = right.replace(from, to);
        assert_ne!(wrong, right, "{from}");
        let error = admit(&component(&wrong), &[OBSERVE]).await.unwrap_err();
        let AdmissionError::WrongType { difference, .. } = &error else { panic!("{error}") };
        assert!(difference.contains(says), "{difference}");
    }
}

/// The engine's linker would satisfy `@0.1.7` with `@0.1.0`.
#[tokio::test]
async fn types_are_ours_a_version_is_exact() {
    let signature = r#"(param "environment" string) (param "service" string) (result $nothing)"#;
    for version in ["0.1.7", "0.1.1", "0.2.0", "1.0.0", "0.1.0-rc1"] {
        let name = format!("interlock:environment/remediate@{version}");
        let text = imported(&name, ERROR, signature);
        let error = admit(&text, &[REMEDIATE]).await.unwrap_err();
        let AdmissionError::UnknownImport { import, problem } = &error else { panic!("{error}") };
        assert_eq!(*import, name);
        assert!(problem.contains(REMEDIATE) && problem.contains("exactly"), "{problem}");
        let inspection = inspect(&text).await.unwrap();
        assert_eq!(inspection.unknown.len(), 1);
    }
}

#[tokio::test]
async fn a_function_that_the_hosts_interface_does_not_have_is_unknown() {
    let text = imported(REMEDIATE, ERROR, "").replace("restart-service", "reboot-planet");
    let error = admit(&text, &[REMEDIATE]).await.unwrap_err();
    assert!(error.to_string().contains("reboot-planet"), "{error}");
    assert!(error.to_string().contains("restart-service"), "it says what there is: {error}");
}

/// An interface of types alone needs no definition and no grant.
#[tokio::test]
async fn types_alone_need_nothing() {
    let text = format!(
        r#"(component
  (import "interlock:environment/types@0.1.0" (instance $t
    (type $e' (variant {ERROR})) (export "error" (type $e (eq $e')))))
  (core module $m (func (export "go"))) (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))"#
    );
    let admitted = admit(&text, &[]).await.unwrap();
    assert!(admitted.imports.is_empty());
    let report = crate::harness::run(&admitted, "go", serde_json::json!({})).await;
    assert!(matches!(report.outcome, interlock_sandbox::RunOutcome::Returned(_)), "{report:?}");
}
