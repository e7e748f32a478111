//! The schemas that clients see. Arguments: the tool's own schema with two more properties where people may
//! have to agree, under names that no tool can take, so that a plugin cannot read a request id nor forge a
//! reason. Results: one envelope for every tool, because a call that waits, or was refused, must fit the
//! schema of its tool too, or clients throw the answer away.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// The start of the names that are the host's own.
pub(super) const RESERVED: &str = "interlock_";
/// The argument that names a request to go on with.
pub(super) const REQUEST: &str = "interlock_request";
/// The argument with the asker's words for people.
pub(super) const REASON: &str = "interlock_reason";

/// The input schema of a tool, as clients see it.
///
/// # Errors
/// A tool that takes a name of the host's.
pub(super) fn input(schema: &Value, may_wait: bool) -> Result<JsonObject, String> {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    let mut properties = match schema.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    if let Some(name) = properties.keys().find(|name| name.starts_with(RESERVED)) {
        return Err(format!("its argument `{name}` has a name that is the host's"));
    }
    // A client would copy such an argument into an HTTP header, where proxies keep it.
    properties.values_mut().for_each(without_header);
    if may_wait {
        properties.insert(REQUEST.to_owned(), json!({
            "type": "string",
            "description": "Only to go on with a call that waited for people: the `request` that it answered. Everything else as before.",
        }));
        properties.insert(REASON.to_owned(), json!({
            "type": "string",
            "maxLength": 1000,
            "description": "Why, in a sentence: shown to the people who may have to approve, marked as your words.",
        }));
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.values_mut().for_each(without_number_formats);
    Ok(schema)
}

fn without_header(property: &mut Value) {
    let Value::Object(property) = property else { return };
    property.remove("x-mcp-header");
    if let Some(Value::Object(inner)) = property.get_mut("properties") {
        inner.values_mut().for_each(without_header);
    }
}

/// `"format": "uint"` and the like are of Rust and OpenAPI: JSON Schema has formats of text only, and clients
/// warn of every other one, each time that they read it.
fn without_number_formats(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let number = |kind: &Value| kind == "integer" || kind == "number";
            if object.get("type").is_some_and(|kind| match kind {
                Value::Array(kinds) => kinds.iter().any(number),
                kind => number(kind),
            }) {
                object.remove("format");
            }
            let values = ["const", "default", "enum", "examples"];
            let inner = object.iter_mut().filter(|(name, _)| !values.contains(&name.as_str()));
            inner.for_each(|(_, value)| without_number_formats(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_number_formats),
        _ => {}
    }
}

/// The output schema of a tool, as clients see it: the envelope, with the tool's own schema in it. A tool that can
/// change nothing says nothing of effects and of people: models read all of it.
pub(super) fn output(tool: Option<&Value>, may_wait: bool) -> JsonObject {
    let (result, definitions) = tool.map(inside).unwrap_or_default();
    let mut result = match result {
        Value::Object(result) => result,
        _ => Map::new(),
    };
    result
        .entry("description")
        .or_insert_with(|| "What the tool returned; only where the status is `done`.".into());
    let text = |description: &str| json!({"type": "string", "description": description});
    let mut envelope = json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": text("`done`, `approval-required`, or the stable code of what went wrong."),
            "result": Value::Object(result),
            "message": text("One sentence."),
            "help": text("What would help."),
            "details": {"description": "More about a failure, in the tool's words."},
            "denied": {
                "type": "array",
                "description": "What the tool tried and was denied.",
                "items": {"type": "object"},
            },
            "invocation": text("What the journal knows the call by."),
        },
    });
    let effects = json!({
        "happened": {
            "type": "array",
            "description": "The effects that were started, in order, and how each ended.",
            "items": {
                "type": "object",
                "properties": {
                    "step": {"type": "integer"},
                    "class": {"enum": ["change", "destroy"]},
                    "resource": {"type": "string"},
                    "function": {"type": "string"},
                    "status": {"enum": ["done", "refused", "failed", "unknown"]},
                },
            },
        },
        "request": text("The request that waits for people, or that was applied."),
        "document": text("The digest of what they read."),
        "needs": text("Who must approve."),
        "expires": text("When the request ends."),
        "ended": text("How the run that used the request ended."),
    });
    if let (true, Some(properties), Value::Object(effects)) =
        (may_wait, envelope.pointer_mut("/properties").and_then(Value::as_object_mut), effects)
    {
        properties.extend(effects);
    }
    let mut envelope = match envelope {
        Value::Object(envelope) => envelope,
        _ => Map::new(),
    };
    envelope.extend(definitions);
    envelope.values_mut().for_each(without_number_formats);
    envelope
}

/// A schema made fit to stand inside another: its definitions move to the root, where its references look
/// for them. One that refers to anything else says nothing there, rather than something wrong.
fn inside(schema: &Value) -> (Value, Map<String, Value>) {
    let mut definitions = Map::new();
    let Value::Object(schema) = schema else { return (Value::Null, definitions) };
    if !refers_to_definitions_only(&Value::Object(schema.clone())) {
        return (Value::Null, definitions);
    }
    let mut schema = schema.clone();
    for name in ["$schema", "$id"] {
        schema.remove(name);
    }
    for name in ["$defs", "definitions"] {
        if let Some(found) = schema.remove(name) {
            definitions.insert(name.to_owned(), found);
        }
    }
    (Value::Object(schema), definitions)
}

