//! Between the generated types and ours. A field that the WIT gains or loses fails to compile here.

use super::{Body, Content, Error, Pair, Response};
use crate::bindings::capabilities::interlock::http::types as wit;

impl From<Pair> for wit::Pair {
    fn from(Pair { name, value }: Pair) -> Self {
        Self { name, value }
    }
}

impl From<Body> for wit::Body {
    fn from(Body { content_type, text }: Body) -> Self {
        Self { content_type, text }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::Conflict(text) => Self::Conflict(text),
            wit::Error::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<wit::Response> for Response {
    fn from(response: wit::Response) -> Self {
        let wit::Response { status, headers, content } = response;
        let headers =
            headers.into_iter().map(|wit::Pair { name, value }| Pair { name, value }).collect();
        let content = match content {
            wit::Content::Text(text) => Content::Text(text),
            wit::Content::Base64(text) => Content::Base64(text),
        };
        Self { status, headers, content }
    }
}
