//! The one door of a run that applies a decided plan: it gives out the plan's tickets and nothing else, and what the
//! world, the rules or an operator say by then still counts.

use super::{ALL, code, evict};
use crate::fixture::{
    Mood, POLICIES, Scene, authorized, call, policies, scene, scene_of, state_of,
};
use interlock::{
    authority::{
        Digest, Mode, Needs,
        apply::{MayApply, Verdict, decide},
        desk::{Happened, Standing, approved},
        document,
        epoch::Epoch,
        permit::Judged,
        plan::{Plan, PlanEffect, PlanEnd, PluginRef},
        request::{Asker, RequestBody, Wish},
        roster::{Roster, RosterSource},
        signature,
        ticket::DeviationKind,
    },
    gate::{Applying, Ended},
    response::EffectStatus,
    sandbox::{Gate, GateAnswer, GuestCall},
};
use serde_json::json;
use ssh_key::{PrivateKey, private::Ed25519Keypair};

/// Another key of the same cluster.
fn other() -> GuestCall {
    call("tune", "evict", &["a", "z"])
}

fn flush() -> GuestCall {
    call("wipe", "flush", &["a"])
}

/// The plan of a run that makes these calls, with what was found of each.
async fn planned(mood: Mood, calls: &[GuestCall]) -> (Plan, Vec<Judged>) {
    let scene = scene(Mode::Plan, ALL, "cache");
    *scene.cache.mood.lock().unwrap() = mood;
    for call in calls {
        assert_eq!(code(&scene, call.clone()).await, "ok");
    }
    let log = scene.gate.log();
    let plan = Plan {
        principal: "Agent::bot".parse().unwrap(),
        plugin: PluginRef {
            name: "cachebox".into(),
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
        },
        tool: "tidy".into(),
        arguments: json!({}),
        effects: PlanEffect::number(log.planned()),
        end: PlanEnd::Complete,
        clock_base: 1,
        seed: "0".repeat(64),
    };
    (plan, log.judged)
}

/// The proof that the plan of these calls may be applied, as policy gives it.
pub(super) async fn by_policy(calls: &[GuestCall]) -> MayApply {
    by_policy_where(Mood::Well, calls).await
}

async fn by_policy_where(mood: Mood, calls: &[GuestCall]) -> MayApply {
    let (plan, judged) = planned(mood, calls).await;
    let authorized = authorized(Mode::Plan, ALL, "cache");
    match decide(&authorized, &policies(POLICIES), plan, &judged).unwrap() {
        Verdict::Allowed(may) => *may,
        Verdict::NeedsPeople(needs) => panic!("{needs:?}"),
    }
}

/// The same, as somebody signed for it.
async fn by_people(calls: &[GuestCall]) -> MayApply {
    let digest = Digest::from_bytes([1; 32]);
    let body = RequestBody {
        version: 1,
        id: "01JD8Z5T3K9QW2M4X6Y8A0B1C2".into(),
        deployment: "5f0c9a1e77d24b60b8e1c4d3a2f19e05".into(),
        host: "test".into(),
        asker: Asker {
            principal: "Agent::bot".parse().unwrap(),
            teams: Vec::new(),
            operators: Vec::new(),
        },
        wish: Wish::Plan { plan: Box::new(planned(Mood::Well, calls).await.0) },
        needs: Needs::people(1, "", None),
        not_counted: Vec::new(),
        created: 1000,
        expires: 2000,
        nonce: "0".repeat(32),
        epoch: Epoch { policies: digest, catalogues: digest, approvers: digest },
        grants: digest,
        said: None,
    };
    let key = PrivateKey::new(Ed25519Keypair::from_seed(&[1; 32]).into(), "").unwrap();
    let roster = Roster::parse(&RosterSource {
        file: "signers".into(),
        allowed_signers: format!("li {}\n", key.public_key().to_openssh().unwrap()),
        ..RosterSource::default()
    });
    let document = document::render(&body).unwrap();
    let signature = signature::sign(&key, document.as_bytes()).unwrap();
    let standing = Standing {
        body: &body,
        document: &document,
        history: &[Happened::Approved { signature, at: 1000 }],
        roster: &roster.unwrap(),
        now: 1000,
    };
    MayApply::by_people(approved(&standing).unwrap()).unwrap()
}

