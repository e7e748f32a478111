//! JSON Schemas of arguments and results, from the types. What stands in the schema is what
//! [`crate::arguments`] enforces: an argument that is not listed is refused, not ignored.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::plugin::ToolResult;

/// The schema of an argument type, closed: no other keys than those it lists.
#[doc(hidden)]
#[must_use]
pub fn input_schema<A: JsonSchema>() -> Schema {
    let mut schema = settings().for_deserialize().into_generator().into_root_schema_for::<A>();
    if let Some(object) = schema.as_object_mut() {
        tidy(object);
        close(object);
    }
    schema
}

/// The schema of what a tool returns when it succeeds.
#[doc(hidden)]
#[must_use]
pub fn output_schema<R: ToolResult<Output: JsonSchema>>() -> Schema {
    let mut schema =
        settings().for_serialize().into_generator().into_root_schema_for::<R::Output>();
    if let Some(object) = schema.as_object_mut() {
        tidy(object);
    }
    schema
}

/// Draft 2020-12, as the tool contract says. Inlined, because agents read schemas more reliably
/// without references; a type that contains itself still gets one.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

/// The title would be the name of a Rust type, which says nothing to an agent.
fn tidy(schema: &mut Map<String, Value>) {
    schema.remove("title");
}

/// Adds `additionalProperties: false` where the type left it open and nothing else in the schema
/// could bring in further keys (a flattened map or enum does).
fn close(schema: &mut Map<String, Value>) {
    const OPENERS: &[&str] =
        &["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "unevaluatedProperties"];
    let object = schema.get("type").and_then(Value::as_str) == Some("object");
    if object && !OPENERS.iter().any(|key| schema.contains_key(*key)) {
        schema.entry("additionalProperties").or_insert(Value::Bool(false));
        schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
}

/// The keys that a closed schema lists; `None` where it admits others.
pub(crate) fn closed_keys(schema: &Schema) -> Option<Vec<String>> {
    let object = schema.as_object()?;
    if object.get("additionalProperties") != Some(&Value::Bool(false)) {
        return None;
    }
    Some(object.get("properties")?.as_object()?.keys().cloned().collect())
}

/// The schema as JSON, if it describes an object.
pub(crate) fn require_object(schema: Schema) -> Result<Value, String> {
    if schema.get("type").and_then(Value::as_str) == Some("object") {
        return Ok(schema.to_value());
    }
    Err(format!(
        "the argument type must be a struct with named fields, because agents send a JSON object; \
         its schema is {}",
        schema.to_value()
    ))
}
