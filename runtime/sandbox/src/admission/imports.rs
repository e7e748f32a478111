//! What a plugin imports, sorted: capabilities, the inert floor, types that need no definition, and
//! what this host does not know. Capability names match byte for byte: the engine's own linker would
//! satisfy `@0.1.7` with `@0.1.0`.

use super::{UnknownImport, types_are_ours};
use crate::{AdmissionError, excerpt, floor::FloorInterface, link::Linkable};
use interlock_authority::{Catalogue, InterfaceName, authorize::Imports, catalogue::Interface};
use wasmtime::{
    Engine,
    component::types::{Component, ComponentFunc, ComponentInstance, ComponentItem},
};

/// The imports of one plugin.
#[derive(Default)]
pub(super) struct ImportSheet {
    /// Capability functions by interface.
    pub(super) imports: Imports,
    /// WASI interfaces.
    pub(super) inert: Vec<String>,
    /// What can be linked of all this.
    pub(super) linkable: Linkable,
    /// What cannot.
    pub(super) unknown: Vec<UnknownImport>,
    /// The first function that is not the host's.
    pub(super) wrong_type: Option<AdmissionError>,
}

/// Reads the imports.
pub(super) fn read(engine: &Engine, component: &Component, catalogue: &Catalogue) -> ImportSheet {
    let mut sheet = ImportSheet::default();
    for (name, import) in component.imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                sheet.instance(engine, name, &instance, catalogue);
            }
            // An alias of a type that another import brings.
            ComponentItem::Type(_) => {}
            other => sheet.unknown(name, unsupported(&other)),
        }
    }
    sheet
}

impl ImportSheet {
    fn unknown(&mut self, import: &str, problem: impl Into<String>) {
        self.unknown.push(UnknownImport { import: excerpt::name(import), problem: problem.into() });
    }

    fn instance(
        &mut self,
        engine: &Engine,
        name: &str,
        instance: &ComponentInstance,
        catalogue: &Catalogue,
    ) {
        if name.starts_with("wasi:") {
            match FloorInterface::parse(name) {
                Ok(interface) => {
                    self.linkable.floor.push(interface);
                    self.inert.push(name.to_owned());
                }
                Err(problem) => self.unknown(name, problem),
            }
            return;
        }
        let mut functions = Vec::new();
        for (item, export) in instance.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(function) => {
                    functions.push((item.to_owned(), function));
                }
                ComponentItem::Type(_) => {}
                other => return self.unknown(&format!("{name}#{item}"), unsupported(&other)),
            }
        }
        if functions.is_empty() {
            return;
        }
        let parsed: Option<InterfaceName> = name.parse().ok();
        match parsed.as_ref().and_then(|name| catalogue.interface(name)) {
            Some(interface) => self.capability(interface, functions),
            None => self.unknown(name, missing(name, catalogue)),
        }
    }

    fn capability(&mut self, interface: &Interface, functions: Vec<(String, ComponentFunc)>) {
        let name = &interface.name;
        let wit = &interface.wit;
        let ours = wit.interface(name).and_then(|id| wit.resolve.interfaces.get(id));
        for (function, guest) in functions {
            let host = ours.and_then(|ours| ours.functions.get(&function));
            let (Some(entry), Some(host)) = (interface.functions.get(&function), host) else {
                let known: Vec<&str> = interface.functions.keys().map(String::as_str).collect();
                self.unknown(
                    &format!("{name}#{function}"),
                    format!("but the host's interface has only {}", known.join(", ")),
                );
                continue;
            };
            if let Err(difference) = types_are_ours::compare(&guest, host, &wit.resolve) {
                self.wrong_type.get_or_insert(AdmissionError::WrongType {
                    interface: name.to_string(),
                    function: function.clone(),
                    difference: excerpt::sentence(difference),
                });
            }
            self.imports.entry(name.clone()).or_default().insert(function.clone());
            let linkable = self.linkable.functions.entry(name.clone()).or_default();
            linkable.insert(function, entry.denied);
        }
    }
}

fn unsupported(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) => {
            "which is a function outside an interface; capabilities are interfaces with a version"
        }
        ComponentItem::Resource(_) => "which is a resource; capabilities carry plain values only",
        ComponentItem::Module(_) | ComponentItem::CoreFunc(_) => {
            "which is core WebAssembly; this host provides interfaces only"
        }
        ComponentItem::Component(_) => "which is a component; this host provides interfaces only",
        ComponentItem::ComponentInstance(_) => {
            "which is an interface inside an interface; this host has none"
        }
        ComponentItem::Type(_) => "which is a type",
    }
}

/// Why an interface is not there: most often it is there in another version.
fn missing(name: &str, catalogue: &Catalogue) -> String {
    let unversioned = name.split_once('@').map_or(name, |(name, _)| name);
    let others: Vec<String> = catalogue
        .interfaces()
        .filter(|interface| interface.name.unversioned() == unversioned)
        .map(|interface| format!("`{}`", interface.name))
        .collect();
    if !others.is_empty() {
        return format!(
            "but this host has {}; versions match exactly, so build the plugin against that one",
            others.join(" and ")
        );
    }
    let known: Vec<String> =
        catalogue.interfaces().map(|interface| format!("`{}`", interface.name)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("which no catalogue of this host describes; it has {known}")
}
