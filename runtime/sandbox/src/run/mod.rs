//! One call of one export, in a store of its own, under limits, with an end in time.
//!
//! Two watches end a run. The epoch makes a loop look at the clock and at the interrupt; an outer timeout
//! drops the run's future together with its store, which also ends a pending gate call or a sleep. Nothing
//! of a store is reused.

mod classify;
mod limiter;
mod state;

pub(crate) use state::{Observed, RunState, Stop};

use crate::{
    Gate, RunOutcome, RunSettings,
    engine::{FUEL_BETWEEN_YIELDS, TickingEngine},
    report::LimitKind,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use wasmtime::{
    Store, UpdateDeadline,
    component::{ComponentExportIndex, InstancePre, Val},
};

/// One call to make.
pub(crate) struct Call<'a> {
    pub(crate) engine: &'a TickingEngine,
    pub(crate) instance: &'a InstancePre<RunState>,
    pub(crate) export: ComponentExportIndex,
    pub(crate) parameters: Vec<Val>,
    pub(crate) results: usize,
    pub(crate) settings: &'a RunSettings,
    /// `None` where no capability is live: then no provider can be reached from this store.
    pub(crate) gate: Option<Arc<dyn Gate>>,
    pub(crate) observed: Arc<Observed>,
}

/// What a call that came to its end gave.
pub(crate) struct Returned {
    pub(crate) results: Vec<Val>,
    pub(crate) fuel: u64,
}

/// Makes the call.
///
/// # Errors
/// How the run ended instead.
pub(crate) async fn call(call: Call<'_>) -> Result<Returned, RunOutcome> {
    let limits = call.settings.limits.clone();
    let now = Instant::now();
    let own = now.checked_add(limits.time).unwrap_or_else(|| now + Duration::from_secs(86_400));
    let deadline = call.settings.deadline.map_or(own, |given| given.min(own));
    let allowed = deadline.saturating_duration_since(now);
    let state = RunState::new(call.settings, call.gate, &call.observed, deadline)
        .map_err(|message| RunOutcome::HostFault { message })?;
    let fault = |e: wasmtime::Error| RunOutcome::HostFault { message: format!("{e:#}") };
    let fuel = limits.fuel.unwrap_or(u64::MAX);

    let mut store = Store::new(call.engine.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_fuel(fuel).map_err(fault)?;
    store.fuel_async_yield_interval(Some(FUEL_BETWEEN_YIELDS)).map_err(fault)?;
    store.set_hostcall_fuel(usize::try_from(limits.call).unwrap_or(usize::MAX));
    store.set_max_component_handles(limits.component_handles as usize);
    store.set_epoch_deadline(1);
    let ends = deadline.into_std();
    let interrupt = call.settings.interrupt.clone();
    let pulled = interrupt.clone();
    store.epoch_deadline_callback(move |_| {
        if std::time::Instant::now() >= ends || pulled.is_pulled() {
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::Yield(1))
    });

    let _ticking = call.engine.activate();
    let (instance, export, results) = (call.instance, call.export, call.results);
    let parameters = call.parameters;
    // The store moves into the future: a timeout drops both together, never a call alone
    // (CVE-2026-27195).
    let run = async move {
        let instance = instance.instantiate_async(&mut store).await?;
        let Some(function) = instance.get_func(&mut store, export) else {
            return Err(Stop::HostFault("the export is gone".into()).into());
        };
        let mut values = vec![Val::Bool(false); results];
        function.call_async(&mut store, &parameters, &mut values).await?;
        let left = store.get_fuel().unwrap_or(0);
        Ok(Returned { results: values, fuel: fuel.saturating_sub(left) })
    };
    let ended = tokio::select! {
        // First, so that a run that was cancelled before it began runs nothing.
        biased;
        () = interrupt.pulled() => return Err(RunOutcome::Cancelled),
        ended = tokio::time::timeout_at(deadline, run) => ended,
    };
    match ended {
        Ok(Ok(returned)) => Ok(returned),
        Ok(Err(error)) if interrupt.is_pulled() && classify::interrupted(&error) => {
            Err(RunOutcome::Cancelled)
        }
        Ok(Err(error)) => Err(classify::outcome(&error, &limits, allowed)),
        Err(_) => Err(out_of_time(allowed)),
    }
}

/// The outcome of a run that did not end by itself.
fn out_of_time(time: Duration) -> RunOutcome {
    RunOutcome::Limit {
        limit: LimitKind::Time,
        message: format!("the run did not end in time; it had {} ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests;