/// What a run is given that applies this, for a request that ends then.
pub(super) fn applying(may: MayApply, request: Option<&str>, ends: Option<u64>) -> Applying {
    let plan = may.plan().digest().unwrap();
    Applying::new(may, plan, request.map(str::to_owned), ends)
}

/// A run that applies this.
pub(super) fn applies(may: MayApply) -> Scene {
    applies_where(may, POLICIES)
}

/// A run that applies this under other policies than it was decided by.
fn applies_where(may: MayApply, rules: &str) -> Scene {
    scene_of(authorized(Mode::Apply, ALL, "cache"), |parts| {
        parts.policies = policies(rules);
        parts.applying = Some(applying(may, Some("R"), Some(1_000_000)));
    })
}

/// In what the run deviated.
fn deviated(scene: &Scene) -> DeviationKind {
    match scene.gate.log().ended {
        Some(Ended::Deviated(deviation)) => deviation.kind,
        ended => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn plan_is_the_grant_the_effects_of_a_plan_in_their_order_and_no_other() {
    let scene = applies(by_policy(&[evict(), other()]).await);
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, other()).await, "ok");
    // What was decided is not forecast again.
    assert_eq!(scene.cache.count("forecast"), 0);
    assert_eq!(code(&scene, evict()).await, "deviated");
    assert_eq!(deviated(&scene), DeviationKind::NoneLeft);
    assert_eq!(scene.cache.count("perform"), 2);
    let effects = scene.gate.log().effects;
    let told: Vec<_> = effects.iter().map(|effect| (effect.step, effect.status)).collect();
    assert_eq!(told, [(1, EffectStatus::Done), (2, EffectStatus::Done)]);
    assert_eq!(effects[1].resource.to_string(), "cache/a/key/z");
}

#[tokio::test]
async fn plan_is_the_grant_a_run_that_skips_an_effect_has_no_other() {
    let scene = applies(by_policy(&[evict(), other()]).await);
    let GateAnswer::End { code: ended, message, limit } = scene.gate.call(other()).await else {
        panic!("it goes on");
    };
    let sentence = "the run asked for an effect that was not approved";
    assert_eq!((&*ended, message.as_str(), limit), ("deviated", sentence, false));
    assert_eq!(deviated(&scene), DeviationKind::DifferentResource);
    // Whoever goes on has nothing left.
    assert_eq!(code(&scene, other()).await, "deviated");
    assert_eq!(scene.cache.count("perform"), 0);
    assert_eq!(scene.memory.kinds(), [""; 0]);
}

/// A call that would have no effect was in no plan, and is in the way of none.
#[tokio::test]
async fn a_call_without_effect_is_answered_between_two_tickets() {
    let scene = applies(by_policy(&[evict()]).await);
    *scene.cache.mood.lock().unwrap() = Mood::Idle;
    assert_eq!(code(&scene, other()).await, "ok");
    assert_eq!(scene.cache.count("perform"), 0);
    assert_eq!(scene.memory.kinds(), [""; 0]);
    // The next effect of the plan is not asked for whether it is one.
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(scene.cache.count("perform"), 1);
    assert_eq!(scene.cache.count("forecast"), 1);
}

/// The changes of a run are not the world's: after each the next ticket expects what it made.
#[tokio::test]
async fn a_ticket_expects_what_the_effects_before_it_made_of_the_world() {
    let scene = applies(by_policy(&[evict(), evict()]).await);
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(*scene.cache.expected.lock().unwrap(), ["r0", "after"]);
}

/// What policy alone allowed is not done where it needs people by now, and then the plan is over.
#[tokio::test]
async fn plan_is_the_grant_a_plan_that_rules_stop_is_over() {
    let now = format!(
        r#"{POLICIES}
        @id("now") @approvals("1") permit (principal, action in Action::"change", resource)
            when {{ context.arguments.key == "k" }};"#
    );
    let scene = applies_where(by_policy(&[evict(), other()]).await, &now);
    assert_eq!(code(&scene, evict()).await, "needs-approval");
    assert_eq!(code(&scene, other()).await, "deviated");
    assert_eq!(deviated(&scene), DeviationKind::Voided);
    assert_eq!(scene.cache.count("perform"), 0);
    // People agreed to it: then it may go on.
    let scene = applies_where(by_people(&[evict(), other()]).await, &now);
    assert_eq!(code(&scene, evict()).await, "ok");
}

