//! Component values to JSON.

use super::{Misfit, is_nested_option, type_word};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Number, Value};
use wasmtime::component::{Type, Val};

/// What becomes of NaN and the infinities, for which JSON has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floats {
    /// `"NaN"`, `"Infinity"`, `"-Infinity"`: a tool's result, which nobody acts upon by value.
    AsText,
    /// Refused: an argument of a capability call, where each value must have one canonical form.
    Refused,
}

/// Converts a value of the type `ty`.
///
/// # Errors
/// A float that is refused, a type that has no JSON, or a value that is not of the type.
pub(crate) fn to_json(val: &Val, ty: &Type, floats: Floats) -> Result<Value, Misfit> {
    Ok(match (ty, val) {
        (Type::Bool, Val::Bool(v)) => Value::Bool(*v),
        (Type::U8, Val::U8(v)) => (*v).into(),
        (Type::S8, Val::S8(v)) => (*v).into(),
        (Type::U16, Val::U16(v)) => (*v).into(),
        (Type::S16, Val::S16(v)) => (*v).into(),
        (Type::U32, Val::U32(v)) => (*v).into(),
        (Type::S32, Val::S32(v)) => (*v).into(),
        // Beyond 2^53 many JSON readers round; a string is read exactly by all.
        (Type::U64, Val::U64(v)) => v.to_string().into(),
        (Type::S64, Val::S64(v)) => v.to_string().into(),
        (Type::Float32, Val::Float32(v)) => float(f64::from(*v), floats)?,
        (Type::Float64, Val::Float64(v)) => float(*v, floats)?,
        (Type::Char, Val::Char(v)) => v.to_string().into(),
        (Type::String, Val::String(v)) => v.as_str().into(),
        (Type::List(list), Val::List(items)) => match list.ty() {
            Type::U8 => bytes(items)?.into(),
            item => array(items, std::iter::repeat(item), floats)?,
        },
        (Type::Tuple(tuple), Val::Tuple(items)) => array(items, tuple.types(), floats)?,
        (Type::Record(record), Val::Record(fields)) => {
            let mut object = Map::new();
            for (field, (name, value)) in record.fields().zip(fields) {
                let value = to_json(value, &field.ty, floats).map_err(|e| e.within(field.name))?;
                object.insert(name.clone(), value);
            }
            Value::Object(object)
        }
        (Type::Variant(variant), Val::Variant(name, payload)) => {
            let case = variant.cases().find(|case| case.name == name.as_str());
            let ty = case.and_then(|case| case.ty);
            single(
                name,
                payload_json(payload.as_deref(), ty.as_ref(), floats)
                    .map_err(|e| e.within(name))?,
            )
        }
        (Type::Enum(_), Val::Enum(name)) => name.as_str().into(),
        (Type::Flags(_), Val::Flags(names)) => {
            Value::Array(names.iter().map(|name| name.as_str().into()).collect())
        }
        (Type::Option(_), Val::Option(None)) => Value::Null,
        (Type::Option(option), Val::Option(Some(v))) => {
            let inner = option.ty();
            let value = to_json(v, &inner, floats)?;
            if is_nested_option(&inner) { single("some", value) } else { value }
        }
        (Type::Result(result), Val::Result(v)) => {
            let (case, payload, ty) = match v {
                Ok(v) => ("ok", v, result.ok()),
                Err(v) => ("err", v, result.err()),
            };
            single(
                case,
                payload_json(payload.as_deref(), ty.as_ref(), floats)
                    .map_err(|e| e.within(case))?,
            )
        }
        (ty, _) => {
            return Err(Misfit::new(format!("a {} has no form in JSON", type_word(ty))));
        }
    })
}

fn single(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

fn payload_json(val: Option<&Val>, ty: Option<&Type>, floats: Floats) -> Result<Value, Misfit> {
    match (val, ty) {
        (Some(val), Some(ty)) => to_json(val, ty, floats),
        (None, None) => Ok(Value::Null),
        _ => Err(Misfit::new("a case has a payload where its type has none, or none where it has")),
    }
}

fn array(
    items: &[Val],
    types: impl Iterator<Item = Type>,
    floats: Floats,
) -> Result<Value, Misfit> {
    let values = items
        .iter()
        .zip(types)
        .enumerate()
        .map(|(i, (item, ty))| to_json(item, &ty, floats).map_err(|e| e.at_index(i)));
    Ok(Value::Array(values.collect::<Result<_, _>>()?))
}

fn bytes(items: &[Val]) -> Result<String, Misfit> {
    let bytes: Option<Vec<u8>> =
        items.iter().map(|v| if let Val::U8(b) = v { Some(*b) } else { None }).collect();
    bytes.map(|b| STANDARD.encode(b)).ok_or_else(|| Misfit::new("a list<u8> holds something else"))
}

fn float(v: f64, floats: Floats) -> Result<Value, Misfit> {
    if let Some(number) = Number::from_f64(v) {
        return Ok(Value::Number(number));
    }
    let text = match v {
        v if v.is_nan() => "NaN",
        v if v > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    match floats {
        Floats::AsText => Ok(text.into()),
        Floats::Refused => Err(Misfit::new(format!("{text} is not a value that can be passed on"))),
    }
}
