//! What is written before and after an effect, and what must be true for it to be written: the ticket was
//! not spent, the approval not revoked and not over, the budgets have room. All of it is one transaction.

use super::{Applying, Ended, Stop};
use crate::record::{Event, EventBody, Record, TicketNote, WriteError, space};
use interlock_authority::{Authorized, Denial, PermittedEffect, budget};

/// The key of an effect's marks.
pub(super) fn key(invocation: &str, step: u64) -> String {
    format!("{invocation}/{step}")
}

/// The intent of an effect, with what spends its ticket and charges its budgets.
pub(super) fn intent(
    invocation: &str,
    step: u64,
    effect: &PermittedEffect,
    authorized: &Authorized,
    applying: Option<&Applying>,
) -> Record {
    let call = effect.call();
    let ticket = applying.map(|applying| TicketNote {
        request: applying.request.clone(),
        plan: applying.plan,
        step,
        of: applying.count(),
    });
    let event = Event::of(
        invocation,
        EventBody::Intent {
            step,
            principal: authorized.principal().clone(),
            plugin: authorized.plugin().to_owned(),
            digest: authorized.digest(),
            tool: authorized.tool().to_owned(),
            interface: call.interface().clone(),
            function: call.function().to_owned(),
            class: call.class(),
            resource: call.resource().clone(),
            arguments: call.arguments().clone(),
            revision: effect.expected().clone(),
            touches: effect.forecast().touches.clone(),
            policies: effect.policies().to_vec(),
            ticket,
        },
    );
    let (grants, touches) = (authorized.grants(), &effect.forecast().touches);
    let charges =
        budget::charges(authorized.principal(), authorized.plugin(), grants, call, touches);
    let charges = charges
        .into_iter()
        .map(|charge| crate::record::Charge {
            key: charge.key,
            amount: 1,
            window_ms: charge.budget.per_seconds.saturating_mul(1000),
            most: charge.budget.effects,
        })
        .collect();
    let mut record = Record::of(event).once(space::INTENT, key(invocation, step)).charged(charges);
    let mut last = None;
    for elevated in budget::covering(grants, call, touches).filter_map(|g| g.elevation.as_ref()) {
        // Taken back or over: also for a run that began before that.
        let until = elevated.until.saturating_mul(1000);
        last = Some(last.map_or(until, |last: u64| last.min(until)));
        record =
            record.mark(space::ABOUT, &elevated.request).unless(space::REVOKED, &elevated.request);
    }
    record = record.until(last);
    if let Some(applying) = applying {
        // The request, not the run, names the ticket: a second run of the same approval finds it spent.
        let of = applying.request.as_deref().unwrap_or(invocation);
        let last = match (last, applying.not_after_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        record = record.once(space::TICKET, key(of, step)).until(last);
        if let Some(request) = &applying.request {
            record = record
                .mark(space::ABOUT, request)
                .only_if(space::CLAIM, request)
                .unless(space::REVOKED, request);
        }
    }
    record
}

/// Why an effect did not start, when its intent could not be written.
pub(super) fn refused(error: WriteError, applying: bool) -> Stop {
    let refused =
        |code, message: &str| Stop::End(Ended::Refused { code, message: message.to_owned() });
    match error {
        WriteError::OverBudget { used, most, .. } if applying => {
            refused("over-budget", &Denial::OverBudget { used, most }.to_string())
        }
        WriteError::OverBudget { used, most, .. } => Denial::OverBudget { used, most }.into(),
        WriteError::Taken { .. } => {
            refused("ticket-spent", "the ticket of this effect was used already")
        }
        WriteError::Unmet { space, .. } if space == space::REVOKED => {
            refused("request-revoked", "the approval was revoked")
        }
        WriteError::Unmet { .. } => {
            refused("request-consumed", "the approval does not belong to this run")
        }
        WriteError::Late => refused("request-expired", "the approval is over"),
        WriteError::Failed(error) => {
            Ended::Fault(format!("{error}; the effect was not started")).into()
        }
    }
}
