//! What one run's store holds: the floor, the limiter and the gate. The observations alone outlive it.

use super::limiter::Limiter;
use crate::{
    Gate, RunSettings, WithheldCalls,
    floor::{CapturedStream, Clock, ClockView, SeededRandom},
    report::LimitKind,
};
use interlock_authority::{InterfaceName, refusal::Withheld};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use thiserror::Error;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

/// The data of one run's store.
pub(crate) struct RunState {
    wasi: WasiCtx,
    table: ResourceTable,
    clock: Clock,
    random: SeededRandom,
    pub(super) limiter: Limiter,
    gate: Option<Arc<dyn Gate>>,
    observed: Arc<Observed>,
}

impl RunState {
    /// # Errors
    /// A folder that cannot be opened, in a sentence.
    pub(super) fn new(
        settings: &RunSettings,
        gate: Option<Arc<dyn Gate>>,
        observed: &Arc<Observed>,
        deadline: Instant,
    ) -> Result<Self, String> {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(observed.stdout.clone())
            .stderr(observed.stderr.clone())
            // wasmtime-wasi's own defaults, said again: a default that changes changes nothing here.
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        for preopen in &settings.preopens {
            wasi.preopened_dir(&preopen.host, &preopen.guest, FsPerms::ReadOnly).map_err(|e| {
                let host = preopen.host.display();
                format!("the folder `{host}`, granted for reading, cannot be opened: {e:#}")
            })?;
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(settings.limits.resources as usize);
        let base =
            settings.clock_base.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Ok(Self {
            wasi: wasi.build(),
            table,
            clock: Clock::new(base, deadline),
            random: SeededRandom::new(settings.seed),
            limiter: Limiter::new(&settings.limits),
            gate,
            observed: observed.clone(),
        })
    }

    pub(crate) fn clock(&mut self) -> ClockView<'_> {
        ClockView { clock: &self.clock, table: &mut self.table }
    }
    pub(crate) fn random(&mut self) -> &mut SeededRandom {
        &mut self.random
    }
    pub(crate) fn gate(&self) -> Option<Arc<dyn Gate>> {
        self.gate.clone()
    }
    pub(crate) fn observed(&self) -> &Observed {
        &self.observed
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What is seen of a run from outside, also when its store is dropped in the middle.
pub(crate) struct Observed {
    pub(crate) stdout: CapturedStream,
    pub(crate) stderr: CapturedStream,
    withheld: Mutex<BTreeMap<Function, (Withheld, u64)>>,
}

/// A capability function.
type Function = (InterfaceName, Arc<str>);

impl Observed {
    /// Keeps at most `log` bytes of each stream.
    pub(crate) fn new(log: u64) -> Arc<Self> {
        Arc::new(Self {
            stdout: CapturedStream::new(log),
            stderr: CapturedStream::new(log),
            withheld: Mutex::default(),
        })
    }

    /// Counts one refused call of a withheld function.
    pub(crate) fn withheld(&self, interface: &InterfaceName, function: &Arc<str>, why: Withheld) {
        let mut withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = withheld.entry((interface.clone(), function.clone())).or_insert((why, 0));
        calls.1 = calls.1.saturating_add(1);
    }

    /// The refused calls so far.
    pub(crate) fn withheld_calls(&self) -> Vec<WithheldCalls> {
        let withheld = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = withheld.iter().map(|((interface, function), (reason, count))| WithheldCalls {
            interface: interface.clone(),
            function: function.to_string(),
            reason: *reason,
            count: *count,
        });
        calls.collect()
    }
}

/// Why the host ended a run from inside a host call. It travels through the guest as a trap.
#[derive(Debug, Clone, Error)]
pub(crate) enum Stop {
    #[error("{message}")]
    Ended { code: Cow<'static, str>, message: String },
    #[error("{message}")]
    Limit { limit: LimitKind, message: String },
    #[error("`{function}` is withheld: {}", .reason.sentence())]
    Refused { interface: InterfaceName, function: Arc<str>, reason: Withheld },
    #[error("{0}")]
    HostFault(String),
}
