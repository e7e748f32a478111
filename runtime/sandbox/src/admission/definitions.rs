//! What `describe` said, held to the contract. The plugin wrote all of it, and agents will read it.

use super::{
    exports::{MAX_TOOLS, is_tool_name},
    text,
};
use crate::{AdmissionError, Tool, excerpt, value::parse_json};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

const MAX_TITLE: usize = 200;
const MAX_DESCRIPTION: usize = 4 << 10;
const MAX_SCHEMA: usize = 64 << 10;
const MAX_USES: usize = 64;

/// `tool-definition` of the contract, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Definition {
    name: String,
    title: Option<String>,
    description: String,
    input_schema: String,
    output_schema: Option<String>,
    uses: Option<Vec<String>>,
}

/// Checks the definitions.
///
/// # Errors
/// The first one that breaks the contract, by name.
pub(super) fn check(described: Value) -> Result<Vec<Tool>, AdmissionError> {
    let bad = |problem: String| AdmissionError::BadDescription(excerpt::sentence(problem));
    let definitions: Vec<Definition> =
        serde_json::from_value(described).map_err(|e| bad(e.to_string()))?;
    if definitions.is_empty() {
        return Err(AdmissionError::NoTools {
            passed_over: vec!["`describe` returned an empty list".into()],
        });
    }
    if definitions.len() > MAX_TOOLS {
        return Err(bad(format!(
            "it has {} tools; at most {MAX_TOOLS} are admitted",
            definitions.len()
        )));
    }
    let mut names = BTreeSet::new();
    let mut tools = Vec::new();
    for definition in definitions {
        let name: String = definition.name.chars().take(80).collect();
        let name = name.escape_debug().to_string();
        let tool = tool(definition).map_err(|problem| bad(format!("tool `{name}`: {problem}")))?;
        if !names.insert(tool.name.clone()) {
            return Err(bad(format!("tool `{name}` is there twice")));
        }
        tools.push(tool);
    }
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tools)
}

fn tool(definition: Definition) -> Result<Tool, String> {
    if !is_tool_name(&definition.name) {
        return Err("the name is not of the form [a-z0-9][a-z0-9-]{0,62}".into());
    }
    if let Some(title) = &definition.title {
        text::check(title, MAX_TITLE).map_err(|e| format!("title: {e}"))?;
    }
    text::check(&definition.description, MAX_DESCRIPTION)
        .map_err(|e| format!("description: {e}"))?;
    let input_schema =
        schema(&definition.input_schema).map_err(|e| format!("input schema: {e}"))?;
    if input_schema.get("type") != Some(&Value::from("object")) {
        return Err("input schema: it must say `\"type\": \"object\"`".into());
    }
    let output_schema = definition
        .output_schema
        .map(|text| schema(&text).map_err(|e| format!("output schema: {e}")))
        .transpose()?;
    for uses in definition.uses.iter().flatten() {
        text::check(uses, 256).map_err(|e| format!("uses: {e}"))?;
    }
    if definition.uses.as_ref().is_some_and(|uses| uses.len() > MAX_USES) {
        return Err(format!("uses: it names more than {MAX_USES} interfaces"));
    }
    Ok(Tool {
        name: definition.name,
        title: definition.title,
        description: definition.description,
        input_schema,
        output_schema,
        uses: definition.uses,
    })
}

fn schema(text: &str) -> Result<Value, String> {
    if text.len() > MAX_SCHEMA {
        return Err(format!("it has {} bytes; at most {MAX_SCHEMA} are admitted", text.len()));
    }
    let value = parse_json(text)?;
    if !value.is_object() {
        return Err("it is not a JSON object".into());
    }
    text::check_json(&value, MAX_SCHEMA)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition(change: impl FnOnce(&mut Value)) -> Value {
        let mut one = json!({
            "name": "heal", "title": null, "description": "Heals.", "output-schema": null,
            "input-schema": "{\"type\":\"object\"}", "uses": ["interlock:environment/observe"],
        });
        change(&mut one);
        json!([one])
    }

    #[test]
    fn a_definition_is_kept_as_it_is() {
        let tools = check(definition(|_| ())).unwrap();
        assert_eq!(tools.len(), 1);
        assert_eq!(tools[0].name, "heal");
        assert_eq!(tools[0].input_schema, json!({"type": "object"}));
    }

    #[test]
    fn poisoned_and_broken_definitions_are_refused() {
        let bad: [fn(&mut Value); 14] = [
            |d| d["name"] = json!("delete\u{2011}pod"),
            |d| d["name"] = json!("Heal"),
            |d| d["name"] = json!(""),
            |d| d["name"] = json!("-x"),
            |d| d["name"] = json!("x".repeat(64)),
            |d| d["description"] = json!("fine\u{200b}"),
            |d| d["description"] = json!("fine \u{202e}"),
            |d| d["description"] = json!("fine \u{e0049}"),
            |d| d["description"] = json!("x".repeat(5_000)),
            |d| d["title"] = json!("\u{1b}[8m"),
            |d| d["input-schema"] = json!("{\"type\":\"object\",\"type\":\"object\"}"),
            |d| d["input-schema"] = json!("{\"type\":\"string\"}"),
            |d| d["input-schema"] = json!("{\"type\":\"object\",\"description\":\"\u{2062}\"}"),
            |d| d["output-schema"] = json!("[]"),
        ];
        for (at, change) in bad.into_iter().enumerate() {
            assert!(check(definition(change)).is_err(), "{at}");
        }
        let mut twice = definition(|_| ());
        let one = twice[0].clone();
        twice.as_array_mut().unwrap().push(one);
        assert!(check(twice).is_err());
        assert!(check(json!([])).is_err());
    }
}
