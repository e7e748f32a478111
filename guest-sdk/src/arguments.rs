//! From the JSON text that an agent sent to a tool's argument struct. It stops the quiet mistakes: a
//! misspelt optional key that would be ignored, a duplicate key, an error that does not say where.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

use crate::error::ToolError;
use crate::schema::{closed_keys, input_schema};

// The argument of a tool that has none: an object without keys. (A doc comment would be shown to agents.)
#[doc(hidden)]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArguments {}

/// Reads `text` as the argument type `A`.
pub(crate) fn read<A: DeserializeOwned + JsonSchema>(text: &str) -> Result<A, ToolError> {
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        ToolError::invalid_arguments(format!("the arguments are not a JSON object: {error}"))
    })?;
    refuse_unknown::<A>(&object)?;
    // From the text again, not from `object`: a key given twice is an error only here.
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        ToolError::invalid_arguments(match path.as_str() {
            "." | "?" => problem,
            path => format!("`{path}`: {problem}"),
        })
    })
}

/// Refuses keys that `A` does not have. Its field names come from its `Deserialize`, which costs
/// nothing; only where that does not list them (flattened fields) is the schema made.
fn refuse_unknown<A: DeserializeOwned + JsonSchema>(
    object: &Map<String, Value>,
) -> Result<(), ToolError> {
    let known: Vec<String> = match field_names::<A>() {
        Some(names) => names.iter().map(|name| (*name).to_owned()).collect(),
        None => match closed_keys(&input_schema::<A>()) {
            Some(keys) => keys,
            None => return Ok(()),
        },
    };
    let Some(unknown) = object.keys().find(|key| !known.contains(key)) else { return Ok(()) };
    let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let takes = if list.is_empty() { "no arguments".into() } else { list.join(", ") };
    Err(ToolError::invalid_arguments(format!(
        "there is no argument `{unknown}`; this tool takes {takes}"
    )))
}

/// The field names of a struct: `Deserialize` tells them to the format it reads from.
fn field_names<A: DeserializeOwned>() -> Option<&'static [&'static str]> {
    match A::deserialize(Probe) {
        Err(Names(names)) => names,
        Ok(_) => None,
    }
}

/// A format that holds nothing and answers every question with the names it was asked for.
struct Probe;

/// The probe's "error": the answer.
#[derive(Debug)]
struct Names(Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Probe {
    type Error = Names;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Names> {
        Err(Names(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Names> {
        Err(Names(Some(fields)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("asked for field names")
    }
}

impl std::error::Error for Names {}

impl de::Error for Names {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}
