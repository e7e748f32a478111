//! JSON ↔ component values, directed by the component type alone. One text has one meaning: duplicate
//! keys, unknown keys, numbers out of range and floats that JSON cannot say are refused, because what
//! an approver reads and what a provider gets must be the same value.

mod form;
mod from_json;
mod strict;
mod to_json;

pub use form::JsonForm;
pub(crate) use from_json::{fields_from, from_json};
pub(crate) use strict::json_bytes;
pub use strict::parse_json;
pub(crate) use to_json::{Floats, to_json};

use std::fmt;
use wasmtime::component::Type;

/// A value that does not fit a type, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    path: String,
    problem: String,
}

impl Misfit {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }
    /// The same, one level further out.
    pub(crate) fn within(mut self, key: impl fmt::Display) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{dot}{}", self.path);
        self
    }
    pub(crate) fn at_index(mut self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "`{}`: {}", self.path, self.problem)
        }
    }
}

/// The type in WIT's words, without its inside.
pub(crate) fn type_word(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::List(_) => "list",
        Type::Map(_) => "map",
        Type::Record(_) => "record",
        Type::Tuple(_) => "tuple",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Option(_) => "option",
        Type::Result(_) => "result",
        Type::Flags(_) => "flags",
        Type::Own(_) | Type::Borrow(_) => "resource",
        Type::Future(_) => "future",
        Type::Stream(_) => "stream",
        Type::ErrorContext => "error-context",
        Type::FixedLengthList(_) => "fixed-length list",
    }
}

/// Whether `some(v)` of an option of this type is written `{"some": v}`: where `v` may itself be
/// `null`.
pub(crate) fn is_nested_option(inner: &Type) -> bool {
    matches!(inner, Type::Option(_))
}

#[cfg(test)]
mod tests;
