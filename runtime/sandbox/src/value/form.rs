//! The JSON form of a function's parameters, for whoever wants to see it without running anything: tools around the
//! host, and the fuzzer, which holds the conversion to types that nobody chose. It is the conversion that calls
//! go through, both ways; there is no second one that could be right while the real one is wrong.

use super::{Floats, fields_from, to_json};
use crate::{PluginBytes, admission::schema, engine::config};
use serde_json::{Map, Value};
use std::sync::OnceLock;
use wasmtime::{
    Engine,
    component::{Component, Type, types::ComponentItem},
};

/// The parameters of one imported function, as JSON sees them.
pub struct JsonForm {
    parameters: Vec<(String, Type)>,
    schema: Value,
}

impl JsonForm {
    /// The form of the first function that a component imports. Nothing of the component is run.
    ///
    /// # Errors
    /// Why there is none: no such component, no such import, or a type that JSON cannot say.
    pub fn of_first_import(component: &PluginBytes) -> Result<Self, String> {
        static ENGINE: OnceLock<Option<Engine>> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new(&config()).ok());
        let engine = engine.as_ref().ok_or("the engine cannot start")?;
        let component =
            Component::new(engine, component.bytes()).map_err(|error| format!("{error:#}"))?;
        let ty = component.component_type();
        let function = ty.imports(engine).find_map(|(_, import)| match import.ty {
            ComponentItem::ComponentFunc(function) => Some(function),
            ComponentItem::ComponentInstance(instance) => {
                instance.exports(engine).find_map(|(_, export)| match export.ty {
                    ComponentItem::ComponentFunc(function) => Some(function),
                    _ => None,
                })
            }
            _ => None,
        });
        let function = function.ok_or("the component imports no function")?;
        let schema = schema::describe(&function)?.input;
        let parameters = function.params().map(|(name, ty)| (name.to_owned(), ty)).collect();
        Ok(Self { parameters, schema })
    }

    /// The JSON Schema of the parameters, as agents are shown it for a tool.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The parameters as the host writes them: taken from JSON to component values, and from those to JSON.
    ///
    /// # Errors
    /// What does not fit the types, and where.
    pub fn rewritten(&self, parameters: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let fields: Vec<(&str, Type)> =
            self.parameters.iter().map(|(name, ty)| (name.as_str(), ty.clone())).collect();
        let values = fields_from(parameters, &fields).map_err(|misfit| misfit.to_string())?;
        let written = values.iter().zip(&self.parameters).map(|((name, value), (_, ty))| {
            let value = to_json(value, ty, Floats::Refused).map_err(|misfit| misfit.to_string())?;
            Ok((name.clone(), value))
        });
        written.collect()
    }
}