/// A policy that counts the effects of a run is asked before a provider is, for effects and for reads.
#[tokio::test]
async fn policies_are_told_how_many_effects_a_run_has_had() {
    let few = format!(
        r#"{POLICIES}
        @id("few") forbid (principal, action, resource)
            when {{ context has run && context.run.effects >= 2 }};"#
    );
    let may = by_policy(&[evict(), other(), evict()]).await;
    let by =
        |mode| scene_of(authorized(mode, ALL, "cache"), |parts| parts.policies = policies(&few));
    for (scene, performed) in
        [(applies_where(may, &few), 2), (by(Mode::Call), 2), (by(Mode::Plan), 0)]
    {
        let look = || call("look", "stats", &["b"]);
        for (call, expected) in [
            (look(), "ok"),
            (evict(), "ok"),
            (look(), "ok"),
            (other(), "ok"),
            (look(), "forbidden"),
            (evict(), "forbidden"),
        ] {
            assert_eq!(code(&scene, call).await, expected);
        }
        assert_eq!((scene.cache.count("read"), scene.cache.count("perform")), (2, performed));
        assert!(scene.cache.count("forecast") <= 2);
    }
}

/// The same where it is not the call's own resource that a policy is about, but what the effect reaches.
#[tokio::test]
async fn policies_of_what_an_effect_reaches_are_told_how_many_there_were() {
    let few = format!(
        r#"{POLICIES}
        @id("few") forbid (principal, action in Action::"change", resource in Resource::"cache/other")
            when {{ context.run.effects >= 1 }};"#
    );
    let reach = Mood::Reaches;
    let applying = applies_where(by_policy_where(reach, &[evict(), other()]).await, &few);
    let by =
        |mode| scene_of(authorized(mode, ALL, "cache"), |parts| parts.policies = policies(&few));
    for (scene, performed) in [(applying, 1), (by(Mode::Call), 1), (by(Mode::Plan), 0)] {
        *scene.cache.mood.lock().unwrap() = reach;
        assert_eq!(code(&scene, evict()).await, "ok");
        assert_eq!(code(&scene, other()).await, "forbidden");
        assert_eq!(scene.cache.count("perform"), performed);
    }
}

#[tokio::test]
async fn destroy_needs_people_and_is_told_outside_before_it_happens() {
    let scene = applies(by_people(&[flush()]).await);
    assert_eq!(code(&scene, flush()).await, "ok");
    let order = ["intent", "publish", "perform", "performed", "outcome"];
    assert_eq!(*scene.cache.seen.lock().unwrap(), order);
    // What only changes is told with the next checkpoint.
    let scene = applies(by_people(&[evict()]).await);
    assert_eq!(code(&scene, evict()).await, "ok");
    assert_eq!(*scene.cache.seen.lock().unwrap(), ["intent", "perform", "performed", "outcome"]);
}

#[tokio::test]
async fn fail_closed_what_cannot_be_told_outside_is_not_destroyed() {
    let scene = applies(by_people(&[flush()]).await);
    *scene.memory.shut.lock().unwrap() = true;
    assert_eq!(code(&scene, flush()).await, "publish-failed");
    assert_eq!(*scene.cache.seen.lock().unwrap(), ["intent", "outcome"]);
    let last = scene.memory.last();
    assert_eq!((&last["status"], &last["detail"]), (&json!("refused"), &json!("publish-failed")));
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Refused);
    // A place outside is not needed for what can be undone.
    let scene = applies(by_people(&[evict()]).await);
    *scene.memory.shut.lock().unwrap() = true;
    assert_eq!(code(&scene, evict()).await, "ok");
}

