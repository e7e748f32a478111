//! The tickets of one plan, for one run: the next one only, each once. What a run asks for is compared with
//! what was decided, never trusted to be the same because the plan was made by the same plugin.

use crate::{
    catalogue::ResolvedCall,
    forecast::Revision,
    plan::{Plan, PlanEffect, PlanEnd},
    vocabulary::{Class, InterfaceName, Resource},
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The tickets of a plan that are left in one run.
#[derive(Debug, Clone)]
pub struct Tickets {
    /// What is left, the next one first.
    left: std::collections::VecDeque<PlanEffect>,
    end: PlanEnd,
    voided: bool,
    revisions: BTreeMap<Resource, Revision>,
}

/// One effect that may happen now.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// The effect.
    pub effect: PlanEffect,
    /// The revision that its resource must have: what this run's last effect made of it, or else the
    /// plan's.
    pub expected: Revision,
}

/// An effect in a few words, as a deviation shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Brief {
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// What it does to the world.
    pub class: Class,
    /// Its resource.
    pub resource: Resource,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// A run asked for something else than the next effect of its plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deviation {
    /// In what it differs.
    pub kind: DeviationKind,
    /// The place of the effect that was next, from 1; absent where none was left.
    pub step: Option<u64>,
    /// What was next.
    pub expected: Option<Brief>,
    /// What was asked for.
    pub asked: Brief,
}

/// In what a run deviated from its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviationKind {
    /// Another interface, or another version of it.
    DifferentInterface,
    /// Another function.
    DifferentFunction,
    /// Another resource.
    DifferentResource,
    /// Other arguments.
    DifferentArguments,
    /// The plan ended at its horizon; this lies beyond it.
    PastHorizon,
    /// The plan has no more effects.
    NoneLeft,
    /// What was left had been voided.
    Voided,
}

impl DeviationKind {
    /// One sentence for the asker.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::DifferentInterface => "it is of another interface",
            Self::DifferentFunction => "it is another function",
            Self::DifferentResource => "it is on another resource",
            Self::DifferentArguments => "it has other arguments",
            Self::PastHorizon => "the plan ended before it; call again, which plans the rest",
            Self::NoneLeft => "the plan has no more effects",
            Self::Voided => "what was left of the plan is void",
        }
    }
}

impl Tickets {
    /// INVARIANT PLAN-IS-THE-GRANT: exactly the plan's effects, in its order.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            left: plan.effects.iter().cloned().collect(),
            end: plan.end.clone(),
            voided: false,
            revisions: BTreeMap::new(),
        }
    }

    /// The effect that may happen next.
    pub fn next(&self) -> Option<&PlanEffect> {
        self.left.front()
    }

    /// Gives out the next ticket, if the call is exactly its effect. Anything else voids what is left:
    /// the run may stop early, it may not skip.
    ///
    /// # Errors
    /// What was next, and what was asked for.
    pub fn offer(&mut self, call: &ResolvedCall) -> Result<Ticket, Box<Deviation>> {
        let Some(next) = self.left.pop_front() else {
            let kind = match (self.voided, &self.end) {
                (true, _) => DeviationKind::Voided,
                (false, PlanEnd::Horizon { .. }) => DeviationKind::PastHorizon,
                (false, PlanEnd::Complete) => DeviationKind::NoneLeft,
            };
            return Err(Box::new(Deviation {
                kind,
                step: None,
                expected: None,
                asked: Brief::of_call(call),
            }));
        };
        if next.is_for(call) {
            let known = self.revisions.get(&next.resource);
            let expected = known.unwrap_or(&next.forecast.revision).clone();
            return Ok(Ticket { effect: next, expected });
        }
        self.void();
        Err(Box::new(Deviation {
            kind: difference(&next, call),
            step: Some(next.step),
            expected: Some(Brief::of_effect(&next)),
            asked: Brief::of_call(call),
        }))
    }

    /// Notes the revisions that an effect of this run returned: its own changes are not the world's.
    pub fn performed(&mut self, revisions: &BTreeMap<Resource, Revision>) {
        self.revisions.extend(revisions.iter().map(|(r, v)| (r.clone(), v.clone())));
    }

    /// Whatever is left can never be used.
    pub fn void(&mut self) {
        self.left.clear();
        self.voided = true;
    }
}

/// The first of the ways in which a call differs from an effect. What is neither interface, function nor
/// resource shows in the arguments: class and scope belong to the function.
fn difference(next: &PlanEffect, call: &ResolvedCall) -> DeviationKind {
    if next.interface != *call.interface() {
        DeviationKind::DifferentInterface
    } else if next.function != call.function() {
        DeviationKind::DifferentFunction
    } else if next.resource != *call.resource() {
        DeviationKind::DifferentResource
    } else {
        DeviationKind::DifferentArguments
    }
}

impl Brief {
    fn of_call(call: &ResolvedCall) -> Self {
        Self {
            interface: call.interface().clone(),
            function: call.function().to_owned(),
            class: call.class(),
            resource: call.resource().clone(),
            arguments: call.arguments().clone(),
        }
    }

    fn of_effect(effect: &PlanEffect) -> Self {
        Self {
            interface: effect.interface.clone(),
            function: effect.function.clone(),
            class: effect.class,
            resource: effect.resource.clone(),
            arguments: effect.arguments.clone(),
        }
    }
}
