//! One hostile component for each limit: it ends, in time, as that limit, and the next call is served.

use crate::{
    door::plain,
    harness::{
        PLAIN, REMEDIATE, TestGate, admit, hits, next_call_is_served, quick, run_with, settings,
    },
    text::{LIBC, go, import, restarter},
};
use interlock_sandbox::{GateAnswer, LimitKind, Limits, RunOutcome};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[tokio::test]
async fn an_infinite_loop_in_a_call() {
    hits(&go("(loop $l (br $l))"), &[], "go", quick(), TestGate::ok(), LimitKind::Time).await;
}

#[tokio::test]
async fn an_infinite_loop_in_a_start_function() {
    let text = r#"(component
      (core module $m (func $s (loop $l (br $l))) (start $s) (func (export "go")))
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))"#;
    hits(text, &[], "go", quick(), TestGate::ok(), LimitKind::Time).await;
}

#[tokio::test]
async fn an_infinite_loop_under_fuel() {
    let limits = Limits { fuel: Some(1_000_000), time: Duration::from_secs(30), ..quick() };
    hits(&go("(loop $l (br $l))"), &[], "go", limits, TestGate::ok(), LimitKind::Fuel).await;
}

/// A loop on a runtime of one thread must not keep the timer, and so other runs, from their turn.
#[tokio::test(flavor = "current_thread")]
async fn a_loop_yields_to_others() {
    let admitted = admit(&go("(loop $l (br $l))"), &[]).await.unwrap();
    let turns = Arc::new(AtomicU64::new(0));
    let count = turns.clone();
    let other = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let report = run_with(&admitted, "go", json!({}), settings(quick()), TestGate::ok()).await;
    other.abort();
    assert!(matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }));
    assert!(turns.load(Ordering::Relaxed) >= 3, "the others had {turns:?} turns");
}

/// A handle ends a loop that calls nothing, and one that was pulled before keeps the run from starting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_a_loop_long_before_its_deadline() {
    let admitted = admit(&go("(loop $l (br $l))"), &[]).await.unwrap();
    for before in [false, true] {
        let settings = settings(Limits { time: Duration::from_secs(60), ..Limits::default() });
        let interrupt = settings.interrupt.clone();
        let pulls = tokio::spawn(async move {
            if !before {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            interrupt.pull();
        });
        if before {
            pulls.await.unwrap();
        }
        let started = Instant::now();
        let report = run_with(&admitted, "go", json!({}), settings, TestGate::ok()).await;
        assert_eq!(report.outcome, RunOutcome::Cancelled);
        assert!(started.elapsed() < Duration::from_secs(5), "late: {:?}", started.elapsed());
    }
    next_call_is_served().await;
}

#[tokio::test]
async fn memory_growth() {
    let body = "(loop $l (drop (memory.grow (i32.const 16))) (br $l))";
    hits(&go(body), &[], "go", Limits::default(), TestGate::ok(), LimitKind::Memory).await;
}

#[tokio::test]
async fn a_memory_that_starts_too_large() {
    let text = go("nop").replace(r#"(export "mem") 1"#, r#"(export "mem") 2000"#);
    hits(&text, &[], "go", Limits::default(), TestGate::ok(), LimitKind::Memory).await;
}

/// Two memories share one budget.
#[tokio::test]
async fn memories_are_counted_together() {
    let text = r#"(component
      (core module $m (memory 600) (func (export "go")))
      (core instance $a (instantiate $m))
      (core instance $b (instantiate $m))
      (func (export "go") (canon lift (core func $b "go"))))"#;
    hits(text, &[], "go", Limits::default(), TestGate::ok(), LimitKind::Memory).await;
}

#[tokio::test]
async fn table_growth() {
    let body = "(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))";
    hits(&go(body), &[], "go", Limits::default(), TestGate::ok(), LimitKind::Table).await;
}

#[tokio::test]
async fn recursion() {
    let text = go("(call $go)");
    hits(&text, &[], "go", Limits::default(), TestGate::ok(), LimitKind::Stack).await;
}

#[tokio::test]
async fn many_instances() {
    let text = format!(
        r#"(component (core module $m (func (export "go"))) {}
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))"#,
        "(core instance (instantiate $m))".repeat(300)
    );
    hits(&text, &[], "go", Limits::default(), TestGate::ok(), LimitKind::Count).await;
}

#[tokio::test]
async fn many_handles() {
    let text = r#"(component
      (type $r (resource (rep i32)))
      (core func $new (canon resource.new $r))
      (core module $m
        (import "r" "new" (func $new (param i32) (result i32)))
        (func (export "go") (loop $l (drop (call $new (i32.const 0))) (br $l))))
      (core instance $i (instantiate $m (with "r" (instance (export "new" (func $new))))))
      (func (export "go") (canon lift (core func $i "go"))))"#;
    hits(text, &[], "go", Limits::default(), TestGate::ok(), LimitKind::Count).await;
}

