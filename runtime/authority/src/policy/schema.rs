//! The Cedar schema, generated from the catalogues and their WIT: a policy that names a function or an
//! argument that does not exist is an error at its line, not a rule that silently never matches.

use super::{Attribute, Directory};
use crate::{
    catalogue::{Catalogue, Interface},
    vocabulary::Class,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};
use wit_parser::{Resolve, Type, TypeDefKind};

/// How one argument reaches policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Long,
    Text,
    Set(Box<Shape>),
    Record(BTreeMap<String, Field>),
}

/// A field of a record, or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    pub(super) optional: bool,
}

/// The arguments of a function that policies can see, and the names of those that they cannot.
fn arguments(interface: &Interface, function: &str) -> (BTreeMap<String, Field>, Vec<String>) {
    let (mut seen, mut unseen) = (BTreeMap::new(), Vec::new());
    let resolve = &interface.wit.resolve;
    let wit = interface
        .wit
        .interface(&interface.name)
        .and_then(|id| resolve.interfaces.get(id))
        .and_then(|wit| wit.functions.get(function));
    for parameter in wit.into_iter().flat_map(|wit| &wit.params) {
        match field(resolve, &parameter.ty) {
            Some(field) => _ = seen.insert(parameter.name.clone(), field),
            None => unseen.push(parameter.name.clone()),
        }
    }
    (seen, unseen)
}

/// The arguments that policies can see, by the action of their function.
pub(super) fn all_arguments(catalogue: &Catalogue) -> HashMap<String, BTreeMap<String, Field>> {
    let of = |interface: &Interface, name: &String| {
        (action(&interface.name, name), arguments(interface, name).0)
    };
    let interfaces = catalogue.interfaces();
    interfaces.flat_map(|i| i.functions.keys().map(move |name| of(i, name))).collect()
}

fn field(resolve: &Resolve, ty: &Type) -> Option<Field> {
    if let Type::Id(id) = ty
        && let TypeDefKind::Option(inner) = &resolve.types.get(*id)?.kind
    {
        // An option of an option has no form here.
        let inner = field(resolve, inner).filter(|f| !f.optional)?;
        return Some(Field { shape: inner.shape, optional: true });
    }
    shape(resolve, ty).map(|shape| Field { shape, optional: false })
}

fn shape(resolve: &Resolve, ty: &Type) -> Option<Shape> {
    Some(match ty {
        Type::Bool => Shape::Bool,
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::S8
        | Type::S16
        | Type::S32
        | Type::S64 => Shape::Long,
        Type::Char | Type::String => Shape::Text,
        Type::F32 | Type::F64 | Type::ErrorContext => return None,
        Type::Id(id) => match &resolve.types.get(*id)?.kind {
            TypeDefKind::Type(inner) => shape(resolve, inner)?,
            TypeDefKind::Enum(_) => Shape::Text,
            // Bytes are not for policies.
            TypeDefKind::List(Type::U8) => return None,
            TypeDefKind::List(inner) => Shape::Set(Box::new(shape(resolve, inner)?)),
            TypeDefKind::Record(record) => Shape::Record(
                record
                    .fields
                    .iter()
                    .filter_map(|f| Some((f.name.clone(), field(resolve, &f.ty)?)))
                    .collect(),
            ),
            _ => return None,
        },
    })
}

/// The name of a function's action.
pub(super) fn action(interface: &crate::InterfaceName, function: &str) -> String {
    format!("{interface}#{function}")
}

/// The actions that are not a function's, nor a group of such.
pub(super) const ALONE: [&str; 3] = ["invoke", "apply-plan", "elevate"];

/// The schema as Cedar's text.
pub(super) fn text(catalogue: &Catalogue, directory: &Directory) -> String {
    let mut out = String::from(
        "entity Team;\nentity Agent in [Team];\nentity Person in [Team];\nentity Tool;\n",
    );
    let mut attributes: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, attribute) in directory.attributes.values().flatten() {
        let ty = match attribute {
            Attribute::Bool(_) => "Bool",
            Attribute::Long(_) => "Long",
            Attribute::Text(_) => "String",
        };
        attributes.insert(name, ty);
    }
    let attributes: Vec<String> =
        attributes.iter().map(|(name, ty)| format!("{}?: {ty}", quoted(name))).collect();
    let _ = writeln!(out, "entity Resource in [Resource] {{ {} }};", attributes.join(", "));
    out.push_str(
        "type Plugin = { \"name\": String, \"digest\": String, \"publisher\"?: String };\n",
    );
    out.push_str("type Run = { \"effects\": Long };\n");
    let asks = "principal: [Agent, Person]";
    let _ = writeln!(
        out,
        "action \"invoke\" appliesTo {{ {asks}, resource: [Tool], context: {{ \"plugin\": Plugin }} }};"
    );
    let _ = writeln!(
        out,
        "action \"apply-plan\" appliesTo {{ {asks}, resource: [Tool], context: {{ \"plugin\": Plugin, \"plan\": {{ \"effects\": Long, \"destroys\": Long, \"resources\": Long, \"recreates\": Bool }} }} }};"
    );
    let _ = writeln!(
        out,
        "action \"elevate\" appliesTo {{ {asks}, resource: [Resource], context: {{ \"plugin\": Plugin, \"effects\": Long, \"seconds\": Long }} }};"
    );
    for class in [Class::Read, Class::Change, Class::Destroy] {
        let _ = writeln!(out, "action \"{class}\";");
    }
    for interface in catalogue.interfaces() {
        let _ = writeln!(out, "action {};", quoted(interface.name.as_str()));
        for (name, function) in &interface.functions {
            let (seen, unseen) = arguments(interface, name);
            if !unseen.is_empty() {
                let _ = writeln!(out, "// not for policies: {}", unseen.join(", "));
            }
            let _ = writeln!(
                out,
                "action {} in [\"{}\", {}] appliesTo {{ {asks}, resource: [Resource], context: {{ \"arguments\": {}, \"plugin\": Plugin, \"tool\": String, \"run\": Run }} }};",
                quoted(&action(&interface.name, name)),
                function.class,
                quoted(interface.name.as_str()),
                record(&seen)
            );
        }
    }
    out
}

fn record(fields: &BTreeMap<String, Field>) -> String {
    let all: Vec<String> = fields
        .iter()
        .map(|(name, field)| {
            let mark = if field.optional { "?" } else { "" };
            format!("{}{mark}: {}", quoted(name), ty(&field.shape))
        })
        .collect();
    format!("{{ {} }}", all.join(", "))
}

fn ty(shape: &Shape) -> String {
    match shape {
        Shape::Bool => "Bool".to_owned(),
        Shape::Long => "Long".to_owned(),
        Shape::Text => "String".to_owned(),
        Shape::Set(inner) => format!("Set<{}>", ty(inner)),
        Shape::Record(fields) => record(fields),
    }
}

/// Names here hold letters, digits and a few marks, none of which Cedar would read as an escape.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace(['"', '\\'], "_"))
}
