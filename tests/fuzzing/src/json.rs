//! JSON: its one canonical spelling, and its two ways to component values.

use crate::{
    bytes::Bytes,
    must,
    shapes::{Shape, anything},
};
use interlock::{
    authority::canonical,
    sandbox::{JsonForm, PluginBytes, parse_json},
};
use serde_json::{Map, Value};

/// What one implementation writes another writes too, byte for byte, and it is read as what it was.
pub(crate) fn canonical_json(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        if let Ok(text) = std::str::from_utf8(data) {
            assert!(parse_json(text).is_err(), "JSON for us and for nobody else");
        }
        return;
    };
    if let Ok(strict) = parse_json(&String::from_utf8_lossy(data)) {
        assert_eq!(strict, value, "two readings of one text");
    }
    if let Ok(read) = canonical::read::<Value>("value", data) {
        assert_eq!(must(canonical::bytes(&read), "what was read is written"), data);
    }
    let Ok(bytes) = canonical::bytes(&value) else { return };
    let other = must(serde_jcs::to_vec(&value), "serde_jcs");
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&other),
        "serde_jcs writes otherwise"
    );
    let again: Value = must(canonical::read("value", &bytes), "what was written is read");
    assert_eq!(must(canonical::bytes(&again), "again"), bytes);
    must(parse_json(&String::from_utf8_lossy(&bytes)), "canonical JSON has no key twice");
}

/// A value goes to the component and comes back as it was, whatever its type, and is of its schema; whatever else is
/// taken has one form, which is taken as well.
pub(crate) fn json_values(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let shape = Shape::of(&mut bytes, 4);
    let text = shape.component();
    let component = must(PluginBytes::from_file_bytes(text.clone().into_bytes()), &text);
    // A type may have more in it than the host describes to agents.
    let Ok(form) = JsonForm::of_first_import(&component) else { return };
    let schema = must(jsonschema::validator_for(form.schema()), "the schema");
    let arguments = |value: Value| Map::from_iter([("x".to_owned(), value)]);
    let value = arguments(shape.value(&mut bytes));
    let written = must(form.rewritten(&value), &format!("{shape:?} {value:?}"));
    assert_eq!(written, value, "{shape:?}: another value");
    assert!(schema.is_valid(&Value::Object(written)), "{shape:?}: the schema refuses {value:?}");
    let any = arguments(anything(&mut bytes, 4));
    if let Ok(written) = form.rewritten(&any) {
        assert_eq!(
            must(form.rewritten(&written), "what was written is taken"),
            written,
            "{shape:?} {any:?}"
        );
        assert!(schema.is_valid(&Value::Object(written)), "{shape:?}: the schema refuses {any:?}");
    }
}
