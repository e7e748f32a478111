//! Input schemas, compiled once when a plugin is admitted. A schema is the plugin's and the arguments
//! are the agent's, so checking one against the other is work that an attacker chooses: schemas whose
//! references unfold without end are refused, and the checking itself runs under the run's deadline.

use jsonschema::Validator;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most schema nodes that a schema may come to with all its references unfolded.
const MAX_UNFOLDED: u64 = 10_000;

/// The deepest nesting, references included.
const MAX_DEPTH: usize = 64;

/// Keywords whose references do not stand still.
const MOVING: &[&str] = &["$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor"];

/// Compiles an input schema.
///
/// # Errors
/// What is wrong with the schema, in a sentence.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let mut unfolding = Unfolding { root: schema, known: BTreeMap::new(), open: Vec::new() };
    let size = unfolding.size(schema, 0)?;
    if size > MAX_UNFOLDED {
        return Err(format!(
            "it comes to {size} nodes with its references unfolded; at most {MAX_UNFOLDED} are checked"
        ));
    }
    jsonschema::validator_for(schema).map_err(|e| e.to_string().chars().take(400).collect())
}

/// What does not fit, at most five sentences; `None` where all fits.
pub(crate) fn problems(validator: &Validator, arguments: &Value) -> Option<String> {
    let problems: Vec<String> = validator
        .iter_errors(arguments)
        .take(5)
        .map(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("at `{path}`: {error}"),
        })
        .map(|text| text.chars().take(400).collect())
        .collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

struct Unfolding<'a> {
    root: &'a Value,
    /// Sizes of reference targets that were unfolded.
    known: BTreeMap<&'a str, u64>,
    /// References that are being unfolded.
    open: Vec<&'a str>,
}

impl<'a> Unfolding<'a> {
    fn size(&mut self, schema: &'a Value, depth: usize) -> Result<u64, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
        }
        match schema {
            Value::Object(object) => self.object(object, depth),
            Value::Array(items) => items
                .iter()
                .try_fold(1u64, |sum, item| Ok(sum.saturating_add(self.size(item, depth + 1)?))),
            _ => Ok(1),
        }
    }

    fn object(&mut self, object: &'a Map<String, Value>, depth: usize) -> Result<u64, String> {
        let mut sum = 1u64;
        for (key, value) in object {
            if MOVING.contains(&key.as_str()) {
                return Err(format!("it uses `{key}`; write `$ref` to a definition of its own"));
            }
            sum = match (key.as_str(), value) {
                ("$ref", Value::String(target)) => sum.saturating_add(self.target(target, depth)?),
                _ => sum.saturating_add(self.size(value, depth + 1)?),
            };
        }
        Ok(sum)
    }

    fn target(&mut self, target: &'a str, depth: usize) -> Result<u64, String> {
        if let Some(size) = self.known.get(target) {
            return Ok(*size);
        }
        if self.open.contains(&target) {
            return Err(format!("`{target}` refers to itself; describe the nesting you mean"));
        }
        let pointer = target
            .strip_prefix('#')
            .ok_or_else(|| format!("`{target}` is outside the schema; put it under `$defs`"))?;
        let found =
            self.root.pointer(pointer).ok_or_else(|| format!("`{target}` refers to nothing"))?;
        self.open.push(target);
        let size = self.size(found, depth + 1)?;
        self.open.pop();
        self.known.insert(target, size);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::{compile, problems};
    use serde_json::{Value, json};

    /// `a0` is twice `a1`, which is twice `a2`, …: 2^n checks in n short lines.
    fn doubling(n: usize) -> Value {
        let definitions: serde_json::Map<String, Value> = (0..=n)
            .map(|i| {
                let next = json!({"$ref": format!("#/$defs/a{}", i + 1)});
                let body = if i == n { json!({}) } else { json!({"allOf": [next.clone(), next]}) };
                (format!("a{i}"), body)
            })
            .collect();
        json!({"$defs": definitions, "$ref": "#/$defs/a0"})
    }

    #[test]
    fn schemas_that_unfold_without_end_are_refused() {
        assert!(compile(&doubling(5)).is_ok());
        assert!(compile(&doubling(20)).unwrap_err().contains("unfolded"));
        let cases = [
            (json!({"properties": {"x": {"$ref": "#"}}}), "refers to itself"),
            (json!({"$dynamicRef": "#x"}), "$dynamicRef"),
            (json!({"$ref": "http://example.com/x"}), "outside the schema"),
            (json!({"$ref": "file:///etc/passwd"}), "outside the schema"),
            (json!({"$ref": "#/$defs/none"}), "refers to nothing"),
            (json!({"type": "nonsense"}), "nonsense"),
            (json!({"multipleOf": 0}), "0"),
        ];
        for (schema, words) in cases {
            let message = compile(&schema).unwrap_err();
            assert!(message.contains(words), "{schema}: {message}");
        }
        let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(compile(&deep).unwrap_err().contains("deeper"));
    }

    #[test]
    fn problems_say_where() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false});
        let validator = compile(&schema).unwrap();
        assert_eq!(problems(&validator, &json!({"a": 1})), None);
        let text = problems(&validator, &json!({"a": "x", "b": 1})).unwrap();
        assert!(text.contains("at `/a`") && text.contains("'b'"), "{text}");
    }
}
