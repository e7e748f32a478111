//! The second watch: a run must end even where the thread that ends endless loops is dead.

use super::*;
use crate::Limits;
use std::time::SystemTime;
use wasmtime::component::{Component, Linker};

#[tokio::test]
async fn a_dead_ticker_does_not_keep_a_loop_alive() {
    let engine = TickingEngine::stopped();
    let text = r#"(component
      (core module $m (func (export "go") (loop $l (br $l))))
      (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go"))))"#;
    let component = Component::new(engine.engine(), wat::parse_str(text).unwrap()).unwrap();
    let export = component.get_export_index(None, "go").unwrap();
    let instance = Linker::new(engine.engine()).instantiate_pre(&component).unwrap();
    let settings = RunSettings {
        limits: Limits { time: Duration::from_millis(300), ..Limits::default() },
        preopens: Vec::new(),
        clock_base: SystemTime::UNIX_EPOCH,
        seed: [0; 32],
        deadline: None,
        interrupt: crate::Interrupt::default(),
    };
    let started = std::time::Instant::now();
    let outcome = call(Call {
        engine: &engine,
        instance: &instance,
        export,
        parameters: Vec::new(),
        results: 0,
        settings: &settings,
        gate: None,
        observed: Observed::new(1),
    })
    .await
    .err();
    assert!(
        matches!(outcome, Some(RunOutcome::Limit { limit: LimitKind::Time, .. })),
        "{outcome:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
