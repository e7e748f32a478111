//! The approver's side: people read, sign, deny and revoke here. No surface that an agent can reach holds an
//! [`Approver`], and what it takes is a signature: whoever holds the handle without a key can approve nothing.

use super::{Case, case::unless_erased};
use crate::{
    Host, HostError,
    record::{Event, EventBody, Record, Recorder, WriteError, space},
};
use interlock_authority::{
    desk::{DeskRefusal, RequestState, missing},
    quorum::Tally,
    request::Wish,
    signature::Signer,
};
use serde::Serialize;

/// The people's handle.
pub struct Approver<'h> {
    host: &'h Host,
}

/// A request, as people see it in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Its id.
    pub request: String,
    /// The digest of its document.
    pub document: String,
    /// What it is now.
    #[serde(flatten)]
    pub state: RequestState,
    /// Who asked.
    pub asked_by: String,
    /// What for.
    pub wish: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// What its signatures come to.
    pub tally: Tally,
}

/// A signature that counts was taken.
#[derive(Debug, Clone, Serialize)]
pub struct Signed {
    /// Who signed.
    pub signer: Signer,
    /// What the signatures come to now.
    pub tally: Tally,
    /// Who is still missing; empty where nobody is.
    pub missing: String,
}

impl<'h> Approver<'h> {
    /// The people's side of a host.
    pub const fn of(host: &'h Host) -> Self {
        Self { host }
    }

    /// The newest requests, newest first, without those whose words were erased: nothing of them can be shown.
    ///
    /// # Errors
    /// A journal that is not as it was written.
    pub fn list(&self, most: u64) -> Result<Vec<Shown>, HostError> {
        let keys = self.host.journal().keys(space::REQUEST, most)?;
        keys.iter().filter_map(|(id, _)| unless_erased(self.shown(id)).transpose()).collect()
    }

    /// One request.
    ///
    /// # Errors
    /// No such request, or a journal that is not as it was written.
    pub fn shown(&self, id: &str) -> Result<Shown, HostError> {
        let case = self.case(id)?;
        let state = case.state(self.host)?;
        let roster = case.roster(self.host).unwrap_or_else(|_| self.host.rules().roster.clone());
        let standing = case.standing(&roster);
        Ok(Shown {
            request: case.body.id.clone(),
            document: case.digest.to_string(),
            state,
            asked_by: case.body.asker.principal.to_string(),
            wish: case.body.wish.summary(),
            expires: interlock_authority::document::timestamp(case.body.expires),
            tally: standing.tally(),
        })
    }

    /// A request with its history.
    ///
    /// # Errors
    /// As [`Approver::shown`].
    pub fn case(&self, id: &str) -> Result<Case, HostError> {
        Case::load(self.host.journal(), id)
    }

