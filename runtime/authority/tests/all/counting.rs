//! Who counts towards a quorum: each check alone, so that none can go unnoticed. The sums are tried
//! exhaustively in `signing`.

use crate::{
    fixture::call,
    signing::{Keys, body, signer},
    tickets::plan,
};
use interlock_authority::{
    Needs, Principal,
    plan::PlanEnd,
    quorum::{NotCounted, Tally, excluded, tally},
    request::{RequestBody, Wish},
    roster::{Presence, Roster, RosterSource},
};
use std::collections::BTreeMap;

const PEOPLE: [&str; 5] = ["a", "b", "op", "pub", "asked"];

fn source(keys: &Keys) -> RosterSource {
    RosterSource {
        allowed_signers: PEOPLE.iter().map(|name| keys.line(name, "ed25519", "")).collect(),
        groups: BTreeMap::from([("dba".to_owned(), vec![at("b")])]),
        ..RosterSource::default()
    }
}

fn at(name: &str) -> String {
    format!("{name}@example.com")
}

/// A plan to destroy, of a plugin that `pub` published, asked for by the agent that `op` operates.
fn published(needs: Needs) -> RequestBody {
    let mut body = body(needs);
    if let Wish::Plan { plan } = &mut body.wish {
        plan.plugin.publisher = Some(at("pub"));
    }
    body
}

fn reasons(tally: &Tally) -> Vec<(&str, NotCounted)> {
    tally.left_out.iter().map(|(signer, why)| (signer.person.as_str(), *why)).collect()
}

#[test]
fn asker_cannot_approve_and_everybody_else_is_left_out_for_a_reason() {
    let keys = Keys::new();
    let roster = Roster::parse(&source(&keys)).unwrap();
    let mut body = published(Needs::people(2, "dba", None));
    body.asker.principal = Principal::Person(at("asked"));
    let signers: Vec<_> =
        ["a", "b", "b", "op", "pub", "asked"].iter().map(|n| signer(&at(n), None)).collect();
    let counted = tally(&body, &roster, &signers);
    assert_eq!(
        reasons(&counted),
        [
            ("a@example.com", NotCounted::NotInAGroup),
            ("b@example.com", NotCounted::SamePerson),
            ("op@example.com", NotCounted::OperatesTheAsker),
            ("pub@example.com", NotCounted::PublishedThePlugin),
            ("asked@example.com", NotCounted::Asked),
        ]
    );
    let people: Vec<&str> = counted.counted.iter().map(|s| s.person.as_str()).collect();
    assert_eq!(people, ["b@example.com"]);
    assert_eq!(counted.groups, BTreeMap::from([("dba".to_owned(), (1, 2))]));
    assert!(!counted.met);
    let names: Vec<String> = excluded(&body, &roster).into_keys().collect();
    assert_eq!(names, ["asked@example.com", "op@example.com", "pub@example.com"]);
}

/// Who is excluded is a person, by whichever of their names the configuration or the request has them.
#[test]
fn asker_cannot_approve_under_another_name() {
    let keys = Keys::new();
    let people = [("anna", "asked"), ("olga", "op"), ("paula", "pub")];
    let source = RosterSource {
        people: people.map(|(person, key)| (person.to_owned(), vec![at(key)])).into(),
        ..source(&keys)
    };
    let roster = Roster::parse(&source).unwrap();
    let mut body = published(Needs::people(1, "", None));
    body.asker.principal = Principal::Person(at("asked"));
    for (person, why) in [
        ("anna", NotCounted::Asked),
        ("olga", NotCounted::OperatesTheAsker),
        ("paula", NotCounted::PublishedThePlugin),
    ] {
        let counted = tally(&body, &roster, &[signer(person, None)]);
        assert_eq!(reasons(&counted), [(person, why)]);
        assert!(!counted.met);
    }
}

