//! Decisions on single calls and effects.

use crate::fixture::{POLICIES, catalogue, decide, everything, grant, name, policies};
use interlock_authority::{
    Authorized, Class, Denial, Forecast, Grant, Mode, Permitted, PermittedEffect, Revision, Scope,
    authorize::Again,
    permit,
    permit::{judge, permit_effect},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn forecast(touches: &[&str]) -> Forecast {
    Forecast {
        verb: "evict".into(),
        counts: BTreeMap::new(),
        touches: touches.iter().map(|t| t.parse().unwrap()).collect(),
        revision: Revision::new("1"),
        result: json!({"ok": null}),
        note: None,
    }
}

fn code(
    grants: &[Grant],
    mode: Mode,
    interface: &str,
    function: &str,
    arguments: Vec<Value>,
) -> Result<(), String> {
    let authorized = decide("Agent::bot", &everything(), grants, None, mode).unwrap();
    let call = catalogue().resolve(&name(interface), function, arguments);
    call.and_then(|call| permit(&authorized, &policies(POLICIES), call, 0))
        .map(drop)
        .map_err(|d| d.code().to_owned())
}

fn performed(
    authorized: &Authorized,
    permitted: Permitted,
    forecast: Forecast,
) -> Result<PermittedEffect, Denial> {
    let judged = judge(authorized, &policies(POLICIES), permitted, forecast, 0)?;
    permit_effect(authorized, judged)
}

fn grants(resources: &[&str]) -> Vec<Grant> {
    ["look", "tune", "wipe"].map(|i| grant(i, None, resources)).to_vec()
}

#[test]
fn calls_are_decided_by_their_resource() {
    let granted = grants(&["cache/a"]);
    let ok = |f: &str, args| code(&granted, Mode::Call, "tune", f, args);
    assert_eq!(ok("evict", vec![json!("a"), json!("k/1")]), Ok(()));
    assert_eq!(ok("evict", vec![json!("ab"), json!("k")]), Err("outside-grant".into()));
    assert_eq!(ok("evict", vec![json!("a/key"), json!("k")]), Err("bad-resource".into()));
    assert_eq!(ok("evict", vec![json!(".."), json!("k")]), Err("bad-resource".into()));
    assert_eq!(ok("evict", vec![json!("a"), json!("../b")]), Err("bad-resource".into()));
    assert_eq!(ok("evict", vec![json!("a")]), Err("malformed-call".into()));
    assert_eq!(ok("flush", vec![json!("a")]), Err("malformed-call".into()));
}

#[test]
fn fail_closed_an_empty_resource_list_allows_nothing() {
    let granted = grants(&[]);
    let denied = code(&granted, Mode::Call, "look", "stats", vec![json!("a")]);
    assert_eq!(denied, Err("outside-grant".into()));
}

#[test]
fn constraints_hold() {
    let granted = grants(&["cache"]);
    let resize = |mb: Value, label: &str| {
        code(&granted, Mode::Call, "tune", "resize", vec![json!("a"), mb, json!(label)])
    };
    assert_eq!(resize(json!(16), "x"), Ok(()));
    assert_eq!(resize(json!(1024), "12345678"), Ok(()));
    for (mb, label) in [
        (json!(15), "x"),
        (json!(1025), "x"),
        (json!(-1), "x"),
        (json!(1.5), "x"),
        (json!("x"), "x"),
        (json!(64), "123456789"),
    ] {
        assert_eq!(resize(mb.clone(), label), Err("argument-out-of-range".into()), "{mb} {label}");
    }
}

#[test]
fn types_are_ours_arguments_are_named_by_position() {
    let call = catalogue()
        .resolve(&name("tune"), "resize", vec![json!("a"), json!(64), json!("x")])
        .unwrap();
    assert_eq!(
        Value::Object(call.arguments().clone()),
        json!({"cluster": "a", "megabytes": 64, "label": "x"})
    );
}

#[test]
fn class_by_host_comes_from_the_catalogue_alone() {
    // Arguments that claim another class, scope or resource are only arguments.
    let claims = json!("a").as_str().map(|c| vec![json!(c)]).unwrap();
    let call = catalogue().resolve(&name("wipe"), "flush", claims).unwrap();
    assert_eq!((call.class(), call.scope()), (Class::Destroy, Scope::Subtree));
    assert_eq!(call.resource().to_string(), "cache/a");
    let call =
        catalogue().resolve(&name("tune"), "evict", vec![json!("a"), json!("class=read")]).unwrap();
    assert_eq!((call.class(), call.scope()), (Class::Change, Scope::Itself));
    assert_eq!(call.resource().to_string(), "cache/a/key/class%3Dread");
}

#[test]
fn effects_are_decided_by_everything_they_touch() {
    let granted = grants(&["cache/a"]);
    let authorized = decide("Agent::bot", &everything(), &granted, None, Mode::Call).unwrap();
    let permitted = || {
        let call = catalogue().resolve(&name("tune"), "evict", vec![json!("a"), json!("k")]);
        permit(&authorized, &policies(POLICIES), call.unwrap(), 0).unwrap()
    };
    let inside = forecast(&["cache/a/key/k"]);
    assert!(performed(&authorized, permitted(), inside).is_ok());
    let outside = forecast(&["cache/a/key/k", "cache/b/key/k"]);
    let denied = performed(&authorized, permitted(), outside).unwrap_err();
    assert_eq!(denied, Denial::TouchesOutsideGrant { resource: "cache/b/key/k".parse().unwrap() });
}

#[test]
fn destroy_needs_people_no_destroy_and_no_plan_ever_becomes_an_effect() {
    let granted = grants(&["cache"]);
    let plan = decide("Agent::bot", &everything(), &granted, None, Mode::Plan).unwrap();
    let call = decide("Agent::bot", &everything(), &granted, None, Mode::Call).unwrap();
    let flush = || catalogue().resolve(&name("wipe"), "flush", vec![json!("a")]).unwrap();
    let evict =
        || catalogue().resolve(&name("tune"), "evict", vec![json!("a"), json!("k")]).unwrap();
    assert_eq!(
        permit(&call, &policies(POLICIES), flush(), 0).unwrap_err().code(),
        "needs-approval"
    );
    let permitted = permit(&plan, &policies(POLICIES), flush(), 0).unwrap();
    // Even with a permit from a plan, neither authority makes it an effect.
    assert!(performed(&call, permitted.clone(), forecast(&["cache/a"])).is_err());
    assert!(performed(&plan, permitted, forecast(&["cache/a"])).is_err());
    let permitted = permit(&plan, &policies(POLICIES), evict(), 0).unwrap();
    assert!(performed(&plan, permitted, forecast(&["cache/a/key/k"])).is_err());
}

proptest! {
    /// Against a reference that thinks in strings with a separator at each end.
    #[test]
    fn grants_cover_exactly_what_lies_below(
        granted in proptest::collection::vec("[ab]{1,2}", 0..3),
        cluster in "[ab]{1,3}",
    ) {
        let resources: Vec<String> = granted.iter().map(|g| format!("cache/{g}")).collect();
        let refs: Vec<&str> = resources.iter().map(String::as_str).collect();
        let allowed = code(&grants(&refs), Mode::Call, "tune", "evict", vec![json!(cluster), json!("k")]);
        let expected = resources.iter().any(|r| format!("/cache/{cluster}/key/k/").starts_with(&format!("/{r}/")));
        prop_assert_eq!(allowed.is_ok(), expected);
    }
}

/// INVARIANT ONE-DOOR: a run that is done again holds whatever was live then, and permits none of it.
#[test]
fn one_door_a_replayed_run_permits_nothing() {
    let granted = grants(&["cache"]);
    for mode in [Mode::Call, Mode::Plan, Mode::Apply] {
        let was = decide("Agent::bot", &everything(), &granted, None, mode).unwrap();
        let again = Authorized::from(Again {
            principal: was.principal().clone(),
            plugin: was.plugin().to_owned(),
            digest: was.digest(),
            tool: was.tool().to_owned(),
            links: was.links().clone(),
        });
        assert_eq!(again.links(), was.links());
        assert_eq!((again.mode(), again.grants().len()), (Mode::Plan, 0));
        let mut permitted = 0;
        for (interface, function, arguments) in [
            ("look", "stats", vec![json!("a")]),
            ("tune", "evict", vec![json!("a"), json!("k")]),
            ("wipe", "flush", vec![json!("a")]),
        ] {
            let call =
                || catalogue().resolve(&name(interface), function, arguments.clone()).unwrap();
            permitted += u32::from(permit(&was, &policies(POLICIES), call(), 0).is_ok());
            assert!(permit(&again, &policies(POLICIES), call(), 0).is_err(), "{function}");
        }
        assert!(permitted > 0, "{mode:?}: the run that was recorded could do nothing either");
    }
}
