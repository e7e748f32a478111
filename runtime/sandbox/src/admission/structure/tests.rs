//! Every bound at its edge: what is at it is read, one more is refused. Nothing is compiled here, so that
//! the largest is still quick.

use super::*;

fn scanned(text: &str) -> Result<Structure, AdmissionError> {
    scan(&wat::parse_str(text).unwrap_or_else(|e| panic!("{e}\n{text:.300}")))
}

/// What is said of something that is out of bounds; nothing where it is not.
fn out_of_bounds(text: &str) -> Option<String> {
    match scanned(text) {
        Ok(_) => None,
        Err(AdmissionError::OutOfBounds(message)) => Some(message),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_core_module_is_one_only_at_the_very_outside() {
    assert!(matches!(scanned("(module)"), Err(AdmissionError::CoreModule)));
    for text in
        ["(component)", "(component (core module))", "(component (core module) (core module))"]
    {
        assert!(scanned(text).is_ok(), "{text}");
    }
}

#[test]
fn parts_are_counted() {
    let refused = |modules: usize, components: usize| {
        let (modules, components) =
            ("(core module)".repeat(modules), "(component)".repeat(components));
        out_of_bounds(&format!("(component {modules} {components})"))
    };
    let says = "it nests more than 1000 modules and components, or deeper than 16";
    assert_eq!(refused(1_000, 0), None);
    assert_eq!(refused(1_001, 0).as_deref(), Some(says));
    assert_eq!(refused(500, 500), None);
    assert_eq!(refused(500, 501).as_deref(), Some(says));
}

#[test]
fn nesting_is_bounded_and_what_ended_is_no_level() {
    let nested = |levels: usize, inside: &str| {
        let (open, close) = ("(component ".repeat(levels), ")".repeat(levels));
        out_of_bounds(&format!("(component {open} {inside} {close})"))
    };
    assert_eq!(nested(16, ""), None);
    assert!(nested(17, "").is_some());
    assert_eq!(nested(15, "(core module) (core module) (component) (component)"), None);
    assert!(nested(16, "(core module)").is_some());
    assert!(nested(16, "(component)").is_some());
}

fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    bytes.push(n.to_le_bytes()[0]);
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

/// A core module of so many functions, byte by byte: as text it would take seconds to assemble.
fn module(functions: usize) -> Vec<u8> {
    let types = section(1, &[1, 0x60, 0, 0]);
    let declared = section(3, &[leb(functions), vec![0; functions]].concat());
    let code = section(10, &[leb(functions), [2, 0, 0x0b].repeat(functions)].concat());
    [b"\0asm\x01\0\0\0".as_slice(), &types, &declared, &code].concat()
}

#[test]
fn functions_of_all_modules_are_counted_together() {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let two = |more: usize| {
        let inner = [COMPONENT, &section(1, &module(125_000 + more))].concat();
        [COMPONENT, &section(1, &module(125_000)), &section(4, &inner)].concat()
    };
    assert!(scan(&two(0)).is_ok());
    let error = scan(&two(1)).unwrap_err();
    assert!(
        matches!(&error, AdmissionError::OutOfBounds(m) if m == "it has more than 250000 functions"),
        "{error}"
    );
}

/// The reader calls itself for each: without a bound, and a stack to match, this would end the process.
#[test]
fn types_in_types_end_no_process() {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let deep = |levels: usize| {
        let types = [leb(1), [0x42, 1, 1].repeat(levels), vec![0x42, 0]].concat();
        [COMPONENT, &section(7, &types)].concat()
    };
    for levels in [100_000, 5_000] {
        let refused = read(&deep(levels)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(refused.contains("may nest deeper than 5000"), "{levels}: {refused}");
    }
    for levels in [4_999, 1_000, 17] {
        let refused = read(&deep(levels)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(refused.contains("deeper in others than 16"), "{levels}: {refused}");
    }
    assert!(read(&deep(16)).is_ok());
}

#[test]
fn types_have_so_many_parts_wherever_they_are() {
    let list = |n: usize, item: &str| -> String {
        (0..n).map(|n| item.replace("NAME", &format!("\"n{n}\""))).collect()
    };
    for (kind, item) in [
        ("record", "(field NAME u8) "),
        ("variant", "(case NAME u8) "),
        ("tuple", "u8 "),
        ("flags", "NAME "),
        ("enum", "NAME "),
    ] {
        let ty = |n| format!("(type $t ({kind} {}))", list(n, item));
        for around in [
            "(component TYPE)",
            "(component (component TYPE))",
            "(component (type (instance TYPE)))",
            "(component (type (component TYPE)))",
            "(component (type (instance (type (component TYPE)))))",
            "(component (import \"i\" (instance TYPE)))",
        ] {
            let refused = |n| out_of_bounds(&around.replace("TYPE", &ty(n)));
            assert_eq!(refused(512), None, "{kind} {around}");
            let says = "a type has 513 cases, fields or flags; at most 512 are admitted";
            assert_eq!(refused(513).as_deref(), Some(says), "{kind} {around}");
        }
    }
}

/// Both ways of a string over the border: out of a guest's function, and into one that it imports.
#[test]
fn strings_are_utf8_in_both_directions() {
    let component = |encoding: &str, lower: bool| {
        let (lifted, lowered) = if lower { ("", encoding) } else { (encoding, "") };
        format!(
            r#"(component
      (import "f" (func $f (param "x" string)))
      (core module $m (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "g") (param i32 i32)))
      (core instance $i (instantiate $m))
      (alias core export $i "mem" (core memory $mem))
      (alias core export $i "realloc" (core func $realloc))
      (core func (canon lower (func $f) (memory $mem) {lowered}))
      (func (export "g") (param "x" string)
        (canon lift (core func $i "g") (memory $mem) (realloc (func $realloc)) {lifted})))"#
        )
    };
    for lower in [true, false] {
        for utf8 in ["", "string-encoding=utf8"] {
            assert_eq!(out_of_bounds(&component(utf8, lower)), None);
        }
        for other in ["string-encoding=utf16", "string-encoding=latin1+utf16"] {
            let said = out_of_bounds(&component(other, lower));
            let says = "it passes strings as UTF-16 or latin1; build it with UTF-8 strings";
            assert_eq!(said.as_deref(), Some(says), "{other} {lower}");
        }
    }
    let resource = r#"(component (type $r (resource (rep i32)))
      (core func (canon resource.drop $r)) (core func (canon resource.new $r)))"#;
    assert_eq!(out_of_bounds(resource), None, "what passes no strings");
}

#[test]
fn the_sdk_is_what_its_section_says_and_no_other_section() {
    let sdk = |text: &str| scanned(text).unwrap().sdk;
    let section = |name: &str, text: &str| format!("(@custom \"{name}\" \"{text}\")");
    let in_module = |sections: &str| format!("(component (core module {sections}))");
    let ours = section("interlock-guest", "0.1.0");
    assert_eq!(sdk(&in_module(&ours)).as_deref(), Some("0.1.0"));
    assert_eq!(sdk(&format!("(component {ours})")).as_deref(), Some("0.1.0"));
    let others = [section("producers", "9.9"), section("interlock", "9.9")].concat();
    assert_eq!(sdk(&in_module(&others)), None);
    assert_eq!(sdk(&in_module(&format!("{ours}{others}"))).as_deref(), Some("0.1.0"));
    assert_eq!(sdk("(component)"), None);
}

#[test]
fn a_version_is_a_short_word_of_known_characters() {
    let (long, longer) = ("1".repeat(64), "1".repeat(65));
    for good in ["0", "0.1.0", "1.2.3-rc.1+build_7", "Z", &long] {
        assert_eq!(version(good.as_bytes()).as_deref(), Some(good));
    }
    for bad in ["", " ", "0.1.0 ", "0.1\n", "0/1", "\u{1b}[31m", "ä", &longer] {
        assert_eq!(version(bad.as_bytes()), None, "{bad:?}");
    }
    assert_eq!(version(&[0xff]), None);
}

/// Bounds are looked at first, and then whether it is valid and needs no more than a guest may have.
#[test]
fn what_is_within_bounds_must_still_be_valid() {
    let read_text = |text: &str| read(&wat::parse_str(text).unwrap());
    let ours = "(@custom \"interlock-guest\" \"0.1.0\")";
    let valid = read_text(&format!("(component {ours} (core module (func)))")).unwrap();
    assert_eq!(valid.sdk.as_deref(), Some("0.1.0"));
    for (text, says) in [
        ("(component (core module (func (result i32))))", "type mismatch"),
        ("(component (core module (memory i64 1)))", "memory64"),
        ("(component (import \"f\" (func async)))", "async"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(matches!(&error, AdmissionError::Malformed(m) if m.contains(says)), "{error}");
    }
    let both = format!(
        "(component (type (tuple {})) (core module (func (result i32))))",
        "u8 ".repeat(513)
    );
    let error = read_text(&both).unwrap_err();
    assert!(matches!(&error, AdmissionError::OutOfBounds(_)), "{error}");
    // Truncated in the header of a section, and inside of one.
    let whole = wat::parse_str("(component (type (tuple u8 u8)))").unwrap();
    for cut in [1, 3] {
        let error = scan(&whole[..whole.len() - cut]).unwrap_err();
        assert!(matches!(error, AdmissionError::Malformed(_)), "{error}");
    }
}
