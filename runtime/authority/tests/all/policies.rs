//! What the policies say, and what is no policy set: mistakes that others ship are cases here.

use crate::fixture::{POLICIES, call, catalogue, policies, try_policies};
use interlock_authority::{
    Digest, Needs, Policies, Principal, Resource,
    policy::{Asking, Attribute, DEFAULT, Directory, PlanFacts, PolicySource},
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

fn asking(principal: &Principal) -> Asking<'_> {
    Asking {
        principal,
        plugin: "cachebox",
        digest: Digest::from_bytes([7; 32]),
        publisher: None,
        tool: "tidy",
    }
}

fn bot() -> Principal {
    "Agent::bot".parse().unwrap()
}

/// What a set says of `flush` on a cluster: the needs, or the code.
fn flush(policies: &Policies, cluster: &str) -> Result<Needs, &'static str> {
    let flush = call("wipe", "flush", &[cluster]);
    policies.effect(&asking(&bot()), &flush, &[], 0).map(|a| a.needs).map_err(|d| d.code())
}

#[test]
fn fail_closed_no_policy_permits_nothing() {
    let none = policies("");
    let bot = bot();
    assert_eq!(none.invoke(&asking(&bot)).unwrap_err().code(), "no-permit");
    let stats = call("look", "stats", &["a"]);
    assert_eq!(none.read(&asking(&bot), &stats, 0).unwrap_err().code(), "no-permit");
    let facts = PlanFacts { effects: 1, destroys: 0, resources: 1, recreates: false };
    assert_eq!(none.plan(&asking(&bot), &facts).unwrap_err().code(), "no-permit");
    assert_eq!(flush(&none, "a"), Err("no-permit"));
    // What names no policy shows none to the asker.
    let denial = none.invoke(&asking(&bot)).unwrap_err();
    assert!(!denial.to_string().contains("Action"), "{denial}");
    assert!(denial.for_operator().contains("invoke"), "{denial:?}");
}

#[test]
fn a_forbid_on_something_below_stops_what_would_take_it_along() {
    let forbid = r#"@id("never") forbid (principal, action in Action::"destroy", resource in Resource::"cache/a/key/db");"#;
    let set = policies(&format!("{POLICIES}{forbid}"));
    assert_eq!(flush(&set, "a"), Err("forbidden"));
    assert_eq!(flush(&set, "b"), Ok(Needs::people(2, "", None)));
    // Also where the configuration names it, by an attribute.
    let forbid = r#"@id("gold") forbid (principal, action in Action::"destroy", resource) when { resource has tier && resource.tier == "gold" };"#;
    let attribute = BTreeMap::from([("tier".to_owned(), Attribute::Text("gold".into()))]);
    let directory = Directory {
        attributes: BTreeMap::from([("cache/b/key/x".parse::<Resource>().unwrap(), attribute)]),
        ..Directory::default()
    };
    let set = try_policies(&format!("{POLICIES}{forbid}"), directory).unwrap();
    assert_eq!(flush(&set, "b"), Err("forbidden"));
    assert!(flush(&set, "a").is_ok());
    // And what an effect touches beside its resource.
    let forbid = r#"@id("k") forbid (principal, action, resource == Resource::"cache/b/key/k");"#;
    let set = policies(&format!("{POLICIES}{forbid}"));
    let evict = call("tune", "evict", &["a", "k"]);
    let touches = ["cache/b/key/k".parse().unwrap()];
    let bot = bot();
    assert!(set.effect(&asking(&bot), &evict, &[], 0).is_ok());
    let denial = set.effect(&asking(&bot), &evict, &touches, 0).unwrap_err();
    assert_eq!(denial.code(), "forbidden");
}

/// A decision is handed the actions that it can ask about, and no others: those that a policy names are among them.
#[test]
fn a_policy_that_names_another_action_sees_its_groups() {
    let forbid = r#"@id("other") forbid (principal, action == Action::"acme:cache/look@1.0.0#stats", resource) when { Action::"acme:cache/tune@1.0.0#evict" in Action::"change" };"#;
    let set = policies(&format!("{POLICIES}{forbid}"));
    let (bot, stats) = (bot(), call("look", "stats", &["a"]));
    assert_eq!(set.read(&asking(&bot), &stats, 0).unwrap_err().code(), "forbidden");
    let not = forbid.replace("\"change\"", "\"destroy\"");
    let set = policies(&format!("{POLICIES}{not}"));
    assert!(set.read(&asking(&bot), &stats, 0).is_ok());
}

