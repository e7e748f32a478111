//! The two things that an imported capability function can be: a call of the gate, or a stub that
//! refuses and holds nothing.
//!
//! INVARIANT ONE-DOOR: `define` is the only place that gives a guest a function which is not WASI's.

use crate::{
    Gate, GateAnswer, GuestCall,
    run::{RunState, Stop},
    value::{Floats, from_json, json_bytes, to_json},
};
use interlock_authority::{InterfaceName, LinkState, catalogue::DeniedCase, refusal::Withheld};
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Val, types::ComponentFunc},
};

/// Defines one function in the state that the invocation gives it.
pub(super) fn define(
    instance: &mut LinkerInstance<'_, RunState>,
    interface: &InterfaceName,
    function: &str,
    state: LinkState,
    denied: DeniedCase,
) -> wasmtime::Result<()> {
    let door = Door { interface: interface.clone(), function: function.into(), denied };
    match state {
        LinkState::Live => instance.func_new_async(function, move |store, ty, params, results| {
            let (door, gate) = (door.clone(), store.data().gate());
            Box::new(async move { door.call(gate, &ty, params, results).await })
        }),
        LinkState::Withheld(reason) => {
            instance.func_new_async(function, move |store, _, _, results| {
                let answer = door.withheld(&store, reason, results);
                Box::new(std::future::ready(answer))
            })
        }
    }
}

#[derive(Clone)]
struct Door {
    interface: InterfaceName,
    function: Arc<str>,
    denied: DeniedCase,
}

impl Door {
    async fn call(
        &self,
        gate: Option<Arc<dyn Gate>>,
        ty: &ComponentFunc,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let Some(gate) = gate else {
            return Err(self.fault("it is live, but the run has no gate".into()));
        };
        let arguments: Result<Vec<Value>, String> = params
            .iter()
            .zip(ty.params())
            .map(|(val, (name, ty))| {
                to_json(val, &ty, Floats::Refused).map_err(|misfit| misfit.within(name).to_string())
            })
            .collect();
        let bytes = arguments.iter().flatten().map(json_bytes).fold(0, u64::saturating_add);
        let call = GuestCall {
            interface: self.interface.clone(),
            function: self.function.clone(),
            arguments,
            bytes,
        };
        match gate.call(call).await {
            GateAnswer::Result(value) => self.answer(&value, ty, results),
            GateAnswer::Denied { code, sentence } => self.deny(code, &sentence, results),
            GateAnswer::End { message, limit: true, .. } => {
                Err(Stop::Limit { limit: crate::LimitKind::Gate, message }.into())
            }
            GateAnswer::End { code, message, limit: false } => {
                Err(Stop::Ended { code, message }.into())
            }
        }
    }

    /// Gives the guest what the provider returned. It was checked against nothing yet.
    fn answer(
        &self,
        value: &Value,
        ty: &ComponentFunc,
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        match (ty.results().next(), results) {
            (Some(ty), [slot]) => {
                *slot = from_json(value, &ty).map_err(|misfit| {
                    self.fault(format!("its provider's result does not fit its WIT: {misfit}"))
                })?;
                Ok(())
            }
            (None, []) if value.is_null() => Ok(()),
            _ => Err(self.fault("its provider returned a value that its WIT does not have".into())),
        }
    }

    fn withheld(
        &self,
        store: &StoreContextMut<'_, RunState>,
        reason: Withheld,
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        store.data().observed().withheld(&self.interface, &self.function, reason);
        if self.denied == DeniedCase::Absent {
            let (interface, function) = (self.interface.clone(), self.function.clone());
            return Err(Stop::Refused { interface, function, reason }.into());
        }
        self.deny(reason.code().into(), reason.sentence(), results)
    }

    /// Says no in the function's own words where its WIT has them, and ends the run where not.
    fn deny(
        &self,
        code: Cow<'static, str>,
        sentence: &str,
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let payload = match self.denied {
            DeniedCase::Absent => None,
            DeniedCase::Bare => Some(None),
            DeniedCase::Text => Some(Some(Box::new(Val::String(format!("{code}: {sentence}"))))),
        };
        match (payload, results) {
            (Some(payload), [slot]) => {
                let denied = Val::Variant("denied".into(), payload);
                *slot = Val::Result(Err(Some(Box::new(denied))));
                Ok(())
            }
            _ => Err(Stop::Ended { code, message: sentence.to_owned() }.into()),
        }
    }

    fn fault(&self, problem: String) -> wasmtime::Error {
        Stop::HostFault(format!("`{}` `{}`: {problem}", self.interface, self.function)).into()
    }
}
