//! The floor of everything that runs a plugin: wasmtime alone, with the engine's settings and a WASI context in each
//! store as in the host's, and nothing of Interlock. A call of WASI would trap. Each call has a new store and a new instance.

use anyhow::{Context, Result, anyhow, bail};
use interlock::sandbox::engine_config;
use wasmtime::{
    Engine, Store,
    component::{
        Component, ComponentExportIndex, ComponentType, InstancePre, Lift, Linker, ResourceTable,
        Val,
    },
};
use wasmtime_wasi::WasiCtx;

/// What a store holds.
pub(crate) struct State {
    _wasi: WasiCtx,
    _table: ResourceTable,
}

impl State {
    fn new() -> Self {
        Self { _wasi: WasiCtx::builder().build(), _table: ResourceTable::new() }
    }
}

/// An engine with the sandbox's settings: with other ones another program would be measured.
fn engine() -> Result<Engine> {
    Engine::new(&engine_config()).map_err(|e| anyhow!("no engine: {e:#}"))
}

/// A component, ready to be instantiated.
pub(crate) struct Raw {
    engine: Engine,
    component: Component,
    instance: InstancePre<State>,
}

/// `error-kind` and `tool-error` of the SDK contract, for the typed call.
#[derive(Debug, ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "it is lifted, and nobody looks at it")]
enum Kind {
    #[component(name = "invalid-arguments")]
    InvalidArguments,
    #[component(name = "unknown-tool")]
    UnknownTool,
    #[component(name = "denied")]
    Denied,
    #[component(name = "failed")]
    Failed,
}

#[derive(Debug, ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "it is lifted, and nobody looks at it")]
struct ToolError {
    kind: Kind,
    message: String,
    details: Option<String>,
}

/// How a floor is called.
pub(crate) type Arguments = (String, String);

impl Raw {
    /// Compiles a component. `box` answers its capability, where it imports that.
    ///
    /// # Errors
    /// No component, or imports that are not linked.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self> {
        let engine = engine()?;
        let component = Component::new(&engine, bytes).map_err(|e| anyhow!("{e:#}"))?;
        let mut linker: Linker<State> = Linker::new(&engine);
        let mut look = linker.instance("bench:box/look@1.0.0").map_err(|e| anyhow!("{e:#}"))?;
        let answered = look.func_new_async("stats", |_, _, _, results| {
            Box::new(async move {
                if let [slot] = results {
                    let fine = Val::String("fine".into());
                    *slot = Val::Result(Ok(Some(Box::new(fine))));
                }
                Ok(())
            })
        });
        answered.map_err(|e| anyhow!("{e:#}"))?;
        // No measured call asks WASI for anything, and linking all of its functions takes long to compile.
        linker.define_unknown_imports_as_traps(&component).map_err(|e| anyhow!("{e:#}"))?;
        let instance = linker.instantiate_pre(&component).map_err(|e| anyhow!("{e:#}"))?;
        Ok(Self { engine, component, instance })
    }

    /// The place of an export, by interface and name.
    ///
    /// # Errors
    /// None of that name.
    pub(crate) fn export(
        &self,
        interface: Option<&str>,
        name: &str,
    ) -> Result<ComponentExportIndex> {
        let outer = match interface {
            Some(interface) => {
                Some(self.component.get_export_index(None, interface).context("no interface")?)
            }
            None => None,
        };
        self.component.get_export_index(outer.as_ref(), name).context("no export")
    }

    fn store(&self) -> Result<Store<State>> {
        let mut store = Store::new(&self.engine, State::new());
        store.set_fuel(u64::MAX).map_err(|e| anyhow!("{e:#}"))?;
        store.set_epoch_deadline(1 << 40);
        Ok(store)
    }

    /// A call whose values are looked at one by one, as a host does that knows no types beforehand.
    ///
    /// # Errors
    /// A trap.
    pub(crate) async fn dynamic(
        &self,
        export: &ComponentExportIndex,
        parameters: &[Val],
    ) -> Result<Val> {
        let mut store = self.store()?;
        let called = async {
            let instance = self.instance.instantiate_async(&mut store).await?;
            let function = instance.get_func(&mut store, export);
            let function = function.ok_or_else(|| wasmtime::format_err!("no function"))?;
            let mut results = [Val::Bool(false)];
            function.call_async(&mut store, parameters, &mut results).await?;
            let [result] = results;
            wasmtime::Result::<Val>::Ok(result)
        };
        called.await.map_err(|e| anyhow!("{e:#}"))
    }

    /// A call of an SDK tool whose types are compiled in.
    ///
    /// # Errors
    /// A trap, or the tool's error.
    pub(crate) async fn typed(
        &self,
        export: &ComponentExportIndex,
        arguments: &Arguments,
    ) -> Result<String> {
        let mut store = self.store()?;
        let called = async {
            let instance = self.instance.instantiate_async(&mut store).await?;
            let function = instance
                .get_typed_func::<(&str, &str), (Result<String, ToolError>,)>(&mut store, export)?;
            let (result,) = function.call_async(&mut store, (&arguments.0, &arguments.1)).await?;
            wasmtime::Result::<Result<String, ToolError>>::Ok(result)
        };
        match called.await.map_err(|e| anyhow!("{e:#}"))? {
            Ok(text) => Ok(text),
            Err(error) => bail!("the tool failed: {error:?}"),
        }
    }
}