/// What was validated before is made of the same text in the same way; what was not, is not believed.
#[test]
fn fail_closed_only_a_set_of_this_very_digest_need_not_be_validated_again() {
    let catalogue = Arc::new(catalogue());
    let source = |text: &str| PolicySource { file: "p.cedar".into(), text: text.into() };
    let load = |text: &str, known: Option<Digest>| {
        let sources = [source(text)];
        Policies::load_unless(&sources, &catalogue, Directory::default(), |of| known == Some(of))
    };
    let first = load(POLICIES, None).unwrap();
    let again = load(POLICIES, Some(first.digest())).unwrap();
    assert_eq!(first.digest(), again.digest());
    for cluster in ["a", "b"] {
        assert_eq!(flush(&first, cluster), flush(&again, cluster));
    }
    // A word that the schema does not have, in a set whose digest is therefore another.
    let wrong = format!(
        "{POLICIES}@id(\"w\") permit (principal, action in Action::\"read\", resource) when {{ context.nothing }};"
    );
    assert!(load(&wrong, Some(first.digest())).is_err());
}

#[test]
fn fail_closed_a_policy_that_errs_refuses() {
    // Arithmetic overflow: the validator cannot see it, and Cedar would skip the forbid.
    let forbid = r#"@id("errs") forbid (principal, action, resource) when { context has run && context.run.effects + 9223372036854775807 > 5 };"#;
    let set = policies(&format!("{POLICIES}{forbid}"));
    let evict = call("tune", "evict", &["a", "k"]);
    let bot = bot();
    let denial = set.effect(&asking(&bot), &evict, &[], 1).unwrap_err();
    assert_eq!(denial.code(), "policy-error");
    assert!(!denial.to_string().contains("errs"));
}

#[test]
fn the_strictest_wins() {
    let more = r#"@id("three") @approvals("3") @ttl("5m") permit (principal, action in Action::"destroy", resource in Resource::"cache/a");
        @id("less") @approvals("1") @ttl("1h") permit (principal, action in Action::"destroy", resource);"#;
    let set = policies(&format!("{POLICIES}{more}"));
    assert_eq!(flush(&set, "a"), Ok(Needs::people(3, "", Some(300))));
    assert_eq!(flush(&set, "b"), Ok(Needs::people(2, "", Some(3600))));
    let groups = r#"@id("g") @approvals("1") @approvers("dba") permit (principal, action in Action::"destroy", resource);"#;
    let directory = Directory { groups: ["dba".to_owned()].into(), ..Directory::default() };
    let set = try_policies(&format!("{POLICIES}{groups}"), directory).unwrap();
    let both = Needs { people: [(String::new(), 2), ("dba".to_owned(), 1)].into(), ttl: None };
    assert_eq!(flush(&set, "a"), Ok(both));
}

