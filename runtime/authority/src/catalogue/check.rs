//! Holds a catalogue to its WIT, when the host starts: an unknown function, argument or class, a
//! function that was forgotten, a destructive function among harmless ones. Each is an error with its
//! line, because whatever is wrong here would otherwise be wrong in every later decision.

use super::{
    CatalogueSource, Constraint, DeniedCase, EXEC, Function, Interface, Parameter, Pattern,
    Template, WitPackage,
    programs::{self, Reading},
    raw::{self, RawFunction, RawInterface, RawProvider, line_of},
    shape::Shape,
    wit,
};
use crate::{
    AuthorityError,
    error::list,
    vocabulary::{Class, InterfaceName, is_segment},
};
use std::{collections::BTreeMap, sync::Arc};
use toml::Spanned;
use wit_parser::{Resolve, Type, TypeDefKind};

pub(super) struct Place<'a>(&'a CatalogueSource);

impl Place<'_> {
    pub(super) fn error<T>(&self, at: &Spanned<T>, message: String) -> AuthorityError {
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
    let provider = check_provider(place, &raw.provider)?;
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
        let runs = matches!(raw.provider.get_ref(), RawProvider::Exec(_));
        let reading = Reading { place, resolve, key: function, wit, raw: entry };
        functions.insert(function.get_ref().clone(), check_function(&reading, runs)?);
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
    Ok(Interface { name, provider, functions, wit: package.clone() })
}

fn check_provider(place: &Place<'_>, raw: &Spanned<RawProvider>) -> Result<String, AuthorityError> {
    let (lead, name) = match raw.get_ref() {
        RawProvider::Named(name) => ("", name),
        RawProvider::Exec(exec) => (EXEC, &exec.exec),
    };
    if name.is_empty() {
        return Err(place.error(raw, "the provider's name is empty".into()));
    }
    if !is_segment(name) {
        let message =
            format!("the provider's name `{name}` has more than letters, digits, `.`, `_` and `-`");
        return Err(place.error(raw, message));
    }
    Ok(format!("{lead}{name}"))
}

fn check_function(reading: &Reading<'_>, runs: bool) -> Result<Function, AuthorityError> {
    let Reading { place, resolve, wit, raw, .. } = *reading;
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
    let mut constraints = check_constraints(place, resolve, wit, raw)?;
    let command = if runs {
        let (command, texts) = reading.command()?;
        for name in texts {
            // Programs read more into an argument than its text: `file://`, globs, SQL. What may be in one
            // is said by the catalogue, or it is a plain segment.
            let constraint: &mut Constraint = constraints.entry(name).or_default();
            if constraint.pattern.is_none() {
                let segment = Pattern::segment().map_err(|e| place.error(reading.key, e))?;
                constraint.pattern = Some(segment);
            }
        }
        Some(Arc::new(command))
    } else {
        programs::none(place, raw)?;
        None
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
                constraint: constraints.remove(&p.name).unwrap_or_default(),
            })
            .collect(),
        denied: denied_case(resolve, wit.result.as_ref()),
        command,
    })
}

/// The constraints of a function's arguments, by name.
fn check_constraints(
    place: &Place<'_>,
    resolve: &Resolve,
    wit: &wit_parser::Function,
    raw: &RawFunction,
) -> Result<BTreeMap<String, Constraint>, AuthorityError> {
    let mut constraints = BTreeMap::new();
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
        let pattern = match &constraint.pattern {
            None => None,
            Some(at) if is_texts(resolve, &parameter.ty) => {
                Some(Pattern::parse(at.get_ref()).map_err(|message| place.error(at, message))?)
            }
            Some(at) => {
                let message = "`pattern` is for strings, and options and lists of them";
                return Err(place.error(at, message.into()));
            }
        };
        let checked = Constraint {
            min: constraint.min,
            max: constraint.max,
            max_length: constraint.max_length,
            pattern,
        };
        constraints.insert(argument.get_ref().clone(), checked);
    }
    Ok(constraints)
}

fn is_texts(resolve: &Resolve, ty: &Type) -> bool {
    fn texts(shape: &Shape) -> bool {
        match shape {
            Shape::Text => true,
            Shape::Option(inner) | Shape::List(inner) => texts(inner),
            _ => false,
        }
    }
    Shape::of(resolve, ty).is_some_and(|shape| texts(&shape))
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
