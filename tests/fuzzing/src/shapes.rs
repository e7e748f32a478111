//! Component types that nobody chose, made of bytes: their text, the JSON of a value of each, and any JSON at all.

use crate::bytes::Bytes;
use serde_json::{Map, Number, Value};

/// A component type.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Plain(&'static str),
    List(Box<Shape>),
    Tuple(Vec<Shape>),
    Record(Vec<Shape>),
    Variant(Vec<Option<Shape>>),
    Enum(usize),
    Flags(usize),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
}

const PLAIN: &[&str] =
    &["bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char", "string"];

impl Shape {
    pub(crate) fn of(bytes: &mut Bytes<'_>, depth: usize) -> Self {
        let kind = bytes.below(if depth == 0 { 16 } else { 32 });
        let below = depth.saturating_sub(1);
        match kind {
            0..13 => Self::Plain(PLAIN.get(kind).copied().unwrap_or("bool")),
            13 => Self::Enum(1 + bytes.below(40)),
            14 => Self::Flags(1 + bytes.below(32)),
            15 => Self::Plain("string"),
            16..19 => Self::List(Box::new(Self::of(bytes, below))),
            19..21 => Self::Tuple(Self::many(bytes, below)),
            21..24 => Self::Record(Self::many(bytes, below)),
            24..26 => Self::Variant(
                (0..=bytes.below(3)).map(|_| bytes.yes().then(|| Self::of(bytes, below))).collect(),
            ),
            26..30 => Self::Option(Box::new(Self::of(bytes, below))),
            _ => Self::Result(Self::maybe(bytes, below), Self::maybe(bytes, below)),
        }
    }

    fn many(bytes: &mut Bytes<'_>, depth: usize) -> Vec<Self> {
        (0..=bytes.below(3)).map(|_| Self::of(bytes, depth)).collect()
    }

    fn maybe(bytes: &mut Bytes<'_>, depth: usize) -> Option<Box<Self>> {
        bytes.yes().then(|| Box::new(Self::of(bytes, depth)))
    }

    /// A component that imports a function with one parameter `x` of this type.
    pub(crate) fn component(&self) -> String {
        let (mut names, mut next) = (String::new(), 0);
        let ty = self.text(&mut names, &mut next);
        format!(
            "(component (import \"a:b/c@1.0.0\" (instance {names} (export \"f\" (func (param \"x\" {ty}))))))"
        )
    }

    fn text(&self, names: &mut String, next: &mut usize) -> String {
        let numbered = |word: &str, count: usize| {
            let cases: String = (0..count).map(|n| format!(" \"c{n}\"")).collect();
            format!("({word}{cases})")
        };
        // What WIT names has to be named here too.
        let named = match self {
            Self::Plain(word) => return (*word).to_owned(),
            Self::List(inner) => return format!("(list {})", inner.text(names, next)),
            Self::Option(inner) => return format!("(option {})", inner.text(names, next)),
            Self::Tuple(all) => {
                let all: Vec<String> = all.iter().map(|one| one.text(names, next)).collect();
                return format!("(tuple {})", all.join(" "));
            }
            Self::Result(ok, err) => {
                let ok = ok.as_ref().map(|ok| ok.text(names, next)).unwrap_or_default();
                let err = err.as_ref().map(|err| format!("(error {})", err.text(names, next)));
                return format!("(result {ok} {})", err.unwrap_or_default());
            }
            Self::Record(all) => {
                let mut text = "(record".to_owned();
                for (at, one) in all.iter().enumerate() {
                    text += &format!(" (field \"f{at}\" {})", one.text(names, next));
                }
                text + ")"
            }
            Self::Variant(all) => {
                let mut text = "(variant".to_owned();
                for (at, one) in all.iter().enumerate() {
                    let one = one.as_ref().map(|one| one.text(names, next)).unwrap_or_default();
                    text += &format!(" (case \"c{at}\" {one})");
                }
                text + ")"
            }
            Self::Enum(count) => numbered("enum", *count),
            Self::Flags(count) => numbered("flags", *count),
        };
        let at = *next;
        *next += 1;
        *names += &format!("(type $u{at} {named}) (export \"t{at}\" (type $t{at} (eq $u{at})))");
        format!("$t{at}")
    }

