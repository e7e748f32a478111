//! Whether a policy's scope can match what a run may do: whether it must be planned first. It looks at the
//! scope alone, never at conditions, so it errs on the side of planning.

use super::{Rule, check::Kind};
use crate::vocabulary::{Class, InterfaceName, Principal, Resource};
use cedar_policy::{ActionConstraint, Effect, EntityUid, PrincipalConstraint, ResourceConstraint};
use std::collections::BTreeSet;

/// Whether the rule asks for people, or decides on plans, on something that this run may do.
pub(super) fn concerns(
    rule: &Rule,
    principal: &Principal,
    teams: Option<&BTreeSet<String>>,
    live: &[(&InterfaceName, &str, Class, Vec<Resource>)],
) -> bool {
    if !principal_matches(&rule.policy.principal_constraint(), principal, teams) {
        return false;
    }
    let people = !rule.needs.is_nobody();
    let plans = rule.kinds.contains(&Kind::ApplyPlan);
    // A permit with conditions on plans means nothing where there is no plan.
    let decides = rule.policy.effect() == Effect::Forbid || rule.policy.has_non_scope_constraint();
    if plans && (people || decides) {
        return true;
    }
    let (actions, resources) = (rule.policy.action_constraint(), rule.policy.resource_constraint());
    people
        && live.iter().any(|(interface, function, class, granted)| {
            action_matches(&actions, interface, function, *class)
                && granted.iter().any(|resource| resource_overlaps(&resources, resource))
        })
}

fn principal_matches(
    constraint: &PrincipalConstraint,
    principal: &Principal,
    teams: Option<&BTreeSet<String>>,
) -> bool {
    let kind = match principal {
        Principal::Agent(_) => "Agent",
        Principal::Person(_) => "Person",
    };
    let is = |uid: &EntityUid| {
        uid.type_name().to_string() == kind && uid.id().unescaped() == principal.name()
    };
    let within = |uid: &EntityUid| {
        let team = uid.type_name().to_string() == "Team"
            && teams.is_some_and(|teams| teams.contains(uid.id().unescaped()));
        is(uid) || team
    };
    match constraint {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(uid) => is(uid),
        PrincipalConstraint::In(uid) => within(uid),
        PrincipalConstraint::Is(ty) => ty.to_string() == kind,
        PrincipalConstraint::IsIn(ty, uid) => ty.to_string() == kind && within(uid),
    }
}

fn action_matches(
    constraint: &ActionConstraint,
    interface: &InterfaceName,
    function: &str,
    class: Class,
) -> bool {
    let own = super::schema::action(interface, function);
    let is = |uid: &EntityUid| uid.id().unescaped() == own;
    let within = |uid: &EntityUid| {
        is(uid) || [class.as_str(), interface.as_str()].contains(&uid.id().unescaped())
    };
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => is(uid),
        ActionConstraint::In(uids) => uids.iter().any(within),
    }
}

fn resource_overlaps(constraint: &ResourceConstraint, granted: &Resource) -> bool {
    let overlaps = |uid: &EntityUid| match uid.id().unescaped().parse::<Resource>() {
        Ok(named) => named.overlaps(granted),
        // What cannot be read here might match: plan.
        Err(_) => true,
    };
    match constraint {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid)
        | ResourceConstraint::In(uid)
        | ResourceConstraint::IsIn(_, uid) => overlaps(uid),
    }
}
