//! The shape of a WIT type, and JSON that fits it. What a program prints is nobody's promise: before a
//! plugin, a plan or the journal gets it, it is held to the type that the capability declares, and
//! written in the one form that the type has.

use super::wit;
use serde_json::{Map, Value};
use wit_parser::{Resolve, Type, TypeDefKind};

/// A WIT type with its inside, aliases followed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Bool,
    /// `wide`: 64 bits, which JSON writes as a string.
    Integer {
        least: i128,
        most: i128,
        wide: bool,
    },
    Float,
    Char,
    Text,
    List(Box<Shape>),
    Tuple(Vec<Shape>),
    Record(Vec<(String, Shape)>),
    Variant(Vec<(String, Option<Shape>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
}

fn integer(least: i128, most: i128) -> Shape {
    Shape::Integer { least, most, wide: most > i128::from(u32::MAX) }
}

impl Shape {
    /// The shape of a type; nothing for types whose values cannot be told in JSON.
    pub(super) fn of(resolve: &Resolve, ty: &Type) -> Option<Self> {
        let boxed = |ty: &Option<Type>| match ty {
            None => Some(None),
            Some(ty) => Self::of(resolve, ty).map(|shape| Some(Box::new(shape))),
        };
        if let Some(primitive) = wit::primitive(resolve, ty) {
            return Some(match primitive {
                Type::Bool => Self::Bool,
                Type::U8 => integer(0, u8::MAX.into()),
                Type::U16 => integer(0, u16::MAX.into()),
                Type::U32 => integer(0, u32::MAX.into()),
                Type::U64 => integer(0, u64::MAX.into()),
                Type::S8 => integer(i8::MIN.into(), i8::MAX.into()),
                Type::S16 => integer(i16::MIN.into(), i16::MAX.into()),
                Type::S32 => integer(i32::MIN.into(), i32::MAX.into()),
                Type::S64 => integer(i64::MIN.into(), i64::MAX.into()),
                Type::F32 | Type::F64 => Self::Float,
                Type::Char => Self::Char,
                Type::String => Self::Text,
                Type::ErrorContext | Type::Id(_) => return None,
            });
        }
        Some(match wit::follow(resolve, ty)? {
            // Bytes are base64 in JSON: a program that prints them says so by printing a string.
            TypeDefKind::List(item) if wit::primitive(resolve, item) == Some(Type::U8) => {
                return None;
            }
            TypeDefKind::List(item) => Self::List(Box::new(Self::of(resolve, item)?)),
            TypeDefKind::Tuple(tuple) => Self::Tuple(
                tuple.types.iter().map(|t| Self::of(resolve, t)).collect::<Option<_>>()?,
            ),
            TypeDefKind::Record(record) => {
                let field =
                    |f: &wit_parser::Field| Some((f.name.clone(), Self::of(resolve, &f.ty)?));
                Self::Record(record.fields.iter().map(field).collect::<Option<_>>()?)
            }
            TypeDefKind::Variant(variant) => {
                let case = |c: &wit_parser::Case| {
                    let carried = match &c.ty {
                        None => None,
                        Some(ty) => Some(Self::of(resolve, ty)?),
                    };
                    Some((c.name.clone(), carried))
                };
                Self::Variant(variant.cases.iter().map(case).collect::<Option<_>>()?)
            }
            TypeDefKind::Enum(cases) => {
                Self::Enum(cases.cases.iter().map(|c| c.name.clone()).collect())
            }
            TypeDefKind::Flags(flags) => {
                Self::Flags(flags.flags.iter().map(|f| f.name.clone()).collect())
            }
            TypeDefKind::Option(inner) => Self::Option(Box::new(Self::of(resolve, inner)?)),
            TypeDefKind::Result(result) => Self::Result(boxed(&result.ok)?, boxed(&result.err)?),
            _ => return None,
        })
    }

    /// The value in the form that the type has. A record takes what it names and leaves the rest: a
    /// program may print more than a capability tells.
    pub(super) fn read(&self, value: &Value) -> Result<Value, String> {
        let misfit = || format!("{} does not fit {}", kind(value), self.word());
        Ok(match self {
            Self::Bool => value.as_bool().ok_or_else(misfit)?.into(),
            Self::Integer { least, most, wide } => {
                let number = match value {
                    Value::Number(n) => n.as_i64().map(i128::from).or(n.as_u64().map(i128::from)),
                    Value::String(text) if *wide => canonical(text),
                    _ => None,
                };
                let number = number.filter(|n| (least..=most).contains(&n)).ok_or_else(misfit)?;
                match (wide, i64::try_from(number)) {
                    (true, _) | (false, Err(_)) => number.to_string().into(),
                    (false, Ok(number)) => number.into(),
                }
            }
            Self::Float => value.as_number().ok_or_else(misfit)?.clone().into(),
            Self::Char => {
                let text = value.as_str().filter(|t| t.chars().count() == 1);
                text.ok_or_else(misfit)?.into()
            }
            Self::Text => value.as_str().ok_or_else(misfit)?.into(),
            Self::List(item) => {
                let items = value.as_array().ok_or_else(misfit)?;
                let read = items.iter().map(|value| item.read(value));
                Value::Array(read.collect::<Result<_, _>>()?)
            }
            Self::Tuple(shapes) => {
                let items = value.as_array().filter(|a| a.len() == shapes.len());
                let pairs = shapes.iter().zip(items.ok_or_else(misfit)?);
                Value::Array(pairs.map(|(s, v)| s.read(v)).collect::<Result<_, _>>()?)
            }
            Self::Record(fields) => {
                let object = value.as_object().ok_or_else(misfit)?;
                let mut read = Map::new();
                for (name, shape) in fields {
                    let value = match (object.get(name), shape) {
                        (Some(value), shape) => {
                            shape.read(value).map_err(|e| format!("`{name}`: {e}"))?
                        }
                        (None, Self::Option(_)) => Value::Null,
                        (None, _) => return Err(format!("`{name}` is missing")),
                    };
                    read.insert(name.clone(), value);
                }
                Value::Object(read)
            }
            Self::Variant(cases) => {
                let (name, carried) = only(value).ok_or_else(misfit)?;
                let (_, shape) = cases.iter().find(|(c, _)| c == name).ok_or_else(misfit)?;
                entry(name, payload(shape.as_ref(), carried).ok_or_else(misfit)??)
            }
            Self::Enum(cases) => {
                let name = value.as_str().filter(|n| cases.iter().any(|c| c == n));
                name.ok_or_else(misfit)?.into()
            }
            Self::Flags(flags) => {
                let asked = value.as_array().ok_or_else(misfit)?;
                if !asked.iter().all(|a| flags.iter().any(|f| a.as_str() == Some(f))) {
                    return Err(misfit());
                }
                let set = flags.iter().filter(|f| asked.iter().any(|a| a.as_str() == Some(f)));
                Value::Array(set.map(|f| Value::from(f.as_str())).collect())
            }
            Self::Option(_) if value.is_null() => Value::Null,
            Self::Option(inner) => match (&**inner, only(value)) {
                (Self::Option(_), Some(("some", value))) => entry("some", inner.read(value)?),
                (Self::Option(_), _) => return Err(misfit()),
                (inner, _) => inner.read(value)?,
            },
            Self::Result(ok, err) => {
                let (name, carried) = only(value).ok_or_else(misfit)?;
                let shape = match name {
                    "ok" => ok.as_deref(),
                    "err" => err.as_deref(),
                    _ => return Err(misfit()),
                };
                entry(name, payload(shape, carried).ok_or_else(misfit)??)
            }
        })
    }

    /// The type in WIT's words, without its inside.
    fn word(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Integer { least: 0, .. } => "an unsigned integer of this size",
            Self::Integer { .. } => "a signed integer of this size",
            Self::Float => "a float",
            Self::Char => "char",
            Self::Text => "string",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Record(_) => "record",
            Self::Variant(_) => "variant, written {\"case\": value}",
            Self::Enum(_) => "enum",
            Self::Flags(_) => "flags, written as a list of names",
            Self::Option(_) => "option",
            Self::Result(..) => "result, written {\"ok\": value} or {\"err\": value}",
        }
    }
}

