//! Every kind of type against every other, as an argument and as a result: only the same is the same.

use super::*;
use crate::admission::guest::{self, named};
use interlock_authority::catalogue::WitPackage;

/// A type of the host, with what declares it, and the same as a guest has it.
struct Kind {
    wit: (&'static str, &'static str),
    guest: (String, &'static str),
}

/// One that both say in the same word, or that needs no name.
fn plain(wit: &'static str, guest: &'static str) -> Kind {
    Kind { wit: ("", wit), guest: (String::new(), guest) }
}

fn declared(wit: &'static str, guest: &str) -> Kind {
    Kind { wit: (wit, "t"), guest: (named("t", guest), "$t") }
}

fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = [
        "bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char",
        "string",
    ]
    .map(|word| plain(word, word))
    .into();
    kinds.extend([
        plain("list<u8>", "(list u8)"),
        plain("list<string>", "(list string)"),
        plain("option<u8>", "(option u8)"),
        plain("option<string>", "(option string)"),
        plain("tuple<u8>", "(tuple u8)"),
        plain("tuple<u8, u8>", "(tuple u8 u8)"),
        plain("tuple<u8, u16>", "(tuple u8 u16)"),
        plain("tuple<u16, u8>", "(tuple u16 u8)"),
        plain("result", "(result)"),
        plain("result<u8>", "(result u8)"),
        plain("result<u16>", "(result u16)"),
        plain("result<_, u8>", "(result (error u8))"),
        plain("result<_, u16>", "(result (error u16))"),
        plain("result<u8, u8>", "(result u8 (error u8))"),
        declared("record t { a: u8 }", r#"(record (field "a" u8))"#),
        declared("record t { a: u16 }", r#"(record (field "a" u16))"#),
        declared("record t { b: u8 }", r#"(record (field "b" u8))"#),
        declared("record t { a: u8, b: u8 }", r#"(record (field "a" u8) (field "b" u8))"#),
        declared("record t { b: u8, a: u8 }", r#"(record (field "b" u8) (field "a" u8))"#),
        declared("variant t { a }", r#"(variant (case "a"))"#),
        declared("variant t { a(u8) }", r#"(variant (case "a" u8))"#),
        declared("variant t { a(u16) }", r#"(variant (case "a" u16))"#),
        declared("variant t { b }", r#"(variant (case "b"))"#),
        declared("variant t { a, b }", r#"(variant (case "a") (case "b"))"#),
        declared("variant t { a, b(u8) }", r#"(variant (case "a") (case "b" u8))"#),
        declared("enum t { a }", r#"(enum "a")"#),
        declared("enum t { b }", r#"(enum "b")"#),
        declared("enum t { a, b }", r#"(enum "a" "b")"#),
        declared("enum t { b, a }", r#"(enum "b" "a")"#),
        declared("flags t { a }", r#"(flags "a")"#),
        declared("flags t { b }", r#"(flags "b")"#),
        declared("flags t { a, b }", r#"(flags "a" "b")"#),
        declared("flags t { b, a }", r#"(flags "b" "a")"#),
    ]);
    kinds
}

/// A function of the host, in an interface that declares these types.
fn host(types: &str, signature: &str) -> (Function, Resolve) {
    let text = format!("package a:b@1.0.0;\ninterface c {{ {types} f: func{signature}; }}");
    let wit = WitPackage::parse(&[("a.wit".into(), text)]).unwrap();
    let id = wit.interface(&"a:b/c@1.0.0".parse().unwrap()).unwrap();
    (wit.resolve.interfaces[id].functions["f"].clone(), wit.resolve)
}

fn difference(guest: (&str, &str), ours: (&str, &str)) -> Option<String> {
    let (function, resolve) = host(ours.0, ours.1);
    compare(&guest::function(guest.0, guest.1), &function, &resolve).err()
}

#[test]
fn types_are_ours_each_type_is_itself_and_no_other() {
    for place in ["argument", "result"] {
        let all: Vec<_> = kinds()
            .iter()
            .map(|kind| {
                let ((types, ty), (guest_types, guest_ty)) = (kind.wit, &kind.guest);
                let (ours, theirs) = if place == "argument" {
                    (format!("(x: {ty})"), format!("(param \"x\" {guest_ty})"))
                } else {
                    (format!("() -> {ty}"), format!("(result {guest_ty})"))
                };
                (types, ty, host(types, &ours), guest::function(guest_types, &theirs))
            })
            .collect();
        for (at, (types, ty, (ours, resolve), _)) in all.iter().enumerate() {
            for (other, (.., guest)) in all.iter().enumerate() {
                let same = compare(guest, ours, resolve);
                assert_eq!(same.is_ok(), at == other, "{place} {types} {ty}: {other}: {same:?}");
                assert!(same.err().is_none_or(|said| said.contains(if place == "argument" {
                    "parameter `x`"
                } else {
                    "the result"
                })));
            }
        }
    }
}

/// WIT may call a type by another name; a component has none.
#[test]
fn types_are_ours_an_alias_is_what_it_stands_for() {
    let alias = ("type t = u8; type u = t;", "(x: u)");
    assert_eq!(difference(("", r#"(param "x" u8)"#), alias), None);
    let said = difference(("", r#"(param "x" u16)"#), alias);
    assert_eq!(
        said.as_deref(),
        Some("parameter `x` is u16 in the plugin and u8 in the host's WIT")
    );
}

#[test]
fn types_are_ours_parameters_agree_in_number_name_and_order_and_so_does_the_result() {
    let ab = r#"(param "a" u8) (param "b" u8)"#;
    for (guest, ours, says) in [
        (ab, "(a: u8, b: u8)", None),
        (ab, "(a: u8)", Some("the plugin gives it 2 parameters, the host 1")),
        (ab, "(a: u8, b: u8, c: u8)", Some("the plugin gives it 2 parameters, the host 3")),
        (ab, "(b: u8, a: u8)", Some("parameter 1 is `a` in the plugin and `b` in the host's WIT")),
        (ab, "(a: u8, c: u8)", Some("parameter 2 is `b` in the plugin and `c` in the host's WIT")),
        (ab, "(a: u8, b: s8)", Some("parameter `b` is u8 in the plugin and s8 in the host's WIT")),
        ("", "()", None),
        ("(result u8)", "() -> u8", None),
        ("(result u8)", "()", Some("the plugin has another result")),
        ("", "() -> u8", Some("the plugin has it without a result")),
        (
            "(result s8)",
            "() -> u8",
            Some("the result is s8 in the plugin and u8 in the host's WIT"),
        ),
    ] {
        assert_eq!(difference(("", guest), ("", ours)).as_deref(), says, "{guest} {ours}");
    }
}

/// The first difference, and the way to it.
#[test]
fn types_are_ours_a_difference_is_said_where_it_is() {
    let inner = r#"(record (field "n" (option (tuple u8 s16))))"#;
    let outer = format!(
        "{}{}",
        named("i", inner),
        named("o", r#"(variant (case "some-of" (list $i)) (case "none-of"))"#)
    );
    let ours = |inner: &str, case: &str| {
        format!("record i {{ n: {inner} }} variant o {{ some-of(list<i>), {case} }}")
    };
    for (inner, case, says) in [
        ("option<tuple<u8, s16>>", "none-of", None),
        (
            "option<tuple<u8, u16>>",
            "none-of",
            Some("in `ok.some-of.[].n.1`, is s16 in the plugin and u16 in the host's WIT"),
        ),
        (
            "option<tuple<u8>>",
            "none-of",
            Some(
                "in `ok.some-of.[].n`, is tuple in the plugin and a tuple of another length in the host's WIT",
            ),
        ),
        (
            "list<u8>",
            "none-of",
            Some("in `ok.some-of.[].n`, is option in the plugin and list in the host's WIT"),
        ),
        (
            "option<tuple<u8, s16>>",
            "none",
            Some("in `ok`, has the case `none-of` in the plugin where the host's WIT has `none`"),
        ),
        (
            "option<tuple<u8, s16>>",
            "none-of(u8)",
            Some("in `ok.none-of`, carries nothing in the plugin and a value in the host's WIT"),
        ),
        (
            "option<tuple<u8, s16>>",
            "none-of, more",
            Some("in `ok`, has 2 cases in the plugin and 3 in the host's WIT"),
        ),
    ] {
        let said =
            difference((&outer, "(result (result $o))"), (&ours(inner, case), "() -> result<o>"));
        assert_eq!(said, says.map(|says| format!("the result, {says}")));
    }
    for (guest, ours, says) in [
        (r#"(record (field "a" u8))"#, "record t { b: u8 }", "the field `a`"),
        (r#"(enum "a")"#, "enum t { b }", "the case `a`"),
        (r#"(flags "a")"#, "flags t { b }", "the flag `a`"),
    ] {
        let guest = named("t", guest);
        let said = difference((&guest, r#"(param "x" $t)"#), (ours, "(x: t)")).unwrap();
        let whole = format!("parameter `x` has {says} in the plugin where the host's WIT has `b`");
        assert_eq!(said, whole);
    }
    let said = difference(("", "(result (result u8))"), ("", "() -> result"));
    let says = "the result, in `ok`, carries a value in the plugin and none in the host's WIT";
    assert_eq!(said.as_deref(), Some(says));
}
