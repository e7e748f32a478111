//! The ticket matcher, exhaustively over small plans and runs, against a reference that keeps no state but a
//! list of what was asked; and the revisions that tickets expect.

use crate::fixture::call;
use interlock_authority::{
    Authorized, Class, Digest, Forecast, Planned, Policies, ResolvedCall, Revision, Scope,
    apply::{MayApply, Verdict, decide as decide_plan},
    permit::{judge, permit},
    plan::{Plan, PlanEffect, PlanEnd, PluginRef},
    ticket::{DeviationKind, Tickets},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Calls that differ in exactly one thing from the first: resource, argument, function, interface.
fn alphabet() -> Vec<ResolvedCall> {
    let resize = |label: &str| {
        crate::fixture::catalogue()
            .resolve(
                &crate::fixture::name("tune"),
                "resize",
                vec![json!("a"), json!(64), json!(label)],
            )
            .unwrap()
    };
    vec![
        resize("x"),
        resize("y"),
        call("tune", "evict", &["a", "k"]),
        call("tune", "evict", &["b", "k"]),
    ]
}

fn forecast(call: &ResolvedCall, revision: &str) -> Forecast {
    Forecast {
        verb: "tune".into(),
        counts: BTreeMap::new(),
        touches: vec![call.resource().clone()],
        revision: Revision::new(revision),
        result: json!({"ok": null}),
        note: None,
    }
}

pub(crate) fn plan(calls: &[ResolvedCall], end: PlanEnd) -> Plan {
    let planned = calls
        .iter()
        .map(|call| Planned { call: call.clone(), forecast: forecast(call, "planned") })
        .collect();
    Plan {
        principal: "Agent::bot".parse().unwrap(),
        plugin: PluginRef {
            name: "cachebox".into(),
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
        },
        tool: "tidy".into(),
        arguments: json!({}),
        effects: PlanEffect::number(planned),
        end,
        clock_base: 1,
        seed: "0".repeat(64),
    }
}

/// A run's authorization in which everything of the cache is granted.
fn authorized(mode: interlock_authority::Mode) -> Authorized {
    let grants: Vec<_> =
        ["look", "tune", "wipe"].map(|i| crate::fixture::grant(i, None, &["cache"])).to_vec();
    crate::fixture::decide("Agent::bot", &crate::fixture::everything(), &grants, None, mode)
        .unwrap()
}

/// The proof that a plan may be applied, as policy gives it.
pub(crate) fn may(calls: &[ResolvedCall], end: PlanEnd) -> MayApply {
    let policies: Policies = crate::fixture::policies(crate::fixture::POLICIES);
    let authorized = authorized(interlock_authority::Mode::Plan);
    let judged: Vec<_> = calls
        .iter()
        .map(|call| {
            let permitted = permit(&authorized, &policies, call.clone(), 0).unwrap();
            judge(&authorized, &policies, permitted, forecast(call, "planned"), 0).unwrap()
        })
        .collect();
    match decide_plan(&authorized, &policies, plan(calls, end), &judged).unwrap() {
        Verdict::Allowed(may) => *may,
        Verdict::NeedsPeople(needs) => panic!("needs {needs:?}"),
    }
}

fn words(length: usize, letters: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for _ in 0..length {
        all = all
            .iter()
            .flat_map(|word| (0..letters).map(move |l| [word.clone(), vec![l]].concat()))
            .collect();
    }
    all
}

/// What the run gets, by the definition: the longest common prefix, and nothing after.
fn reference(plan: &[usize], run: &[usize]) -> Vec<bool> {
    let matching = plan.iter().zip(run).take_while(|(a, b)| a == b).count();
    (0..run.len()).map(|at| at < matching).collect()
}

#[test]
fn plan_is_the_grant_every_small_run_of_every_small_plan() {
    let letters = alphabet();
    let mut tried = 0;
    for planned in (0..=3).flat_map(|n| words(n, letters.len())) {
        let calls: Vec<_> = planned.iter().map(|l| letters[*l].clone()).collect();
        let may = may(&calls, PlanEnd::Complete);
        for run in (0..=4).flat_map(|n| words(n, letters.len())) {
            let mut tickets = may.tickets();
            assert_eq!(tickets.next().is_some(), !planned.is_empty());
            let got: Vec<bool> = run
                .iter()
                .map(|letter| match tickets.offer(&letters[*letter]) {
                    Ok(ticket) => {
                        assert!(ticket.effect.is_for(&letters[*letter]));
                        true
                    }
                    Err(deviation) => {
                        // What is left is void from here on.
                        assert!(tickets.next().is_none(), "{deviation:?}");
                        false
                    }
                })
                .collect();
            assert_eq!(got, reference(&planned, &run), "{planned:?} {run:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 85 * 341);
}

#[test]
fn plan_is_the_grant_a_deviation_says_what_differs() {
    let letters = alphabet();
    let flush = call("wipe", "flush", &["a"]);
    let cases = [
        (&letters[0], &letters[1], DeviationKind::DifferentArguments),
        (&letters[0], &letters[2], DeviationKind::DifferentFunction),
        (&letters[2], &letters[3], DeviationKind::DifferentResource),
        (&letters[2], &flush, DeviationKind::DifferentInterface),
    ];
    for (planned, asked, kind) in cases {
        let mut tickets = may(std::slice::from_ref(planned), PlanEnd::Complete).tickets();
        let deviation = tickets.offer(asked).unwrap_err();
        assert_eq!(deviation.kind, kind);
        assert_eq!(deviation.step, Some(1));
        assert_eq!(deviation.expected.unwrap().function, planned.function());
        assert_eq!(deviation.asked.resource, *asked.resource());
        // Also the call that was planned comes too late now.
        assert_eq!(tickets.offer(planned).unwrap_err().kind, DeviationKind::Voided);
    }
    let over = |end| {
        let mut tickets = may(&[], end).tickets();
        tickets.offer(&letters[0]).unwrap_err().kind
    };
    assert_eq!(over(PlanEnd::Complete), DeviationKind::NoneLeft);
    assert_eq!(over(PlanEnd::Horizon { reason: "x".into() }), DeviationKind::PastHorizon);
    let mut tickets = may(&[letters[0].clone()], PlanEnd::Complete).tickets();
    tickets.void();
    assert_eq!(tickets.offer(&letters[0]).unwrap_err().kind, DeviationKind::Voided);
}

/// What the asker reads after "the run asked for something else:".
#[test]
fn each_deviation_has_its_sentence() {
    for (kind, sentence) in [
        (DeviationKind::DifferentInterface, "it is of another interface"),
        (DeviationKind::DifferentFunction, "it is another function"),
        (DeviationKind::DifferentResource, "it is on another resource"),
        (DeviationKind::DifferentArguments, "it has other arguments"),
        (DeviationKind::PastHorizon, "the plan ended before it; call again, which plans the rest"),
        (DeviationKind::NoneLeft, "the plan has no more effects"),
        (DeviationKind::Voided, "what was left of the plan is void"),
    ] {
        assert_eq!(kind.sentence(), sentence);
    }
}

/// Each part of an effect is compared: one alone that differs is another effect.
#[test]
fn plan_is_the_grant_an_effect_is_for_its_call_alone() {
    let evict = call("tune", "evict", &["a", "k"]);
    let effect = plan(std::slice::from_ref(&evict), PlanEnd::Complete).effects.remove(0);
    assert!(effect.is_for(&evict));
    let different: [fn(&mut PlanEffect); 6] = [
        |e| e.interface = crate::fixture::name("wipe"),
        |e| e.function = "resize".into(),
        |e| e.class = Class::Destroy,
        |e| e.scope = Scope::Subtree,
        |e| e.resource = "cache/b/key/k".parse().unwrap(),
        |e| _ = e.arguments.insert("key".into(), json!("l")),
    ];
    for (part, change) in different.into_iter().enumerate() {
        let mut changed = effect.clone();
        change(&mut changed);
        assert!(!changed.is_for(&evict), "{part}");
    }
}

/// A plan that was written and read back is for the calls that it was made of: `64.0` is written `64`.
#[test]
fn plan_is_the_grant_a_plan_read_back_is_for_its_calls() {
    let resize = crate::fixture::catalogue()
        .resolve(&crate::fixture::name("tune"), "resize", vec![json!("a"), json!(64), json!("x")])
        .unwrap();
    let effect = plan(std::slice::from_ref(&resize), PlanEnd::Complete).effects.remove(0);
    let sent = |megabytes| PlanEffect {
        arguments: with(&effect, "megabytes", megabytes),
        ..effect.clone()
    };
    assert!(sent(json!(64.0)).is_for(&resize));
    assert!(!sent(json!(64.5)).is_for(&resize) && !sent(json!("64")).is_for(&resize));
}

fn with(effect: &PlanEffect, name: &str, value: Value) -> Map<String, Value> {
    let mut arguments = effect.arguments.clone();
    assert!(arguments.insert(name.to_owned(), value).is_some());
    arguments
}

#[test]
fn a_ticket_expects_what_this_runs_last_effect_made_of_its_resource() {
    let letters = alphabet();
    let calls = [letters[2].clone(), letters[2].clone(), letters[3].clone()];
    let mut tickets: Tickets = may(&calls, PlanEnd::Complete).tickets();
    assert_eq!(tickets.offer(&calls[0]).unwrap().expected, Revision::new("planned"));
    let made = BTreeMap::from([(calls[0].resource().clone(), Revision::new("made"))]);
    tickets.performed(&made);
    assert_eq!(tickets.offer(&calls[1]).unwrap().expected, Revision::new("made"));
    assert_eq!(tickets.offer(&calls[2]).unwrap().expected, Revision::new("planned"));
}

#[test]
fn destroy_needs_people_no_policy_lowers_it_to_zero() {
    use interlock_authority::Mode;
    let policies = crate::fixture::policies(crate::fixture::POLICIES);
    let authorized = authorized(Mode::Plan);
    let flush = call("wipe", "flush", &["a"]);
    let permitted = permit(&authorized, &policies, flush.clone(), 0).unwrap();
    let judged = judge(&authorized, &policies, permitted, forecast(&flush, "1"), 0).unwrap();
    let verdict =
        decide_plan(&authorized, &policies, plan(&[flush], PlanEnd::Complete), &[judged]).unwrap();
    match verdict {
        Verdict::NeedsPeople(needs) => assert_eq!(needs.people.get(""), Some(&2)),
        Verdict::Allowed(_) => panic!("something would be destroyed without people"),
    }
}
