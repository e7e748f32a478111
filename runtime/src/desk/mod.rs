//! The approval desk. Two sides, and no surface that an agent can reach holds the second: the asker's side
//! (`ask`, [`Asker`], and the check before a run applies) only writes requests and reads what became of its own; the
//! approver's side ([`Approver`]) takes signatures.

mod accept;
mod approver;
mod ask;
mod asker;
mod case;
mod elevate;
mod own;

pub use accept::{Acceptance, accept};
pub use approver::{Approver, Shown, Signed};
pub(crate) use ask::{Asked, ask};
pub use asker::{Answer, Asker, Askers, Offers, Wish};
pub use case::Case;
pub(crate) use elevate::in_force;
pub use elevate::{Elevate, Elevating, Elevation, elevate, elevations};
pub use own::{OwnRequest, RunTold};

use interlock_authority::{Digest, document, request, request::RequestBody};
use serde::Serialize;

/// What the asker is told while people decide.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// The request, a ULID.
    pub request: String,
    /// The digest that the document shows.
    pub document: Digest,
    /// When the request ends, RFC 3339.
    pub expires: String,
    /// Who must approve.
    pub needs: String,
    /// One paragraph for the asker.
    pub message: String,
}

impl Waiting {
    pub(crate) fn of(body: &RequestBody) -> Result<Self, crate::HostError> {
        let needs = body.needs.sentence();
        let expires = document::timestamp(body.expires);
        let again = match &body.wish {
            request::Wish::Plan { .. } => "Call again with the same arguments and this request id",
            request::Wish::Elevation { .. } | request::Wish::Epoch { .. } => {
                "Run the same command again"
            }
        };
        let wish = body.wish.summary();
        let message =
            format!("Nothing has been done. {needs} must approve {wish}. {again} once they have.");
        let (request, document) = (body.id.clone(), body.digest()?);
        Ok(Self { request, document, expires, needs, message })
    }
}