fn entry(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn payload(shape: Option<&Shape>, value: &Value) -> Option<Result<Value, String>> {
    match (shape, value) {
        (Some(shape), value) => Some(shape.read(value)),
        (None, Value::Null) => Some(Ok(Value::Null)),
        (None, _) => None,
    }
}

fn only(value: &Value) -> Option<(&str, &Value)> {
    let mut entries = value.as_object()?.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// An integer in canonical decimal form: no plus sign, no leading zeros, no `-0`.
fn canonical(text: &str) -> Option<i128> {
    let number = text.parse::<i128>().ok().filter(|_| text.len() <= 20)?;
    (number.to_string() == text).then_some(number)
}

/// A value's kind. Never the value: it is a program's, and may be anything.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "this string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::catalogue::WitPackage;
    use serde_json::{Value, json};

    fn read(ty: &str, value: Value) -> Result<Value, String> {
        let wit = format!(
            "package a:b@1.0.0;\ninterface c {{ record r {{ n: u64, why: option<string> }} \
             variant v {{ one, two(u8) }} enum e {{ red, blue }} flags f {{ x, y }} \
             type alias = r; g: func(p: {ty}); }}"
        );
        let package = WitPackage::parse(&[("a.wit".into(), wit)]).unwrap();
        let id = package.interface(&"a:b/c@1.0.0".parse().unwrap()).unwrap();
        let function = &package.resolve.interfaces[id].functions["g"];
        Shape::of(&package.resolve, &function.params[0].ty).ok_or("no shape")?.read(&value)
    }

    #[test]
    fn one_form_of_each_value() {
        for (ty, from, to) in [
            ("u64", json!(7), json!("7")),
            ("s64", json!("-7"), json!("-7")),
            ("u32", json!(4294967295u32), json!(4294967295u32)),
            ("r", json!({"n": 1, "more": [1]}), json!({"n": "1", "why": null})),
            ("alias", json!({"why": "x", "n": "2"}), json!({"n": "2", "why": "x"})),
            ("v", json!({"one": null}), json!({"one": null})),
            ("v", json!({"two": 255}), json!({"two": 255})),
            ("e", json!("red"), json!("red")),
            ("f", json!(["y", "x"]), json!(["x", "y"])),
            ("list<tuple<u8, string>>", json!([[1, "a"]]), json!([[1, "a"]])),
            ("option<option<u8>>", json!({"some": 1}), json!({"some": 1})),
            ("result<u8, e>", json!({"err": "blue"}), json!({"err": "blue"})),
            ("result", json!({"ok": null}), json!({"ok": null})),
            ("f64", json!(1.5), json!(1.5)),
            ("char", json!("é"), json!("é")),
        ] {
            assert_eq!(read(ty, from.clone()), Ok(to), "{ty} {from}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (ty, value) in [
            ("u8", json!(256)),
            ("u8", json!(-1)),
            ("u8", json!("1")),
            ("u8", json!(1.5)),
            ("u64", json!("01")),
            ("u64", json!("+1")),
            ("u64", json!("18446744073709551616")),
            ("string", json!(1)),
            ("bool", json!("true")),
            ("char", json!("ab")),
            ("r", json!({"why": null})),
            ("r", json!([])),
            ("v", json!("one")),
            ("v", json!({"one": 1})),
            ("v", json!({"three": null})),
            ("v", json!({"one": null, "two": 1})),
            ("e", json!("green")),
            ("f", json!(["z"])),
            ("tuple<u8, u8>", json!([1])),
            ("option<option<u8>>", json!(1)),
            ("result<u8>", json!(1)),
            ("list<u8>", json!("AA==")),
        ] {
            assert!(read(ty, value.clone()).is_err(), "{ty} {value}");
        }
        // The value itself is never in the message.
        let problem = read("r", json!({"n": "hunter2"})).unwrap_err();
        assert!(problem.contains("`n`") && !problem.contains("hunter2"), "{problem}");
    }
}
