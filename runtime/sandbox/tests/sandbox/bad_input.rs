//! Bytes that are no plugin: each a clear error that names the thing, and no panic.

use crate::{
    harness::{REMEDIATE, admit, catalogue, inspect, sandbox},
    text::{ADD, LIBC, import},
};
use interlock_sandbox::{AdmissionError, PluginBytes};

fn refused(bytes: &[u8]) -> AdmissionError {
    PluginBytes::from_file_bytes(bytes.to_vec()).unwrap_err()
}

#[test]
fn what_is_not_a_component() {
    assert!(matches!(refused(b""), AdmissionError::NotAComponent(_)));
    assert!(matches!(refused(b"\x7fELF\x02\x01"), AdmissionError::NotAComponent(_)));
    assert!(matches!(refused(b"hello"), AdmissionError::NotAComponent(_)));
    assert!(matches!(refused(b"\0asm"), AdmissionError::NotAComponent(_)));
    assert!(matches!(refused(b"\0asm\x0d\0\x02\0"), AdmissionError::NotAComponent(_)));
    assert!(matches!(refused(b"\0asm\x01\0\0\0"), AdmissionError::CoreModule));
    assert!(matches!(refused(b"(module)"), AdmissionError::CoreModule));
    let error = refused(b"(component (core module (func (unknown))))");
    assert!(matches!(&error, AdmissionError::Wat(m) if m.contains("unknown")), "{error}");
    assert!(matches!(refused(&[b'('; 100_000]), AdmissionError::Wat(_)));
}

#[test]
fn garbage_of_65_mib() {
    let error = refused(&vec![0xab; 65 << 20]);
    assert!(
        matches!(error, AdmissionError::TooLarge { bytes, .. } if bytes == 65 << 20),
        "{error}"
    );
}

/// Every truncation of a plugin is refused or is a whole plugin, and none panics.
#[tokio::test]
async fn truncated_and_flipped_bytes() {
    let whole = PluginBytes::from_file_bytes(ADD.as_bytes().to_vec()).unwrap();
    let bytes = whole.bytes().to_vec();
    let mut refused = 0;
    for len in 0..bytes.len() {
        let Ok(plugin) = PluginBytes::from_file_bytes(bytes[..len].to_vec()) else {
            refused += 1;
            continue;
        };
        assert_ne!(plugin.digest(), whole.digest());
        refused += usize::from(sandbox().inspect(&plugin, &catalogue()).await.is_err());
    }
    // Cut exactly before the custom section of names at its end, it is a plugin: another one.
    assert!(refused >= bytes.len() - 1, "{refused} of {}", bytes.len());
    for at in (8..bytes.len()).step_by(3) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x15;
        if let Ok(plugin) = PluginBytes::from_file_bytes(flipped) {
            assert_ne!(plugin.digest(), whole.digest());
            // Whatever it is now, asking does not panic.
            let _ = sandbox().inspect(&plugin, &catalogue()).await;
        }
    }
}

