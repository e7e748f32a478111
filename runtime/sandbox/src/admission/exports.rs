//! The tools that a component's exports make: those of the SDK contract, or each plain function. What
//! is no tool is passed over and said, so that nobody wonders where an export went.

use super::{schema, types_are_ours};
use crate::{AdmissionError, Tool, excerpt};
use interlock_authority::{InterfaceName, catalogue::WitPackage};
use std::collections::{BTreeMap, BTreeSet};
use wasmtime::{
    Engine,
    component::{
        Component, ComponentExportIndex,
        types::{ComponentFunc, ComponentInstance, ComponentItem},
    },
};

/// The contract of SDK plugins.
const TOOLS: &str = "interlock:tool/tools@0.1.0";
const TOOL_WIT: &str = include_str!("../../../../guest-sdk/wit/tool/tool.wit");
/// The most tools of one plugin.
pub(super) const MAX_TOOLS: usize = 128;
/// The most exported functions that are looked at, to find those that can be tools.
const MAX_CANDIDATES: usize = 4_096;
/// The longest description that a signature makes.
const MAX_SIGNATURE: usize = 2_000;

/// An export that can be called.
#[derive(Clone)]
pub(crate) struct Export {
    pub(crate) index: ComponentExportIndex,
    pub(crate) function: ComponentFunc,
}

/// What the exports make.
pub(super) enum Exports {
    /// A plugin of the SDK contract.
    Sdk { describe: Export, call: Export },
    /// Plain functions.
    Wit(Vec<(Tool, Export)>),
}

/// Reads the exports, and why some are passed over.
///
/// # Errors
/// No tool, too many, or another version of the SDK contract.
pub(super) fn read(
    engine: &Engine,
    component: &Component,
) -> Result<(Exports, Vec<String>), AdmissionError> {
    let ty = component.component_type();
    let mut passed_over = Vec::new();
    let mut sdk = None;
    let mut candidates = Vec::new();
    for (name, export) in ty.exports(engine) {
        match export.ty {
            ComponentItem::ComponentInstance(instance) if name == TOOLS => {
                sdk = Some(sdk_exports(engine, component, &instance)?);
            }
            ComponentItem::ComponentInstance(_) if name.starts_with("interlock:tool/") => {
                let name = excerpt::name(name);
                passed_over
                    .push(format!("`{name}` is another version; this host speaks `{TOOLS}`"));
            }
            ComponentItem::ComponentInstance(_) if name.starts_with("wasi:") => {
                let name = excerpt::name(name);
                passed_over.push(format!("`{name}` is an entry point of WASI, not a tool"));
            }
            // componentize-py leaves the interface that it initialised the component with.
            ComponentItem::ComponentInstance(_) if name == "exports" => {
                passed_over.push("`exports` is an interface of componentize-py's own".into());
            }
            ComponentItem::ComponentInstance(instance) => {
                let Some(parent) = component.get_export_index(None, name) else { continue };
                for (item, export) in instance.exports(engine) {
                    if let ComponentItem::ComponentFunc(function) = export.ty {
                        let index = component.get_export_index(Some(&parent), item);
                        candidates.push((Some(name.to_owned()), item.to_owned(), index, function));
                    }
                }
            }
            ComponentItem::ComponentFunc(function) => {
                let index = component.get_export_index(None, name);
                candidates.push((None, name.to_owned(), index, function));
            }
            ComponentItem::Type(_) => {}
            _ => {
                let name = excerpt::name(name);
                passed_over.push(format!("`{name}` is neither a function nor an interface"));
            }
        }
    }
    if let Some(exports) = sdk {
        let also = candidates.iter().map(|(interface, name, ..)| {
            format!(
                "{} is beside `{TOOLS}`, which alone has this plugin's tools",
                full(interface.as_deref(), name)
            )
        });
        passed_over.extend(also);
        return Ok((exports, excerpt::sentences(passed_over)));
    }
    if candidates.len() > MAX_CANDIDATES {
        return Err(AdmissionError::OutOfBounds(format!(
            "it exports {} functions; at most {MAX_CANDIDATES} are looked at",
            candidates.len()
        )));
    }
    let mut tools = Vec::new();
    for (interface, name, index, function) in candidates {
        // One too many is enough to refuse it.
        if tools.len() > MAX_TOOLS {
            break;
        }
        let place = full(interface.as_deref(), &name);
        let usable = is_tool_name(&name)
            .then_some(())
            .ok_or_else(|| "its name is not of the form [a-z0-9][a-z0-9-]{0,62}".to_owned())
            .and_then(|()| schema::describe(&function));
        match (usable, index) {
            (Ok(described), Some(index)) => {
                tools.push((interface, name, described, Export { index, function }));
            }
            (Err(why), _) => passed_over.push(format!("{place}: {why}")),
            (_, None) => passed_over.push(format!("{place}: it cannot be looked up")),
        }
    }
    let tools = named(tools, &mut passed_over);
    if tools.is_empty() {
        return Err(AdmissionError::NoTools { passed_over: excerpt::sentences(passed_over) });
    }
    if tools.len() > MAX_TOOLS {
        return Err(AdmissionError::OutOfBounds(format!("it has more than {MAX_TOOLS} tools")));
    }
    Ok((Exports::Wit(tools), excerpt::sentences(passed_over)))
}

