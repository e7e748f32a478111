//! Applying what people approved: the approval is claimed for this run in one transaction, everything that
//! people saw is compared again, every signature is verified again, and then the tool runs against the
//! plan's tickets.

use super::{Call, apply_plan, one_run::Start};
use crate::{
    HostError,
    desk::{Case, Waiting},
    gate::Applying,
    record::{Event, EventBody, Record, Recorder, WriteError, space},
    response::{Outcome, Response},
};
use interlock_authority::{
    Class,
    apply::MayApply,
    desk::{Brought, DeskRefusal, check_apply},
};

/// Applies an approved request.
///
/// # Errors
/// As [`super::call`], and a journal that is not as it was written.
pub(super) async fn apply(call: &Call<'_>, id: &str) -> Result<Response, HostError> {
    let (host, journal) = (call.host, call.host.journal());
    if let Some(behind) =
        journal.store().behind(journal.places()).map_err(crate::record::refused)?
    {
        let message = format!(
            "the journal is not what was published in {}: {}; `interlock journal acknowledge` goes on with it",
            behind.place.display(),
            behind.problem
        );
        return Ok(call.unrun("journal-behind", message).await);
    }
    if let Err(HostError::Refused { code, message }) = host.seal().whole() {
        return Ok(call.unrun(code, message).await);
    }
    let case = match Case::load(journal, id) {
        Ok(case) => case,
        Err(HostError::Refused { code, message }) => return Ok(call.unrun(code, message).await),
        Err(error) => return Err(error),
    };
    let holder = call.holder(journal.deployment());
    let (tool, arguments) = (call.tool.as_str(), &call.request.arguments);
    let brought = Brought { holder, tool, arguments };
    let people = match check_apply(&case.standing(&host.rules().roster), &brought) {
        Ok(people) => people,
        Err(DeskRefusal::Pending(_)) => {
            let waiting = Waiting::of(&case.body)?;
            return Ok(call.end(Outcome::ApprovalRequired(waiting), None).await);
        }
        Err(refusal) => return Ok(call.unrun(refusal.code(), refusal.to_string()).await),
    };
    // An approval is for one run: it is not spent on a call that nobody waits for any more.
    if let Some(response) = call.cancelled().await {
        return Ok(response);
    }
    let expires_ms = people.expires().saturating_mul(1000);
    let (document, counted) = (people.document(), people.people().to_vec());
    let Some(may) = MayApply::by_people(people) else {
        let message = "the request is not for a call".to_owned();
        return Ok(call.unrun("different-call", message).await);
    };
    let plan = may.plan();
    let (start, digest) =
        (Start { clock_base: plan.clock_base, seed: seed(&plan.seed)? }, plan.digest()?);
    // A place for checkpoints that takes none would refuse the first destroy: found out before the approval is
    // used up, not after.
    if plan.effects.iter().any(|effect| effect.class == Class::Destroy)
        && let Err(error) = call.host.recorder().publish().await
    {
        let message = format!("{error}; nothing was destroyed, and the approval still stands");
        return Ok(call.unrun("publish-failed", message).await);
    }
    let body = EventBody::Claim { request: id.to_owned(), document, plan: digest, people: counted };
    if let Some(refusal) = claim(call, id, body, expires_ms).await? {
        return Ok(call.unrun(refusal.0, refusal.1).await);
    }
    let applying = Applying::new(may, digest, Some(id.to_owned()), Some(expires_ms));
    apply_plan(call, &start, applying).await
}

/// Claims the approval for this run. A request is claimed once in the life of a journal, and the claim is
/// then looked for in the log itself: whoever edits the index cannot make a second one count.
async fn claim(
    call: &Call<'_>,
    id: &str,
    body: EventBody,
    expires_ms: u64,
) -> Result<Option<(&'static str, String)>, HostError> {
    let journal = call.host.journal();
    let record = Record::of(Event::of(&call.invocation, body)).consuming(id, expires_ms);
    match journal.write(record).await {
        Ok(()) => {}
        Err(WriteError::Taken { .. }) => {
            return Ok(Some(("request-consumed", "another run claimed the approval".to_owned())));
        }
        Err(WriteError::Unmet { space, .. }) => {
            let (code, word) = if space == space::DENIED {
                ("request-denied", "denied")
            } else {
                ("request-revoked", "revoked")
            };
            return Ok(Some((code, format!("the request was {word}"))));
        }
        Err(WriteError::Late) => {
            return Ok(Some(("request-expired", "the request has expired".to_owned())));
        }
        Err(error) => return Err(error.into()),
    }
    // INVARIANT PLAN-IS-THE-GRANT: once, for one run, says the log.
    let about = journal.about(id)?;
    let claims: Vec<_> = about.iter().filter(|told| told.kind == "claim").collect();
    match claims.as_slice() {
        [one] if one.text("invocation") == Some(&call.invocation) => Ok(None),
        _ => Ok(Some(("request-consumed", "another run claimed the approval".to_owned()))),
    }
}

fn seed(hex: &str) -> Result<[u8; 32], HostError> {
    // 64 digits, like a digest.
    let digest: interlock_authority::Digest = hex.parse()?;
    Ok(*digest.as_bytes())
}