#[tokio::test]
async fn imports_that_nobody_has() {
    let body = r#"(core module $m (func (export "go"))) (core instance $i (instantiate $m))
      (func (export "go") (canon lift (core func $i "go")))"#;
    for (import, says) in [
        (r#"(import "acme:gone/door@1.0.0" (instance (export "open" (func))))"#, "no catalogue"),
        (r#"(import "door" (func))"#, "outside an interface"),
        (r#"(import "acme:r/r@1.0.0" (instance (export "r" (type (sub resource)))))"#, "resource"),
        (r#"(import "wasi:http/types@0.2.6" (instance (export "f" (func))))"#, "not in the WASI"),
        (r#"(import "wasi:cli/environment@0.3.0" (instance (export "f" (func))))"#, "0.2"),
        (r#"(import "m" (core module))"#, "core WebAssembly"),
    ] {
        let text = format!("(component {import} {body})");
        let error = admit(&text, &[]).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, AdmissionError::UnknownImport { .. }), "{import}: {said}");
        assert!(said.contains(says), "{said}");
        let inspection = inspect(&text).await.unwrap();
        assert_eq!(inspection.unknown.len(), 1, "inspect lists it");
    }
}

#[tokio::test]
async fn other_string_encodings() {
    for encoding in ["utf16", "latin1+utf16"] {
        let text = format!(
            r#"(component {LIBC}
          (core module $m (import "libc" "mem" (memory 1))
            (func (export "f") (param i32 i32)))
          (core instance $i (instantiate $m (with "libc" (instance $libc))))
          (func (export "f") (param "x" string)
            (canon lift (core func $i "f") (memory $mem) (realloc (func $realloc)) string-encoding={encoding})))"#
        );
        let error = admit(&text, &[]).await.unwrap_err();
        assert!(matches!(&error, AdmissionError::OutOfBounds(m) if m.contains("UTF-8")), "{error}");
    }
}

#[tokio::test]
async fn features_that_are_off() {
    for (what, module) in [
        ("threads", "(memory 1 1 shared)"),
        ("memory64", "(memory i64 1)"),
        ("multi-memory", "(memory 1) (memory 1)"),
        ("exceptions", "(tag)"),
        ("gc", "(type (struct))"),
        (
            "relaxed simd",
            "(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        ),
        ("function references", "(type $t (func)) (func (param (ref $t)))"),
        ("custom pages", "(memory 1 (pagesize 1))"),
    ] {
        let text = format!("(component (core module {module}))");
        let Ok(plugin) = PluginBytes::from_file_bytes(text.into_bytes()) else {
            panic!("{what} does not assemble")
        };
        let error = sandbox().inspect(&plugin, &catalogue()).await.unwrap_err();
        assert!(matches!(error, AdmissionError::Malformed(_)), "{what}: {error}");
    }
    for (what, text) in [
        ("async", r#"(component (import "x:y/z@1.0.0" (instance (export "f" (func async)))))"#),
        ("streams", r#"(component (type (stream u8)))"#),
        ("futures", r#"(component (type (future u8)))"#),
        ("error context", "(component (type error-context))"),
        ("fixed-length lists", "(component (type (list u8 4)))"),
        ("maps", "(component (type (map string u8)))"),
    ] {
        let Ok(plugin) = PluginBytes::from_file_bytes(text.as_bytes().to_vec()) else {
            panic!("{what} does not assemble")
        };
        assert!(sandbox().inspect(&plugin, &catalogue()).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn types_out_of_bounds() {
    let cases: String = (0..5_000).map(|i| format!("(case \"c{i}\")")).collect();
    let many = format!("(component (type $v (variant {cases})) (export \"v\" (type $v)))");
    let error = inspect(&many).await.unwrap_err();
    assert!(matches!(&error, AdmissionError::OutOfBounds(m) if m.contains("5000")), "{error}");

    let mut deep = String::from("(component (type $t0 u8)");
    for i in 1..10_000 {
        deep += &format!("(type $t{i} (list $t{}))", i - 1);
    }
    deep += ")";
    let error = inspect(&deep).await.unwrap_err();
    assert!(matches!(error, AdmissionError::Malformed(_)), "{error}");

    // Valid for the engine, too deep for a tool.
    let mut deep = format!("(component {LIBC} (type $t0 u8)");
    for i in 1..60 {
        deep += &format!("(type $t{i} (list $t{}))", i - 1);
    }
    deep += r#"(core module $m (func (export "f") (param i32 i32)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "x" $t59)
        (canon lift (core func $i "f") (memory $mem) (realloc (func $realloc)))))"#;
    let error = inspect(&deep).await.unwrap_err();
    assert!(error.to_string().contains("deeper than 32"), "{error}");

    // A type that doubles at each step is small to write and huge to walk.
    let mut wide = format!("(component {LIBC} (type $t0 (tuple u8 u8))");
    for i in 1..14 {
        wide += &format!("(type $t{i} (tuple $t{} $t{}))", i - 1, i - 1);
    }
    wide += r#"(core module $m (func (export "f") (param i32)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "x" $t13)
        (canon lift (core func $i "f") (memory $mem) (realloc (func $realloc)))))"#;
    let error = inspect(&wide).await.unwrap_err();
    assert!(error.to_string().contains("more than 2000 parts"), "{error}");
}

/// The floor has the interface, but no such function, or one of another type.
#[tokio::test]
async fn a_floor_function_that_does_not_exist() {
    for function in
        [r#"(export "read-minds" (func))"#, r#"(export "get-random-u64" (func (result u32)))"#]
    {
        let text = format!(
            r#"(component (import "wasi:random/random@0.2.6" (instance {function}))
          (core module $m (func (export "go"))) (core instance $i (instantiate $m))
          (func (export "go") (canon lift (core func $i "go"))))"#
        );
        let error = admit(&text, &[]).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, AdmissionError::Unlinkable(_)), "{said}");
        assert!(said.contains("wasi:random/random@0.2.6"), "{said}");
    }
}

#[tokio::test]
async fn a_component_that_would_keep_the_compiler_busy() {
    let text = format!("(component (core module {}))", "(func)".repeat(250_001));
    let error = inspect(&text).await.unwrap_err();
    assert!(matches!(&error, AdmissionError::OutOfBounds(m) if m.contains("250000")), "{error}");
    let text = format!("(component {})", "(core module)".repeat(1_001));
    assert!(matches!(inspect(&text).await.unwrap_err(), AdmissionError::OutOfBounds(_)));
    let text = format!("{}{}", "(component ".repeat(20), ")".repeat(20));
    assert!(matches!(inspect(&text).await.unwrap_err(), AdmissionError::OutOfBounds(_)));
}

/// Names and source lines are the plugin's and may be megabytes long; what is said about them is not.
#[tokio::test]
async fn what_a_plugin_is_quoted_with_is_bounded() {
    let short = |said: String| {
        assert!(said.chars().count() < 1_000, "{} characters: {said:.300}", said.chars().count());
        said
    };
    let line = format!("(component (core module (func (unknown{}))))", " (nop)".repeat(500_000));
    assert!(line.len() > 3_000_000);
    let said = short(refused(line.as_bytes()).to_string());
    assert!(said.contains("does not assemble") && said.contains("(cut; "), "{said}");

    let long = "x".repeat(50_000);
    let core = r#"(core module $m (func (export "go"))) (core instance $i (instantiate $m))"#;
    let go = r#"(canon lift (core func $i "go"))"#;
    for (text, says) in [
        (
            format!(
                r#"(component (import "acme:a/{long}" (instance (export "f" (func)))) {core} (func (export "go") {go}))"#
            ),
            "no catalogue",
        ),
        (
            format!(
                r#"(component (import "acme:a/b" (instance (export "{long}" (type (sub resource))))) {core} (func (export "go") {go}))"#
            ),
            "resource",
        ),
        (
            format!(
                r#"(component (import "wasi:random/random@0.2.6" (instance (export "{long}" (func)))) {core} (func (export "go") {go}))"#
            ),
            "does not fit this host",
        ),
        (format!(r#"(component {core} (func (export "{long}") {go}))"#), "is not of the form"),
        (
            format!(
                r#"(component {core} (func (export "a") {go}) (export "{long}" (core module $m)))"#
            ),
            "neither a function",
        ),
        (
            format!(
                r#"(component {core} (func (export "{long}") {go}) (func (export "{long}") {go}))"#
            ),
            "not valid",
        ),
        (
            format!(
                r#"(component (import "{REMEDIATE}" (instance (export "{long}" (func)))) {core} (func (export "go") {go}))"#
            ),
            "has only",
        ),
        (
            import(REMEDIATE, "r", &["restart-service"])
                .replace("\"service\"", &format!("\"{long}\"")),
            "is not the host's function",
        ),
    ] {
        let text = if text.starts_with("(component") {
            text
        } else {
            format!("(component {text} {core} (func (export \"go\") {go}))")
        };
        match admit(&text, &[REMEDIATE]).await {
            Err(error) => {
                let said = short(error.to_string());
                assert!(said.contains(says) && said.contains("(cut; "), "{says}: {said}");
            }
            Ok(admitted) => {
                assert_eq!(says, "neither a function", "it was admitted");
                assert_eq!(admitted.passed_over.len(), 1);
                assert!(short(admitted.passed_over[0].clone()).contains(says));
            }
        }
    }

    // Many short ones are as long as a long one.
    let exports: String = (0..2_000).map(|n| format!(r#"(func (export "a{n}-B") {go})"#)).collect();
    let error = admit(&format!("(component {core} {exports})"), &[]).await.unwrap_err();
    assert!(matches!(&error, AdmissionError::NoTools { passed_over } if passed_over.len() == 101));
    assert!(error.to_string().ends_with("and 1900 more"));

    // The schema that a signature makes is text of the plugin, too.
    let typed = format!(
        r#"(component (core module $m (func (export "go") (param i32)))
      (core instance $i (instantiate $m))
      (func (export "go") (param "{long}{long}" u32) {go}))"#
    );
    assert!(short(admit(&typed, &[]).await.unwrap_err().to_string()).contains("signature"));
}
