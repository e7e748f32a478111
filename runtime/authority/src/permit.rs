//! The decision on one capability call. A provider takes a [`Permitted`] or a [`PermittedEffect`] and
//! nothing less, and only this module mints them: that is how the types hold ONE-DOOR.

use crate::{
    authorize::{Authorized, LinkState, Mode},
    catalogue::ResolvedCall,
    forecast::{Forecast, Revision},
    refusal::{Denial, Withheld},
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
        &self.forecast.revision
    }
}

/// Decides one capability call by its link state and its resource.
///
/// # Errors
/// Why the call is denied. Nothing has been asked of a provider then.
pub fn permit(authorized: &Authorized, call: ResolvedCall) -> Result<Permitted, Denial> {
    match authorized.link(call.interface(), call.function()) {
        Some(LinkState::Live) => {}
        Some(LinkState::Withheld(reason)) => return Err(Denial::Withheld { reason }),
        // An interface that is not linked cannot be called; if it is, the answer is no.
        None => return Err(Denial::Withheld { reason: Withheld::FunctionNotGranted }),
    }
    if authorized.covers(call.interface(), call.function(), call.resource()) {
        Ok(Permitted { call })
    } else {
        Err(Denial::OutsideGrant { resource: call.resource().clone() })
    }
}

/// Checks that a forecast stays within the grants of its call.
///
/// # Errors
/// The first touched resource that no grant of the function covers.
pub fn check_touches(
    authorized: &Authorized,
    permitted: &Permitted,
    forecast: &Forecast,
) -> Result<(), Denial> {
    let call = &permitted.call;
    let outside = forecast
        .touches
        .iter()
        .find(|touched| !authorized.covers(call.interface(), call.function(), touched));
    match outside {
        Some(resource) => Err(Denial::TouchesOutsideGrant { resource: resource.clone() }),
        None => Ok(()),
    }
}

/// Decides one effect by everything it would touch.
///
/// # Errors
/// Why the effect is denied. Nothing has happened then.
pub fn permit_effect(
    authorized: &Authorized,
    permitted: Permitted,
    forecast: Forecast,
) -> Result<PermittedEffect, Denial> {
    check_touches(authorized, &permitted, &forecast)?;
    match (authorized.mode(), permitted.call.class()) {
        (Mode::Call, Class::Change) => Ok(PermittedEffect { call: permitted.call, forecast }),
        // INVARIANT DESTROY-NEEDS-PEOPLE: checked again at the last decision before the provider. A plan
        // performs nothing, and a read is no effect: neither may become one here.
        (Mode::Call, Class::Destroy | Class::Read) | (Mode::Plan, _) => {
            Err(Denial::Withheld { reason: Withheld::NeedsApproval })
        }
    }
}
