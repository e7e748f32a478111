//! A request with all that became of it, read from proven leaves: an edited row, in whatever table, is
//! either found out here or changes nothing.

use crate::{
    Host, HostError,
    record::{Journal, Told},
};
use interlock_authority::{
    Digest,
    desk::{Happened, RequestState, Standing},
    document,
    request::{RequestBody, Wish},
    roster::Roster,
};
use std::sync::Arc;

/// A request and its history.
#[derive(Debug, Clone)]
pub struct Case {
    /// The request.
    pub body: RequestBody,
    /// The digest of its canonical bytes.
    pub digest: Digest,
    /// What is shown and signed, rendered now from the canonical bytes.
    pub document: String,
    /// What happened to it, oldest first.
    pub history: Vec<Happened>,
    /// The leaves of its history, the request's own first.
    pub leaves: Vec<Told>,
    /// When the history was read, unix seconds, never earlier than its newest leaf.
    pub now: u64,
}

impl Case {
    /// Reads a request.
    ///
    /// # Errors
    /// No such request (`request-unknown`), or a leaf that is not as it was written.
    pub fn load(journal: &Journal, id: &str) -> Result<Self, HostError> {
        let leaves = journal.about(id)?;
        let edited = |message: String| HostError::Integrity { code: "request-edited", message };
        let Some(asked) = leaves.first() else {
            return Err(HostError::Refused {
                code: "request-unknown",
                message: format!("there is no request `{}`", id.escape_default()),
            });
        };
        if asked.event.is_none() {
            let message =
                format!("what request {id} said was erased; it can no longer be approved");
            return Err(HostError::Refused { code: "request-erased", message });
        }
        let canonical = asked
            .text("canonical")
            .filter(|_| asked.kind == "request")
            .ok_or_else(|| edited(format!("leaf {} is not the request {id}", asked.leaf)))?;
        let body = RequestBody::parse(canonical.as_bytes())?;
        let digest = body.digest()?;
        if asked.text("document") != Some(digest.to_string().as_str()) || body.id != id {
            return Err(edited(format!("request {id} is not the one that was written")));
        }
        // INVARIANT SHOWN-IS-SIGNED: rendered again from the canonical bytes, never taken from a row.
        let document = document::render(&body)?;
        let history = leaves.iter().filter_map(happened).collect();
        let now = journal.now_ms() / 1000;
        Ok(Self { body, digest, document, history, leaves, now })
    }

    /// The request as it stands before a roster.
    pub fn standing<'a>(&'a self, roster: &'a Roster) -> Standing<'a> {
        Standing {
            body: &self.body,
            document: &self.document,
            history: &self.history,
            roster,
            now: self.now,
        }
    }

    /// The roster that counts for it: for other rules that of the rules in force, for all else the host's.
    ///
    /// # Errors
    /// Rules in force that cannot be read, or are not the ones that the request was made under.
    pub fn roster(&self, host: &Host) -> Result<Arc<Roster>, HostError> {
        let Wish::Epoch { from, .. } = &self.body.wish else {
            return Ok(host.rules().roster.clone());
        };
        let in_force = host.seal().in_force()?.filter(|in_force| in_force.sealed.epoch == *from);
        let Some(in_force) = in_force else {
            let message = "the rules that this was to change are not in force any more".to_owned();
            return Err(HostError::Refused { code: "rules-followed", message });
        };
        Ok(Arc::new(Roster::parse(&in_force.text.roster)?))
    }

    /// What it is now. A request for other rules, whose own rules are gone, is over like one that expired.
    ///
    /// # Errors
    /// As [`Case::roster`].
    pub fn state(&self, host: &Host) -> Result<RequestState, HostError> {
        match self.roster(host) {
            Ok(roster) => Ok(self.standing(&roster).state()),
            Err(HostError::Refused { code: "rules-followed", .. }) => {
                let state = self.standing(&host.rules().roster).state();
                Ok(match state {
                    RequestState::Pending | RequestState::Approved => RequestState::Expired,
                    other => other,
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// None for a request whose words were erased: it can no longer be shown, signed or used.
pub(super) fn unless_erased<T>(told: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match told {
        Err(HostError::Refused { code: "request-erased", .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// What a leaf means for a request. A leaf whose text was erased still ends it.
fn happened(told: &Told) -> Option<Happened> {
    let text = |name: &str| told.text(name).unwrap_or("(erased)").to_owned();
    Some(match told.kind.as_str() {
        "approval" => Happened::Approved { signature: text("signature"), at: told.time_ms / 1000 },
        "denial" => Happened::Denied { by: text("by"), reason: text("reason") },
        "revocation" => Happened::Revoked { by: text("by") },
        "claim" => Happened::Claimed { run: text("invocation") },
        "epoch-accepted" => Happened::Claimed { run: "config accept".to_owned() },
        "grant" => {
            let until = told.event.as_ref().and_then(|e| e.get("until")?.as_u64());
            Happened::Granted { until: until.unwrap_or_default() }
        }
        _ => return None,
    })
}
