//! From the generated types to ours. A field that the WIT gains or loses fails to compile here.

use super::types::{Entry, Error, Info, Kind, Listing};
use crate::bindings::capabilities::interlock::files::types as wit;

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::NotFound(text) => Self::NotFound(text),
            wit::Error::Invalid(text) => Self::Invalid(text),
            wit::Error::Conflict(text) => Self::Conflict(text),
            wit::Error::Full(text) => Self::Full(text),
            wit::Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<wit::Kind> for Kind {
    fn from(kind: wit::Kind) -> Self {
        match kind {
            wit::Kind::File => Self::File,
            wit::Kind::Folder => Self::Folder,
            wit::Kind::Other => Self::Other,
        }
    }
}

impl From<wit::Listing> for Listing {
    fn from(listing: wit::Listing) -> Self {
        let wit::Listing { entries, more } = listing;
        let entry = |entry: wit::Entry| {
            let wit::Entry { name, kind, size } = entry;
            Entry { name, kind: kind.into(), size }
        };
        Self { entries: entries.into_iter().map(entry).collect(), more }
    }
}

impl From<wit::Info> for Info {
    fn from(info: wit::Info) -> Self {
        let wit::Info { kind, size, modified } = info;
        Self { kind: kind.into(), size, modified }
    }
}