/// What a provider does not do is an answer in a direct run; where people agreed to it, it is the end of the run.
#[tokio::test]
async fn plan_is_the_grant_a_ticket_that_cannot_be_used_ends_the_run() {
    let cases = [
        ("stale", "the world is not as it was when the plan was made"),
        ("touches-grown", "the world is not as it was when the plan was made"),
        ("busy", "somebody else is acting there"),
        ("not-started", "what would have done it could not be started"),
    ];
    for (why, sentence) in cases {
        let applying = applies(by_policy(&[evict(), other()]).await);
        *applying.cache.mood.lock().unwrap() = Mood::Refuses(why);
        let GateAnswer::End { code: ended, message, .. } = applying.gate.call(evict()).await else {
            panic!("it goes on after `{why}`");
        };
        assert_eq!(ended, why);
        assert!(message.ends_with(sentence), "{message}");
        let direct = scene(Mode::Call, ALL, "cache");
        *direct.cache.mood.lock().unwrap() = Mood::Refuses(why);
        let answer = GateAnswer::Result(json!({"err": {"failed": why}}));
        assert_eq!(direct.gate.call(evict()).await, answer);
        for scene in [applying, direct] {
            let last = scene.memory.last();
            assert_eq!((&last["status"], &last["detail"]), (&json!("refused"), &json!(why)));
            assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Refused);
        }
    }
}

/// Each of the places at which a freeze is looked at stands in for no other.
#[tokio::test]
async fn a_freeze_stops_the_effects_of_a_plan_at_each_of_their_steps() {
    let freeze = |scene: &Scene| state_of(scene.state.path()).set("fire").unwrap();
    // Before anything is written.
    let scene = applies(by_policy(&[evict()]).await);
    freeze(&scene);
    assert_eq!(code(&scene, evict()).await, "frozen");
    assert_eq!(*scene.cache.seen.lock().unwrap(), [""; 0]);
    // While the intent is written.
    let scene = applies(by_policy(&[evict()]).await);
    let switch = state_of(scene.state.path());
    *scene.memory.meanwhile.lock().unwrap() = Some(Box::new(move || switch.set("fire").unwrap()));
    assert_eq!(code(&scene, evict()).await, "frozen");
    assert_eq!(*scene.cache.seen.lock().unwrap(), ["intent", "outcome"]);
    let last = scene.memory.last();
    assert_eq!((&last["status"], &last["detail"]), (&json!("refused"), &json!("frozen")));
    // The same, and that nothing happened cannot be written down: whoever reads the journal must look.
    let scene = applies(by_policy(&[evict()]).await);
    let switch = state_of(scene.state.path());
    *scene.memory.meanwhile.lock().unwrap() = Some(Box::new(move || switch.set("fire").unwrap()));
    *scene.memory.fails_at.lock().unwrap() = Some("outcome");
    assert_eq!(code(&scene, evict()).await, "host-fault");
    assert_eq!(*scene.cache.seen.lock().unwrap(), ["intent"]);
    assert_eq!(scene.gate.log().effects[0].status, EffectStatus::Unknown);
}

/// A prefix of what was agreed to, and nothing after a step that was not done: neither one that failed, nor one that a
/// freeze stopped, however soon it was lifted.
#[tokio::test]
async fn plan_is_the_grant_nothing_comes_after_a_step_that_did_not_happen() {
    for may in [by_policy(&[evict(), other()]).await, by_people(&[evict(), other()]).await] {
        let run = applies(may);
        *run.cache.mood.lock().unwrap() = Mood::Fails;
        assert_eq!(code(&run, evict()).await, "ok", "the tool is told that it failed");
        *run.cache.mood.lock().unwrap() = Mood::Well;
        assert_eq!(code(&run, other()).await, "deviated");
        let effects = run.gate.log().effects;
        assert_eq!(effects.iter().map(|e| e.status).collect::<Vec<_>>(), [EffectStatus::Failed]);
    }
    let run = applies(by_policy(&[evict(), other()]).await);
    let switch = state_of(run.state.path());
    *run.memory.meanwhile.lock().unwrap() = Some(Box::new(move || switch.set("fire").unwrap()));
    assert_eq!(code(&run, evict()).await, "frozen");
    state_of(run.state.path()).clear().unwrap();
    assert_eq!(code(&run, other()).await, "deviated");
    // In a run without a plan each effect stands for itself.
    let direct = scene(Mode::Call, ALL, "cache");
    *direct.cache.mood.lock().unwrap() = Mood::Fails;
    assert_eq!(code(&direct, evict()).await, "ok");
    *direct.cache.mood.lock().unwrap() = Mood::Well;
    assert_eq!(code(&direct, other()).await, "ok");
}
