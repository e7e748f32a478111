//! The ticket matcher, against a model that knows the whole plan, the whole run and nothing else.

use crate::{bytes::Bytes, must};
use interlock::authority::{
    Authorized, Catalogue, Digest, Forecast, Grant, InterfaceName, Invocation, Mode, Planned,
    Policies, Principal, ResolvedCall, Resource, Revision,
    apply::{MayApply, Verdict, decide},
    authorize,
    catalogue::CatalogueSource,
    permit::{judge, permit},
    plan::{Plan, PlanEffect, PlanEnd, PluginRef},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

const WIT: &str = "package a:b@1.0.0;
interface c { set: func(key: string, value: string) -> result<_, string>; unset: func(key: string) -> result<_, string>; }
interface d { set: func(key: string, value: string) -> result<_, string>; }
";

const CATALOGUE: &str = r#"wit = "b.wit"
[interface."a:b/c@1.0.0"]
provider = "p"
[interface."a:b/c@1.0.0".function.set]
class = "change"
resource = "x/{key}"
[interface."a:b/c@1.0.0".function.unset]
class = "change"
resource = "x/{key}"
[interface."a:b/d@1.0.0"]
provider = "p"
[interface."a:b/d@1.0.0".function.set]
class = "change"
resource = "x/{key}"
"#;

/// What everything here is judged by, and calls that differ in exactly one thing from the first.
struct Scene {
    policies: Policies,
    authorized: Authorized,
    letters: Vec<ResolvedCall>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let wit = vec![("b.wit".into(), WIT.into())];
        let source = CatalogueSource { file: "b.toml".into(), text: CATALOGUE.into(), wit };
        let catalogue = Arc::new(must(Catalogue::load(&[source]), "the catalogue"));
        let policies = Policies::where_granted(&catalogue)
            .unwrap_or_else(|problems| must(Err(format!("{problems:?}")), "the policies"));
        let name = |interface: &str| -> InterfaceName {
            must(format!("a:b/{interface}@1.0.0").parse(), "a name")
        };
        let functions =
            |all: &[&str]| -> BTreeSet<String> { all.iter().map(|f| (*f).to_owned()).collect() };
        let imports = BTreeMap::from([
            (name("c"), functions(&["set", "unset"])),
            (name("d"), functions(&["set"])),
        ]);
        let grants: Vec<Grant> = ["c", "d"]
            .map(|interface| Grant {
                interface: name(interface),
                functions: None,
                resources: vec![must("x".parse(), "a resource")],
                budget: None,
                elevation: None,
            })
            .into();
        let bot: Principal = must("Agent::bot".parse(), "a principal");
        let invocation = Invocation {
            principal: &bot,
            known_principals: &BTreeSet::from([bot.clone()]),
            plugin: "p",
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
            imports: &imports,
            grants: &grants,
            tool: "t",
            uses: None,
            mode: Mode::Plan,
        };
        let authorized = must(authorize(&invocation, &catalogue, &policies), "authorized");
        let call = |interface: &str, function: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(|argument| json!(argument)).collect();
            must(catalogue.resolve(&name(interface), function, arguments), "a call")
        };
        let letters = vec![
            call("c", "set", &["k", "1"]),
            call("c", "set", &["k", "2"]),
            call("c", "set", &["l", "1"]),
            call("d", "set", &["k", "1"]),
            call("c", "unset", &["k"]),
        ];
        Scene { policies, authorized, letters }
    })
}

