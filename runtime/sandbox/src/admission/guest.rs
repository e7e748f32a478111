//! Functions of guests, for tests: the engine reads the type of an import without any code behind it.

use crate::engine::TickingEngine;
use std::sync::OnceLock;
use wasmtime::component::{
    Component,
    types::{ComponentFunc, ComponentItem},
};

/// The engine of these tests.
pub(crate) fn engine() -> &'static wasmtime::Engine {
    static ENGINE: OnceLock<TickingEngine> = OnceLock::new();
    ENGINE.get_or_init(TickingEngine::stopped).engine()
}

/// A function with this signature, in an interface that declares these types: both as text of WebAssembly.
pub(crate) fn function(types: &str, signature: &str) -> ComponentFunc {
    let text = format!(
        "(component (import \"a:b/c@1.0.0\" (instance {types} (export \"f\" (func {signature})))))"
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let component = Component::new(engine(), bytes).unwrap_or_else(|e| panic!("{e:#}\n{text}"));
    let component = component.component_type();
    let (_, import) = component.imports(engine()).next().expect("there is one import");
    let ComponentItem::ComponentInstance(instance) = import.ty else { panic!("no instance") };
    match instance.get_export(engine(), "f").expect("it has the function").ty {
        ComponentItem::ComponentFunc(function) => function,
        other => panic!("{other:?}"),
    }
}

/// The declaration of a type that must have a name.
pub(crate) fn named(name: &str, ty: &str) -> String {
    format!("(type ${name}' {ty}) (export \"{name}\" (type ${name} (eq ${name}')))\n")
}
