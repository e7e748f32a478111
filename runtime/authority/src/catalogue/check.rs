//! Holds a catalogue to its WIT, when the host starts: an unknown function, argument or class, a
//! function that was forgotten, a destructive function among harmless ones. Each is an error with its
//! line, because whatever is wrong here would otherwise be wrong in every later decision.

use super::{
    CatalogueSource, Constraint, DeniedCase, Function, Interface, Parameter, Template, WitPackage,
    raw::{self, RawFunction, RawInterface, line_of},
    wit,
};
use crate::{
    AuthorityError,
    error::list,
    vocabulary::{Class, InterfaceName},
};
use std::{collections::BTreeMap, sync::Arc};
use toml::Spanned;
use wit_parser::{Resolve, Type, TypeDefKind};

struct Place<'a>(&'a CatalogueSource);

impl Place<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: String) -> AuthorityError {
        AuthorityError::Catalogue {
            file: self.0.file.clone(),
            line: Some(line_of(&self.0.text, at.span().start)),
            message,
        }
    }
}

/// Every interface of a catalogue, with the line that names it.
pub(super) fn interfaces(
    source: &CatalogueSource,
) -> Result<Vec<(Option<usize>, Interface)>, AuthorityError> {
    let raw = raw::parse(&source.file, &source.text)?;
    let package = Arc::new(WitPackage::parse(&source.wit)?);
    let place = Place(source);
    raw.interface
        .iter()
        .map(|(name, interface)| {
            let line = line_of(&source.text, name.span().start);
            Ok((Some(line), check_interface(&place, &package, name, interface)?))
        })
        .collect()
}

fn check_interface(
    place: &Place<'_>,
    package: &Arc<WitPackage>,
    key: &Spanned<String>,
    raw: &RawInterface,
) -> Result<Interface, AuthorityError> {
    let name: InterfaceName =
        key.get_ref().parse().map_err(|e: AuthorityError| place.error(key, e.to_string()))?;
    let resolve = &package.resolve;
    let found = package.interface(&name).and_then(|id| resolve.interfaces.get(id));
    let Some(interface) = found else {
        let known: Vec<String> = resolve
            .packages
            .get(package.package)
            .into_iter()
            .flat_map(|p| p.interfaces.values())
            .filter_map(|id| resolve.id_of(*id))
            .collect();
        return Err(place.error(key, format!("the WIT has no `{name}`; it has {}", list(&known))));
    };
    let mut functions = BTreeMap::new();
    for (function, entry) in &raw.function {
        let Some(wit) = interface.functions.get(function.get_ref()) else {
            let known: Vec<&String> = interface.functions.keys().collect();
            let message = format!(
                "`{name}` has no function `{}`; it has {}",
                function.get_ref(),
                list(&known)
            );
            return Err(place.error(function, message));
        };
        if let Some(why) = wit::unsupported(resolve, wit) {
            return Err(place.error(function, format!("`{}`: {why}", function.get_ref())));
        }
        functions.insert(function.get_ref().clone(), check_function(place, resolve, wit, entry)?);
    }
    let missing: Vec<&String> =
        interface.functions.keys().filter(|f| !functions.contains_key(*f)).collect();
    if !missing.is_empty() {
        let message = format!(
            "`{name}`: give each function a class and a resource; missing: {}",
            list(&missing)
        );
        return Err(place.error(key, message));
    }
    let destroys = functions.values().filter(|f: &&Function| f.class == Class::Destroy).count();
    if destroys > 0 && destroys < functions.len() {
        // Some toolchains import every function of an interface that a plugin touches.
        let message = format!(
            "`{name}` has `destroy` functions beside others; destructive functions live in an interface of their own"
        );
        return Err(place.error(key, message));
    }
    if raw.provider.get_ref().is_empty() {
        return Err(place.error(&raw.provider, "the provider's name is empty".into()));
    }
    Ok(Interface {
        name,
        provider: raw.provider.get_ref().clone(),
        functions,
        wit: package.clone(),
    })
}

