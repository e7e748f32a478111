//! The decision on a plan as a whole, and the proof that it may be applied. [`MayApply`] has private
//! fields and two ways to come about: policy allowed everything in it, or people signed for it.

use crate::{
    authorize::Authorized,
    desk::ByPeople,
    needs::Needs,
    permit::Judged,
    plan::Plan,
    policy::{PlanFacts, Policies},
    refusal::Denial,
    request::Wish,
    ticket::Tickets,
    vocabulary::{Class, Resource},
};
use std::collections::BTreeSet;

/// Proof that exactly the effects of one plan may be applied.
#[derive(Debug, Clone)]
pub struct MayApply {
    plan: Plan,
    people: Option<ByPeople>,
}

impl MayApply {
    /// People signed for a plan: it is the one that they signed, and no other. Absent where they signed
    /// for something else.
    pub fn by_people(people: ByPeople) -> Option<Self> {
        match people.wish().clone() {
            Wish::Plan { plan } => Some(Self { plan: *plan, people: Some(people) }),
            Wish::Elevation { .. } | Wish::Epoch { .. } => None,
        }
    }
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// The people's approval; absent where policy alone allowed the plan.
    pub fn people(&self) -> Option<&ByPeople> {
        self.people.as_ref()
    }
    /// INVARIANT PLAN-IS-THE-GRANT: exactly the plan's effects, in order, once.
    pub fn tickets(&self) -> Tickets {
        Tickets::of(&self.plan)
    }
}

/// What was decided on a plan.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It may be applied at once.
    Allowed(Box<MayApply>),
    /// These people must approve it first.
    NeedsPeople(Needs),
}

/// Decides on a plan: what each of its effects needs, and what the whole needs, all together.
///
/// # Errors
/// Why the plan may not be applied at all.
pub fn decide(
    authorized: &Authorized,
    policies: &Policies,
    plan: Plan,
    judged: &[Judged],
) -> Result<Verdict, Denial> {
    let whole = policies.plan(&authorized.asking(), &facts(judged))?;
    let mut needs = judged.iter().fold(whole.needs, |needs, one| needs.join(one.needs()));
    // INVARIANT DESTROY-NEEDS-PEOPLE: no policy lowers it to zero.
    if needs.is_nobody() && judged.iter().any(|j| j.planned().call.class() == Class::Destroy) {
        needs = needs.join(&Needs::people(1, "", None));
    }
    if needs.is_nobody() {
        Ok(Verdict::Allowed(Box::new(MayApply { plan, people: None })))
    } else {
        Ok(Verdict::NeedsPeople(needs))
    }
}

/// What policies may ask of a plan as a whole: its blast radius.
fn facts(judged: &[Judged]) -> PlanFacts {
    let planned: Vec<_> = judged.iter().map(Judged::planned).collect();
    let destroyed = |p: &&crate::Planned| p.call.class() == Class::Destroy;
    let resources: BTreeSet<&Resource> =
        planned.iter().flat_map(|p| p.forecast.touches.iter().chain([p.call.resource()])).collect();
    // Something that is destroyed, and then touched again by a later effect, comes back as something else.
    let recreates = planned.iter().enumerate().any(|(index, earlier)| {
        earlier.call.class() == Class::Destroy
            && planned.iter().skip(index + 1).any(|later| earlier.overlaps(later.call.resource()))
    });
    PlanFacts {
        effects: planned.len() as u64,
        destroys: planned.iter().filter(destroyed).count() as u64,
        resources: resources.len() as u64,
        recreates,
    }
}
