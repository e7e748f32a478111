//! Which functions of a plugin are live in one invocation.

use crate::fixture::{decide, everything, grant, imports, name};
use interlock_authority::{Grant, LinkState, Mode, Refusal, Withheld};

fn all_grants() -> Vec<Grant> {
    ["look", "tune", "wipe"].map(|i| grant(i, None, &["cache"])).to_vec()
}

#[test]
fn fail_closed_unknown_principal_is_refused() {
    for nobody in ["Agent::other", "Person::bot"] {
        let refused = decide(nobody, &everything(), &all_grants(), None, Mode::Call).unwrap_err();
        assert_eq!(refused.code(), "unknown-principal");
    }
}

#[test]
fn fail_closed_no_grant_links_nothing() {
    let refused = decide("Agent::bot", &everything(), &[], None, Mode::Plan).unwrap_err();
    assert!(matches!(refused, Refusal::NotGranted { .. }));
    // Nothing asked for, nothing needed.
    let pure = decide("Agent::bot", &imports(&[]), &[], None, Mode::Call).unwrap();
    assert!(pure.links().is_empty());
}

#[test]
fn absent_not_denied_each_missing_interface_is_named() {
    for missing in ["look", "tune", "wipe"] {
        let grants: Vec<Grant> =
            all_grants().into_iter().filter(|g| g.interface != name(missing)).collect();
        let refused = decide("Agent::bot", &everything(), &grants, None, Mode::Call).unwrap_err();
        assert_eq!(
            refused,
            Refusal::NotGranted { plugin: "cachebox".into(), interface: name(missing) }
        );
    }
}

#[test]
fn destroy_needs_people_a_call_withholds_what_a_plan_may_forecast() {
    let state = |mode| {
        let authorized = decide("Agent::bot", &everything(), &all_grants(), None, mode).unwrap();
        (authorized.link(&name("wipe"), "flush"), authorized.link(&name("tune"), "evict"))
    };
    let live = Some(LinkState::Live);
    assert_eq!(state(Mode::Call), (Some(LinkState::Withheld(Withheld::NeedsApproval)), live));
    assert_eq!(state(Mode::Plan), (live, live));
}

#[test]
fn functions_outside_the_grant_are_withheld() {
    let grants = [
        grant("look", None, &["cache"]),
        grant("tune", Some(&["evict"]), &["cache"]),
        grant("wipe", Some(&[]), &["cache"]),
    ];
    let authorized = decide("Agent::bot", &everything(), &grants, None, Mode::Plan).unwrap();
    let withheld = Some(LinkState::Withheld(Withheld::FunctionNotGranted));
    assert_eq!(authorized.link(&name("tune"), "evict"), Some(LinkState::Live));
    assert_eq!(authorized.link(&name("tune"), "resize"), withheld);
    // FAIL-CLOSED: an empty list allows nothing.
    assert_eq!(authorized.link(&name("wipe"), "flush"), withheld);
    assert_eq!(authorized.link(&name("wipe"), "no-such"), None);
}

#[test]
fn uses_only_narrows() {
    let uses = |list: &[&str]| -> Vec<String> { list.iter().map(|s| (*s).to_owned()).collect() };
    for declared in ["acme:cache/look", "acme:cache/look@1.0.0"] {
        let uses = uses(&[declared]);
        let authorized =
            decide("Agent::bot", &everything(), &all_grants(), Some(&uses), Mode::Plan).unwrap();
        assert_eq!(authorized.link(&name("look"), "stats"), Some(LinkState::Live));
        let withheld = Some(LinkState::Withheld(Withheld::ToolDoesNotUse));
        assert_eq!(authorized.link(&name("tune"), "evict"), withheld);
        assert_eq!(authorized.link(&name("wipe"), "flush"), withheld);
    }
    // Declaring an interface brings no authority: the grant still decides.
    let only_look = [grant("look", None, &["cache"])];
    let declared = uses(&["acme:cache/wipe"]);
    let authorized = decide(
        "Agent::bot",
        &imports(&[("look", &["stats"])]),
        &only_look,
        Some(&declared),
        Mode::Plan,
    )
    .unwrap();
    assert_eq!(authorized.link(&name("wipe"), "flush"), None);
    let unknown = uses(&["acme:cache/lok"]);
    let refused =
        decide("Agent::bot", &everything(), &all_grants(), Some(&unknown), Mode::Plan).unwrap_err();
    assert_eq!(refused.code(), "uses-not-imported");
}

#[test]
fn an_import_that_no_catalogue_describes_is_refused() {
    let mut extra = everything();
    extra.get_mut(&name("tune")).unwrap().insert("format".into());
    let refused = decide("Agent::bot", &extra, &all_grants(), None, Mode::Call).unwrap_err();
    assert_eq!(
        refused,
        Refusal::Uncatalogued {
            plugin: "cachebox".into(),
            import: "acme:cache/tune@1.0.0#format".into()
        }
    );
    // Not even where a grant names it.
    let mut gone = everything();
    gone.insert(name("gone"), ["f".to_owned()].into());
    let mut grants = all_grants();
    grants.push(grant("gone", None, &["cache"]));
    let refused = decide("Agent::bot", &gone, &grants, None, Mode::Call).unwrap_err();
    let import = name("gone").to_string();
    assert_eq!(refused, Refusal::Uncatalogued { plugin: "cachebox".into(), import });
}
