//! The client of `interlock:http` against the fake: what is recorded, what is refused, and what a plan would list.

use interlock_guest::http::{Body, Error, Request, fetch, remove, send};
use interlock_guest::prelude::*;
use interlock_guest::testing::Fake;

fn status() -> Fake {
    Fake::new().answers("status", "incidents/7", 200, r#"{"open": true}"#)
}

#[test]
fn requests_are_recorded_as_they_were_asked() {
    let fake = status().install();
    let asked = Request::to("status", "incidents/7").query("state", "open").header("accept", "x");
    let incident: Value = fetch::get(asked).unwrap().json().unwrap();
    assert_eq!(incident, json!({"open": true}));
    assert_eq!(fetch::head(("status", "none")).unwrap().status, 404);
    send::put(("status", "incidents/8"), Body::json(&json!({"open": false})).unwrap()).unwrap();
    send::post(("status", "go"), None).unwrap();
    assert_eq!(fetch::get(("status", "incidents/8")).unwrap().text().unwrap(), r#"{"open":false}"#);
    remove::delete(("status", "incidents")).unwrap();
    for gone in ["incidents/7", "incidents/8"] {
        assert_eq!(fetch::get(("status", gone)).unwrap().status, 404);
    }
    assert_eq!(
        fake.effects(),
        [
            r#"put(status, incidents, 8, {"open":false})"#,
            "post(status, go)",
            "delete(status, incidents)"
        ]
    );
    assert_eq!(fake.calls()[0], "get(status, incidents, 7, state=open, accept: x)");
    let plan = fake.plan();
    assert_eq!(
        (plan.effects.len(), plan.complete),
        (2, false),
        "the plan ends at the read after it"
    );
}

#[test]
fn what_nobody_configured_or_granted_is_denied() {
    let code = |answer: Result<_, Error>| match answer {
        Err(Error::Denied(text)) => text.split(':').next().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(code(send::post(("status", "a"), None)), "not-granted");
    let fake = status().withhold(remove::INTERFACE).install();
    assert_eq!(code(send::post(("other", "a"), None)), "unknown-endpoint");
    assert_eq!(code(remove::delete(("status", "a"))), "withheld");
    for path in ["", "..", "a//b", "a/../b", "a%2fb", "a?b"] {
        assert_eq!(code(send::post(("status", path), None)), "bad-resource", "{path}");
    }
    assert!(fake.calls().is_empty());
}

#[test]
fn errors_keep_their_kind() {
    let denied: ToolError = Error::Denied("x: y".into()).into();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let failed: ToolError = Error::Failed("status-409: no".into()).into();
    assert_eq!(failed.details().unwrap(), &json!({"error": "failed"}));
    let _fake = status().answers("status", "down", 503, "").install();
    let down = fetch::get(("status", "down")).unwrap().text().unwrap_err();
    assert_eq!(down, Error::Failed("status-503: the server answered 503".into()));
}
