//! JSON Schemas (draft 2020-12) of WIT functions, so that an agent can call a plain component without
//! anybody having written a schema. The mapping is that of [`crate::tool`].

use crate::value::{is_nested_option, type_word};
use serde_json::{Map, Value, json};
use wasmtime::component::{Type, types::ComponentFunc};

/// Nodes of the types of one function; beyond it a schema would drown an agent.
const MAX_NODES: u32 = 2_000;
/// Bytes of a function's signature, which has each of its names; beyond it the same holds.
const MAX_TEXT: usize = 64 << 10;
/// Nesting of one type. Also bounds what the host holds for one value.
const MAX_DEPTH: u32 = 32;

/// Which way a value goes: results say more than arguments may.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// The schemas and the signature of one function.
pub(crate) struct Described {
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
    /// `func(a: u32) -> string`, for the description.
    pub(crate) signature: String,
}

/// Describes a function.
///
/// # Errors
/// Why it cannot be a tool.
pub(crate) fn describe(function: &ComponentFunc) -> Result<Described, String> {
    let mut walk = Walk::default();
    walk.say("func(")?;
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (at, (name, ty)) in function.params().enumerate() {
        walk.comma(at)?;
        walk.say(name)?;
        walk.say(": ")?;
        properties.insert(name.to_owned(), walk.schema(&ty, Way::In, 0)?);
        if !matches!(ty, Type::Option(_)) {
            required.push(Value::from(name));
        }
    }
    walk.say(")")?;
    let mut results = function.results();
    let output = match results.next() {
        None => None,
        Some(ty) => {
            walk.say(" -> ")?;
            let whole = walk.schema(&ty, Way::Out, 0)?;
            match ty {
                // The error of a result is the tool's failure, not a value it returns.
                Type::Result(result) => match result.ok() {
                    None => None,
                    Some(ok) => Some(Walk::default().schema(&ok, Way::Out, 1)?),
                },
                _ => Some(whole),
            }
        }
    };
    let mut input = object(properties, required);
    if let Value::Object(input) = &mut input {
        input.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    }
    Ok(Described { input, output, signature: walk.text })
}

#[derive(Default)]
struct Walk {
    nodes: u32,
    text: String,
}

