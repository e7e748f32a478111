//! INVARIANT TYPES-ARE-OURS: an imported function is the host's own function, or the plugin is refused.
//!
//! The engine links dynamic functions without comparing anything: a plugin that swaps two parameters of
//! one type would be linked, and its arguments would be named wrongly to policy and provider.

use crate::value::type_word;
use wasmtime::component::{Type as Guest, types::ComponentFunc};
use wit_parser::{Function, Resolve, Type as Host, TypeDefKind};

/// Compares a plugin's function with the host's, walking along the host's type, which is bounded.
///
/// # Errors
/// The first difference: where, what the plugin has, and what the host has.
pub(super) fn compare(
    guest: &ComponentFunc,
    host: &Function,
    resolve: &Resolve,
) -> Result<(), String> {
    let (given, wanted) = (guest.params(), &host.params);
    if given.len() != wanted.len() {
        return Err(format!(
            "the plugin gives it {} parameters, the host {}",
            given.len(),
            wanted.len()
        ));
    }
    for (at, ((name, ty), parameter)) in guest.params().zip(&host.params).enumerate() {
        if name != parameter.name {
            return Err(format!(
                "parameter {} is `{name}` in the plugin and `{}` in the host's WIT",
                at + 1,
                parameter.name
            ));
        }
        same(&ty, &parameter.ty, resolve).map_err(|d| d.say(&format!("parameter `{name}`")))?;
    }
    let mut results = guest.results();
    match (results.next(), results.next(), &host.result) {
        (None, _, None) => Ok(()),
        (Some(guest), None, Some(host)) => {
            same(&guest, host, resolve).map_err(|d| d.say("the result"))
        }
        (None, _, Some(_)) => Err("the plugin has it without a result".into()),
        (Some(_), _, _) => Err("the plugin has another result".into()),
    }
}

/// A difference inside a type.
struct Difference {
    path: Vec<String>,
    problem: String,
}

impl Difference {
    fn new(problem: String) -> Self {
        Self { path: Vec::new(), problem }
    }
    fn within(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }
    fn say(self, place: &str) -> String {
        let path: Vec<String> = self.path.into_iter().rev().collect();
        if path.is_empty() {
            format!("{place} {}", self.problem)
        } else {
            format!("{place}, in `{}`, {}", path.join("."), self.problem)
        }
    }
}

fn same(guest: &Guest, host: &Host, resolve: &Resolve) -> Result<(), Difference> {
    let differ = |host: &str| {
        Err(Difference::new(format!(
            "is {} in the plugin and {host} in the host's WIT",
            type_word(guest)
        )))
    };
    let primitive = match host {
        Host::Bool => Guest::Bool,
        Host::U8 => Guest::U8,
        Host::U16 => Guest::U16,
        Host::U32 => Guest::U32,
        Host::U64 => Guest::U64,
        Host::S8 => Guest::S8,
        Host::S16 => Guest::S16,
        Host::S32 => Guest::S32,
        Host::S64 => Guest::S64,
        Host::F32 => Guest::Float32,
        Host::F64 => Guest::Float64,
        Host::Char => Guest::Char,
        Host::String => Guest::String,
        Host::ErrorContext => return differ("error-context"),
        Host::Id(id) => {
            let Some(definition) = resolve.types.get(*id) else { return differ("unknown") };
            return same_kind(guest, &definition.kind, resolve);
        }
    };
    if *guest == primitive { Ok(()) } else { differ(type_word(&primitive)) }
}

fn same_kind(guest: &Guest, host: &TypeDefKind, resolve: &Resolve) -> Result<(), Difference> {
    let differ = |host: &str| {
        Err(Difference::new(format!(
            "is {} in the plugin and {host} in the host's WIT",
            type_word(guest)
        )))
    };
    match (host, guest) {
        (TypeDefKind::Type(alias), _) => same(guest, alias, resolve),
        (TypeDefKind::Record(host), Guest::Record(guest)) => {
            names(
                guest.fields().map(|f| f.name.to_owned()),
                host.fields.iter().map(|f| &f.name),
                "field",
            )?;
            guest
                .fields()
                .zip(&host.fields)
                .try_for_each(|(g, h)| same(&g.ty, &h.ty, resolve).map_err(|d| d.within(g.name)))
        }
        (TypeDefKind::Tuple(host), Guest::Tuple(guest)) => {
            if guest.types().len() != host.types.len() {
                return differ("a tuple of another length");
            }
            guest.types().zip(&host.types).enumerate().try_for_each(|(i, (g, h))| {
                same(&g, h, resolve).map_err(|d| d.within(i.to_string()))
            })
        }
        (TypeDefKind::Variant(host), Guest::Variant(guest)) => {
            names(
                guest.cases().map(|c| c.name.to_owned()),
                host.cases.iter().map(|c| &c.name),
                "case",
            )?;
            guest.cases().zip(&host.cases).try_for_each(|(g, h)| {
                same_payload(g.ty.as_ref(), h.ty.as_ref(), resolve).map_err(|d| d.within(g.name))
            })
        }
        (TypeDefKind::Enum(host), Guest::Enum(guest)) => {
            names(guest.names().map(str::to_owned), host.cases.iter().map(|c| &c.name), "case")
        }
        (TypeDefKind::Flags(host), Guest::Flags(guest)) => {
            names(guest.names().map(str::to_owned), host.flags.iter().map(|f| &f.name), "flag")
        }
        (TypeDefKind::Option(host), Guest::Option(guest)) => same(&guest.ty(), host, resolve),
        (TypeDefKind::Result(host), Guest::Result(guest)) => {
            same_payload(guest.ok().as_ref(), host.ok.as_ref(), resolve)
                .map_err(|d| d.within("ok"))?;
            same_payload(guest.err().as_ref(), host.err.as_ref(), resolve)
                .map_err(|d| d.within("err"))
        }
        (TypeDefKind::List(host), Guest::List(guest)) => {
            same(&guest.ty(), host, resolve).map_err(|d| d.within("[]"))
        }
        (host, _) => differ(host.as_str()),
    }
}

fn same_payload(
    guest: Option<&Guest>,
    host: Option<&Host>,
    resolve: &Resolve,
) -> Result<(), Difference> {
    match (guest, host) {
        (None, None) => Ok(()),
        (Some(guest), Some(host)) => same(guest, host, resolve),
        (Some(_), None) => {
            Err(Difference::new("carries a value in the plugin and none in the host's WIT".into()))
        }
        (None, Some(_)) => Err(Difference::new(
            "carries nothing in the plugin and a value in the host's WIT".into(),
        )),
    }
}

fn names<'a>(
    guest: impl ExactSizeIterator<Item = String>,
    host: impl ExactSizeIterator<Item = &'a String>,
    what: &str,
) -> Result<(), Difference> {
    if guest.len() != host.len() {
        return Err(Difference::new(format!(
            "has {} {what}s in the plugin and {} in the host's WIT",
            guest.len(),
            host.len()
        )));
    }
    guest.zip(host).find(|(guest, host)| guest != *host).map_or(Ok(()), |(guest, host)| {
        Err(Difference::new(format!(
            "has the {what} `{guest}` in the plugin where the host's WIT has `{host}`"
        )))
    })
}

#[cfg(test)]
mod tests;