    /// A value of the type as JSON, in the one form that the host writes.
    pub(crate) fn value(&self, bytes: &mut Bytes<'_>) -> Value {
        match self {
            Self::Plain(word) => plain(word, bytes),
            Self::List(inner) => match **inner {
                Self::Plain("u8") => base64(bytes.some()).into(),
                _ => (0..bytes.below(4)).map(|_| inner.value(bytes)).collect(),
            },
            Self::Tuple(all) => all.iter().map(|one| one.value(bytes)).collect(),
            Self::Record(all) => {
                let fields = all.iter().enumerate();
                Value::Object(
                    fields.map(|(at, one)| (format!("f{at}"), one.value(bytes))).collect(),
                )
            }
            Self::Variant(all) => {
                let at = bytes.below(all.len());
                let payload = all.get(at).and_then(Option::as_ref).map(|one| one.value(bytes));
                entry(&format!("c{at}"), payload.unwrap_or_default())
            }
            Self::Enum(count) => format!("c{}", bytes.below(*count)).into(),
            Self::Flags(count) => (0..*count)
                .filter(|_| bytes.yes())
                .map(|at| Value::from(format!("c{at}")))
                .collect(),
            Self::Option(_) if bytes.yes() => Value::Null,
            Self::Option(inner) => match **inner {
                Self::Option(_) => entry("some", inner.value(bytes)),
                _ => inner.value(bytes),
            },
            Self::Result(ok, err) => {
                let (case, payload) = if bytes.yes() { ("ok", ok) } else { ("err", err) };
                entry(case, payload.as_ref().map(|one| one.value(bytes)).unwrap_or_default())
            }
        }
    }
}

fn plain(word: &str, bytes: &mut Bytes<'_>) -> Value {
    let number = bytes.u64();
    match word {
        "bool" => Value::Bool(number & 1 == 1),
        "u8" => (number as u8).into(),
        "s8" => (number as i8).into(),
        "u16" => (number as u16).into(),
        "s16" => (number as i16).into(),
        "u32" => (number as u32).into(),
        "s32" => (number as i32).into(),
        "u64" => number.to_string().into(),
        "s64" => (number as i64).to_string().into(),
        // Every float that is a number.
        "f32" => float(f32::from_bits(number as u32).into()),
        "f64" => float(f64::from_bits(number)),
        "char" => {
            char::from_u32(number as u32 % 0x11_0000).unwrap_or('\u{fffd}').to_string().into()
        }
        _ => bytes.text().into(),
    }
}

fn float(float: f64) -> Value {
    Number::from_f64(float).or_else(|| Number::from_f64(0.5)).map_or(Value::Null, Value::Number)
}

pub(crate) fn entry(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// Any JSON, of words that such values are made of.
pub(crate) fn anything(bytes: &mut Bytes<'_>, depth: usize) -> Value {
    const WORDS: &[&str] =
        &["c0", "c1", "AA==", "1", "-0", "+1", "01", "NaN", "some", "", "18446744073709551616"];
    const KEYS: &[&str] = &["f0", "f1", "c0", "some", "ok", "err", "x"];
    match bytes.below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(bytes.yes()),
        2 => (bytes.u64() as i64 >> (bytes.byte() % 64)).into(),
        3 => float(f64::from_bits(bytes.u64())),
        4 => bytes.text().into(),
        5 => bytes.one(WORDS).copied().unwrap_or_default().into(),
        6 => (0..bytes.below(4)).map(|_| anything(bytes, depth - 1)).collect(),
        _ => {
            let mut object = Map::new();
            for _ in 0..bytes.below(4) {
                let key = bytes.one(KEYS).copied().unwrap_or_default();
                object.insert(key.to_owned(), anything(bytes, depth - 1));
            }
            Value::Object(object)
        }
    }
}

/// Base64 (RFC 4648, section 4), written apart from what reads it.
pub(crate) fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in data.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit =
                ALPHABET.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}
