//! What every provider promises: looking and forecasting change nothing, what was forecast is what happens, and an
//! effect on another state than was looked at does not happen.

use super::harness::Host;
use interlock_authority::Planned;
use interlock_providers::{FROZEN, Forecasted, NOT_STARTED, Performed, kv::Quota};
use serde_json::{Value, json};

fn ok() -> Value {
    json!({"ok": null})
}

#[tokio::test]
async fn values_are_kept_found_by_folder_and_gone_when_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    for key in ["mail/b", "mail/a", "mail", "mail0", "mail/a/x", "other"] {
        assert_eq!(host.effect("set", json!([key, key])).await, ok());
    }
    assert_eq!(host.read("get", json!(["mail/a"])).await.unwrap(), json!({"ok": "mail/a"}));
    let page = |keys: &[&str], more: bool| json!({"ok": {"keys": keys, "more": more}});
    for (arguments, expected) in [
        (json!(["mail", null, 1000]), page(&["mail/a", "mail/a/x", "mail/b"], false)),
        (json!(["mail", null, 2]), page(&["mail/a", "mail/a/x"], true)),
        (json!(["mail", "mail/a/x", 2]), page(&["mail/b"], false)),
        (json!(["mai", null, 9]), page(&[], false)),
    ] {
        assert_eq!(host.read("keys", arguments.clone()).await.unwrap(), expected, "{arguments}");
    }
    let all = host.read("all-keys", json!([null, 4])).await.unwrap();
    assert_eq!(all, page(&["mail", "mail/a", "mail/a/x", "mail/b"], true));
    assert_eq!(host.effect("delete", json!(["mail"])).await, json!({"ok": true}));
    assert_eq!(host.effect("delete", json!(["mail"])).await, json!({"ok": false}));
    assert_eq!(host.read("get", json!(["mail"])).await.unwrap(), json!({"ok": null}));
    assert_eq!(host.read("get", json!(["mail/a"])).await.unwrap(), json!({"ok": "mail/a"}));
    // Another host on the folder finds the same.
    let again = Host::of("a", folder.path());
    assert_eq!(again.read("get", json!(["mail/b"])).await.unwrap(), json!({"ok": "mail/b"}));
}

// INVARIANT CLASS-BY-HOST
#[tokio::test]
async fn class_by_host_plugins_with_the_same_key_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Host::of("a", folder.path()), Host::of("b", folder.path()));
    assert_eq!(a.effect("set", json!(["key", "of a"])).await, ok());
    assert_eq!(b.read("get", json!(["key"])).await.unwrap(), json!({"ok": null}));
    assert_eq!(b.effect("set-if", json!(["key", null, "of b"])).await, ok());
    assert_eq!(b.effect("delete", json!(["key"])).await, json!({"ok": true}));
    assert_eq!(a.read("get", json!(["key"])).await.unwrap(), json!({"ok": "of a"}));
    let all = b.read("all-keys", json!([null, 9])).await.unwrap();
    assert_eq!(all, json!({"ok": {"keys": [], "more": false}}));
    // A call that was resolved for one plugin is refused to the other, whatever the other was granted.
    let of_a = a.resolve("get", json!(["key"])).unwrap();
    assert_eq!(b.permit(of_a.clone()).unwrap_err().code(), "outside-grant");
    assert!(a.permit(of_a).is_ok());
}

#[tokio::test]
async fn looking_and_forecasting_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    for function in [("set", json!(["k", "v"])), ("set-if", json!(["k", null, "v"]))] {
        let first = host.exact(function.0, function.1.clone(), &[]).await;
        assert_eq!(first, host.exact(function.0, function.1, &[]).await);
    }
    assert_eq!(host.read("get", json!(["k"])).await.unwrap(), json!({"ok": null}));
    host.read("all-keys", json!([null, 1])).await.unwrap();
    let made = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(made, 0, "nothing is made before something is kept");
    host.effect("set", json!(["k", "v"])).await;
    let before = host.exact("set", json!(["k", "w"]), &[]).await;
    host.forecast("delete", json!(["k"]), &[]).await.unwrap();
    assert_eq!(host.exact("set", json!(["k", "w"]), &[]).await.revision, before.revision);
    assert_eq!(host.read("get", json!(["k"])).await.unwrap(), json!({"ok": "v"}));
}

