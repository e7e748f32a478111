//! A request with all that became of it, read from proven leaves: an edited row, in whatever table, is
//! either found out here or changes nothing.

use crate::{
    HostError,
    record::{Journal, Told},
};
use interlock_authority::{Digest, document, request::RequestBody};

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
    pub history: Vec<Told>,
    /// When the history was read, unix seconds, never earlier than its newest leaf.
    pub now: u64,
}

impl Case {
    /// Reads a request.
    ///
    /// # Errors
    /// No such request (`request-unknown`), or a leaf that is not as it was written.
    pub fn load(journal: &Journal, id: &str) -> Result<Self, HostError> {
        let history = journal.about(id)?;
        let edited = |message: String| HostError::Integrity { code: "request-edited", message };
        let Some(asked) = history.first() else {
            return Err(HostError::Refused {
                code: "request-unknown",
                message: format!("there is no request `{}`", id.escape_default()),
            });
        };
        if asked.event.is_none() {
            let message = format!("the text of request {id} was erased; it can no longer be approved");
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
        let now = journal.now_ms() / 1000;
        Ok(Self { body, digest, document, history, now })
    }

    /// The leaves of one kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Told> {
        self.history.iter().filter(move |told| told.kind == kind)
    }
}
