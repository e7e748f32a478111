//! One type after another: its schema as an argument and as a result, its words in the signature, and the bounds
//! at their very edge.

use super::*;
use crate::admission::guest::{function, named};

/// A type that needs a name: its declarations and its reference.
type Declared = (String, String);

fn plain(ty: &str) -> Declared {
    (String::new(), ty.to_owned())
}

fn declared(ty: &str) -> Declared {
    (named("t", ty), "$t".to_owned())
}

/// What becomes of a type as an argument and as a result, and its words.
fn both((types, ty): &Declared) -> Result<(Value, Option<Value>, String), String> {
    let described = describe(&function(types, &format!("(param \"x\" {ty}) (result {ty})")))?;
    let signature = described.signature;
    let (arguments, result) = signature.split_once(" -> ").unwrap();
    assert_eq!(arguments, format!("func(x: {result})"));
    Ok((described.input["properties"]["x"].clone(), described.output, result.to_owned()))
}

fn int(min: i64, max: i64) -> Value {
    json!({"type": "integer", "minimum": min, "maximum": max})
}

fn of(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[test]
fn each_type_has_its_schema_and_its_words() {
    let u8s = || int(0, 255);
    for (ty, words, schema) in [
        (plain("bool"), "bool", json!({"type": "boolean"})),
        (plain("u8"), "u8", int(0, 255)),
        (plain("s8"), "s8", int(-128, 127)),
        (plain("u16"), "u16", int(0, 65_535)),
        (plain("s16"), "s16", int(-32_768, 32_767)),
        (plain("u32"), "u32", int(0, 4_294_967_295)),
        (plain("s32"), "s32", int(-2_147_483_648, 2_147_483_647)),
        (plain("char"), "char", json!({"type": "string", "minLength": 1, "maxLength": 1})),
        (plain("string"), "string", json!({"type": "string"})),
        (plain("(list u8)"), "list<u8>", json!({"type": "string", "contentEncoding": "base64"})),
        (plain("(list s8)"), "list<s8>", json!({"type": "array", "items": int(-128, 127)})),
        (
            plain("(list (list u8))"),
            "list<list<u8>>",
            json!({"type": "array", "items": {"type": "string", "contentEncoding": "base64"}}),
        ),
        (
            plain("(tuple u8 bool)"),
            "tuple<u8, bool>",
            json!({"type": "array", "prefixItems": [u8s(), {"type": "boolean"}], "items": false,
                "minItems": 2, "maxItems": 2}),
        ),
        (plain("(option u8)"), "option<u8>", json!({"anyOf": [u8s(), {"type": "null"}]})),
        (
            plain("(option (option u8))"),
            "option<option<u8>>",
            json!({"anyOf": [of(json!({"some": {"anyOf": [u8s(), {"type": "null"}]}}), &["some"]),
                {"type": "null"}]}),
        ),
        (
            plain("(list (result u8 (error string)))"),
            "list<result<u8, string>>",
            json!({"type": "array", "items": {"oneOf": [
                of(json!({"ok": u8s()}), &["ok"]), of(json!({"err": {"type": "string"}}), &["err"])]}}),
        ),
        (
            plain("(list (result))"),
            "list<result<_, _>>",
            json!({"type": "array", "items": {"oneOf": [
                of(json!({"ok": {"type": "null"}}), &["ok"]),
                of(json!({"err": {"type": "null"}}), &["err"])]}}),
        ),
        (
            declared(r#"(record (field "a" u8) (field "b" bool))"#),
            "record { a: u8, b: bool }",
            of(json!({"a": u8s(), "b": {"type": "boolean"}}), &["a", "b"]),
        ),
        (
            declared(r#"(variant (case "a" u8) (case "b"))"#),
            "variant { a(u8), b }",
            json!({"oneOf": [of(json!({"a": u8s()}), &["a"]),
                of(json!({"b": {"type": "null"}}), &["b"])]}),
        ),
        (
            declared(r#"(enum "a" "b")"#),
            "enum { a, b }",
            json!({"type": "string", "enum": ["a", "b"]}),
        ),
        (
            declared(r#"(flags "a" "b")"#),
            "flags { a, b }",
            json!({"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": true}),
        ),
    ] {
        assert_eq!(both(&ty), Ok((schema.clone(), Some(schema), words.to_owned())), "{words}");
    }
}

/// What JSON's numbers cannot hold comes back as text, and is taken as both.
#[test]
fn results_say_more_than_arguments_may() {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let (u64s, s64s) = (text("^(0|[1-9][0-9]{0,19})$"), text("^(0|-?[1-9][0-9]{0,18})$"));
    let of_u64 = json!({"type": "integer", "minimum": 0, "maximum": u64::MAX});
    let real = json!({"type": "number"});
    let any = json!({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]});
    for (ty, input, output) in [
        ("u64", json!({"anyOf": [of_u64, u64s]}), u64s),
        ("s64", json!({"anyOf": [int(i64::MIN, i64::MAX), s64s]}), s64s),
        ("f32", real.clone(), any.clone()),
        ("f64", real, any),
    ] {
        assert_eq!(both(&plain(ty)), Ok((input, Some(output), ty.to_owned())));
    }
}

/// A key that is absent is no value; in a result each key is there.
#[test]
fn an_option_may_be_left_out_of_arguments_and_is_there_in_results() {
    let record = declared(r#"(record (field "a" (option u8)) (field "b" u8))"#);
    let (input, output, _) = both(&record).unwrap();
    assert_eq!(input["required"], json!(["b"]));
    assert_eq!(output.unwrap()["required"], json!(["a", "b"]));
    let signature = r#"(param "a" u8) (param "b" (option u8)) (param "c" bool)"#;
    let described = describe(&function("", signature)).unwrap();
    assert_eq!(described.signature, "func(a: u8, b: option<u8>, c: bool)");
    assert_eq!(described.output, None);
    let properties = json!({"a": int(0, 255), "b": {"anyOf": [int(0, 255), {"type": "null"}]},
        "c": {"type": "boolean"}});
    let mut input = of(properties, &["a", "c"]);
    input["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    assert_eq!(described.input, input);
    assert_eq!(describe(&function("", "")).unwrap().signature, "func()");
}

/// The error of a result is the tool's failure, so no value that it returns.
#[test]
fn a_result_returns_what_it_has_where_it_is_ok() {
    for (result, output, words) in [
        ("(result u8 (error string))", Some(int(0, 255)), "result<u8, string>"),
        ("(result u8)", Some(int(0, 255)), "result<u8, _>"),
        ("(result (error string))", None, "result<_, string>"),
        ("(result)", None, "result<_, _>"),
    ] {
        let described = describe(&function("", &format!("(result {result})"))).unwrap();
        assert_eq!(described.output, output);
        assert_eq!(described.signature, format!("func() -> {words}"));
    }
}

#[test]
fn what_has_no_form_in_json_is_no_tool() {
    let resource = r#"(export "r" (type $r (sub resource)))"#;
    for signature in [r#"(param "x" (own $r))"#, r#"(param "x" (borrow $r))"#, "(result (own $r))"]
    {
        let refused = describe(&function(resource, signature)).err();
        let says = "it takes or returns a resource, which has no form in JSON";
        assert_eq!(refused.as_deref(), Some(says), "{signature}");
    }
}

fn tuple(of: usize) -> String {
    format!("(tuple {})", "u8 ".repeat(of))
}

fn names(of: usize) -> String {
    (0..of).map(|n| format!("\"n{n}\" ")).collect()
}

/// A part is a type, or a name of an enum or of flags.
#[test]
fn the_parts_of_a_function_are_counted() {
    let two = |types: &str, a: &str, b: &str, more: usize| {
        let more: String = (0..more).map(|n| format!("(param \"m{n}\" u8)")).collect();
        describe(&function(types, &format!("(param \"a\" {a}) (param \"b\" {b}) {more}"))).err()
    };
    let refused = Some("its types have more than 2000 parts".to_owned());
    assert_eq!(two("", &tuple(989), &tuple(989), 20), None);
    assert_eq!(two("", &tuple(989), &tuple(989), 21), refused);
    let cases = named("c", &format!("(enum {})", names(989)));
    assert_eq!(two(&cases, "$c", "$c", 20), None);
    assert_eq!(two(&cases, "$c", "$c", 21), refused);
    let flags = named("c", &format!("(flags {})", names(31)));
    let thirty = format!("(tuple {})", "$c ".repeat(30));
    assert_eq!(two(&flags, &thirty, &thirty, 78), None);
    assert_eq!(two(&flags, &thirty, &thirty, 79), refused);
    // The result is counted with the arguments.
    let with = |of| {
        describe(&function("", &format!("(param \"a\" {}) (result {})", tuple(of), tuple(999))))
            .err()
    };
    assert_eq!((with(999), with(1_000)), (None, refused));
}

/// A type inside this type, by its number: declarations and reference.
type Around = fn(usize, &str) -> Declared;

#[test]
fn types_nest_to_a_bound_whatever_they_are_made_of() {
    let around: [Around; 7] = [
        |_, ty| plain(&format!("(list {ty})")),
        |_, ty| plain(&format!("(tuple {ty})")),
        |_, ty| plain(&format!("(option {ty})")),
        |_, ty| plain(&format!("(result {ty})")),
        |_, ty| plain(&format!("(result (error {ty}))")),
        |n, ty| {
            (named(&format!("t{n}"), &format!("(record (field \"a\" {ty}))")), format!("$t{n}"))
        },
        |n, ty| {
            (named(&format!("t{n}"), &format!("(variant (case \"a\" {ty}))")), format!("$t{n}"))
        },
    ];
    for (which, around) in around.into_iter().enumerate() {
        let nested = |levels: usize| {
            let (mut types, mut ty) = (String::new(), "u8".to_owned());
            for level in 0..levels {
                let (more, next) = around(level, &ty);
                types += &more;
                ty = next;
            }
            describe(&function(&types, &format!("(param \"x\" {ty})"))).err()
        };
        assert_eq!(nested(32), None, "{which}");
        assert_eq!(nested(33), Some("its types nest deeper than 32".into()), "{which}");
    }
}

#[test]
fn the_signature_is_bounded_wherever_it_is_long() {
    let refused = |types: &str, signature: &str| describe(&function(types, signature)).err();
    let too_long = Some("its signature has more than 65536 bytes".to_owned());
    let name = |len: usize| "n".repeat(len);
    // `func(` and `: u8)`.
    let parameter = |len| refused("", &format!("(param \"{}\" u8)", name(len)));
    assert_eq!((parameter(65_526), parameter(65_527)), (None, too_long.clone()));
    // Nothing comes after these names but brackets.
    for ty in ["(enum \"NAME\")", "(flags \"NAME\")", "(variant (case \"NAME\"))"] {
        let with = |len| refused(&named("t", &ty.replace("NAME", &name(len))), "(result $t)");
        assert_eq!(with(65_000), None, "{ty}");
        assert_eq!(with(65_530), too_long, "{ty}");
    }
}