#[tokio::test]
async fn another_state_than_was_looked_at_is_refused_even_if_it_looks_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    let absent = host.exact("set", json!(["k", "new"]), &[]).await;
    host.effect("set", json!(["k", "v"])).await;
    let present = host.exact("set", json!(["k", "new"]), &[]).await;
    host.effect("set", json!(["k", "x"])).await;
    host.effect("set", json!(["k", "v"])).await;
    let stale = |performed: Performed| match performed {
        Performed::Refused { code: "stale", result } => !result["err"]["conflict"].is_null(),
        _ => false,
    };
    let set = json!(["k", "new"]);
    assert!(stale(host.perform("set", set.clone(), present, || Ok(())).await.unwrap()));
    host.effect("delete", json!(["k"])).await;
    assert!(stale(host.perform("set", set, absent, || Ok(())).await.unwrap()));
    // Also where so much was deleted since that the deletion itself is no longer kept.
    let old = host.exact("set", json!(["k", "new"]), &[]).await;
    for n in 0..600 {
        let key = format!("n{}", n % 300);
        let (function, arguments) = match n < 300 {
            true => ("set", json!([key, ""])),
            false => ("delete", json!([key])),
        };
        host.effect(function, arguments).await;
    }
    assert!(stale(host.perform("set", json!(["k", "new"]), old, || Ok(())).await.unwrap()));
    assert_eq!(host.read("get", json!(["k"])).await.unwrap(), json!({"ok": null}));
}

#[tokio::test]
async fn the_host_is_asked_a_last_time_under_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    host.effect("set", json!(["other", "v"])).await;
    let forecast = host.exact("set", json!(["k", "v"]), &[]).await;
    let file = folder.path().join("kv.db");
    let ask = move || {
        let other = rusqlite::Connection::open(&file).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        let locked = other.execute_batch("begin immediate").is_err();
        Err(if locked { "locked" } else { "not locked" }.to_owned())
    };
    let performed = host.perform("set", json!(["k", "v"]), forecast, ask).await.unwrap();
    let denied = json!({"err": {"denied": "frozen: locked"}});
    assert_eq!(performed, Performed::Refused { code: FROZEN, result: denied });
    assert_eq!(host.read("get", json!(["k"])).await.unwrap(), json!({"ok": null}));
}

#[tokio::test]
async fn earlier_effects_of_a_plan_are_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::with("a", folder.path(), Quota { value: 9, keys: 2, bytes: 100 });
    host.effect("set", json!(["k", "0"])).await;
    let steps = [
        ("set", json!(["k", "1"]), Some(ok())),
        ("set-if", json!(["k", "0", "2"]), None),
        ("set-if", json!(["k", "1", "2"]), Some(ok())),
        ("set", json!(["l", "1"]), Some(ok())),
        ("set", json!(["m", "1"]), None),
        ("delete", json!(["l"]), Some(json!({"ok": true}))),
        ("delete", json!(["l"]), None),
        ("set", json!(["m", "1"]), Some(ok())),
    ];
    let mut earlier: Vec<Planned> = Vec::new();
    for (function, arguments, expected) in &steps {
        let found = host.forecast(function, arguments.clone(), &earlier).await.unwrap();
        match (found, expected) {
            (Forecasted::Exact(forecast), Some(result)) => {
                assert_eq!(forecast.result, *result, "{function} {arguments}");
                let call = host.resolve(function, arguments.clone()).unwrap();
                earlier.push(Planned { call, forecast });
            }
            (Forecasted::NoEffect(_), None) => {}
            (found, _) => panic!("{function} {arguments}: {found:?}"),
        }
    }
    // What was said of the whole is what happens, one after the other.
    for (function, arguments, expected) in steps {
        let result = host.effect(function, arguments).await;
        assert!(expected.is_none_or(|expected| expected == result), "{function}: {result}");
    }
    let all = host.read("all-keys", json!([null, 9])).await.unwrap();
    assert_eq!(all, json!({"ok": {"keys": ["k", "m"], "more": false}}));
}