fn check_function(
    place: &Place<'_>,
    resolve: &Resolve,
    wit: &wit_parser::Function,
    raw: &RawFunction,
) -> Result<Function, AuthorityError> {
    let resource = Template::parse(raw.resource.get_ref())
        .map_err(|message| place.error(&raw.resource, message))?;
    for argument in resource.arguments() {
        let Some(parameter) = wit.params.iter().find(|p| p.name == argument) else {
            let known: Vec<&String> = wit.params.iter().map(|p| &p.name).collect();
            let message =
                format!("`{}` has no argument `{argument}`; it has {}", wit.name, list(&known));
            return Err(place.error(&raw.resource, message));
        };
        if !fills_a_segment(resolve, &parameter.ty) {
            let message = format!(
                "argument `{argument}` must be a string, an enum or an integer to be part of a resource"
            );
            return Err(place.error(&raw.resource, message));
        }
    }
    for (argument, constraint) in &raw.arguments {
        let Some(parameter) = wit.params.iter().find(|p| p.name == *argument.get_ref()) else {
            let known: Vec<&String> = wit.params.iter().map(|p| &p.name).collect();
            let message = format!(
                "`{}` has no argument `{}`; it has {}",
                wit.name,
                argument.get_ref(),
                list(&known)
            );
            return Err(place.error(argument, message));
        };
        let kind = wit::primitive(resolve, &parameter.ty);
        if (constraint.min.is_some() || constraint.max.is_some()) && !kind.is_some_and(is_integer) {
            return Err(place.error(argument, "`min` and `max` are for integers".into()));
        }
        if let (Some(min), Some(max)) = (constraint.min, constraint.max)
            && min > max
        {
            let message = format!("`min` {min} is greater than `max` {max}: nothing fits");
            return Err(place.error(argument, message));
        }
        if constraint.max_length.is_some() && kind != Some(Type::String) {
            return Err(place.error(argument, "`max-length` is for strings".into()));
        }
    }
    let constraint_of = |name: &str| {
        raw.arguments.iter().find(|(key, _)| key.get_ref() == name).map(|(_, c)| Constraint {
            min: c.min,
            max: c.max,
            max_length: c.max_length,
        })
    };
    Ok(Function {
        class: raw.class,
        scope: raw.scope.unwrap_or_else(|| raw.class.default_scope()),
        resource,
        parameters: wit
            .params
            .iter()
            .map(|p| Parameter {
                name: p.name.clone(),
                constraint: constraint_of(&p.name).unwrap_or_default(),
            })
            .collect(),
        denied: denied_case(resolve, wit.result.as_ref()),
    })
}

fn is_integer(ty: Type) -> bool {
    matches!(
        ty,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::S8 | Type::S16 | Type::S32 | Type::S64
    )
}

fn fills_a_segment(resolve: &Resolve, ty: &Type) -> bool {
    wit::primitive(resolve, ty).is_some_and(|p| p == Type::String || is_integer(p))
        || matches!(wit::follow(resolve, ty), Some(TypeDefKind::Enum(_)))
}

fn denied_case(resolve: &Resolve, result: Option<&Type>) -> DeniedCase {
    let error = result.and_then(|ty| match wit::follow(resolve, ty) {
        Some(TypeDefKind::Result(result)) => result.err.as_ref(),
        _ => None,
    });
    let Some(TypeDefKind::Variant(variant)) = error.and_then(|ty| wit::follow(resolve, ty)) else {
        return DeniedCase::Absent;
    };
    match variant.cases.iter().find(|case| case.name == "denied") {
        None => DeniedCase::Absent,
        Some(case) => match case.ty.as_ref() {
            None => DeniedCase::Bare,
            Some(ty) if wit::primitive(resolve, ty) == Some(Type::String) => DeniedCase::Text,
            Some(_) => DeniedCase::Absent,
        },
    }
}
