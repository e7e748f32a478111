//! Every value of every type goes to JSON and comes back the same, over types that nobody chose; the
//! schema made for the type accepts it; and no JSON whatever makes the conversion panic.

use super::*;
use crate::admission::{guest, schema};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use wasmtime::component::{Val, types::ComponentFunc};

/// A component type, as this test generates it.
#[derive(Debug, Clone)]
enum Ty {
    Simple(&'static str),
    List(Box<Ty>),
    Tuple(Vec<Ty>),
    Record(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(usize),
    Flags(usize),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
}

fn types() -> impl Strategy<Value = Ty> {
    let leaf = prop_oneof![
        4 => prop::sample::select(vec![
            "bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char",
            "string",
        ])
        .prop_map(Ty::Simple),
        1 => (1..40usize).prop_map(Ty::Enum),
        1 => (1..32usize).prop_map(Ty::Flags),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let maybe = prop::option::of(inner.clone().prop_map(Box::new));
        prop_oneof![
            inner.clone().prop_map(|t| Ty::List(Box::new(t))),
            vec(inner.clone(), 1..4).prop_map(Ty::Tuple),
            vec(inner.clone(), 1..4).prop_map(Ty::Record),
            vec(prop::option::of(inner.clone()), 1..4).prop_map(Ty::Variant),
            inner.clone().prop_map(|t| Ty::Option(Box::new(t))),
            (maybe.clone(), maybe).prop_map(|(ok, err)| Ty::Result(ok, err)),
        ]
    })
}

/// Writes the type as text; what must have a name gets one.
fn text(ty: &Ty, names: &mut String, next: &mut usize) -> String {
    let mut all = |types: &[Ty], names: &mut String| -> Vec<String> {
        types.iter().map(|t| text(t, names, next)).collect()
    };
    let named = match ty {
        Ty::Simple(word) => return (*word).to_owned(),
        Ty::List(t) => return format!("(list {})", text(t, names, next)),
        Ty::Tuple(types) => return format!("(tuple {})", all(types, names).join(" ")),
        Ty::Option(t) => return format!("(option {})", text(t, names, next)),
        Ty::Result(ok, err) => {
            let ok = ok.as_ref().map(|t| text(t, names, next)).unwrap_or_default();
            let err = err.as_ref().map(|t| text(t, names, next));
            let err = err.map(|t| format!("(error {t})")).unwrap_or_default();
            return format!("(result {ok} {err})");
        }
        Ty::Record(types) => {
            let fields = all(types, names);
            let fields = fields.iter().enumerate().map(|(i, t)| format!("(field \"f{i}\" {t})"));
            format!("(record {})", fields.collect::<String>())
        }
        Ty::Variant(cases) => {
            let mut written = String::new();
            for (i, case) in cases.iter().enumerate() {
                let payload = case.as_ref().map(|t| text(t, names, next)).unwrap_or_default();
                written += &format!("(case \"c{i}\" {payload})");
            }
            format!("(variant {written})")
        }
        Ty::Enum(n) => {
            format!("(enum {})", (0..*n).map(|i| format!("\"c{i}\" ")).collect::<String>())
        }
        Ty::Flags(n) => {
            format!("(flags {})", (0..*n).map(|i| format!("\"c{i}\" ")).collect::<String>())
        }
    };
    let n = *next;
    *next += 1;
    *names += &format!("(type $t{n}' {named}) (export \"t{n}\" (type $t{n} (eq $t{n}')))\n");
    format!("$t{n}")
}

fn function(ty: &Ty) -> ComponentFunc {
    let (mut names, mut next) = (String::new(), 0);
    let ty = text(ty, &mut names, &mut next);
    guest::function(&names, &format!("(param \"x\" {ty}) (result {ty})"))
}

/// Any value of the type. Floats are finite, and short enough that every reader of JSON gets them
/// exactly.
fn values(ty: &Ty) -> BoxedStrategy<Val> {
    let boxed = |t: &Option<Box<Ty>>| -> BoxedStrategy<Option<Box<Val>>> {
        match t {
            None => Just(None).boxed(),
            Some(t) => values(t).prop_map(|v| Some(Box::new(v))).boxed(),
        }
    };
    match ty {
        Ty::Simple(word) => match *word {
            "bool" => any::<bool>().prop_map(Val::Bool).boxed(),
            "u8" => any::<u8>().prop_map(Val::U8).boxed(),
            "s8" => any::<i8>().prop_map(Val::S8).boxed(),
            "u16" => any::<u16>().prop_map(Val::U16).boxed(),
            "s16" => any::<i16>().prop_map(Val::S16).boxed(),
            "u32" => any::<u32>().prop_map(Val::U32).boxed(),
            "s32" => any::<i32>().prop_map(Val::S32).boxed(),
            "u64" => any::<u64>().prop_map(Val::U64).boxed(),
            "s64" => any::<i64>().prop_map(Val::S64).boxed(),
            "f32" => any::<i16>().prop_map(|v| Val::Float32(f32::from(v) / 64.0)).boxed(),
            "f64" => any::<i32>().prop_map(|v| Val::Float64(f64::from(v) / 64.0)).boxed(),
            "char" => any::<char>().prop_map(Val::Char).boxed(),
            _ => any::<String>().prop_map(Val::String).boxed(),
        },
        Ty::List(t) => vec(values(t), 0..4).prop_map(Val::List).boxed(),
        Ty::Tuple(types) => {
            types.iter().map(values).collect::<Vec<_>>().prop_map(Val::Tuple).boxed()
        }
        Ty::Record(types) => types
            .iter()
            .map(values)
            .collect::<Vec<_>>()
            .prop_map(|vals| {
                Val::Record(
                    vals.into_iter().enumerate().map(|(i, v)| (format!("f{i}"), v)).collect(),
                )
            })
            .boxed(),
        Ty::Variant(cases) => {
            let cases: Vec<_> = cases.iter().map(|c| boxed(&c.clone().map(Box::new))).collect();
            (0..cases.len())
                .prop_flat_map(move |i| {
                    cases[i].clone().prop_map(move |v| Val::Variant(format!("c{i}"), v))
                })
                .boxed()
        }
        Ty::Enum(n) => (0..*n).prop_map(|i| Val::Enum(format!("c{i}"))).boxed(),
        Ty::Flags(n) => vec(any::<bool>(), *n)
            .prop_map(|set| {
                let set = set.into_iter().enumerate().filter(|(_, set)| *set);
                Val::Flags(set.map(|(i, _)| format!("c{i}")).collect())
            })
            .boxed(),
        Ty::Option(t) => {
            prop::option::of(values(t).prop_map(Box::new)).prop_map(Val::Option).boxed()
        }
        Ty::Result(ok, err) => prop_oneof![
            boxed(ok).prop_map(|v| Val::Result(Ok(v))),
            boxed(err).prop_map(|v| Val::Result(Err(v))),
        ]
        .boxed(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,6}".prop_map(Value::String),
        prop::sample::select(vec!["c0", "AA==", "1", "NaN"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop::sample::select(vec!["f0", "f1", "c0", "some", "ok", "err", "x"]);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key.prop_map(str::to_owned), inner), 0..3)
                .prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn there_and_back((ty, val) in types().prop_flat_map(|ty| (Just(ty.clone()), values(&ty)))) {
        let function = function(&ty);
        let (_, wasm) = function.params().next().unwrap();
        let value = to_json(&val, &wasm, Floats::Refused).unwrap();
        // Through text, as it travels.
        let parsed = parse_json(&value.to_string()).unwrap();
        prop_assert_eq!(&parsed, &value);
        prop_assert_eq!(from_json(&parsed, &wasm).unwrap(), val);
        let described = schema::describe(&function).unwrap();
        let validator = jsonschema::validator_for(&described.input).unwrap();
        let arguments = json!({"x": value});
        prop_assert!(validator.is_valid(&arguments), "{} refuses {}", described.input, arguments);
    }

    #[test]
    fn nothing_panics_and_what_is_taken_is_of_the_type(ty in types(), value in any_json()) {
        let function = function(&ty);
        let (_, wasm) = function.params().next().unwrap();
        if let Ok(val) = from_json(&value, &wasm) {
            // What was taken has one canonical form, which is taken as the same value.
            let canonical = to_json(&val, &wasm, Floats::Refused).unwrap();
            prop_assert_eq!(from_json(&canonical, &wasm).unwrap(), val);
        }
    }
}

#[test]
fn an_option_of_an_option_keeps_its_three_values() {
    let inner = Ty::Option(Box::new(Ty::Option(Box::new(Ty::Simple("u8")))));
    let (_, ty) = function(&inner).params().next().map(|(n, t)| (n.to_owned(), t)).unwrap();
    for (json, val) in [
        (json!(null), Val::Option(None)),
        (json!({"some": null}), Val::Option(Some(Box::new(Val::Option(None))))),
        (json!({"some": 1}), Val::Option(Some(Box::new(Val::Option(Some(Box::new(Val::U8(1)))))))),
    ] {
        assert_eq!(from_json(&json, &ty).unwrap(), val);
        assert_eq!(to_json(&val, &ty, Floats::Refused).unwrap(), json);
    }
    assert!(from_json(&json!(1), &ty).is_err());
}

#[test]
fn floats_without_a_number_are_refused_in_arguments() {
    let (_, ty) =
        function(&Ty::Simple("f64")).params().next().map(|(n, t)| (n.to_owned(), t)).unwrap();
    for (float, text) in
        [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")]
    {
        assert!(to_json(&Val::Float64(float), &ty, Floats::Refused).is_err());
        assert_eq!(to_json(&Val::Float64(float), &ty, Floats::AsText).unwrap(), json!(text));
        assert!(from_json(&json!(text), &ty).is_err());
    }
}
