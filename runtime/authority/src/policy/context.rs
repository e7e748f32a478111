//! Arguments as policies see them. A number that Cedar cannot hold refuses the call: a policy must never
//! decide on another value than the provider gets.

use super::schema::{Field, Shape};
use cedar_policy::RestrictedExpression as Expression;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Why an argument cannot be judged.
pub(super) type Unmappable = String;

/// The arguments that policies can see.
pub(super) fn arguments(
    fields: &BTreeMap<String, Field>,
    arguments: &Map<String, Value>,
) -> Result<Expression, Unmappable> {
    let mut pairs = Vec::new();
    for (name, field) in fields {
        match arguments.get(name) {
            None | Some(Value::Null) if field.optional => {}
            None => return Err(format!("argument `{name}` is missing")),
            Some(value) => pairs.push((name.clone(), expression(name, &field.shape, value)?)),
        }
    }
    Expression::new_record(pairs).map_err(|e| e.to_string())
}

fn expression(name: &str, shape: &Shape, value: &Value) -> Result<Expression, Unmappable> {
    let wrong = || format!("argument `{name}` is not what its WIT says");
    match (shape, value) {
        (Shape::Bool, Value::Bool(b)) => Ok(Expression::new_bool(*b)),
        (Shape::Text, Value::String(text)) => Ok(Expression::new_string(text.clone())),
        // 64-bit integers are strings in JSON.
        (Shape::Long, Value::Number(_) | Value::String(_)) => {
            let long = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            long.map(Expression::new_long).ok_or_else(|| {
                format!("argument `{name}` is a number that policies cannot hold: at most 2^63-1")
            })
        }
        (Shape::Set(inner), Value::Array(items)) => {
            let items = items.iter().map(|item| expression(name, inner, item));
            Ok(Expression::new_set(items.collect::<Result<Vec<_>, _>>()?))
        }
        (Shape::Record(fields), Value::Object(values)) => arguments(fields, values),
        _ => Err(wrong()),
    }
}
