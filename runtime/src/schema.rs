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

/// Keywords that are refused, with what to write instead. References that move, because what they unfold
/// to cannot be counted here; `unevaluated…`, because checking it doubles with each nesting.
const REFUSED: &[(&str, &str)] = &[
    ("$dynamicRef", "write `$ref` to a definition under `$defs`"),
    ("$recursiveRef", "write `$ref` to a definition under `$defs`"),
    ("$dynamicAnchor", "write `$ref` to a definition under `$defs`"),
    ("$recursiveAnchor", "write `$ref` to a definition under `$defs`"),
    ("$anchor", "write `$ref` to a definition under `$defs`"),
    ("$id", "leave it out; references start at the schema's own root"),
    ("unevaluatedProperties", "write `additionalProperties`"),
    ("unevaluatedItems", "write `items`"),
];

/// The one dialect that is spoken (JSON Schema 2020-12).
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords whose work is not bounded by the schema's nodes times the value's: a pattern may go back and forth,
/// and items are compared each with each.
const HEAVY: &[&str] = &["pattern", "patternProperties", "uniqueItems"];

/// The most steps, nodes times bytes, that a caller who has other work to do may take itself: less than a
/// millisecond of it.
const QUICK: u64 = 1 << 18;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    nodes: u64,
    heavy: bool,
}

impl Schema {
    /// Whether a value of this many bytes is checked in less time than it takes to have that done elsewhere.
    pub const fn is_quick_for(&self, bytes: u64) -> bool {
        !self.heavy && self.nodes.saturating_mul(bytes) <= QUICK
    }

    /// Whether a value fits.
    pub fn fits(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// What does not fit, at most five sentences; `None` where all fits.
    pub fn problems(&self, arguments: &Value) -> Option<String> {
        if self.fits(arguments) {
            return None;
        }
        let problems: Vec<String> = self
            .validator
            .iter_errors(arguments)
            .take(5)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                path => format!("at `{path}`: {error}"),
            })
            .map(|text| text.chars().take(400).collect())
            .collect();
        Some(problems.join("; "))
    }
}

/// Compiles a schema.
///
/// # Errors
/// What is wrong with the schema, in a sentence.
pub fn compile(schema: &Value) -> Result<Schema, String> {
    let mut unfolding =
        Unfolding { root: schema, known: BTreeMap::new(), open: Vec::new(), heavy: false };
    let Extent { nodes, .. } = unfolding.extent(schema, 0)?;
    if nodes > MAX_UNFOLDED {
        return Err(format!(
            "it comes to {nodes} nodes with its references unfolded; at most {MAX_UNFOLDED} are checked"
        ));
    }
    let heavy = unfolding.heavy;
    match jsonschema::draft202012::new(schema) {
        Ok(validator) => Ok(Schema { validator, nodes, heavy }),
        Err(error) => Err(error.to_string().chars().take(400).collect()),
    }
}

/// How much a part of a schema comes to, its references unfolded.
#[derive(Debug, Clone, Copy)]
struct Extent {
    nodes: u64,
    height: usize,
}

impl Extent {
    const LEAF: Self = Self { nodes: 1, height: 0 };

    /// With another part below it.
    fn over(self, below: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(below.nodes),
            height: self.height.max(below.height.saturating_add(1)),
        }
    }
}

struct Unfolding<'a> {
    root: &'a Value,
    /// Extents of reference targets that were unfolded.
    known: BTreeMap<&'a str, Extent>,
    /// References that are being unfolded.
    open: Vec<&'a str>,
    /// One of the [`HEAVY`] keywords is somewhere in it.
    heavy: bool,
}

fn too_deep() -> String {
    format!("it nests deeper than {MAX_DEPTH} levels")
}