/// The gate has the budget; the sandbox ends the run where the gate says so.
#[tokio::test]
async fn a_flood_of_host_calls() {
    let count = AtomicU64::new(0);
    let gate = TestGate::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        n if n < 1_000 => GateAnswer::Result(json!(1)),
        _ => GateAnswer::End { code: "calls".into(), message: "1000 calls".into(), limit: true },
    });
    hits(&plain(), &[PLAIN], "flood", Limits::default(), gate.clone(), LimitKind::Gate).await;
    assert_eq!(gate.count(), 1_001);
}

/// A gate that always answers at once does not let a flood outlive its time.
#[tokio::test]
async fn a_flood_of_host_calls_ends_in_time() {
    let gate = TestGate::new(|_| GateAnswer::Result(json!(1)));
    hits(&plain(), &[PLAIN], "flood", quick(), gate, LimitKind::Time).await;
}

#[tokio::test]
async fn a_giant_argument_never_reaches_the_gate() {
    let admitted = admit(&plain(), &[PLAIN]).await.unwrap();
    let gate = TestGate::new(|_| GateAnswer::Result(json!(null)));
    let limits = Limits { call: 100_000, ..Limits::default() };
    let run = async |bytes: u32| {
        run_with(&admitted, "put", json!({"bytes": bytes}), settings(limits.clone()), gate.clone())
            .await
    };
    assert_eq!(run(90_000).await.outcome, RunOutcome::Returned(json!(null)));
    assert_eq!(gate.count(), 1);
    let report = run(110_000).await;
    assert!(
        matches!(&report.outcome, RunOutcome::Limit { limit: LimitKind::Call, .. }),
        "{report:?}"
    );
    assert_eq!(gate.count(), 1);
    next_call_is_served().await;
}

#[tokio::test]
async fn a_giant_result() {
    let text = format!(
        r#"(component
  {LIBC}
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func (export "big") (param i32) (result i32) (local $p i32)
      (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get 0)))
      (memory.fill (local.get $p) (i32.const 97) (local.get 0))
      (i32.store (i32.const 16) (local.get $p)) (i32.store (i32.const 20) (local.get 0))
      (i32.const 16)))
  (core instance $i (instantiate $m (with "libc" (instance $libc))))
  (func (export "big") (param "bytes" u32) (result string)
    (canon lift (core func $i "big") (memory $mem) (realloc (func $realloc)))))"#
    );
    let admitted = admit(&text, &[]).await.unwrap();
    for (bytes, expected) in [
        (1_000_000, None),
        (1_100_000, Some(LimitKind::Output)),
        (30_000_000, Some(LimitKind::Call)),
    ] {
        let arguments = json!({"bytes": bytes});
        let settings = settings(Limits::default());
        let report = run_with(&admitted, "big", arguments, settings, TestGate::ok()).await;
        match (&report.outcome, expected) {
            (RunOutcome::Returned(_), None) => {}
            (RunOutcome::Limit { limit, .. }, Some(expected)) => assert_eq!(*limit, expected),
            (outcome, _) => panic!("{bytes}: {outcome:?}"),
        }
    }
    next_call_is_served().await;
}

/// A provider that blocks past the deadline: the caller is answered on time, and the next call too.
#[tokio::test]
async fn a_gate_call_that_outlives_the_deadline() {
    let text = restarter(&import(REMEDIATE, "r", &["restart-service"]));
    let gate = TestGate::slow(Duration::from_secs(60));
    hits(&text, &[REMEDIATE], "heal", quick(), gate.clone(), LimitKind::Time).await;
    assert_eq!(gate.count(), 1);
}

#[tokio::test]
async fn the_callers_deadline_counts_when_it_is_earlier() {
    let admitted = admit(&go("(loop $l (br $l))"), &[]).await.unwrap();
    let mut settings = settings(Limits::default());
    settings.deadline = Some(tokio::time::Instant::now() + Duration::from_millis(200));
    let started = Instant::now();
    let report = run_with(&admitted, "go", json!({}), settings, TestGate::ok()).await;
    assert!(matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }));
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// No run sees a byte of the one before it.
#[tokio::test]
async fn a_run_starts_from_nothing() {
    let text = r#"(component
      (core module $m (memory 1) (global $g (mut i32) (i32.const 0))
        (func (export "mark") (result i32)
          (global.set $g (i32.add (global.get $g) (i32.const 1)))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (i32.add (global.get $g) (i32.load (i32.const 0)))))
      (core instance $i (instantiate $m))
      (func (export "mark") (result u32) (canon lift (core func $i "mark"))))"#;
    let admitted = admit(text, &[]).await.unwrap();
    for _ in 0..100 {
        let report =
            run_with(&admitted, "mark", json!({}), settings(quick()), TestGate::ok()).await;
        assert_eq!(report.outcome, RunOutcome::Returned(json!(2)));
    }
}

/// Many loops at once, on few threads: each ends in time, and so does the call after them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_loops_at_once() {
    let admitted = admit(&go("(loop $l (br $l))"), &[]).await.unwrap();
    let started = Instant::now();
    let runs: Vec<_> = (0..20)
        .map(|_| {
            let admitted = admitted.clone();
            tokio::spawn(async move {
                run_with(&admitted, "go", json!({}), settings(quick()), TestGate::ok()).await
            })
        })
        .collect();
    for run in runs {
        let report = run.await.unwrap();
        assert!(matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }));
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    next_call_is_served().await;
}
