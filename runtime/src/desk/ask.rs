//! Asking people: a plan that needs them becomes a request, written down with exactly what will be shown
//! and signed. The asker gets a handle and nothing else; asking again for the same thing gives the same
//! handle, and asking too often, or right after a no, is refused before anybody is bothered.

use super::{Case, Waiting};
use crate::{
    HostError,
    pipeline::{Call, ulid},
    record::{Charge, Event, EventBody, Record, WriteError, space},
};
use interlock_authority::{
    desk::{DeskRefusal, RequestState},
    document,
    needs::Needs,
    plan::Plan,
    request::{RequestBody, Wish},
};

/// What came of asking.
pub(crate) enum Asked {
    /// People were asked, now or before.
    Waiting(Waiting),
    /// Nobody was asked.
    Refused(DeskRefusal),
}

/// Puts a plan before people.
///
/// # Errors
/// When the request cannot be written down, or a plan is too large to be read by anybody.
pub(crate) async fn ask(call: &Call<'_>, plan: Plan, needs: Needs) -> Result<Asked, HostError> {
    let (host, journal) = (call.host, call.host.journal());
    let same = plan.sameness(&host.epoch_for(&call.plugin))?;
    if let Some(waiting) = pending(call, &same).await? {
        return Ok(Asked::Waiting(waiting));
    }
    if let Some(refusal) = cooling(call)? {
        return Ok(Asked::Refused(refusal));
    }
    let wish = Wish::Plan(plan);
    let body = host.request_body(&call.request.principal, &call.plugin, wish, needs, &call.request.said)?;
    let text = document::render(&body)?;
    let record = record(call, &body, &same)?;
    match journal.write_record(record).await {
        Ok(()) => {}
        Err(WriteError::OverBudget { .. }) => return Ok(Asked::Refused(DeskRefusal::RateLimited)),
        Err(error) => return Err(error.into()),
    }
    Ok(Asked::Waiting(Waiting::of(&body, &text)?))
}