impl<'a> Unfolding<'a> {
    fn extent(&mut self, schema: &'a Value, depth: usize) -> Result<Extent, String> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match schema {
            Value::Object(object) => self.object(object, depth),
            Value::Array(items) => items
                .iter()
                .try_fold(Extent::LEAF, |sum, item| Ok(sum.over(self.extent(item, depth + 1)?))),
            _ => Ok(Extent::LEAF),
        }
    }

    fn object(&mut self, object: &'a Map<String, Value>, depth: usize) -> Result<Extent, String> {
        let mut sum = Extent::LEAF;
        for (key, value) in object {
            if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| refused == key) {
                return Err(format!("it uses `{key}`; {instead}"));
            }
            // Also where it is the name of a property: that costs a hand-over, and nothing else.
            self.heavy |= HEAVY.contains(&key.as_str());
            let below = match (key.as_str(), value) {
                ("$ref", Value::String(target)) => self.target(target, depth)?,
                ("$schema", Value::String(dialect)) if dialect.trim_end_matches('#') != DIALECT => {
                    return Err(format!("its `$schema` is not `{DIALECT}`"));
                }
                _ => self.extent(value, depth + 1)?,
            };
            sum = sum.over(below);
        }
        Ok(sum)
    }

    fn target(&mut self, target: &'a str, depth: usize) -> Result<Extent, String> {
        if let Some(extent) = self.known.get(target).copied() {
            return if depth + extent.height > MAX_DEPTH { Err(too_deep()) } else { Ok(extent) };
        }
        if self.open.contains(&target) {
            return Err(format!("`{target}` refers to itself; describe the nesting you mean"));
        }
        // A percent sign is read in another way by whoever follows the reference.
        let pointer = target.strip_prefix('#').filter(|pointer| !pointer.contains('%'));
        let pointer = pointer
            .ok_or_else(|| format!("`{target}` is outside the schema; put it under `$defs`"))?;
        let found =
            self.root.pointer(pointer).ok_or_else(|| format!("`{target}` refers to nothing"))?;
        self.open.push(target);
        let extent = self.extent(found, depth + 1)?;
        self.open.pop();
        self.known.insert(target, extent);
        Ok(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::compile;
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
            (json!({"unevaluatedProperties": false}), "additionalProperties"),
            (json!({"allOf": [{"unevaluatedItems": false}]}), "unevaluatedItems"),
            (json!({"$defs": {"a": {"$id": "http://y/"}}}), "$id"),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "2020-12"),
            (json!({"$defs": {"%61": {}, "a": {}}, "$ref": "#/$defs/%61"}), "outside the schema"),
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
        // A chain whose first links are known before its last is reached, is as deep as it is.
        let mut chain = serde_json::Map::new();
        for i in 0..80 {
            chain.insert(format!("c{i}"), json!({"not": {"$ref": format!("#/$defs/c{}", i + 1)}}));
        }
        chain.insert("c80".into(), json!({}));
        let order: Vec<_> =
            (0..80).rev().map(|i| json!({"$ref": format!("#/$defs/c{i}")})).collect();
        assert!(compile(&json!({"!": order, "$defs": chain})).unwrap_err().contains("deeper"));
        let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(compile(&deep).unwrap_err().contains("deeper"));
    }

    #[test]
    fn problems_say_where() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false});
        let schema = compile(&schema).unwrap();
        assert_eq!(schema.problems(&json!({"a": 1})), None);
        let text = schema.problems(&json!({"a": "x", "b": 1})).unwrap();
        assert!(text.contains("at `/a`") && text.contains("'b'"), "{text}");
    }

    #[test]
    fn what_could_take_long_is_not_quick() {
        let quick = |schema: Value, bytes| compile(&schema).unwrap().is_quick_for(bytes);
        let small = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        assert!(quick(small.clone(), 1000));
        assert!(!quick(small, 1 << 20), "a large value");
        assert!(!quick(doubling(9), 1000), "a large schema, its references unfolded");
        for heavy in [
            json!({"properties": {"a": {"pattern": "(a+)+b"}}}),
            json!({"$defs": {"x": {"patternProperties": {"^a": {}}}}, "$ref": "#/$defs/x"}),
            json!({"items": {"uniqueItems": true}}),
        ] {
            assert!(!quick(heavy.clone(), 1), "{heavy}");
        }
    }
}