    /// Takes a signature over a request's document. INVARIANT ASKER-CANNOT-APPROVE: one that does not count
    /// is refused, and not kept.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn approve(&self, id: &str, armoured: &str) -> Result<Signed, HostError> {
        let case = self.case(id)?;
        self.still_here(&case)?;
        let roster = &case.roster(self.host)?;
        let signer = case.standing(roster).admit(armoured).map_err(|e| refused(&e))?;
        let body = EventBody::Approval {
            request: id.to_owned(),
            document: case.digest,
            person: signer.person.clone(),
            principal: signer.principal.clone(),
            fingerprint: signer.fingerprint.clone(),
            presence: signer.presence,
            signature: armoured.trim().to_owned() + "\n",
        };
        let record = self
            .about(id, body)
            .once(space::APPROVAL, format!("{id}/{}", signer.person))
            .until(Some(case.body.expires.saturating_mul(1000)));
        self.host.journal().write(record).await.map_err(|error| match error {
            WriteError::Taken { .. } => refused(&DeskRefusal::NotCounted {
                person: signer.person.clone(),
                why: interlock_authority::quorum::NotCounted::SamePerson,
            }),
            other => ended(id, other),
        })?;
        let tally = self.case(id)?.standing(roster).tally();
        let missing = if tally.met { String::new() } else { missing(&tally) };
        Ok(Signed { signer, tally, missing })
    }

    /// Turns a request down, for good.
    ///
    /// # Errors
    /// A request that is over.
    pub async fn deny(&self, id: &str, by: &str, reason: &str) -> Result<(), HostError> {
        let case = self.case(id)?;
        case.standing(&self.host.rules().roster).open().map_err(|e| refused(&e))?;
        let (request, by) = (id.to_owned(), by.to_owned());
        let body = EventBody::Denial { request, by, reason: reason.chars().take(1000).collect() };
        let asker = case.body.asker.principal.to_string();
        let record = self.about(id, body).mark(space::DENIED, id).mark(space::TURNED_DOWN, asker);
        self.host.journal().write(record).await.map_err(|e| ended(id, e))
    }

    /// Takes a request back, or an approval that is not used up: what is left of it cannot happen.
    ///
    /// # Errors
    /// A request that is over.
    pub async fn revoke(&self, id: &str, by: &str) -> Result<(), HostError> {
        let case = self.case(id)?;
        match case.standing(&self.host.rules().roster).open() {
            // A run that claimed it may be at work, or what it granted be in force: the rest is stopped.
            Ok(()) | Err(DeskRefusal::Consumed(_) | DeskRefusal::Granted) => {}
            Err(error) => return Err(refused(&error)),
        }
        let body = EventBody::Revocation { request: id.to_owned(), by: by.to_owned() };
        let record = Record::of(Event::alone(body)).mark(space::ABOUT, id).once(space::REVOKED, id);
        self.host.journal().write(record).await.map_err(|e| ended(id, e))
    }

    /// An event about a request that is neither denied, revoked nor used.
    fn about(&self, id: &str, body: EventBody) -> Record {
        Record::of(Event::alone(body))
            .mark(space::ABOUT, id)
            .unless(space::DENIED, id)
            .unless(space::REVOKED, id)
            .unless(space::CLAIM, id)
    }

    /// People agree to what holds here and now: not for another deployment, nor under other rules.
    fn still_here(&self, case: &Case) -> Result<(), HostError> {
        let (host, body) = (self.host, &case.body);
        let deployment = host.journal().deployment();
        let (epoch, grants) = match (&body.wish, body.plugin()) {
            // The rules to come are the ones that stand here now; what they change was looked at with the
            // roster.
            (Wish::Epoch { from, to, .. }, _) => {
                if let Some(part) = to.differences(&host.rules().epoch).first() {
                    return Err(refused(&DeskRefusal::OtherEpoch(*part)));
                }
                (from, body.grants)
            }
            (_, Some(plugin)) => {
                host.seal().whole()?;
                (&host.rules().epoch, host.grants_digest(&plugin.name)?)
            }
            (_, None) => (&host.rules().epoch, body.grants),
        };
        interlock_authority::desk::check_rules(body, deployment, epoch, grants)
            .map_err(|e| refused(&e))
    }
}

/// A refusal of the desk, as the host tells it.
pub(crate) fn refused(refusal: &DeskRefusal) -> HostError {
    HostError::Refused { code: refusal.code(), message: refusal.to_string() }
}

/// A request that ended while somebody was at it.
pub(super) fn ended(id: &str, error: WriteError) -> HostError {
    let over =
        |code, word: &str| HostError::Refused { code, message: format!("request {id} {word}") };
    match error {
        WriteError::Unmet { space, .. } if space == space::DENIED => {
            over("request-denied", "was denied")
        }
        WriteError::Unmet { space, .. } | WriteError::Taken { space, .. }
            if space == space::REVOKED =>
        {
            over("request-revoked", "was revoked")
        }
        WriteError::Unmet { .. } | WriteError::Taken { .. } => over("request-consumed", "was used"),
        WriteError::Late => over("request-expired", "has expired"),
        other => other.into(),
    }
}
