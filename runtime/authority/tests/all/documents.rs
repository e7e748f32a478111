//! The document: ASCII, bounded, and nothing in it but what the canonical bytes say.

use crate::{signing::body, tickets::plan};
use interlock_authority::{
    Forecast, Needs, Planned, Revision, canonical,
    document::{MAX_BYTES, render},
    plan::{PlanEffect, PlanEnd},
    request::{RequestBody, Wish},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn with_label(label: &str) -> RequestBody {
    let mut body = body(Needs::people(2, "sre-leads", None));
    let name = crate::fixture::name("tune");
    // The catalogue bounds labels; here the document has to.
    let call = crate::fixture::catalogue()
        .resolve(&name, "resize", vec![json!("a"), json!(64), json!("x")])
        .unwrap();
    let forecast = Forecast {
        verb: "resize".into(),
        counts: BTreeMap::new(),
        touches: vec![call.resource().clone()],
        revision: Revision::new("1"),
        result: json!(null),
        note: Some(label.to_owned()),
    };
    let mut effects = PlanEffect::number(vec![Planned { call, forecast }]);
    for effect in &mut effects {
        effect.arguments.insert("label".into(), json!(label));
    }
    let mut plan = plan(&[], PlanEnd::Complete);
    plan.effects = effects;
    body.wish = Wish::Plan { plan: Box::new(plan) };
    body
}

/// Renderer v1 is frozen: an approval is checked by rendering again, so a changed byte here would turn every
/// open approval into one of another document.
#[test]
fn shown_is_signed_renderer_v1_is_frozen() {
    let mut body = with_label("x");
    body.said = Some("environment inconsistent\u{202e} after deploy 1841".into());
    body.not_counted = vec!["op@example.com (operates the asker)".into()];
    assert_eq!(render(&body).unwrap(), include_str!("document-v1.txt"));
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte))
}

#[test]
fn shown_is_signed_every_scalar_value_is_shown_in_ascii() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for chunk in all.chunks(1000) {
        let label: String = chunk.iter().collect();
        let mut body = with_label(&label);
        body.said = Some(label.clone());
        let text = render(&body).unwrap();
        assert!(is_plain(&text));
        assert!(text.len() <= MAX_BYTES);
    }
    // Alone, each is told from every other.
    let shown: std::collections::BTreeSet<String> =
        ('\0'..'\u{3000}').map(|c| render(&with_label(&format!("a{c}b"))).unwrap()).collect();
    assert_eq!(shown.len(), 0x3000);
}

#[test]
fn shown_is_signed_a_megabyte_does_not_push_the_danger_away() {
    let mut body = with_label(&"x".repeat(1 << 20));
    body.said = Some("\n".repeat(1 << 20));
    let text = render(&body).unwrap();
    assert!(text.len() <= MAX_BYTES, "{}", text.len());
    assert!(text.contains("NOT INSPECTABLE"));
    let danger = text.lines().position(|line| line.contains("Most dangerous: change cache/a."));
    assert!(danger.is_some_and(|at| at < 20), "{danger:?}");
    let digest = body.digest().unwrap().to_string();
    assert_eq!(text.matches(&digest).count(), 2);
}

#[test]
fn more_effects_than_a_person_reads_are_refused() {
    let mut body = with_label("x");
    if let Wish::Plan { plan } = &mut body.wish {
        let one = plan.effects[0].clone();
        plan.effects = vec![one; 51];
    }
    assert_eq!(render(&body).unwrap_err().code(), "too-many-effects");
}

#[test]
fn canonical_bytes_are_read_back_and_nothing_else_is() {
    let body = with_label("x");
    let bytes = body.canonical().unwrap();
    assert_eq!(RequestBody::parse(&bytes).unwrap(), body);
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [
        ("{", "{ "),
        ("\"version\":1", "\"version\":1,\"version\":1"),
        ("\"version\":1", "\"version\":1.0"),
        ("\"version\":1", "\"version\":01"),
        ("\"created\"", "\"Created\""),
        ("\"host\":", "\"extra\":1,\"host\":"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(RequestBody::parse(changed.as_bytes()).is_err(), "{to}");
    }
    for number in [json!(9_007_199_254_740_993_u64), json!(-9_007_199_254_740_993_i64)] {
        assert!(canonical::bytes(&number).is_err(), "{number}");
    }
    assert!(canonical::bytes(&json!(9_007_199_254_740_992_u64)).is_ok());
}

/// An agent sends `1.0`, the document says `1`, and what is read back is what was asked for.
#[test]
fn numbers_that_are_written_alike_are_the_same() {
    for (one, other) in
        [(json!({"x": [1.0, -0.0]}), json!({"x": [1, 0]})), (json!(1e3), json!(1000))]
    {
        assert_ne!(one, other);
        assert!(canonical::same(&one, &other));
        let read: Value = canonical::read("value", &canonical::bytes(&one).unwrap()).unwrap();
        assert!(canonical::same(&one, &read));
    }
    for (one, other) in [
        (json!(1.5), json!(1)),
        (json!("1"), json!(1)),
        // Neither can be written exactly, and as doubles they are one.
        (json!(9_007_199_254_740_992_001_u64), json!(9_007_199_254_740_992_000_u64)),
    ] {
        assert!(!canonical::same(&one, &other), "{one} {other}");
    }
}

proptest! {
    /// Whatever an agent says, the lines before its words are the same but for the digest.
    #[test]
    fn shown_is_signed_words_of_the_agent_change_no_line_of_ours(said in any::<String>()) {
        let mut body = with_label("x");
        let section = |body: &RequestBody| {
            let text = render(body).unwrap();
            let from = text.find("IN SHORT").unwrap();
            let to = text.find("THE AGENT SAYS").unwrap();
            text[from..to].to_owned()
        };
        body.said = Some("calm".to_owned());
        let calm = section(&body);
        body.said = Some(said.clone());
        prop_assert_eq!(section(&body), calm);
        let text = render(&body).unwrap();
        let words = text.split_once("(not checked):\n  | ").map(|(_, rest)| rest.to_owned());
        prop_assert!(words.is_some() || said.is_empty());
        prop_assert!(is_plain(&text));
    }

    /// Against another implementation of RFC 8785.
    #[test]
    fn canonical_json_agrees_with_another_implementation(
        key in "\\PC{0,8}", text in any::<String>(), number in any::<f64>(), small in -1000i64..1000,
    ) {
        let value = if number.is_finite() {
            json!({key: [text, number, small, null, true], "b": {"z": 1, "a": 2}})
        } else {
            json!({key: [text, small]})
        };
        if let Ok(ours) = canonical::bytes(&value) {
            prop_assert_eq!(ours, serde_jcs::to_vec(&value).unwrap());
        }
    }
}