impl Walk {
    fn schema(&mut self, ty: &Type, way: Way, depth: u32) -> Result<Value, String> {
        self.count(1)?;
        if depth > MAX_DEPTH {
            return Err(format!("its types nest deeper than {MAX_DEPTH}"));
        }
        let next = depth + 1;
        let simple = |walk: &mut Self, schema: Value| {
            walk.say(type_word(ty))?;
            Ok(schema)
        };
        match ty {
            Type::Bool => simple(self, json!({"type": "boolean"})),
            Type::U8 => simple(self, integer(0, u8::MAX.into())),
            Type::U16 => simple(self, integer(0, u16::MAX.into())),
            Type::U32 => simple(self, integer(0, u32::MAX.into())),
            Type::S8 => simple(self, integer(i8::MIN.into(), i8::MAX.into())),
            Type::S16 => simple(self, integer(i16::MIN.into(), i16::MAX.into())),
            Type::S32 => simple(self, integer(i32::MIN.into(), i32::MAX.into())),
            Type::U64 => {
                simple(self, wide("^(0|[1-9][0-9]{0,19})$", json!(0), json!(u64::MAX), way))
            }
            Type::S64 => simple(
                self,
                wide("^(0|-?[1-9][0-9]{0,18})$", json!(i64::MIN), json!(i64::MAX), way),
            ),
            Type::Float32 | Type::Float64 => simple(
                self,
                match way {
                    Way::In => json!({"type": "number"}),
                    Way::Out => {
                        json!({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]})
                    }
                },
            ),
            Type::Char => simple(self, json!({"type": "string", "minLength": 1, "maxLength": 1})),
            Type::String => simple(self, json!({"type": "string"})),
            Type::List(list) => {
                self.say("list<")?;
                let item = list.ty();
                let items = self.schema(&item, way, next)?;
                self.say(">")?;
                Ok(match item {
                    Type::U8 => json!({"type": "string", "contentEncoding": "base64"}),
                    _ => json!({"type": "array", "items": items}),
                })
            }
            Type::Tuple(tuple) => {
                self.say("tuple<")?;
                let mut items = Vec::new();
                for (at, item) in tuple.types().enumerate() {
                    self.comma(at)?;
                    items.push(self.schema(&item, way, next)?);
                }
                self.say(">")?;
                let len = items.len();
                Ok(
                    json!({"type": "array", "prefixItems": items, "items": false, "minItems": len, "maxItems": len}),
                )
            }
            Type::Record(record) => {
                self.say("record { ")?;
                let (mut properties, mut required) = (Map::new(), Vec::new());
                for (at, field) in record.fields().enumerate() {
                    self.comma(at)?;
                    self.say(field.name)?;
                    self.say(": ")?;
                    properties.insert(field.name.to_owned(), self.schema(&field.ty, way, next)?);
                    if way == Way::Out || !matches!(field.ty, Type::Option(_)) {
                        required.push(Value::from(field.name));
                    }
                }
                self.say(" }")?;
                Ok(object(properties, required))
            }
            Type::Variant(variant) => {
                self.say("variant { ")?;
                let mut cases = Vec::new();
                for (at, case) in variant.cases().enumerate() {
                    self.comma(at)?;
                    self.say(case.name)?;
                    cases.push(self.case(case.name, case.ty.as_ref(), way, next)?);
                }
                self.say(" }")?;
                Ok(json!({"oneOf": cases}))
            }
            Type::Enum(cases) => {
                let names: Vec<&str> = cases.names().collect();
                self.say(&format!("enum {{ {} }}", names.join(", ")))?;
                self.count(names.len())?;
                Ok(json!({"type": "string", "enum": names}))
            }
            Type::Flags(flags) => {
                let names: Vec<&str> = flags.names().collect();
                self.say(&format!("flags {{ {} }}", names.join(", ")))?;
                self.count(names.len())?;
                Ok(json!({"type": "array", "items": {"enum": names}, "uniqueItems": true}))
            }
            Type::Option(option) => {
                self.say("option<")?;
                let inner = option.ty();
                let schema = self.schema(&inner, way, next)?;
                self.say(">")?;
                let some = if is_nested_option(&inner) { single("some", schema) } else { schema };
                Ok(json!({"anyOf": [some, {"type": "null"}]}))
            }
            Type::Result(result) => {
                self.say("result<")?;
                let ok = self.payload(result.ok().as_ref(), way, next)?;
                self.say(", ")?;
                let err = self.payload(result.err().as_ref(), way, next)?;
                self.say(">")?;
                Ok(json!({"oneOf": [single("ok", ok), single("err", err)]}))
            }
            Type::Map(_)
            | Type::Own(_)
            | Type::Borrow(_)
            | Type::Future(_)
            | Type::Stream(_)
            | Type::ErrorContext
            | Type::FixedLengthList(_) => {
                Err(format!("it takes or returns a {}, which has no form in JSON", type_word(ty)))
            }
        }
    }

    /// More of the signature.
    fn say(&mut self, text: &str) -> Result<(), String> {
        self.text.push_str(text);
        if self.text.len() > MAX_TEXT {
            return Err(format!("its signature has more than {MAX_TEXT} bytes"));
        }
        Ok(())
    }

    fn comma(&mut self, at: usize) -> Result<(), String> {
        if at > 0 { self.say(", ") } else { Ok(()) }
    }

    fn case(
        &mut self,
        name: &str,
        ty: Option<&Type>,
        way: Way,
        depth: u32,
    ) -> Result<Value, String> {
        let schema = match ty {
            None => self.nothing()?,
            Some(ty) => {
                self.say("(")?;
                let schema = self.schema(ty, way, depth)?;
                self.say(")")?;
                schema
            }
        };
        Ok(single(name, schema))
    }

    /// A case without a payload is a part of the schema, too: one of its branches.
    fn nothing(&mut self) -> Result<Value, String> {
        self.count(1)?;
        Ok(json!({"type": "null"}))
    }

    /// More parts of the schema.
    fn count(&mut self, more: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        if self.nodes > MAX_NODES {
            return Err(format!("its types have more than {MAX_NODES} parts"));
        }
        Ok(())
    }

    fn payload(&mut self, ty: Option<&Type>, way: Way, depth: u32) -> Result<Value, String> {
        match ty {
            Some(ty) => self.schema(ty, way, depth),
            None => {
                self.say("_")?;
                self.nothing()
            }
        }
    }
}

fn integer(min: i64, max: i64) -> Value {
    json!({"type": "integer", "minimum": min, "maximum": max})
}

fn wide(pattern: &str, min: Value, max: Value, way: Way) -> Value {
    let text = json!({"type": "string", "pattern": pattern});
    match way {
        Way::Out => text,
        Way::In => json!({"anyOf": [{"type": "integer", "minimum": min, "maximum": max}, text]}),
    }
}

fn single(key: &str, schema: Value) -> Value {
    object(Map::from_iter([(key.to_owned(), schema)]), vec![key.into()])
}

fn object(properties: Map<String, Value>, required: Vec<Value>) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[cfg(test)]
mod tests;