type Candidate = (Option<String>, String, schema::Described, Export);

/// Gives each function its tool name: its own, or `interface-function` where several have one name.
fn named(found: Vec<Candidate>, passed_over: &mut Vec<String>) -> Vec<(Tool, Export)> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for (_, name, ..) in &found {
        *times.entry(name.clone()).or_default() += 1;
    }
    let (mut taken, mut tools) = (BTreeSet::new(), Vec::new());
    for (interface, function, described, export) in found {
        let several = times.get(&function).is_some_and(|times| *times > 1);
        let name = match &interface {
            Some(interface) if several => format!("{}-{function}", short(interface)),
            _ => function.clone(),
        };
        let place = full(interface.as_deref(), &function);
        if !is_tool_name(&name) || !taken.insert(name.clone()) {
            let name = excerpt::name(&name);
            passed_over.push(format!("{place}: the tool name `{name}` is taken or too long"));
            continue;
        }
        let signature: String = described.signature.chars().take(MAX_SIGNATURE).collect();
        let tool = Tool {
            name,
            title: None,
            description: format!("{place}: {signature}"),
            input_schema: described.input,
            output_schema: described.output,
            uses: None,
        };
        tools.push((tool, export));
    }
    tools.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    tools
}

/// `[a-z0-9][a-z0-9-]{0,62}`.
pub(super) fn is_tool_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `docs:adder/add@0.1.0` is `add`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Where a function is, for a sentence.
fn full(interface: Option<&str>, function: &str) -> String {
    let function = excerpt::name(function);
    match interface {
        Some(interface) => format!("`{}` `{function}`", excerpt::name(interface)),
        None => format!("`{function}`"),
    }
}

/// The two functions of the contract, held to the contract's own WIT.
fn sdk_exports(
    engine: &Engine,
    component: &Component,
    instance: &ComponentInstance,
) -> Result<Exports, AdmissionError> {
    let wrong = |function: &str, difference: String| AdmissionError::WrongType {
        interface: TOOLS.into(),
        function: function.into(),
        difference: excerpt::sentence(difference),
    };
    let contract =
        |e: &dyn std::fmt::Display| wrong("", format!("the host's own WIT is unreadable: {e}"));
    let wit =
        WitPackage::parse(&[("tool.wit".into(), TOOL_WIT.into())]).map_err(|e| contract(&e))?;
    let name: InterfaceName = TOOLS.parse().map_err(|e| contract(&e))?;
    let ours = wit.interface(&name).and_then(|id| wit.resolve.interfaces.get(id));
    let find = |function: &str| {
        let ours = ours.and_then(|ours| ours.functions.get(function));
        let theirs = instance.get_export(engine, function).map(|export| export.ty);
        let parent = component.get_export_index(None, TOOLS);
        let index = parent.and_then(|p| component.get_export_index(Some(&p), function));
        match (ours, theirs, index) {
            (Some(ours), Some(ComponentItem::ComponentFunc(function_type)), Some(index)) => {
                types_are_ours::compare(&function_type, ours, &wit.resolve)
                    .map_err(|difference| wrong(function, difference))?;
                Ok(Export { index, function: function_type })
            }
            _ => Err(wrong(function, "the plugin does not export it".into())),
        }
    };
    Ok(Exports::Sdk { describe: find("describe")?, call: find("call")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_name_is_a_short_word_of_known_characters() {
        let (long, longer) = ("x".repeat(63), "x".repeat(64));
        for good in ["a", "z", "0", "9", "heal-2", "a-", "a--b", &long] {
            assert!(is_tool_name(good), "{good}");
        }
        for bad in ["", "-", "-a", "A", "aB", "a_b", "a b", "a.b", "ä", "aä", "a\n", &longer] {
            assert!(!is_tool_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_interface_is_short_for_its_name() {
        for (interface, name) in [
            ("docs:adder/add@0.1.0", "add"),
            ("docs:adder/add", "add"),
            ("add@0.1.0", "add"),
            ("add", "add"),
        ] {
            assert_eq!(short(interface), name);
        }
    }
}
