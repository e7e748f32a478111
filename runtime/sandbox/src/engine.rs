//! The one engine, and the thread that ends endless loops. Each setting closes something, and a test
//! reads the settings back.

use crate::SandboxError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};
use wasmtime::{Config, Engine, WasmBacktraceDetails, WasmFeatures};

/// How often running plugins are made to look at the clock.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Fuel after which a running plugin yields to the async executor by itself. It is the second watch:
/// should the ticker thread die, the run's outer timeout still gets its turn.
pub(crate) const FUEL_BETWEEN_YIELDS: u64 = 20_000_000;

/// What a guest may use of WebAssembly, everything else being off: threads (shared memory races),
/// memory64 and multi-memory (two more ways to address past a bound), relaxed SIMD (results that differ
/// between machines), gc and exceptions (young code in the engine), component-model async. Admission
/// validates every plugin against exactly this set.
pub(crate) fn allowed_features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::FLOATS
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
}

/// What the engine itself must have on. Where one component inside a plugin passes a string to another,
/// wasmtime makes an adapter with both their memories, and panics if multi-memory is off.
fn engine_features() -> WasmFeatures {
    allowed_features() | WasmFeatures::MULTI_MEMORY
}

/// The settings, the same in the host and in the compiling child: an artifact of other settings does
/// not load. Public for whoever compares wasmtime alone with the host: with other ones it would be another engine.
pub fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all().difference(engine_features()), false)
        .wasm_features(engine_features(), true)
        // Every NaN has one bit pattern, so a run does not depend on the machine.
        .cranelift_nan_canonicalization(true)
        // A deterministic bound where one is asked for, and a second way to yield.
        .consume_fuel(true)
        // The wall-clock bound of a loop that calls nothing.
        .epoch_interruption(true)
        // Fixed, so that recursion ends at the same depth with every version of the defaults.
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        // No data structures for component-model async; calling them would be a bug here.
        .concurrency_support(false)
        .shared_memory(false)
        // Not from an environment variable (WASMTIME_BACKTRACE_DETAILS).
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .parallel_compilation(true);
    config
}

/// An engine that ticks while runs are active.
pub(crate) struct TickingEngine {
    engine: Engine,
    active: Arc<AtomicUsize>,
    ticker: Option<Thread>,
}

impl TickingEngine {
    pub(crate) fn new() -> Result<Self, SandboxError> {
        let engine = Engine::new(&config()).map_err(|e| SandboxError::Engine(format!("{e:#}")))?;
        let active = Arc::new(AtomicUsize::new(0));
        let (weak, running) = (engine.weak(), active.clone());
        let ticker = thread::Builder::new()
            .name("interlock-ticker".into())
            .spawn(move || {
                loop {
                    if running.load(Ordering::Acquire) == 0 {
                        // An idle host does not wake up a hundred times a second.
                        thread::park_timeout(Duration::from_secs(1));
                    } else {
                        thread::sleep(TICK);
                    }
                    match weak.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })
            .map_err(SandboxError::Ticker)?;
        Ok(Self { engine, active, ticker: Some(ticker.thread().clone()) })
    }

    /// An engine whose epoch never moves: what a host with a dead ticker thread would have.
    #[cfg(test)]
    pub(crate) fn stopped() -> Self {
        let engine = Engine::new(&config()).expect("the configuration is valid");
        Self { engine, active: Arc::default(), ticker: None }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Keeps the engine ticking until the guard is dropped.
    pub(crate) fn activate(&self) -> Active {
        if self.active.fetch_add(1, Ordering::AcqRel) == 0
            && let Some(ticker) = &self.ticker
        {
            ticker.unpark();
        }
        Active(self.active.clone())
    }
}

/// One run that needs ticks.
pub(crate) struct Active(Arc<AtomicUsize>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HARDENING: the settings as wasmtime reports them, not as the source above says.
    #[test]
    fn hardening_settings_are_in_force() {
        let config = format!("{:?}", config());
        for (name, feature) in WasmFeatures::all().iter_names() {
            let on = engine_features().contains(feature);
            let said = format!("wasm_{}: {on}", name.to_lowercase());
            assert!(config.contains(&said), "not {said}: {config}");
        }
        let beyond = engine_features().difference(allowed_features());
        assert_eq!(beyond, WasmFeatures::MULTI_MEMORY, "for adapters; admission refuses the rest");
        for setting in [
            "consume_fuel: true",
            "epoch_interruption: true",
            "concurrency_support: false",
            "\"enable_nan_canonicalization\": (\"true\"",
        ] {
            assert!(config.contains(setting), "not {setting}: {config}");
        }
    }

    /// HARDENING: what is not compiled in cannot be turned on. Each of these would need its cargo
    /// feature; the engine refuses it here.
    #[test]
    fn hardening_features_are_not_compiled_in() {
        for feature in [WasmFeatures::GC, WasmFeatures::THREADS, WasmFeatures::CM_ASYNC] {
            let mut config = config();
            config.wasm_features(feature | WasmFeatures::GC_TYPES, true);
            assert!(Engine::new(&config).is_err(), "{feature:?} is compiled in");
        }
    }
}
