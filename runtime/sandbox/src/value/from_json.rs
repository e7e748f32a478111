//! JSON to component values.

use super::{Misfit, is_nested_option, type_word};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use wasmtime::component::{Type, Val};

/// Converts a JSON value to a value of the type `ty`.
///
/// # Errors
/// What does not fit, and where.
pub(crate) fn from_json(value: &Value, ty: &Type) -> Result<Val, Misfit> {
    let misfit = || Misfit::new(format!("{} does not fit {}", describe(value), type_word(ty)));
    Ok(match ty {
        Type::Bool => Val::Bool(value.as_bool().ok_or_else(misfit)?),
        Type::U8 => Val::U8(integer(value).ok_or_else(misfit)?),
        Type::S8 => Val::S8(integer(value).ok_or_else(misfit)?),
        Type::U16 => Val::U16(integer(value).ok_or_else(misfit)?),
        Type::S16 => Val::S16(integer(value).ok_or_else(misfit)?),
        Type::U32 => Val::U32(integer(value).ok_or_else(misfit)?),
        Type::S32 => Val::S32(integer(value).ok_or_else(misfit)?),
        Type::U64 => Val::U64(integer(value).or_else(|| decimal(value)).ok_or_else(misfit)?),
        Type::S64 => Val::S64(integer(value).or_else(|| decimal(value)).ok_or_else(misfit)?),
        Type::Float32 => {
            #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
            let float = double(value).ok_or_else(misfit)? as f32;
            Val::Float32(if float.is_finite() { float } else { return Err(misfit()) })
        }
        Type::Float64 => Val::Float64(double(value).ok_or_else(misfit)?),
        Type::Char => {
            let mut chars = value.as_str().ok_or_else(misfit)?.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Val::Char(c),
                _ => return Err(misfit()),
            }
        }
        Type::String => Val::String(value.as_str().ok_or_else(misfit)?.to_owned()),
        Type::List(list) => match (list.ty(), value) {
            (Type::U8, Value::String(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| {
                    Misfit::new("the text is not base64 (RFC 4648 section 4, with padding)")
                })?;
                Val::List(bytes.into_iter().map(Val::U8).collect())
            }
            (Type::U8, _) => return Err(Misfit::new("bytes are written as a base64 string")),
            (item, Value::Array(values)) => {
                Val::List(items(values, std::iter::repeat_n(item, values.len()))?)
            }
            _ => return Err(misfit()),
        },
        Type::Tuple(tuple) => match value {
            Value::Array(values) if values.len() == tuple.types().len() => {
                Val::Tuple(items(values, tuple.types())?)
            }
            _ => return Err(misfit()),
        },
        Type::Record(record) => {
            let object = value.as_object().ok_or_else(misfit)?;
            let fields: Vec<_> = record.fields().map(|field| (field.name, field.ty)).collect();
            Val::Record(fields_from(object, &fields)?)
        }
        Type::Variant(variant) => {
            let (name, payload) = only_entry(value).ok_or_else(misfit)?;
            let case = variant.cases().find(|case| case.name == name);
            let case = case.ok_or_else(|| {
                unknown(name, "case", variant.cases().map(|case| case.name.to_owned()))
            })?;
            let payload = payload_from(payload, case.ty.as_ref()).map_err(|e| e.within(name))?;
            Val::Variant(name.to_owned(), payload)
        }
        Type::Enum(cases) => {
            let name = value.as_str().ok_or_else(misfit)?;
            if !cases.names().any(|case| case == name) {
                return Err(unknown(name, "case", cases.names().map(str::to_owned)));
            }
            Val::Enum(name.to_owned())
        }
        Type::Flags(flags) => {
            let asked = value.as_array().ok_or_else(misfit)?;
            let mut set = Vec::with_capacity(asked.len().min(flags.names().len()));
            for name in asked {
                let name = name.as_str().ok_or_else(misfit)?;
                if !flags.names().any(|flag| flag == name) {
                    return Err(unknown(name, "flag", flags.names().map(str::to_owned)));
                }
                if set.iter().any(|s| s == name) {
                    return Err(Misfit::new(format!("the flag `{name}` is there twice")));
                }
                set.push(name.to_owned());
            }
            // In the order of the type, so that equal flags are equal values.
            Val::Flags(
                flags.names().filter(|f| set.iter().any(|s| s == f)).map(str::to_owned).collect(),
            )
        }
        Type::Option(option) => match value {
            Value::Null => Val::Option(None),
            value => {
                let inner = option.ty();
                let value = if is_nested_option(&inner) {
                    match only_entry(value) {
                        Some(("some", value)) => value,
                        _ => {
                            return Err(Misfit::new(
                                "an option of an option is null or {\"some\": …}",
                            ));
                        }
                    }
                } else {
                    value
                };
                Val::Option(Some(Box::new(from_json(value, &inner)?)))
            }
        },
        Type::Result(result) => match only_entry(value) {
            Some(("ok", v)) => {
                Val::Result(Ok(payload_from(v, result.ok().as_ref()).map_err(|e| e.within("ok"))?))
            }
            Some(("err", v)) => Val::Result(Err(
                payload_from(v, result.err().as_ref()).map_err(|e| e.within("err"))?
            )),
            _ => return Err(Misfit::new("a result is {\"ok\": …} or {\"err\": …}")),
        },
        Type::Map(_)
        | Type::Own(_)
        | Type::Borrow(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext
        | Type::FixedLengthList(_) => {
            return Err(Misfit::new(format!("a {} cannot be written in JSON", type_word(ty))));
        }
    })
}

