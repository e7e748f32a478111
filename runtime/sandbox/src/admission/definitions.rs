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
    text::check_json(&value)?;
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

    /// What is said of a definition that is refused.
    fn refused(change: impl FnOnce(&mut Value)) -> Option<String> {
        match check(definition(change)) {
            Ok(tools) => {
                assert_eq!(tools.len(), 1);
                None
            }
            Err(AdmissionError::BadDescription(said)) => Some(said),
            Err(other) => panic!("{other}"),
        }
    }

    /// A schema of exactly so many bytes.
    fn schema_of(bytes: usize) -> Value {
        let text = r#"{"type":"object"}"#;
        json!(format!("{text}{}", " ".repeat(bytes - text.len())))
    }

    #[test]
    fn each_bound_holds_to_its_edge() {
        let uses = |n: usize| json!(vec!["a"; n]);
        for (what, at, above, says) in [
            ("name", json!("x".repeat(63)), json!("x".repeat(64)), "the name is not of the form"),
            (
                "title",
                json!("x".repeat(200)),
                json!("x".repeat(201)),
                "title: it has 201 bytes; at most 200 are admitted",
            ),
            (
                "description",
                json!("x".repeat(4_096)),
                json!("x".repeat(4_097)),
                "description: it has 4097 bytes; at most 4096 are admitted",
            ),
            (
                "input-schema",
                schema_of(65_536),
                schema_of(65_537),
                "input schema: it has 65537 bytes; at most 65536 are admitted",
            ),
            (
                "output-schema",
                schema_of(65_536),
                schema_of(65_537),
                "output schema: it has 65537 bytes; at most 65536 are admitted",
            ),
            ("uses", uses(64), uses(65), "uses: it names more than 64 interfaces"),
            (
                "uses",
                json!(["x".repeat(256)]),
                json!(["x".repeat(257)]),
                "uses: it has 257 bytes; at most 256 are admitted",
            ),
        ] {
            assert_eq!(refused(|d| d[what] = at), None, "{what}");
            let said = refused(|d| d[what] = above).unwrap_or_default();
            assert!(said.starts_with("tool `") && said.contains(says), "{what}: {said}");
        }
    }

    #[test]
    fn each_text_is_looked_at_and_said_where() {
        for (what, value, says) in [
            ("title", json!("a\u{200b}"), "title: character 1 is U+200B"),
            ("description", json!("a\u{202e}"), "description: character 1 is U+202E"),
            ("uses", json!(["a", "\u{feff}"]), "uses: character 0 is U+FEFF"),
            ("input-schema", json!("[]"), "input schema: it is not a JSON object"),
            ("input-schema", json!("{"), "input schema: "),
            ("input-schema", json!("{}"), "input schema: it must say `\"type\": \"object\"`"),
            ("input-schema", json!(r#"{"type":["object"]}"#), "it must say `\"type\": \"object\"`"),
            ("output-schema", json!("3"), "output schema: it is not a JSON object"),
            ("output-schema", json!(r#"{"a":1,"a":2}"#), "output schema: "),
            (
                "output-schema",
                json!("{\"a\":\"\u{200b}\"}"),
                "output schema: character 0 is U+200B",
            ),
            ("name", json!("a\nb"), "tool `a\\nb`: the name is not of the form"),
            ("more", json!(1), "unknown field `more`"),
        ] {
            let said = refused(|d| d[what] = value).unwrap_or_default();
            assert!(said.contains(says), "{what}: {said}");
        }
        assert_eq!(refused(|d| d["output-schema"] = json!("{}")), None, "a result may be anything");
        assert_eq!(refused(|d| d["uses"] = Value::Null), None);
        let said = refused(|d| d["x".repeat(10_000)] = json!(1)).unwrap_or_default();
        assert!(said.starts_with("unknown field `xxx") && said.len() < 600, "{} bytes", said.len());
        let said = refused(|d| d["name"] = json!("x".repeat(10_000))).unwrap_or_default();
        assert!(said.starts_with(&format!("tool `{}`: ", "x".repeat(80))), "{said}");
    }

    #[test]
    fn tools_are_counted_and_sorted_and_each_has_its_own_name() {
        let many = |n: usize| -> Value {
            let named = |n| definition(move |d| d["name"] = json!(format!("t{n:03}")))[0].clone();
            (0..n).rev().map(named).collect()
        };
        let tools = check(many(128)).unwrap();
        assert_eq!(tools.len(), 128);
        assert!(tools.is_sorted_by(|a, b| a.name < b.name));
        let said = check(many(129)).unwrap_err().to_string();
        assert!(said.ends_with("it has 129 tools; at most 128 are admitted"), "{said}");
        let mut twice = definition(|_| ());
        let one = twice[0].clone();
        twice.as_array_mut().unwrap().push(one);
        let said = check(twice).unwrap_err().to_string();
        assert!(said.ends_with("tool `heal` is there twice"), "{said}");
        let none = check(json!([])).unwrap_err();
        assert!(
            matches!(&none, AdmissionError::NoTools { passed_over } if passed_over == &["`describe` returned an empty list"]),
            "{none:?}"
        );
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
    }
}
