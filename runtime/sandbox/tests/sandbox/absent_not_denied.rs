//! ABSENT-NOT-DENIED: a plugin that imports what it was never granted is refused before one guest
//! instruction runs, and what an invocation does not have is not behind its imports.

use crate::{
    harness::{
        OBSERVE, REMEDIATE, TEARDOWN, TestGate, admit, authorized_with, grant, inspect, sandbox,
        settings,
    },
    text::{LIBC, import, restarter},
};
use interlock_authority::{Grant, Mode, authorize::Imports};
use interlock_sandbox::{AdmissionError, Limits, RunOutcome};
use serde_json::json;
use std::collections::BTreeSet;

const ALL: [(&str, &str, &[&str]); 3] = [
    (
        OBSERVE,
        "o",
        &["list-environments", "list-services", "service-status", "read-config", "logs"],
    ),
    (REMEDIATE, "r", &["restart-service", "set-config", "rollback-config", "scale-service"]),
    (
        TEARDOWN,
        "t",
        &["stop-service", "delete-service", "delete-environment", "recreate-environment"],
    ),
];

/// Imports everything; its start function ends the world, so whoever runs one instruction notices.
fn everything() -> String {
    let imports: String =
        ALL.iter().map(|(name, id, functions)| import(name, id, functions)).collect();
    format!(
        r#"(component
  {imports}
  {LIBC}
  (core module $m
    (func $start (unreachable))
    (start $start)
    (func (export "go")))
  (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))"#
    )
}

#[tokio::test]
async fn absent_not_denied_admission_names_every_missing_import() {
    let error = admit(&everything(), &[OBSERVE]).await.unwrap_err();
    let AdmissionError::NotGranted { plugin, missing } = &error else { panic!("{error}") };
    assert_eq!(plugin, "test");
    let names: Vec<&str> = missing.iter().map(|m| m.interface.as_str()).collect();
    assert_eq!(names, [REMEDIATE, TEARDOWN]);
    for (missing, (_, _, functions)) in missing.iter().zip(&ALL[1..]) {
        assert_eq!(missing.functions, functions.iter().map(|f| (*f).to_owned()).collect());
    }
    assert!(error.to_string().contains(TEARDOWN), "{error}");
}

/// For each function-bearing import: all but that one are linked, and the engine names that one. The
/// start function, which would trap, never runs; the same plugin with everything linked does trap.
#[tokio::test]
async fn absent_not_denied_each_missing_function_is_named_and_nothing_runs() {
    let admitted = admit(&everything(), &[OBSERVE, REMEDIATE, TEARDOWN]).await.unwrap();
    let grants: Vec<Grant> = ALL.iter().map(|(name, ..)| grant(name)).collect();
    let whole = admitted.imports.clone();
    assert_eq!(whole.values().map(BTreeSet::len).sum::<usize>(), 13);
    let mut cases = 0;
    for (interface, functions) in &whole {
        for function in functions {
            let mut imports: Imports = whole.clone();
            imports.get_mut(interface).unwrap().remove(function);
            let authorized = authorized_with(&admitted, "go", Mode::Plan, &grants, &imports);
            let gate = TestGate::ok();
            let report = sandbox()
                .run(&admitted, &authorized, &json!({}), settings(Limits::default()), gate.clone())
                .await;
            let RunOutcome::NotLinked { message } = &report.outcome else {
                panic!("{interface} {function}: {report:?}")
            };
            assert!(message.contains(interface.as_str()), "{message}");
            assert!(message.contains(function.as_str()), "{message}");
            assert_eq!((gate.count(), report.fuel), (0, None));
            assert!(report.stdout.text.is_empty() && report.stderr.text.is_empty());
            cases += 1;
        }
        let mut imports = whole.clone();
        imports.remove(interface);
        let authorized = authorized_with(&admitted, "go", Mode::Plan, &grants, &imports);
        let report = sandbox()
            .run(&admitted, &authorized, &json!({}), settings(Limits::default()), TestGate::ok())
            .await;
        assert!(
            matches!(&report.outcome, RunOutcome::NotLinked { message } if message.contains(interface.as_str())),
            "{report:?}"
        );
    }
    assert_eq!(cases, 13);
    let authorized = authorized_with(&admitted, "go", Mode::Plan, &grants, &whole);
    let report = sandbox()
        .run(&admitted, &authorized, &json!({}), settings(Limits::default()), TestGate::ok())
        .await;
    assert!(
        matches!(&report.outcome, RunOutcome::Trap { .. }),
        "the start function ran: {report:?}"
    );
}

/// The links of one invocation are not those of another, though both are cached.
#[tokio::test]
async fn absent_not_denied_link_states_are_never_shared() {
    let text = restarter(&import(REMEDIATE, "r", &["restart-service"]));
    let admitted = admit(&text, &[REMEDIATE]).await.unwrap();
    let live = [grant(REMEDIATE)];
    let mut none = live.clone();
    none[0].functions = Some(BTreeSet::new());
    for _ in 0..3 {
        for (grants, calls) in [(&live, 1), (&none, 0)] {
            let imports = admitted.imports.clone();
            let authorized = authorized_with(&admitted, "heal", Mode::Call, grants, &imports);
            let gate = TestGate::ok();
            let report = sandbox()
                .run(&admitted, &authorized, &json!({}), settings(Limits::default()), gate.clone())
                .await;
            assert_eq!(gate.count(), calls, "{report:?}");
            assert_eq!(report.withheld.len(), 1 - calls);
        }
    }
}

#[tokio::test]
async fn inspect_runs_nothing_of_a_plain_component_and_lists_what_it_wants() {
    let inspection = inspect(&everything()).await.unwrap();
    assert_eq!(inspection.imports.len(), 3);
    assert_eq!(inspection.tools.len(), 1);
    assert!(inspection.unknown.is_empty() && inspection.inert.is_empty());
}
