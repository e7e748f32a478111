//! What a capability call becomes for the gate, and what comes back to the guest.

use crate::{
    harness::{
        PLAIN, REMEDIATE, TestGate, admit, authorized_with, grant, run_with, sandbox, settings,
    },
    text::{LIBC, import, restarter},
};
use interlock_authority::{Denial, Mode, refusal::Withheld};
use interlock_sandbox::{GateAnswer, LimitKind, Limits, RunOutcome, RunReport};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

async fn heal(gate: Arc<TestGate>) -> RunReport {
    let text = restarter(&import(REMEDIATE, "r", &["restart-service"]));
    let admitted = admit(&text, &[REMEDIATE]).await.unwrap();
    run_with(&admitted, "heal", json!({}), settings(Limits::default()), gate).await
}

/// A component that calls the functions of `acme:plain/calls`, which mostly cannot say `denied`.
pub(crate) fn plain() -> String {
    format!(
        r#"(component
  (import "{PLAIN}" (instance $p
    (type $o' (variant (case "denied") (case "other" string)))
    (export "oops" (type $o (eq $o')))
    (export "ping" (func (result u32)))
    (export "put" (func (param "data" string)))
    (export "weigh" (func (param "x" f64) (result f64)))
    (export "bare" (func (result (result (error $o)))))))
  {LIBC}
  (core func $ping (canon lower (func $p "ping")))
  (core func $put (canon lower (func $p "put") (memory $mem)))
  (core func $weigh (canon lower (func $p "weigh")))
  (core func $bare (canon lower (func $p "bare") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 2))
    (import "host" "ping" (func $ping (result i32)))
    (import "host" "put" (func $put (param i32 i32)))
    (import "host" "weigh" (func $weigh (param f64) (result f64)))
    (import "host" "bare" (func $bare (param i32)))
    (func (export "ping") (result i32) (call $ping))
    (func (export "flood") (loop $l (drop (call $ping)) (br $l)))
    (func (export "put") (param i32) (call $put (i32.const 0) (local.get 0)))
    (func (export "weigh") (result f64) (call $weigh (f64.div (f64.const 0) (f64.const 0))))
    (func (export "bare") (result i32)
      (call $bare (i32.const 64))
      (i32.add (i32.mul (i32.load8_u (i32.const 64)) (i32.const 10)) (i32.load8_u (i32.const 68)))))
  (core instance $i (instantiate $m (with "libc" (instance $libc))
    (with "host" (instance (export "ping" (func $ping)) (export "put" (func $put))
      (export "weigh" (func $weigh)) (export "bare" (func $bare))))))
  (func (export "ping") (result u32) (canon lift (core func $i "ping")))
  (func (export "flood") (canon lift (core func $i "flood")))
  (func (export "put") (param "bytes" u32) (canon lift (core func $i "put")))
  (func (export "weigh") (result f64) (canon lift (core func $i "weigh")))
  (func (export "bare") (result u32) (canon lift (core func $i "bare"))))"#
    )
}

#[tokio::test]
async fn a_call_reaches_the_gate_by_position_and_its_result_comes_back() {
    let gate = TestGate::ok();
    let report = heal(gate.clone()).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!("done")));
    let calls = gate.calls.lock().unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].interface.as_str(), REMEDIATE);
    assert_eq!(&*calls[0].function, "restart-service");
    assert_eq!(calls[0].arguments, Ok(vec![json!("prod"), json!("api")]));
    assert_eq!(calls[0].bytes, "\"prod\"\"api\"".len() as u64);
    assert!(report.withheld.is_empty());
}

#[tokio::test]
async fn a_denial_is_the_denied_case() {
    let denial = Denial::OutsideGrant { resource: "environment/prod".parse().unwrap() };
    let report = heal(TestGate::new(move |_| GateAnswer::denied(&denial))).await;
    let expected = "outside-grant: `environment/prod` is outside what the plugin was granted for this function";
    assert_eq!(report.outcome, RunOutcome::Returned(json!(expected)));
    let report =
        heal(TestGate::new(|_| GateAnswer::Result(json!({"err": {"conflict": "moved"}})))).await;
    assert_eq!(report.outcome, RunOutcome::Returned(json!("moved")));
}