#[test]
fn a_touch_is_needed_where_the_roster_demands_one_for_what_destroys_and_nowhere_else() {
    let keys = Keys::new();
    let roster = |presence| Roster::parse(&RosterSource { presence, ..source(&keys) }).unwrap();
    let destroys = body(Needs::people(1, "", None));
    let mut changes = destroys.clone();
    let evict = call("tune", "evict", &["a", "k"]);
    changes.wish = Wish::Plan { plan: Box::new(plan(&[evict], PlanEnd::Complete)) };
    for (body, presence, touched, met) in [
        (&destroys, Presence::Destroy, Some(true), true),
        (&destroys, Presence::Destroy, Some(false), false),
        (&destroys, Presence::Destroy, None, false),
        (&destroys, Presence::Off, None, true),
        (&changes, Presence::Destroy, None, true),
        (&changes, Presence::Off, None, true),
    ] {
        let counted = tally(body, &roster(presence), &[signer(&at("a"), touched)]);
        assert_eq!(counted.met, met, "{presence:?} {touched:?}");
        let why: &[_] = if met { &[] } else { &[("a@example.com", NotCounted::NoPresence)] };
        assert_eq!(reasons(&counted), why);
    }
}

#[test]
fn a_team_of_one_may_agree_to_its_own_with_a_touch_and_a_publisher_may_not() {
    let keys = Keys::new();
    let solo = Roster::parse(&RosterSource { solo: true, ..source(&keys) }).unwrap();
    let team = Roster::parse(&source(&keys)).unwrap();
    let mut body = published(Needs::people(2, "", None));
    body.asker.principal = Principal::Person(at("asked"));
    for (person, touched, alone) in [
        ("a", None, true),
        ("op", None, false),
        ("op", Some(false), false),
        ("op", Some(true), true),
        ("asked", None, false),
        ("asked", Some(true), true),
        ("pub", None, false),
        ("pub", Some(true), false),
    ] {
        let signers = [signer(&at(person), touched)];
        assert_eq!(tally(&body, &solo, &signers).met, alone, "{person} {touched:?}");
        // In a team nobody who is excluded counts, however they signed.
        let counted = tally(&body, &team, &signers);
        assert_eq!(counted.counted.len(), usize::from(person == "a"), "{person} {touched:?}");
    }
}

/// The author, the operator and the team in one person: there is nobody else who could agree.
#[test]
fn a_team_of_one_may_agree_to_a_plugin_of_its_own_with_a_touch() {
    let keys = Keys::new();
    let solo = Roster::parse(&RosterSource { solo: true, ..source(&keys) }).unwrap();
    let team = Roster::parse(&source(&keys)).unwrap();
    let mut asked = published(Needs::people(2, "", None));
    asked.asker.principal = Principal::Person(at("pub"));
    let mut operated = published(Needs::people(2, "", None));
    operated.asker.operators.push(at("pub"));
    for body in [asked, operated] {
        for (touched, alone) in [(None, false), (Some(false), false), (Some(true), true)] {
            let signers = [signer(&at("pub"), touched)];
            assert_eq!(tally(&body, &solo, &signers).met, alone, "{touched:?}");
            assert!(tally(&body, &team, &signers).counted.is_empty(), "{touched:?}");
        }
    }
}

#[test]
fn what_needs_nobody_is_never_met() {
    let keys = Keys::new();
    for solo in [false, true] {
        let roster = Roster::parse(&RosterSource { solo, ..source(&keys) }).unwrap();
        for needs in [Needs::nobody(), Needs { people: [(String::new(), 0)].into(), ttl: None }] {
            let counted = tally(&body(needs), &roster, &[signer(&at("a"), Some(true))]);
            assert!(!counted.met && counted.groups.is_empty() && counted.counted.is_empty());
        }
    }
}

/// Codes are for programs and keep their meaning; sentences are what a person reads after a name.
#[test]
fn each_reason_not_to_count_has_its_code_and_its_sentence() {
    for (why, code, sentence) in [
        (NotCounted::Asked, "asker-cannot-approve", "asked for it"),
        (NotCounted::OperatesTheAsker, "operator-cannot-approve", "operates the asker"),
        (NotCounted::PublishedThePlugin, "publisher-cannot-approve", "published the plugin"),
        (
            NotCounted::NoPresence,
            "no-presence",
            "signed without touching a hardware key, which this needs",
        ),
        (NotCounted::SamePerson, "already-approved", "has signed already; a person counts once"),
        (NotCounted::NotInAGroup, "not-in-a-group", "is in no group that is needed"),
    ] {
        assert_eq!((why.code(), why.sentence()), (code, sentence));
    }
}
