//! Elevations: exactly what is not granted yet, never anything that destroys, and only as long as everything
//! that people signed is still so.

use crate::{
    fixture::{call, catalogue, everything, grant, name},
    signing::{Keys, NOW, body, roster},
};
use interlock_authority::{
    Digest, Grant, Needs, Principal,
    budget::{charges, covering},
    desk::{Happened, Holder, RequestState, Standing},
    document::render,
    elevation::{ElevationRefusal, Wanted, elevation, in_force},
    epoch::Epoch,
    grant::Elevated,
    plan::PluginRef,
    request::{RequestBody, Wish},
    signature::NAMESPACE,
};

fn plugin() -> PluginRef {
    PluginRef { name: "cachebox".into(), digest: Digest::from_bytes([7; 32]), publisher: None }
}

fn wanted<'a>(
    standing: &'a [Grant],
    grant: &'a Grant,
    imports: &'a interlock_authority::authorize::Imports,
) -> Wanted<'a> {
    Wanted { plugin: plugin(), imports, standing, grant, effects: 3, seconds: 600 }
}

#[test]
fn an_elevation_is_the_exact_difference() {
    let imports = everything();
    let standing = [grant("tune", Some(&["evict"]), &["cache/a"])];
    let more = grant("tune", None, &["cache/a"]);
    let asked = elevation(&wanted(&standing, &more, &imports), &catalogue()).unwrap();
    assert_eq!(asked.adds, ["acme:cache/tune@1.0.0 resize (change) on cache/a and all below it"]);
    assert_eq!(asked.functions[&name("tune")].iter().collect::<Vec<_>>(), ["resize"]);
    // Elsewhere both are new.
    let there = grant("tune", None, &["cache/b"]);
    assert_eq!(
        elevation(&wanted(&standing, &there, &imports), &catalogue()).unwrap().adds.len(),
        2
    );
}

#[test]
fn destroy_needs_people_and_what_else_cannot_be_asked_for() {
    let imports = everything();
    let tune = grant("tune", None, &["cache"]);
    let code = |wanted: &Wanted<'_>| elevation(wanted, &catalogue()).map_err(|e| e.code());
    for functions in [None, Some(&["flush"][..])] {
        let wipe = grant("wipe", functions, &["cache/a"]);
        assert_eq!(code(&wanted(&[], &wipe, &imports)).unwrap_err(), "elevation-destroys");
        // Not even beside a standing grant of the same.
        let standing = [grant("wipe", None, &["cache/a"])];
        assert_eq!(code(&wanted(&standing, &wipe, &imports)).unwrap_err(), "elevation-destroys");
    }
    let again = grant("tune", Some(&["resize"]), &["cache/a"]);
    let standing = std::slice::from_ref(&tune);
    assert_eq!(code(&wanted(standing, &again, &imports)).unwrap_err(), "elevation-adds-nothing");
    for (functions, resources) in [(Some(&[][..]), &["cache/a"][..]), (None, &[])] {
        let nothing = grant("tune", functions, resources);
        assert_eq!(code(&wanted(&[], &nothing, &imports)).unwrap_err(), "elevation-adds-nothing");
    }
    let few = crate::fixture::imports(&[("tune", &["evict"])]);
    for other in [grant("look", None, &["cache/a"]), grant("tune", Some(&["resize"]), &["cache/a"])]
    {
        assert_eq!(code(&wanted(&[], &other, &few)).unwrap_err(), "elevation-not-imported");
    }
    for (effects, seconds) in [(0, 1), (1, 0), (1_001, 1), (1, 7 * 24 * 3600 + 1)] {
        let wanted = Wanted { effects, seconds, ..wanted(&[], &tune, &imports) };
        assert_eq!(elevation(&wanted, &catalogue()), Err(ElevationRefusal::OutOfBounds));
    }
}

fn request() -> RequestBody {
    let imports = everything();
    let more = grant("tune", Some(&["resize"]), &["cache/a"]);
    let mut body = body(Needs::people(1, "", None));
    body.wish = Wish::Elevation {
        elevation: elevation(&wanted(&[], &more, &imports), &catalogue()).unwrap(),
    };
    body
}

/// The renderer is frozen for this form too.
#[test]
fn shown_is_signed_an_elevation_and_other_rules_are_frozen() {
    let mut body = request();
    assert_eq!(render(&body).unwrap(), include_str!("document-v1-elevation.txt"));
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let from = Epoch { policies: digest(1), catalogues: digest(2), approvers: digest(3) };
    let to = Epoch { policies: digest(4), ..from.clone() };
    let long = format!("- default.cedar: // {} END  rules", "x".repeat(100));
    let changes =
        vec![long, "+ default.cedar: permit (principal, action, resource);\u{202e}".into()];
    body.wish = Wish::Epoch { from, to, changes };
    assert_eq!(render(&body).unwrap(), include_str!("document-v1-rules.txt"));
    assert!(body.demands_touch() && !body.destroys());
}