#[tokio::test]
async fn the_gate_can_end_a_run() {
    let end = |limit| {
        TestGate::new(move |_| GateAnswer::End {
            code: "deviated".into(),
            message: "no".into(),
            limit,
        })
    };
    let report = heal(end(false)).await;
    assert_eq!(report.outcome, RunOutcome::Ended { code: "deviated".into(), message: "no".into() });
    let report = heal(end(true)).await;
    assert_eq!(report.outcome, RunOutcome::Limit { limit: LimitKind::Gate, message: "no".into() });
}

#[tokio::test]
async fn a_provider_that_breaks_its_wit_is_the_hosts_fault() {
    for bad in [json!(null), json!({"ok": 1}), json!({"err": {"nonsense": "x"}}), json!("done")] {
        let answer = bad.clone();
        let report = heal(TestGate::new(move |_| GateAnswer::Result(answer.clone()))).await;
        assert!(matches!(report.outcome, RunOutcome::HostFault { .. }), "{bad}: {report:?}");
    }
}

#[tokio::test]
async fn withheld_says_denied_where_it_can_and_ends_the_run_where_not() {
    let mut none = grant(REMEDIATE);
    none.functions = Some(BTreeSet::new());
    let text = restarter(&import(REMEDIATE, "r", &["restart-service"]));
    let admitted = admit(&text, &[REMEDIATE]).await.unwrap();
    let imports = admitted.imports.clone();
    let authorized = authorized_with(&admitted, "heal", Mode::Call, &[none], &imports);
    let gate = TestGate::ok();
    let report = sandbox()
        .run(&admitted, &authorized, &json!({}), settings(Limits::default()), gate.clone())
        .await;
    let expected = "function-not-granted: the plugin was not granted this function";
    assert_eq!(report.outcome, RunOutcome::Returned(json!(expected)));
    assert_eq!(gate.count(), 0);
    assert_eq!(report.withheld.len(), 1);
    assert_eq!(
        (report.withheld[0].count, report.withheld[0].reason),
        (1, Withheld::FunctionNotGranted)
    );

    let mut none = grant(PLAIN);
    none.functions = Some(BTreeSet::new());
    let admitted = admit(&plain(), &[PLAIN]).await.unwrap();
    let imports = admitted.imports.clone();
    for (tool, says_denied) in [("ping", false), ("bare", true)] {
        let authorized = authorized_with(&admitted, tool, Mode::Call, &[none.clone()], &imports);
        let gate = TestGate::ok();
        let report = sandbox()
            .run(&admitted, &authorized, &json!({}), settings(Limits::default()), gate.clone())
            .await;
        if says_denied {
            assert_eq!(report.outcome, RunOutcome::Returned(json!(10)), "err(denied)");
        } else {
            assert!(
                matches!(&report.outcome, RunOutcome::Refused { function, .. } if function == "ping"),
                "{report:?}"
            );
        }
        assert_eq!(gate.count(), 0);
    }
}

#[tokio::test]
async fn a_denial_without_a_denied_case_ends_the_run() {
    let admitted = admit(&plain(), &[PLAIN]).await.unwrap();
    let denial = || Denial::OutsideGrant { resource: "plain".parse().unwrap() };
    let gate = TestGate::new(move |_| GateAnswer::denied(&denial()));
    let report = run_with(&admitted, "ping", json!({}), settings(Limits::default()), gate).await;
    assert!(
        matches!(&report.outcome, RunOutcome::Ended { code, .. } if code == "outside-grant"),
        "{report:?}"
    );
}

/// INVARIANT ONE-DOOR: an argument without a canonical form is the gate's to refuse, like any other call.
#[tokio::test]
async fn nan_is_not_an_argument() {
    let admitted = admit(&plain(), &[PLAIN]).await.unwrap();
    let gate = TestGate::new(|call| match call.arguments.clone() {
        Ok(_) => GateAnswer::Result(json!(1.0)),
        Err(problem) => {
            GateAnswer::denied(&Denial::Malformed { function: "weigh".into(), problem })
        }
    });
    let report =
        run_with(&admitted, "weigh", json!({}), settings(Limits::default()), gate.clone()).await;
    assert!(
        matches!(&report.outcome, RunOutcome::Ended { code, .. } if code == "malformed-call"),
        "{report:?}"
    );
    assert_eq!(gate.count(), 1);
}
