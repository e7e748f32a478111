//! Single effects, whole plans and their tickets: one check at a time, each with a neighbour that passes.

use crate::{
    fixture::{
        CATALOGUE, POLICIES, WIT, call, catalogue, everything, grant, imports, invoking, name,
        policies, source,
    },
    signing::{approved_by_two_people, body},
    tickets::{may, plan},
};
use interlock_authority::{
    Authorized, Catalogue, Class, Denial, Digest, Forecast, Grant, Invocation, Judged, Mode, Needs,
    Permitted, Policies, Principal, ResolvedCall, Revision, Withheld,
    apply::{MayApply, Verdict, decide},
    authorize,
    desk::approved,
    epoch::Epoch,
    permit,
    permit::{judge, permit_effect, permit_ticket},
    plan::{PlanEffect, PlanEnd},
    policy::{Directory, PolicySource},
    request::Wish,
    ticket::Ticket,
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

fn forecast(touches: &[&str]) -> Forecast {
    Forecast {
        verb: "tune".into(),
        counts: BTreeMap::new(),
        touches: touches.iter().map(|t| t.parse().unwrap()).collect(),
        revision: Revision::new("r1"),
        result: json!({"ok": null}),
        note: None,
    }
}

fn grants(resources: &[&str]) -> Vec<Grant> {
    ["look", "tune", "wipe"].map(|i| grant(i, None, resources)).to_vec()
}

/// Everything is granted, and whoever asks may invoke.
fn authorized(mode: Mode) -> Authorized {
    crate::fixture::decide("Agent::bot", &everything(), &grants(&["cache"]), None, mode).unwrap()
}

/// What is granted, and one more rule.
fn and(rule: &str) -> Policies {
    policies(&format!("{POLICIES}{rule}"))
}

fn evict(cluster: &str) -> ResolvedCall {
    call("tune", "evict", &[cluster, "k"])
}

fn flush(cluster: &str) -> ResolvedCall {
    call("wipe", "flush", &[cluster])
}

fn permitted(call: &ResolvedCall) -> Permitted {
    permit(&authorized(Mode::Plan), &policies(POLICIES), call.clone(), 0).unwrap()
}

fn judged(policies: &Policies, call: &ResolvedCall) -> Judged {
    let touches = [call.resource().to_string()];
    let touches: Vec<&str> = touches.iter().map(String::as_str).collect();
    judge(&authorized(Mode::Plan), policies, permitted(call), forecast(&touches), 0).unwrap()
}

const NEEDS_APPROVAL: Denial = Denial::Withheld { reason: Withheld::NeedsApproval };

#[test]
fn fail_closed_a_function_that_is_not_linked_is_not_permitted() {
    let only_look = imports(&[("look", &["stats"])]);
    let granted = grants(&["cache"]);
    let authorized =
        crate::fixture::decide("Agent::bot", &only_look, &granted, None, Mode::Plan).unwrap();
    let denied = permit(&authorized, &policies(POLICIES), evict("a"), 0).unwrap_err();
    assert_eq!(denied, Denial::Withheld { reason: Withheld::FunctionNotGranted });
    let stats = call("look", "stats", &["a"]);
    assert_eq!(permit(&authorized, &policies(POLICIES), stats.clone(), 0).unwrap().call(), &stats);
}

/// Where the grant names the resources of all plugins, only the owner that the host noted tells them apart.
#[test]
fn class_by_host_what_was_resolved_for_one_plugin_is_not_permitted_to_another() {
    let text = CATALOGUE.replace("cache/{cluster}/key/{key...}", "cache/{@plugin}/{cluster}/{key}");
    let catalogue = Catalogue::load(&[source(&text, WIT)]).unwrap();
    for (owner, allowed) in [("cachebox", true), ("other", false)] {
        let arguments = vec![json!("a"), json!("k")];
        let call = catalogue.resolve_for(owner, &name("tune"), "evict", arguments).unwrap();
        let resource = call.resource().clone();
        let answer = permit(&authorized(Mode::Call), &policies(POLICIES), call, 0).map(drop);
        let expected = if allowed { Ok(()) } else { Err(Denial::OutsideGrant { resource }) };
        assert_eq!(answer, expected, "{owner}");
    }
}

#[test]
fn fail_closed_a_call_is_permitted_by_policy_and_by_how_much_the_run_has_done() {
    let stats = call("look", "stats", &["a"]);
    for (call, class) in [(stats, "read"), (evict("a"), "change"), (flush("a"), "destroy")] {
        let code = |policies: &Policies, so_far| {
            permit(&authorized(Mode::Plan), policies, call.clone(), so_far)
                .map(drop)
                .map_err(|denial| denial.code())
        };
        assert_eq!(code(&policies(POLICIES), 0), Ok(()));
        assert_eq!(code(&policies(""), 0), Err("no-permit"));
        let forbidden = format!(
            r#"@id("f") forbid (principal, action in Action::"{class}", resource in Resource::"cache/a") when {{ context.run.effects >= 2 }};"#
        );
        assert_eq!(code(&and(&forbidden), 1), Ok(()), "{class}");
        assert_eq!(code(&and(&forbidden), 2), Err("forbidden"), "{class}");
    }
}

#[test]
fn an_effect_is_judged_by_all_it_touches_and_by_how_much_the_run_has_done() {
    let rule = r#"@id("f") forbid (principal, action in Action::"change", resource in Resource::"cache/a/key/secret");
        @id("g") forbid (principal, action in Action::"change", resource) when { context.run.effects >= 2 };"#;
    let code = |touches: &[&str], so_far| {
        judge(
            &authorized(Mode::Call),
            &and(rule),
            permitted(&evict("a")),
            forecast(touches),
            so_far,
        )
        .map(drop)
        .map_err(|denial| denial.code())
    };
    assert_eq!(code(&["cache/a/key/k"], 1), Ok(()));
    assert_eq!(code(&["cache/a/key/k", "cache/a/key/secret/1"], 1), Err("forbidden"));
    assert_eq!(code(&["cache/a/key/k"], 2), Err("forbidden"));
    assert_eq!(code(&["cache/a/key/k", "other"], 1), Err("touches-outside-grant"));
}

#[test]
fn an_effect_is_exactly_what_was_judged() {
    let judged = judged(&policies(POLICIES), &evict("a"));
    assert_eq!(judged.planned().call, evict("a"));
    assert_eq!(judged.policies(), ["change"]);
    assert!(judged.needs().is_nobody());
    let effect = permit_effect(&authorized(Mode::Call), judged.clone()).unwrap();
    assert_eq!(*effect.call(), evict("a"));
    assert_eq!(*effect.forecast(), judged.planned().forecast);
    assert_eq!(*effect.expected(), Revision::new("r1"));
    assert_eq!(effect.policies(), ["change"]);
}

#[test]
fn destroy_needs_people_a_direct_run_has_only_changes_that_need_nobody() {
    let rule = r#"@id("ask") @approvals("1") permit (principal, action in Action::"change", resource in Resource::"cache/b");"#;
    for (call, mode, allowed) in [
        (evict("a"), Mode::Call, true),
        (evict("a"), Mode::Plan, false),
        (evict("a"), Mode::Apply, false),
        (evict("b"), Mode::Call, false),
        (flush("a"), Mode::Call, false),
    ] {
        let judged = judged(&and(rule), &call);
        let answer = permit_effect(&authorized(mode), judged).map(drop);
        assert_eq!(answer, if allowed { Ok(()) } else { Err(NEEDS_APPROVAL) }, "{call:?} {mode:?}");
    }
}

/// As a plan of this one call gives it.
fn ticket(call: &ResolvedCall) -> Ticket {
    let planned =
        interlock_authority::Planned { call: call.clone(), forecast: forecast(&["cache/a/key/k"]) };
    let effect = PlanEffect::number(vec![planned]).remove(0);
    Ticket { effect, expected: Revision::new("r2") }
}

/// What two people signed: a plan to flush.
fn by_people() -> MayApply {
    let request = approved_by_two_people(body(Needs::people(2, "", None)));
    MayApply::by_people(approved(&request.standing()).unwrap()).unwrap()
}

fn against(
    may: &MayApply,
    policies: &Policies,
    mode: Mode,
    call: &ResolvedCall,
    ticket: Ticket,
    so_far: u64,
) -> Result<interlock_authority::PermittedEffect, Denial> {
    permit_ticket(&authorized(mode), may, policies, permitted(call), ticket, so_far)
}

#[test]
fn plan_is_the_grant_a_ticket_permits_its_own_call_in_an_applied_plan_alone() {
    let (may, set) = (may(&[evict("a")], PlanEnd::Complete), policies(POLICIES));
    let effect = against(&may, &set, Mode::Apply, &evict("a"), ticket(&evict("a")), 0).unwrap();
    assert_eq!(*effect.call(), evict("a"));
    assert_eq!(effect.forecast().revision, Revision::new("r1"));
    assert_eq!(*effect.expected(), Revision::new("r2"));
    assert_eq!(effect.policies(), ["change"]);
    for (mode, asked, ticket_of) in [
        (Mode::Call, "a", "a"),
        (Mode::Plan, "a", "a"),
        (Mode::Apply, "b", "a"),
        (Mode::Apply, "a", "b"),
    ] {
        let answer = against(&may, &set, mode, &evict(asked), ticket(&evict(ticket_of)), 0);
        assert_eq!(answer.map(drop), Err(NEEDS_APPROVAL), "{mode:?} {asked} {ticket_of}");
    }
}

/// Whoever signed the plan, its ticket reaches no further than the grants of today.
#[test]
fn plan_is_the_grant_a_ticket_reaches_nothing_that_is_not_granted() {
    let (may, set) = (may(&[evict("a")], PlanEnd::Complete), policies(POLICIES));
    let mut far = ticket(&evict("a"));
    far.effect.forecast = forecast(&["cache/a/key/k", "vault/a"]);
    let answer = against(&may, &set, Mode::Apply, &evict("a"), far, 0);
    let outside = Denial::TouchesOutsideGrant { resource: "vault/a".parse().unwrap() };
    assert_eq!(answer.map(drop), Err(outside));
}

#[test]
fn destroy_needs_people_whatever_allowed_the_plan() {
    let (policy, people) = (may(&[evict("a")], PlanEnd::Complete), by_people());
    assert!(policy.people().is_none());
    assert_eq!(people.people().unwrap().people().len(), 2);
    let asks =
        r#"@id("ask") @approvals("1") permit (principal, action in Action::"change", resource);"#;
    let apply = |may, rule, call: &ResolvedCall| {
        against(may, &and(rule), Mode::Apply, call, ticket(call), 0).map(drop)
    };
    assert_eq!(apply(&policy, "", &flush("a")), Err(NEEDS_APPROVAL));
    assert_eq!(apply(&people, "", &flush("a")), Ok(()));
    // A policy asks for people since the plan was allowed without them.
    assert_eq!(apply(&policy, "", &evict("a")), Ok(()));
    assert_eq!(apply(&policy, asks, &evict("a")), Err(NEEDS_APPROVAL));
    assert_eq!(apply(&people, asks, &evict("a")), Ok(()));
}

#[test]
fn a_ticket_is_judged_by_the_policies_of_today() {
    let rule = r#"@id("f") forbid (principal, action in Action::"change", resource in Resource::"cache/a/key/k") when { context.arguments.cluster == "b" };
        @id("g") forbid (principal, action in Action::"change", resource) when { context.run.effects >= 2 };"#;
    let may = may(&[evict("a")], PlanEnd::Complete);
    let code = |cluster: &str, so_far| {
        let call = evict(cluster);
        against(&may, &and(rule), Mode::Apply, &call, ticket(&call), so_far)
            .map(drop)
            .map_err(|denial| denial.code())
    };
    assert_eq!(code("a", 1), Ok(()));
    assert_eq!(code("a", 2), Err("forbidden"));
    // Its own resource is another; what its forecast touches is forbidden.
    assert_eq!(code("b", 1), Err("forbidden"));
}

#[test]
fn only_a_plan_that_people_signed_is_applied() {
    let people = by_people();
    assert_eq!(people.plan().effects.len(), 1);
    assert!(people.tickets().next().unwrap().is_for(&flush("a")));
    let mut rules = body(Needs::people(2, "", None));
    let (from, to): (Epoch, Epoch) = (rules.epoch.clone(), rules.epoch.clone());
    rules.wish = Wish::Epoch { from, to, changes: vec!["x".into()] };
    let request = approved_by_two_people(rules);
    assert!(MayApply::by_people(approved(&request.standing()).unwrap()).is_none());
}

/// Whether the policies refuse a plan of these calls, by what they may know of it.
fn refuses(when: &str, calls: &[ResolvedCall]) -> bool {
    let rule = format!(
        r#"@id("f") forbid (principal, action == Action::"apply-plan", resource) when {{ {when} }};"#
    );
    let set = and(&rule);
    let all: Vec<Judged> = calls.iter().map(|call| judged(&set, call)).collect();
    match decide(&authorized(Mode::Plan), &set, plan(calls, PlanEnd::Complete), &all) {
        Ok(_) => false,
        Err(denial) => {
            assert_eq!(denial.code(), "forbidden");
            true
        }
    }
}

#[test]
fn policies_know_how_far_a_plan_reaches() {
    let (a, b, stop) = (evict("a"), evict("b"), flush("a"));
    for (calls, facts, recreates) in [
        (vec![a.clone()], (1, 0, 1), false),
        (vec![a.clone(), a.clone(), b.clone()], (3, 0, 2), false),
        (vec![stop.clone()], (1, 1, 1), false),
        (vec![stop.clone(), a.clone(), b.clone()], (3, 1, 3), true),
        (vec![a.clone(), b.clone(), stop.clone()], (3, 1, 3), false),
        (vec![stop.clone(), b.clone()], (2, 1, 2), false),
        (vec![stop.clone(), flush("b")], (2, 2, 2), false),
        (vec![b.clone(), stop.clone(), stop.clone()], (3, 2, 2), true),
    ] {
        let (effects, destroys, resources) = facts;
        let is = format!(
            "context.plan.effects == {effects} && context.plan.destroys == {destroys} && context.plan.resources == {resources}"
        );
        assert!(refuses(&is, &calls), "{calls:?} is not {is}");
        assert_eq!(refuses("context.plan.recreates", &calls), recreates, "{calls:?}");
    }
}

/// Whatever an effect touches counts, and its own resource in any case.
#[test]
fn a_plan_reaches_what_its_effects_touch_and_what_they_are_on() {
    let call = evict("a");
    let own = call.resource().to_string();
    for (touches, resources) in [
        (vec![own.as_str()], 1),
        (vec![own.as_str(), "cache/a/key/l"], 2),
        (vec!["cache/a/key/l"], 2),
        (vec![], 1),
    ] {
        let is = format!("context.plan.resources == {resources}");
        let set = and(&format!(
            r#"@id("f") forbid (principal, action == Action::"apply-plan", resource) when {{ {is} }};"#
        ));
        let permitted = permitted(&call);
        let judged =
            judge(&authorized(Mode::Plan), &set, permitted, forecast(&touches), 0).unwrap();
        let plan = plan(std::slice::from_ref(&call), PlanEnd::Complete);
        let denial = decide(&authorized(Mode::Plan), &set, plan, &[judged]).unwrap_err();
        assert_eq!(denial.code(), "forbidden", "{touches:?} is not {is}");
    }
}

#[test]
fn a_plan_needs_what_each_of_its_effects_needs_and_what_the_whole_needs() {
    let rule = r#"@id("b") @approvals("3") permit (principal, action in Action::"change", resource in Resource::"cache/b");
        @id("wide") @approvals("4") permit (principal, action == Action::"apply-plan", resource) when { context.plan.effects > 2 };"#;
    let needs = |calls: &[ResolvedCall]| {
        let set = and(rule);
        let all: Vec<Judged> = calls.iter().map(|call| judged(&set, call)).collect();
        match decide(&authorized(Mode::Plan), &set, plan(calls, PlanEnd::Complete), &all).unwrap() {
            Verdict::Allowed(may) => {
                assert!(may.people().is_none());
                assert_eq!(may.plan(), &plan(calls, PlanEnd::Complete));
                None
            }
            Verdict::NeedsPeople(needs) => needs.people.get("").copied(),
        }
    };
    let (a, b) = (evict("a"), evict("b"));
    assert_eq!(needs(std::slice::from_ref(&a)), None);
    assert_eq!(needs(&[a.clone(), b.clone()]), Some(3));
    assert_eq!(needs(&[a.clone(), a.clone(), a.clone()]), Some(4));
    assert_eq!(needs(&[a, flush("a")]), Some(2));
}

/// Policies that were read with another catalogue, in which `flush` only changes something, ask nobody.
#[test]
fn destroy_needs_people_even_where_the_policies_take_it_for_a_change() {
    let text = CATALOGUE.replace("class = \"destroy\"", "class = \"change\"");
    let mild = Arc::new(Catalogue::load(&[source(&text, WIT)]).unwrap());
    let file = PolicySource { file: "test.cedar".into(), text: POLICIES.into() };
    let set = Policies::load(&[file], &mild, Directory::default()).unwrap();
    let call = flush("a");
    assert_eq!(call.class(), Class::Destroy);
    let judged = judged(&set, &call);
    assert!(judged.needs().is_nobody(), "the policies ask for nobody");
    let plan = plan(std::slice::from_ref(&call), PlanEnd::Complete);
    let verdict =
        decide(&authorized(Mode::Plan), &set, plan, std::slice::from_ref(&judged)).unwrap();
    assert!(matches!(verdict, Verdict::NeedsPeople(needs) if needs == Needs::people(1, "", None)));
    let direct = permit_effect(&authorized(Mode::Call), judged).map(drop);
    assert_eq!(direct, Err(NEEDS_APPROVAL));
    let may = may(&[evict("a")], PlanEnd::Complete);
    let applied = against(&may, &set, Mode::Apply, &call, ticket(&call), 0).map(drop);
    assert_eq!(applied, Err(NEEDS_APPROVAL));
}

#[test]
fn an_authorization_says_what_was_decided() {
    let principal: Principal = "Agent::bot".parse().unwrap();
    let granted = grants(&["cache/a", "cache/b"]);
    let uses = ["acme:cache/tune".to_owned(), "acme:cache/wipe".to_owned()];
    let asked = |mode| {
        invoking(&everything(), &granted, |asked| {
            let publisher = Some("pub@example.com");
            let asked = Invocation { publisher, uses: Some(&uses), mode, ..asked };
            authorize(&asked, &catalogue(), &policies(POLICIES))
        })
    };
    for mode in [Mode::Call, Mode::Plan, Mode::Apply] {
        let authorized = asked(mode).unwrap();
        assert_eq!(*authorized.principal(), principal);
        assert_eq!((authorized.plugin(), authorized.tool()), ("cachebox", "tidy"));
        assert_eq!(authorized.digest(), Digest::from_bytes([7; 32]));
        assert_eq!(authorized.mode(), mode);
        assert_eq!(authorized.policies(), ["invoke"]);
        assert_eq!(authorized.grants(), granted);
        assert_eq!(authorized.links().len(), 3);
        let asking = authorized.asking();
        assert_eq!(*asking.principal, principal);
        assert_eq!((asking.plugin, asking.tool), ("cachebox", "tidy"));
        assert_eq!(asking.digest, Digest::from_bytes([7; 32]));
        assert_eq!(asking.publisher, Some("pub@example.com"));
        // What only reads is no effect, and what is withheld is not live.
        let catalogue = catalogue();
        let live: Vec<_> = authorized
            .live_effects(&catalogue)
            .map(|(interface, function, resources)| {
                assert_eq!(resources, ["cache/a", "cache/b"].map(|r| r.parse().unwrap()));
                (interface.clone(), function.to_owned())
            })
            .collect();
        let tune = |function: &str| (name("tune"), function.to_owned());
        let mut expected = vec![tune("evict"), tune("resize")];
        if mode != Mode::Call {
            expected.push((name("wipe"), "flush".into()));
        }
        assert_eq!(live, expected, "{mode:?}");
    }
    // What is granted for one function is not what is granted for another.
    let split = [
        grant("tune", Some(&["evict"]), &["cache/a"]),
        grant("tune", Some(&["resize"]), &["cache/b"]),
        grant("look", None, &["cache/c"]),
    ];
    let imports = crate::fixture::imports(&[("look", &["stats"]), ("tune", &["resize", "evict"])]);
    let authorized =
        crate::fixture::decide("Agent::bot", &imports, &split, None, Mode::Call).unwrap();
    let catalogue = catalogue();
    let live: Vec<_> = authorized.live_effects(&catalogue).map(|(_, f, r)| (f, r)).collect();
    let at = |resource: &str| vec![resource.parse().unwrap()];
    assert_eq!(live, [("evict", at("cache/a")), ("resize", at("cache/b"))]);
}

#[test]
fn fail_closed_a_tool_that_no_policy_permits_is_not_invoked() {
    let asked = |tool, set: &Policies| {
        invoking(&everything(), &grants(&["cache"]), |asked| {
            let asked = Invocation { publisher: Some("pub@example.com"), tool, ..asked };
            authorize(&asked, &catalogue(), set).map(drop).map_err(|refused| refused.code())
        })
    };
    let code = |rule: &str, tool| asked(tool, &and(rule));
    assert_eq!(code("", "tidy"), Ok(()));
    let tool = r#"@id("f") forbid (principal, action == Action::"invoke", resource == Tool::"cachebox.tidy");"#;
    assert_eq!(code(tool, "tidy"), Err("forbidden"));
    assert_eq!(code(tool, "other"), Ok(()));
    let publisher = r#"@id("f") forbid (principal, action == Action::"invoke", resource) when { context.plugin has publisher && context.plugin.publisher == "pub@example.com" };"#;
    assert_eq!(code(publisher, "tidy"), Err("forbidden"));
    assert_eq!(asked("tidy", &policies("")), Err("no-permit"));
}
