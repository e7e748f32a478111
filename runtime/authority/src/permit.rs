//! The decision on one capability call. A provider takes a [`Permitted`] or a [`PermittedEffect`] and
//! nothing less, and only this module mints them: that is how the types hold ONE-DOOR.

use crate::{
    apply::MayApply,
    authorize::{Authorized, LinkState, Mode},
    catalogue::ResolvedCall,
    forecast::{Forecast, Planned, Revision},
    needs::Needs,
    policy::{Allowed, Policies},
    refusal::{Denial, Withheld},
    ticket::Ticket,
    vocabulary::Class,
};

/// A resolved call that the authority allowed: it may be read, or forecast.
#[derive(Debug, Clone)]
pub struct Permitted {
    call: ResolvedCall,
}

impl Permitted {
    /// The call.
    pub fn call(&self) -> &ResolvedCall {
        &self.call
    }
}

/// One effect that the authority allowed: exactly this call, against exactly this forecast.
#[derive(Debug, Clone)]
pub struct PermittedEffect {
    call: ResolvedCall,
    forecast: Forecast,
    expected: Revision,
    policies: Vec<String>,
}

impl PermittedEffect {
    /// The call.
    pub fn call(&self) -> &ResolvedCall {
        &self.call
    }
    /// What it was forecast to do. The provider refuses when it would touch more.
    pub fn forecast(&self) -> &Forecast {
        &self.forecast
    }
    /// The revision that the call's resource must still have.
    pub fn expected(&self) -> &Revision {
        &self.expected
    }
    /// The ids of the policies that allowed it.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}

/// One effect that was judged by everything it would touch: allowed as far as no people are needed.
#[derive(Debug, Clone)]
pub struct Judged {
    call: ResolvedCall,
    forecast: Forecast,
    allowed: Allowed,
}

impl Judged {
    /// The call and its forecast.
    pub fn planned(&self) -> Planned {
        Planned { call: self.call.clone(), forecast: self.forecast.clone() }
    }
    /// The people it still needs.
    pub fn needs(&self) -> &Needs {
        &self.allowed.needs
    }
    /// The ids of the policies that allowed it.
    pub fn policies(&self) -> &[String] {
        &self.allowed.by
    }
}

/// Decides one capability call by its link state, its resource and the policies. `so_far` is how many
/// effects the run has had.
///
/// # Errors
/// Why the call is denied. Nothing has been asked of a provider then.
pub fn permit(
    authorized: &Authorized,
    policies: &Policies,
    call: ResolvedCall,
    so_far: u64,
) -> Result<Permitted, Denial> {
    match authorized.link(call.interface(), call.function()) {
        Some(LinkState::Live) => {}
        Some(LinkState::Withheld(reason)) => return Err(Denial::Withheld { reason }),
        // An interface that is not linked cannot be called; if it is, the answer is no.
        None => return Err(Denial::Withheld { reason: Withheld::FunctionNotGranted }),
    }
    // INVARIANT CLASS-BY-HOST: what was resolved for one plugin is nothing that another may do.
    let anothers = call.owner().is_some_and(|owner| owner != authorized.plugin());
    if anothers || !authorized.covers(call.interface(), call.function(), call.resource()) {
        return Err(Denial::OutsideGrant { resource: call.resource().clone() });
    }
    // INVARIANT FAIL-CLOSED: a call that no policy permits, or whose policies err, is denied. An effect is
    // judged again by its forecast; before that, nobody learns whether its resource exists.
    let asking = authorized.asking();
    match call.class() {
        Class::Read => policies.read(&asking, &call, so_far)?,
        Class::Change | Class::Destroy => policies.effect(&asking, &call, &[], so_far)?,
    };
    Ok(Permitted { call })
}

/// Judges one effect by everything it would touch: every touched resource lies within a grant of the
/// function, and no policy forbids it there.
///
/// # Errors
/// Why the effect is denied. Nothing has happened then.
pub fn judge(
    authorized: &Authorized,
    policies: &Policies,
    permitted: Permitted,
    forecast: Forecast,
    so_far: u64,
) -> Result<Judged, Denial> {
    let call = permitted.call;
    within_grants(authorized, &call, &forecast)?;
    let allowed = policies.effect(&authorized.asking(), &call, &forecast.touches, so_far)?;
    Ok(Judged { call, forecast, allowed })
}

fn within_grants(
    authorized: &Authorized,
    call: &ResolvedCall,
    forecast: &Forecast,
) -> Result<(), Denial> {
    let covers = |touched| authorized.covers(call.interface(), call.function(), touched);
    match forecast.touches.iter().find(|touched| !covers(touched)) {
        Some(resource) => Err(Denial::TouchesOutsideGrant { resource: resource.clone() }),
        None => Ok(()),
    }
}

/// Permits one effect of a direct run.
///
/// # Errors
/// Why the effect is denied: it needs people, or the run is one in which nothing happens.
pub fn permit_effect(authorized: &Authorized, judged: Judged) -> Result<PermittedEffect, Denial> {
    let needs_approval = Denial::Withheld { reason: Withheld::NeedsApproval };
    // INVARIANT DESTROY-NEEDS-PEOPLE: checked again at the last decision before the provider. A plan
    // performs nothing, an applied plan only its tickets, and a read is no effect: none of them may become
    // one here.
    match (authorized.mode(), judged.call.class()) {
        (Mode::Call, Class::Change) if judged.needs().is_nobody() => Ok(PermittedEffect {
            expected: judged.forecast.revision.clone(),
            call: judged.call,
            forecast: judged.forecast,
            policies: judged.allowed.by,
        }),
        _ => Err(needs_approval),
    }
}

/// Permits one effect of an applied plan, against its ticket.
///
/// # Errors
/// Why the effect is denied: this is no applied plan, the ticket is of another call or reaches out of what is granted, or
/// it destroys and no people signed for it.
pub fn permit_ticket(
    authorized: &Authorized,
    may: &MayApply,
    policies: &Policies,
    permitted: Permitted,
    ticket: Ticket,
    so_far: u64,
) -> Result<PermittedEffect, Denial> {
    let call = permitted.call;
    let forecast = ticket.effect.forecast.clone();
    within_grants(authorized, &call, &forecast)?;
    let allowed = policies.effect(&authorized.asking(), &call, &forecast.touches, so_far)?;
    let people = may.people().is_some();
    // INVARIANT DESTROY-NEEDS-PEOPLE: whatever a policy says today, without people's signatures no ticket
    // destroys, and what needs people now was not allowed without them.
    let enough = people || (call.class() == Class::Change && allowed.needs.is_nobody());
    if authorized.mode() != Mode::Apply || !enough || !ticket.effect.is_for(&call) {
        return Err(Denial::Withheld { reason: Withheld::NeedsApproval });
    }
    Ok(PermittedEffect { call, forecast, expected: ticket.expected, policies: allowed.by })
}