#[test]
fn each_mistake_is_an_error_at_its_line() {
    let cases = [
        (r#"permit (principal, action == Action::"invoke", resource);"#, "no `@id"),
        (r#"@id("x") permit (principal, action, resource);"#, "asks for nobody"),
        (
            r#"@id("x") permit (principal, action in Action::"destroy", resource);"#,
            "asks for nobody",
        ),
        (
            r#"@id("x") permit (principal, action in Action::"acme:cache/wipe@1.0.0", resource);"#,
            "asks for nobody",
        ),
        (
            r#"@id("x") permit (principal, action == Action::"acme:cache/wipe@1.0.0#flush", resource);"#,
            "asks for nobody",
        ),
        (
            r#"@id("x") permit (principal, action == Action::"elevate", resource);"#,
            "asks for nobody",
        ),
        (
            r#"@id("x") @approvals("0") permit (principal, action in Action::"destroy", resource);"#,
            "from 1 to",
        ),
        (
            r#"@id("x") @approvals("two") permit (principal, action in Action::"destroy", resource);"#,
            "from 1 to",
        ),
        (
            r#"@id("x") @approvals("1") @approvers("nobody") permit (principal, action in Action::"destroy", resource);"#,
            "no group",
        ),
        (
            r#"@id("x") @approvals("1") @ttl("soon") permit (principal, action in Action::"destroy", resource);"#,
            "@ttl",
        ),
        (
            r#"@id("x") @approvals("1") forbid (principal, action, resource);"#,
            "cannot ask for people",
        ),
        (
            r#"@id("x") @approvals("1") permit (principal, action in Action::"read", resource);"#,
            "`invoke` or class `read`",
        ),
        (r#"@id("x") @aproval("1") forbid (principal, action, resource);"#, "means nothing"),
        (r#"@id("read") forbid (principal, action, resource);"#, "has the id `read`"),
        (
            r#"@id("x") forbid (principal, action == Action::"acme:cache/tune@1.0.0#evict", resource) when { context.arguments.clster == "a" };"#,
            "clster",
        ),
        (
            r#"@id("x") forbid (principal, action == Action::"acme:cache/tune@1.0.0#evicted", resource);"#,
            "evicted",
        ),
        (
            r#"@id("x") forbid (principal, action, resource in Resource::"cache/*");"#,
            "not a resource",
        ),
        (
            r#"@id("x") permit (principal == ?principal, action == Action::"invoke", resource);"#,
            "template",
        ),
        (r#"@id("x") permit (principal"#, ""),
    ];
    for (policy, word) in cases {
        let text = format!("{POLICIES}\n\n{policy}\n");
        let problems = try_policies(&text, Directory::default()).err().unwrap_or_default();
        assert!(!problems.is_empty(), "{policy}");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|t| t.contains(word) && t.starts_with("test.cedar")),
            "{policy}: {told:?}"
        );
        if !word.is_empty() && word != "template" {
            assert!(problems.iter().any(|p| p.line == Some(9)), "{policy}: {problems:?}");
        }
    }
}

#[test]
fn the_default_set_is_in_order_and_asks_two_people_to_destroy() {
    let teams = BTreeMap::from([(bot(), ["sre-agents".to_owned()].into())]);
    let set = try_policies(DEFAULT, Directory { teams, ..Directory::default() }).unwrap();
    let bot = bot();
    assert!(set.invoke(&asking(&bot)).is_ok());
    assert_eq!(flush(&set, "a"), Ok(Needs::people(2, "", Some(1800))));
    let evict = call("tune", "evict", &["a", "k"]);
    assert!(set.effect(&asking(&bot), &evict, &[], 4).is_ok());
    assert_eq!(set.effect(&asking(&bot), &evict, &[], 5).unwrap_err().code(), "no-permit");
    let stranger: Principal = "Agent::stranger".parse().unwrap();
    assert_eq!(set.invoke(&asking(&stranger)).unwrap_err().code(), "no-permit");
}

#[test]
fn what_may_need_people_is_planned_first() {
    let bot = bot();
    let name = |i: &str| crate::fixture::name(i);
    let (tune, wipe) = (name("tune"), name("wipe"));
    let at = |r: &str| vec![r.parse::<Resource>().unwrap()];
    let plans =
        |text: &str, live: Vec<(&interlock_authority::InterfaceName, &str, Vec<Resource>)>| {
            policies(&format!("{POLICIES}{text}")).must_plan(&bot, live.into_iter())
        };
    let evict = || vec![(&tune, "evict", at("cache/a"))];
    assert!(!plans("", vec![]));
    assert!(!plans("", evict()));
    assert!(plans("", vec![(&wipe, "flush", at("cache/a"))]));
    let wide = r#"@id("wide") @approvals("1") permit (principal, action == Action::"apply-plan", resource) when { context.plan.effects > 3 };"#;
    assert!(plans(wide, evict()));
    let never = r#"@id("n") forbid (principal, action == Action::"apply-plan", resource) when { context.plan.recreates };"#;
    assert!(plans(never, evict()));
    let few = r#"@id("few") permit (principal, action == Action::"apply-plan", resource) when { context.plan.effects <= 3 };"#;
    assert!(plans(few, evict()));
    let any = r#"@id("any") permit (principal, action == Action::"apply-plan", resource);"#;
    assert!(!plans(any, evict()));
    let there = r#"@id("t") @approvals("1") permit (principal, action in Action::"change", resource in Resource::"cache/b");"#;
    assert!(!plans(there, evict()));
    assert!(plans(there, vec![(&tune, "evict", at("cache"))]));
    let other = r#"@id("o") @approvals("1") permit (principal == Agent::"other", action in Action::"change", resource);"#;
    assert!(!plans(other, evict()));
}

proptest! {
    /// Adding a forbid never allows more; adding a permit that asks for people never asks for fewer.
    #[test]
    fn more_rules_are_never_looser(cluster in "[ab]", on in "[ab]", count in 1u8..5) {
        let base = flush(&policies(POLICIES), &cluster).unwrap();
        let permit = format!(r#"@id("p") @approvals("{count}") permit (principal, action in Action::"destroy", resource in Resource::"cache/{on}");"#);
        let with = flush(&policies(&format!("{POLICIES}{permit}")), &cluster).unwrap();
        prop_assert!(with.people.get("") >= base.people.get(""));
        let forbid = format!(r#"@id("f") forbid (principal, action, resource in Resource::"cache/{on}");"#);
        let refused = flush(&policies(&format!("{POLICIES}{permit}{forbid}")), &cluster).is_err();
        prop_assert_eq!(refused, on == cluster);
    }
}
