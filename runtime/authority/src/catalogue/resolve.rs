//! From a call as the guest made it to a call that can be decided: arguments named by position from
//! the host's WIT, constraints checked, the resource filled in.

use super::{Catalogue, Constraint, Function, Pattern};
use crate::{
    refusal::Denial,
    vocabulary::{Class, InterfaceName, Resource, Scope},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// One capability call in the host's words. Only [`Catalogue::resolve`] makes one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResolvedCall {
    interface: InterfaceName,
    function: String,
    class: Class,
    scope: Scope,
    resource: Resource,
    arguments: Map<String, Value>,
    /// The plugin whose resource it is, where its template says so: it is in the resource already.
    #[serde(skip)]
    owner: Option<String>,
}

impl ResolvedCall {
    /// The capability interface.
    pub fn interface(&self) -> &InterfaceName {
        &self.interface
    }
    /// The function.
    pub fn function(&self) -> &str {
        &self.function
    }
    /// What it does to the world.
    pub fn class(&self) -> Class {
        self.class
    }
    /// Whether it touches its resource alone or all below.
    pub fn scope(&self) -> Scope {
        self.scope
    }
    /// The exact thing it touches.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }
    /// The plugin that alone may make this call; none where the resource is not a plugin's own.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }
    /// The arguments by the names of the host's WIT.
    pub fn arguments(&self) -> &Map<String, Value> {
        &self.arguments
    }
    /// A string argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str)
    }
    /// An unsigned argument of at most 32 bits (64-bit ones are strings in JSON).
    pub fn number(&self, name: &str) -> Option<u64> {
        self.arguments.get(name).and_then(Value::as_u64)
    }
}

impl Catalogue {
    /// Resolves a call by position that no plugin makes. What is a plugin's own cannot be resolved so.
    ///
    /// # Errors
    /// An unknown function, a wrong number of arguments, a constraint or a resource that does not fit.
    pub fn resolve(
        &self,
        interface: &InterfaceName,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<ResolvedCall, Denial> {
        self.resolve_by(None, interface, function, arguments)
    }

    /// Resolves a call by position that this plugin makes.
    ///
    /// # Errors
    /// As [`Catalogue::resolve`].
    pub fn resolve_for(
        &self,
        plugin: &str,
        interface: &InterfaceName,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<ResolvedCall, Denial> {
        self.resolve_by(Some(plugin), interface, function, arguments)
    }

    fn resolve_by(
        &self,
        plugin: Option<&str>,
        interface: &InterfaceName,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<ResolvedCall, Denial> {
        let malformed = |problem: &str| Denial::Malformed {
            function: format!("{interface}#{function}"),
            problem: problem.to_owned(),
        };
        let entry: &Function = self
            .function(interface, function)
            .ok_or_else(|| malformed("no catalogue describes it"))?;
        if entry.parameters.len() != arguments.len() {
            return Err(malformed("the number of arguments differs"));
        }
        // INVARIANT TYPES-ARE-OURS: names come by position from the host's WIT, never from the guest.
        let mut named = Map::new();
        for (parameter, value) in entry.parameters.iter().zip(arguments) {
            check(&parameter.name, &parameter.constraint, &value)?;
            named.insert(parameter.name.clone(), value);
        }
        if let Some(command) = &entry.command {
            command.check(&named)?;
        }
        // INVARIANT CLASS-BY-HOST: class, scope and resource are read from the catalogue alone.
        Ok(ResolvedCall {
            interface: interface.clone(),
            function: function.to_owned(),
            class: entry.class,
            scope: entry.scope,
            resource: entry.resource.fill(&named, plugin)?,
            owner: plugin.filter(|_| entry.resource.is_of_plugin()).map(str::to_owned),
            arguments: named,
        })
    }
}

/// Checks one argument. A 64-bit integer arrives as a string of digits.
fn check(name: &str, constraint: &Constraint, value: &Value) -> Result<(), Denial> {
    let deny =
        |problem: String| Err(Denial::ArgumentOutOfRange { argument: name.to_owned(), problem });
    if constraint.min.is_some() || constraint.max.is_some() {
        let number = match value {
            Value::Number(number) => {
                number.as_i64().map(i128::from).or(number.as_u64().map(i128::from))
            }
            Value::String(digits) => digits.parse::<i128>().ok(),
            _ => None,
        };
        let Some(number) = number else { return deny("is not an integer".to_owned()) };
        if let Some(min) = constraint.min.filter(|min| number < i128::from(*min)) {
            return deny(format!("must be at least {min}"));
        }
        if let Some(max) = constraint.max.filter(|max| number > i128::from(*max)) {
            return deny(format!("must be at most {max}"));
        }
    }
    if let (Some(max), Value::String(text)) = (constraint.max_length, value)
        && text.len() as u64 > max
    {
        return deny(format!("must be at most {max} bytes long"));
    }
    if let Some(pattern) = &constraint.pattern
        && !each_matches(pattern, value)
    {
        return deny(format!("must match `{}` as a whole", pattern.as_str()));
    }
    Ok(())
}

/// Whether each string of a value matches. An absent option has none.
fn each_matches(pattern: &Pattern, value: &Value) -> bool {
    match value {
        Value::String(text) => pattern.matches(text),
        Value::Array(items) => items.iter().all(|item| each_matches(pattern, item)),
        Value::Object(entries) => entries.values().all(|value| each_matches(pattern, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
