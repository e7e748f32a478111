//! Linking one invocation: the floor that the plugin imports, and exactly the capability functions
//! that its invocation has. There is no helper here that defines whatever is missing.

mod door;

use crate::{
    excerpt,
    floor::{self, FloorInterface},
    run::{RunState, Stop},
};
use interlock_authority::{InterfaceName, LinkState, catalogue::DeniedCase};
use std::collections::BTreeMap;
use wasmtime::{
    Engine,
    component::{Component, Linker, types::ComponentItem},
};

/// The link states of one invocation, by interface and function.
pub(crate) type Links = BTreeMap<InterfaceName, BTreeMap<String, LinkState>>;

/// What a plugin may have linked at most: its imports, as admission understood them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Linkable {
    /// WASI interfaces.
    pub(crate) floor: Vec<FloorInterface>,
    /// Capability functions, with how each can say `denied`.
    pub(crate) functions: BTreeMap<InterfaceName, BTreeMap<String, DeniedCase>>,
}

impl Linkable {
    /// All capability functions in one state.
    pub(crate) fn all(&self, state: LinkState) -> Links {
        let of = |functions: &BTreeMap<String, DeniedCase>| {
            functions.keys().map(|function| (function.clone(), state)).collect()
        };
        self.functions.iter().map(|(name, functions)| (name.clone(), of(functions))).collect()
    }
}

/// Builds the linker of one invocation.
///
/// INVARIANT ABSENT-NOT-DENIED: a function without a link state is not defined, so the engine refuses
/// to instantiate a plugin that imports it, before a store exists.
pub(crate) fn linker(
    engine: &Engine,
    linkable: &Linkable,
    links: &Links,
) -> wasmtime::Result<Linker<RunState>> {
    let mut linker = Linker::new(engine);
    for interface in &linkable.floor {
        floor::link(&mut linker, *interface)?;
    }
    for (name, states) in links {
        let Some(imported) = linkable.functions.get(name) else { continue };
        let mut instance = linker.instance(name.as_str())?;
        for (function, state) in states {
            let Some(denied) = imported.get(function) else { continue };
            door::define(&mut instance, name, function, *state, *denied)?;
        }
    }
    Ok(linker)
}

/// Defines what `links` leaves out, as functions that trap: for `inspect` alone, where a plugin with
/// imports that this host does not know still says what its tools are. No provider is near it.
pub(crate) fn stub_unknown(
    engine: &Engine,
    linker: &mut Linker<RunState>,
    component: &Component,
    links: &Links,
) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        let known = links.keys().any(|known| known.as_str() == name);
        if known || FloorInterface::parse(name).is_ok() {
            continue;
        }
        let mut stub = linker.instance(name)?;
        for (function, export) in instance.exports(engine) {
            if let ComponentItem::ComponentFunc(_) = export.ty {
                let (name, item) = (excerpt::name(name), excerpt::name(function));
                let message = format!("the plugin calls `{name}` `{item}`, which is not there");
                let stop = Stop::Ended { code: "unknown-import".into(), message };
                stub.func_new(function, move |_, _, _, _| Err(stop.clone().into()))?;
            }
        }
    }
    Ok(())
}
