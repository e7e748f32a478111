//! What a policy set must be before a host starts with it: every id known, every requirement readable, no
//! permit that lets something be destroyed without people.

use super::{Directory, PolicyProblem, PolicySource, Rule};
use crate::{catalogue::Catalogue, needs::Needs, vocabulary::Class};
use cedar_policy::{ActionConstraint, Effect, Policy, PolicyId};
use miette::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};

/// The most people that one permit may ask for.
const MOST_PEOPLE: u8 = 20;
/// The shortest and the longest time that a request may wait, in seconds.
const TTL: std::ops::RangeInclusive<u64> = 60..=LONGEST_TTL;
/// The longest that `@ttl` lets a request wait, in seconds: a week.
pub const LONGEST_TTL: u64 = 7 * 24 * 3600;

/// What an action of a policy's scope can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Class(Class),
    Invoke,
    ApplyPlan,
    Elevate,
}

/// The kinds of action that a policy's scope can match. An action that does not exist matches none; Cedar's
/// validator has refused it by then.
pub(super) fn kinds(constraint: &ActionConstraint, catalogue: &Catalogue) -> BTreeSet<Kind> {
    let all = [
        Kind::Class(Class::Read),
        Kind::Class(Class::Change),
        Kind::Class(Class::Destroy),
        Kind::Invoke,
        Kind::ApplyPlan,
        Kind::Elevate,
    ];
    let named: Vec<&str> = match constraint {
        ActionConstraint::Any => return all.into(),
        ActionConstraint::Eq(one) => vec![one.id().unescaped()],
        ActionConstraint::In(many) => many.iter().map(|uid| uid.id().unescaped()).collect(),
    };
    let mut kinds = BTreeSet::new();
    for name in named {
        match name {
            "invoke" => _ = kinds.insert(Kind::Invoke),
            "apply-plan" => _ = kinds.insert(Kind::ApplyPlan),
            "elevate" => _ = kinds.insert(Kind::Elevate),
            _ => kinds.extend(classes(name, catalogue).into_iter().map(Kind::Class)),
        }
    }
    kinds
}

fn classes(name: &str, catalogue: &Catalogue) -> BTreeSet<Class> {
    let mut out: BTreeSet<Class> = [Class::Read, Class::Change, Class::Destroy]
        .into_iter()
        .filter(|class| class.as_str() == name)
        .collect();
    for interface in catalogue.interfaces() {
        let whole = interface.name.as_str() == name;
        for (function, entry) in &interface.functions {
            if whole || super::schema::action(&interface.name, function) == name {
                out.insert(entry.class);
            }
        }
    }
    out
}

/// Checks one policy, and reads what it asks for.
pub(super) fn rule(
    policy: &Policy,
    line: Option<usize>,
    source: &PolicySource,
    catalogue: &Catalogue,
    directory: &Directory,
    seen: &mut BTreeMap<String, String>,
    problems: &mut Vec<PolicyProblem>,
) -> Rule {
    let id = policy.annotation("id").unwrap_or_default().to_owned();
    let mut wrong = |message: String| {
        problems.push(PolicyProblem {
            file: source.file.clone(),
            line,
            policy: (!id.is_empty()).then(|| id.clone()),
            message,
        });
    };
    if id.is_empty() {
        wrong("the policy has no `@id(\"…\")`; every reason names policies by it".to_owned());
    } else if let Some(other) = seen.insert(id.clone(), source.file.clone()) {
        wrong(format!("another policy in {other} has the id `{id}`"));
    }
    for (key, _) in policy.annotations() {
        if !["id", "approvals", "approvers", "ttl", "doc"].contains(&key) {
            wrong(format!(
                "`@{key}` means nothing here; there are id, approvals, approvers, ttl, doc"
            ));
        }
    }
    let kinds = kinds(&policy.action_constraint(), catalogue);
    let approvals = policy.annotation("approvals");
    let count = approvals.and_then(|text| text.parse::<u8>().ok());
    if approvals.is_some() && !count.is_some_and(|n| (1..=MOST_PEOPLE).contains(&n)) {
        wrong(format!("`@approvals` is a number from 1 to {MOST_PEOPLE}, in quotes"));
    }
    let group = policy.annotation("approvers").unwrap_or_default();
    if !group.is_empty() && !directory.groups.contains(group) {
        wrong(format!("there is no group `{group}`; name one under `[approvers] groups.{group}`"));
    }
    let ttl = policy.annotation("ttl").map(seconds);
    if ttl.is_some_and(|ttl| !ttl.is_some_and(|s| TTL.contains(&s))) {
        wrong("`@ttl` is a time from 1m to 7d, such as 30m".to_owned());
    }
    let people = approvals.is_some();
    if !people && (!group.is_empty() || ttl.is_some()) {
        wrong("`@approvers` and `@ttl` say more about `@approvals`, which is missing".to_owned());
    }
    match policy.effect() {
        Effect::Forbid if people => {
            wrong("a forbid refuses; it cannot ask for people".to_owned());
        }
        Effect::Forbid => {}
        Effect::Permit => {
            // INVARIANT DESTROY-NEEDS-PEOPLE: no permit of destroy without them.
            if kinds.contains(&Kind::Class(Class::Destroy)) && !people {
                wrong("this permit can match class `destroy` and asks for nobody; add `@approvals(\"2\")`, or name the actions it is for".to_owned());
            }
            if kinds.contains(&Kind::Elevate) && !people {
                wrong("this permit can match `elevate` and asks for nobody; add `@approvals(\"1\")`, or name the actions it is for".to_owned());
            }
            let direct = [Kind::Class(Class::Read), Kind::Invoke];
            if people && direct.iter().any(|kind| kinds.contains(kind)) {
                wrong("people approve effects, plans and elevations; this permit can match `invoke` or class `read`: name the actions it is for".to_owned());
            }
        }
    }
    let needs = match (policy.effect(), count) {
        (Effect::Permit, Some(count)) => Needs::people(count, group, ttl.flatten()),
        _ => Needs::nobody(),
    };
    Rule { id, file: source.file.clone(), line, needs, policy: policy.clone(), kinds }
}

/// The line of a policy, by its own text, which is looked for after the one before it. Moves `from` on.
pub(super) fn line_of(policy: &Policy, source: &PolicySource, from: &mut usize) -> Option<usize> {
    let text = policy.to_string();
    let at = from.checked_add(source.text.get(*from..)?.find(&text)?)?;
    *from = at.checked_add(text.len())?;
    Some(line_at(&source.text, at))
}

/// The line, from 1, of a byte.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// `30m`, `2h`, `90s`, `7d`, in seconds.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The number in an id that Cedar gave.
pub(super) fn number(id: &PolicyId) -> u64 {
    let text = id.to_string();
    text.strip_prefix("policy").and_then(|n| n.parse().ok()).unwrap_or(u64::MAX)
}

/// A problem at its line, by the first place that the diagnostic points to.
pub(super) fn problem(
    source: &PolicySource,
    policy: Option<String>,
    error: &dyn Diagnostic,
) -> PolicyProblem {
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    PolicyProblem {
        file: source.file.clone(),
        line: at.map(|at| line_at(&source.text, at)),
        policy,
        message: format!("{error}{help}"),
    }
}
