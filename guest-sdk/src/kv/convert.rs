//! Between the generated types and ours. A field that the WIT gains or loses fails to compile here.

use super::{Error, Page};
use crate::bindings::capabilities::interlock::kv::types as wit;

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::Conflict(text) => Self::Conflict(text),
            wit::Error::Full(text) => Self::Full(text),
            wit::Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<wit::Page> for Page {
    fn from(wit::Page { keys, more }: wit::Page) -> Self {
        Self { keys, more }
    }
}