/// The fields of a record, or the parameters of a function, from an object. Options may be missing,
/// nothing may be left over.
pub(crate) fn fields_from(
    object: &Map<String, Value>,
    fields: &[(&str, Type)],
) -> Result<Vec<(String, Val)>, Misfit> {
    let is_field = |key: &String| fields.iter().any(|(name, _)| name == key);
    if let Some(key) = object.keys().find(|key| !is_field(key)) {
        return Err(unknown(key, "key", fields.iter().map(|(name, _)| (*name).to_owned())));
    }
    fields
        .iter()
        .map(|(name, ty)| {
            let value = match (object.get(*name), ty) {
                (Some(value), ty) => from_json(value, ty).map_err(|e| e.within(name))?,
                (None, Type::Option(_)) => Val::Option(None),
                (None, _) => return Err(Misfit::new(format!("`{name}` is missing"))),
            };
            Ok(((*name).to_owned(), value))
        })
        .collect()
}

fn items(values: &[Value], types: impl Iterator<Item = Type>) -> Result<Vec<Val>, Misfit> {
    let each = values.iter().zip(types).enumerate();
    each.map(|(i, (value, ty))| from_json(value, &ty).map_err(|e| e.at_index(i))).collect()
}

fn payload_from(value: &Value, ty: Option<&Type>) -> Result<Option<Box<Val>>, Misfit> {
    match (ty, value) {
        (Some(ty), value) => Ok(Some(Box::new(from_json(value, ty)?))),
        (None, Value::Null) => Ok(None),
        (None, _) => Err(Misfit::new("the case carries nothing; write null")),
    }
}

/// The one entry of an object.
fn only_entry(value: &Value) -> Option<(&str, &Value)> {
    let mut entries = value.as_object()?.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key.as_str(), value)),
        _ => None,
    }
}

/// An integer in range: a JSON number without a fraction (`3` and `3.0` are the same number).
fn integer<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    let number = value.as_number()?;
    let wide = match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(v), _, _) => i128::from(v),
        (_, Some(v), _) => i128::from(v),
        // Up to 2^53 a double holds integers exactly.
        #[expect(clippy::cast_possible_truncation, reason = "the guard makes it exact")]
        (_, _, Some(v)) if v.fract() == 0.0 && v.abs() <= 9_007_199_254_740_992.0 => v as i128,
        _ => return None,
    };
    T::try_from(wide).ok()
}

/// A 64-bit integer in canonical decimal form, as a string.
fn decimal<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    let text = value.as_str()?;
    if text.len() > 20 {
        return None;
    }
    let wide: i128 = text.parse().ok()?;
    // No plus sign, no leading zeros, no `-0`.
    (wide.to_string() == text).then_some(())?;
    T::try_from(wide).ok()
}

/// A double; an integer that a double cannot hold exactly does not fit.
fn double(value: &Value) -> Option<f64> {
    let number = value.as_number()?;
    #[expect(clippy::cast_possible_truncation, reason = "compared, not kept")]
    let exact = |wide: i128, float: f64| (float as i128 == wide).then_some(float);
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(v), _, Some(f)) => exact(i128::from(v), f),
        (_, Some(v), Some(f)) => exact(i128::from(v), f),
        (_, _, float) => float.filter(|f| f.is_finite()),
    }
}

fn unknown(name: &str, what: &str, known: impl Iterator<Item = String>) -> Misfit {
    let known: Vec<String> = known.take(40).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let name: String = name.chars().take(80).collect();
    Misfit::new(format!("there is no {what} `{}`; there is {known}", name.escape_debug()))
}

/// What a JSON value is, for a message: its kind, and the value itself where that is short.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(v) => v.to_string(),
        Value::Number(v) => v.to_string(),
        Value::String(v) if v.len() <= 40 => format!("\"{}\"", v.escape_debug()),
        Value::String(_) => "a long string".into(),
        Value::Array(v) => format!("an array of {}", v.len()),
        Value::Object(_) => "an object".into(),
    }
}