#[tokio::test]
async fn bounds_count_before_anything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let quota = Quota { value: 4, keys: 2, bytes: 8 };
    let host = Host::with("a", folder.path(), quota);
    let full = |answer: &Value, code: &str| {
        answer["err"]["full"].as_str().is_some_and(|words| words.starts_with(code))
    };
    let too_long = host.effect("set", json!(["k", "12345"])).await;
    assert!(full(&too_long, "value-too-long"), "{too_long}");
    assert_eq!(host.effect("set", json!(["k", "1234"])).await, ok());
    // Said before somebody else used up the rest, refused after.
    let said = host.exact("set", json!(["l", "12"]), &[]).await;
    assert_eq!(host.effect("set", json!(["m", "12"])).await, ok());
    match host.perform("set", json!(["l", "12"]), said, || Ok(())).await.unwrap() {
        Performed::Refused { code: NOT_STARTED, result } => {
            assert!(full(&result, "too-many-keys"), "{result}");
        }
        other => panic!("{other:?}"),
    }
    let long = host.effect("set", json!(["m", "1234"])).await;
    assert!(full(&long, "too-many-bytes"), "{long}");
    // Another plugin has bounds of its own.
    let other = Host::with("b", folder.path(), quota);
    assert_eq!(other.effect("set", json!(["k", "1234"])).await, ok());
}

#[tokio::test]
async fn hostile_keys_and_values_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    let long = vec!["k".repeat(128); 5].join("/");
    for bad in ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".", long.as_str()] {
        let refused = host.resolve("set", json!([bad, "v"])).unwrap_err();
        assert!(["bad-resource", "argument-out-of-range"].contains(&refused.code()), "{bad}");
    }
    let keys = ["'; drop table entry; --", "a\0b", "%2e%2e/x", "é/ü", "{@plugin}", "*", "a%b_c"];
    for (n, key) in keys.iter().enumerate() {
        let value = format!("{n}\0'\"\u{202e}\n");
        assert_eq!(host.effect("set", json!([key, value])).await, ok(), "{key}");
    }
    for (n, key) in keys.iter().enumerate() {
        let value = format!("{n}\0'\"\u{202e}\n");
        assert_eq!(host.read("get", json!([key])).await.unwrap(), json!({"ok": value}), "{key}");
    }
    // A pattern is a key like any other.
    let none = json!({"ok": {"keys": [], "more": false}});
    assert_eq!(host.read("keys", json!(["*", null, 9])).await.unwrap(), none);
}

/// A plan that deletes more than is remembered ends before the step that would find another revision than was foreseen.
#[tokio::test]
async fn a_plan_that_would_move_its_own_next_key_ends_there() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::of("a", folder.path());
    for n in 0..256 {
        let key = format!("n{n}");
        host.effect("set", json!([key, ""])).await;
        if n < 255 {
            host.effect("delete", json!([key])).await;
        }
    }
    host.effect("set", json!(["k", "v"])).await;
    let planned = async |function: &str, arguments: serde_json::Value, earlier: &[Planned]| {
        let forecast = host.exact(function, arguments.clone(), earlier).await;
        Planned { call: host.resolve(function, arguments).unwrap(), forecast }
    };
    // The 256th deletion is remembered: the plan is done whole.
    let first = planned("delete", json!(["n255"]), &[]).await;
    let next = planned("set", json!(["new", "v"]), std::slice::from_ref(&first)).await;
    // The 257th is not.
    let second = planned("delete", json!(["k"]), std::slice::from_ref(&first)).await;
    let both = [first, second];
    let said = host.forecast("set", json!(["new", "v"]), &both).await.unwrap();
    assert!(matches!(&said, Forecasted::Inexact(why) if why.contains("deletes so many")));
    // A key that is there is not moved by it.
    host.effect("set", json!(["other", "v"])).await;
    host.exact("set", json!(["other", "w"]), &both).await;
    for Planned { call, forecast } in [&both[0], &next] {
        let arguments = match call.function() {
            "delete" => json!(["n255"]),
            _ => json!(["new", "v"]),
        };
        let done = host.perform(call.function(), arguments, forecast.clone(), || Ok(())).await;
        assert!(matches!(done, Ok(Performed::Done { .. })), "{done:?}");
    }
}