fn refers_to_definitions_only(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => object.iter().all(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(to)) => {
                to.starts_with("#/$defs/") || to.starts_with("#/definitions/")
            }
            ("$dynamicRef" | "$recursiveRef" | "$anchor" | "$dynamicAnchor", _) => false,
            (_, value) => refers_to_definitions_only(value),
        }),
        Value::Array(items) => items.iter().all(refers_to_definitions_only),
        _ => true,
    }
}

/// Takes the host's own arguments out of an agent's: the request to go on with, and the words for people.
/// A client that fills in every property means nothing by an empty one.
///
/// # Errors
/// One that is not text.
pub(super) fn take_own(
    arguments: &mut JsonObject,
) -> Result<(Option<String>, Option<String>), String> {
    let mut take = |name: &str| match arguments.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(format!("`{name}` is text")),
    };
    Ok((take(REQUEST)?, take(REASON)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_cannot_take_the_hosts_names() {
        let schema = json!({"type": "object", "properties": {"interlock_request": {}}});
        assert!(input(&schema, false).is_err());
    }

    #[test]
    fn only_what_may_wait_has_the_hosts_arguments() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}},
            "additionalProperties": false});
        let reads = Value::Object(input(&schema, false).unwrap());
        assert_eq!(reads, schema);
        let changes = Value::Object(input(&schema, true).unwrap());
        assert!(jsonschema::is_valid(&changes, &json!({"a": "x", "interlock_request": "01J"})));
        assert!(!jsonschema::is_valid(&changes, &json!({"b": 1})));
    }

    #[test]
    fn only_what_may_wait_speaks_of_effects_and_people() {
        let names = |may_wait| -> Vec<String> {
            let envelope = Value::Object(output(None, may_wait));
            let properties = envelope["properties"].as_object().unwrap();
            properties.keys().cloned().collect()
        };
        let reads = names(false);
        let mut changes = names(true);
        assert_eq!(
            reads,
            ["status", "result", "message", "help", "details", "denied", "invocation"]
        );
        changes.retain(|name| !reads.contains(name));
        assert_eq!(changes, ["happened", "request", "document", "needs", "expires", "ended"]);
        // What an answer has besides is no mistake of it.
        let answer = json!({"status": "done", "result": 3, "happened": []});
        assert!(jsonschema::is_valid(&Value::Object(output(None, false)), &answer));
    }

    #[test]
    fn no_argument_is_copied_into_a_header() {
        let schema = json!({"type": "object", "properties": {"secret": {"type": "object",
            "x-mcp-header": "S", "properties": {"x": {"type": "string", "x-mcp-header": "X"}}}}});
        assert!(!Value::Object(input(&schema, false).unwrap()).to_string().contains("header"));
    }

    #[test]
    fn formats_that_json_schema_does_not_have_are_left_out() {
        let tool = json!({"type": "object", "properties": {
            "n": {"type": ["integer", "null"], "format": "uint8"},
            "all": {"type": "array", "items": {"$ref": "#/$defs/N"}},
            "day": {"type": "string", "format": "date"},
            "format": {"enum": [{"type": "number", "format": "kept"}]}},
            "$defs": {"N": {"type": "number", "format": "double"}}});
        for seen in [input(&tool, false).unwrap(), output(Some(&tool), true)] {
            let seen = Value::Object(seen).to_string();
            for (format, there) in
                [("uint8", false), ("double", false), ("date", true), ("kept", true)]
            {
                assert_eq!(seen.contains(format), there, "{format}: {seen}");
            }
        }
    }

    #[test]
    fn references_of_a_result_still_lead_somewhere() {
        let tool = json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "required": ["who"],
            "properties": {"who": {"$ref": "#/$defs/Who"}},
            "$defs": {"Who": {"type": "string"}}});
        let envelope = Value::Object(output(Some(&tool), true));
        let fits = |value: &Value| jsonschema::is_valid(&envelope, value);
        assert!(fits(&json!({"status": "done", "result": {"who": "li"}})));
        assert!(!fits(&json!({"status": "done", "result": {"who": 1}})));
        assert!(fits(&json!({"status": "approval-required", "happened": []})));
    }

    #[test]
    fn a_result_that_refers_elsewhere_says_nothing() {
        for tool in [json!({"$ref": "#"}), json!({"properties": {"x": {"$ref": "#/properties/x"}}})]
        {
            let envelope = Value::Object(output(Some(&tool), true));
            assert!(jsonschema::is_valid(&envelope, &json!({"status": "done", "result": 3})));
        }
    }

    #[test]
    fn the_hosts_arguments_are_taken_out() {
        let mut arguments = json!({"a": 1, "interlock_request": "", "interlock_reason": "why"});
        let arguments = arguments.as_object_mut().unwrap();
        assert_eq!(take_own(arguments), Ok((None, Some("why".to_owned()))));
        assert_eq!(Value::Object(arguments.clone()), json!({"a": 1}));
        assert!(take_own(json!({"interlock_request": 3}).as_object_mut().unwrap()).is_err());
    }
}