#[test]
fn an_elevation_holds_while_everything_that_was_signed_is_so() {
    let keys = Keys::new();
    let lines = keys.line("a", "ed25519", "");
    let (here, nobody) = (roster(&lines), roster(&keys.line("b", "ed25519", "")));
    let body = request();
    let document = render(&body).unwrap();
    let signed = Happened::Approved { signature: keys.sign("a", NAMESPACE, &document), at: NOW };
    let granted = Happened::Granted { until: NOW + 600 };
    let history = [signed.clone(), granted.clone()];
    let standing = Standing {
        body: &body,
        document: &document,
        history: &history,
        roster: &here,
        now: NOW + 1,
    };
    let principal: Principal = "Agent::bot".parse().unwrap();
    let somebody: Principal = "Agent::other".parse().unwrap();
    let epoch = body.epoch.clone();
    let holder = Holder {
        deployment: &body.deployment,
        epoch: &epoch,
        grants: body.grants,
        principal: &principal,
        plugin: "cachebox",
        digest: Digest::from_bytes([7; 32]),
    };
    let grants = in_force(&standing, &holder).unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].elevation, Some(Elevated { request: body.id.clone(), until: NOW + 600 }));
    assert_eq!(grants[0].budget.map(|b| (b.effects, b.per_seconds)), Some((3, 600)));
    assert_eq!(standing.state(), RequestState::Granted { until: NOW + 600 });
    assert_eq!(standing.admit("x").unwrap_err().code(), "request-granted");

    let code = |standing: &Standing<'_>, holder: &Holder<'_>| {
        in_force(standing, holder).unwrap_err().code()
    };
    let other = Epoch { policies: Digest::from_bytes([9; 32]), ..epoch.clone() };
    for (holder, expected) in [
        (Holder { deployment: "ff", ..holder }, "foreign-deployment"),
        (Holder { principal: &somebody, ..holder }, "foreign-principal"),
        (Holder { plugin: "other", ..holder }, "different-call"),
        (Holder { digest: Digest::from_bytes([8; 32]), ..holder }, "plugin-changed"),
        (Holder { epoch: &other, ..holder }, "epoch-policies"),
        (Holder { grants: Digest::from_bytes([8; 32]), ..holder }, "epoch-grants"),
    ] {
        assert_eq!(code(&standing, &holder), expected);
    }
    assert_eq!(code(&Standing { now: NOW + 600, ..standing }, &holder), "request-expired");
    // Whoever signed and left the roster since no longer counts.
    assert_eq!(code(&Standing { roster: &nobody, ..standing }, &holder), "request-pending");
    let revoked = Happened::Revoked { by: "x".into() };
    for (history, expected) in [
        (vec![signed.clone()], "request-pending"),
        (vec![granted.clone()], "request-pending"),
        (vec![signed.clone(), granted.clone(), revoked], "request-revoked"),
        (
            vec![signed, Happened::Denied { by: "x".into(), reason: "y".into() }, granted],
            "request-denied",
        ),
    ] {
        assert_eq!(code(&Standing { history: &history, ..standing }, &holder), expected);
    }
}

/// Of an elevation people signed so many effects, wherever they reach: also one that lies within a standing
/// grant, and touches what only the elevation covers, is charged to it.
#[test]
fn an_effect_is_charged_to_every_elevation_that_it_needs() {
    let standing = grant("tune", None, &["cache/a"]);
    let elevated = Elevated { request: "01".into(), until: 9 };
    let budget = interlock_authority::budget::Budget { effects: 3, per_seconds: 600 };
    let more = Grant {
        elevation: Some(elevated),
        budget: Some(budget),
        ..grant("tune", None, &["cache/b"])
    };
    let grants = [standing, more];
    let call = call("tune", "evict", &["a", "k"]);
    let principal: Principal = "Agent::bot".parse().unwrap();
    let touches = |all: &[&str]| all.iter().map(|r| r.parse().unwrap()).collect::<Vec<_>>();
    for (touched, count) in [(touches(&["cache/a/key/k"]), 0), (touches(&["cache/b/key/k"]), 1)] {
        assert_eq!(charges(&principal, "cachebox", &grants, &call, &touched).len(), count);
        assert_eq!(covering(&grants, &call, &touched).count(), 1 + count);
    }
}