fn may(scene: &Scene, planned: &[(usize, &ResolvedCall)], complete: bool) -> MayApply {
    let forecast = |step: usize, call: &ResolvedCall| Forecast {
        verb: "set".into(),
        counts: BTreeMap::new(),
        touches: vec![call.resource().clone()],
        revision: Revision::new(format!("planned {step}")),
        result: json!({"ok": null}),
        note: None,
    };
    let (mut all, mut judged) = (Vec::new(), Vec::new());
    for (step, (_, call)) in planned.iter().enumerate() {
        let permitted =
            must(permit(&scene.authorized, &scene.policies, (*call).clone(), 0), "permitted");
        judged.push(must(
            judge(&scene.authorized, &scene.policies, permitted, forecast(step, call), 0),
            "judged",
        ));
        all.push(Planned { call: (*call).clone(), forecast: forecast(step, call) });
    }
    let plan = Plan {
        principal: must("Agent::bot".parse(), "a principal"),
        plugin: PluginRef {
            name: "p".into(),
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
        },
        tool: "t".into(),
        arguments: json!({}),
        effects: PlanEffect::number(all),
        end: if complete { PlanEnd::Complete } else { PlanEnd::Horizon { reason: "far".into() } },
        clock_base: 1,
        seed: "0".repeat(64),
    };
    match must(decide(&scene.authorized, &scene.policies, plan, &judged), "decided") {
        Verdict::Allowed(may) => *may,
        Verdict::NeedsPeople(needs) => must(Err(format!("{needs:?}")), "nobody is needed"),
    }
}

/// A run gets the tickets of a prefix of its plan, each once, in order, with the revision that it made itself last.
pub(crate) fn tickets(data: &[u8]) {
    let scene = scene();
    let mut bytes = Bytes::new(data);
    let letters = scene.letters.len();
    let planned: Vec<(usize, &ResolvedCall)> = (0..bytes.below(7))
        .filter_map(|_| {
            let at = bytes.below(letters);
            Some((at, scene.letters.get(at)?))
        })
        .collect();
    let may = may(scene, &planned, bytes.yes());
    let mut tickets = may.tickets();
    // The model: everything that was asked for so far, whether something ended it, and what effects returned.
    let (mut asked, mut over, mut returned) =
        (Vec::<usize>::new(), false, Vec::<(Resource, Revision)>::new());
    let mut spent = BTreeSet::new();
    while !bytes.is_empty() {
        match bytes.below(8) {
            0 => {
                tickets.void();
                over = true;
            }
            1 => {
                let Some(call) = bytes.one(&scene.letters) else { continue };
                let revision = Revision::new(format!("returned {}", bytes.byte()));
                tickets.performed(&BTreeMap::from([(call.resource().clone(), revision.clone())]));
                returned.push((call.resource().clone(), revision));
            }
            _ => {
                // Mostly what the plan says, or nothing would ever get far.
                let wanted = planned.get(asked.len()).map(|(letter, _)| *letter);
                let letter = if bytes.below(4) > 0 { wanted } else { None };
                let letter = letter.unwrap_or_else(|| bytes.below(letters));
                let Some(call) = scene.letters.get(letter) else { continue };
                asked.push(letter);
                let whole: Vec<usize> = planned.iter().map(|(letter, _)| *letter).collect();
                let given = !over && whole.starts_with(&asked);
                match tickets.offer(call) {
                    Ok(ticket) => {
                        assert!(given, "a ticket for {asked:?} of {whole:?}");
                        assert!(ticket.effect.is_for(call));
                        assert_eq!(ticket.effect.step, asked.len() as u64, "out of order");
                        assert!(spent.insert(ticket.effect.step), "spent twice");
                        let own =
                            returned.iter().rev().find(|(resource, _)| resource == call.resource());
                        let plans = Revision::new(format!("planned {}", asked.len() - 1));
                        assert_eq!(
                            ticket.expected,
                            own.map_or(plans, |(_, revision)| revision.clone())
                        );
                    }
                    Err(deviation) => {
                        assert!(!given, "no ticket for {asked:?} of {whole:?}: {deviation:?}");
                        over = true;
                        assert!(tickets.next().is_none(), "something is left after a deviation");
                    }
                }
            }
        }
        let next = if over { None } else { planned.get(asked.len()) };
        assert_eq!(
            tickets
                .next()
                .map(|effect| effect.is_for(next.map_or(effect_of(scene), |(_, call)| call))),
            next.map(|_| true)
        );
    }
    assert!(spent.len() <= planned.len());
}

fn effect_of(scene: &Scene) -> &ResolvedCall {
    scene.letters.first().unwrap_or_else(|| must(Err("none"), "a letter"))
}
