//! What a tool gets: an answer, whatever its status, or why there is none.

use serde::de::DeserializeOwned;

use super::Pair;
use crate::case::cases;

/// Why there is no answer, or an effect did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host refused. The text is `code: one sentence`; nothing was sent.
    Denied(String),
    /// The world moved between looking and acting. Nothing was done.
    Conflict(String),
    /// It was tried and failed. The text is `code: one sentence`.
    Failed(String),
}

cases!(Error {
    Denied => "denied", "denied";
    Conflict => "conflict", "the world moved";
    Failed => "failed", "failed";
});

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// It is UTF-8.
    Text(String),
    /// It is not; the bytes in base64.
    Base64(String),
}

/// A server's answer. A redirect is one too: nobody follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, for example 200.
    pub status: u16,
    /// What describes the answer; names in lower case.
    pub headers: Vec<Pair>,
    /// The content.
    pub content: Content,
}

impl Response {
    /// Whether the status is 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// The content of a successful answer as text.
    ///
    /// # Errors
    /// Another status, or content that is no text.
    pub fn text(&self) -> Result<&str, Error> {
        if !self.is_success() {
            return Err(Error::Failed(format!("status-{0}: the server answered {0}", self.status)));
        }
        match &self.content {
            Content::Text(text) => Ok(text),
            Content::Base64(_) => Err(Error::Failed("not-text: the answer is no text".to_owned())),
        }
    }

    /// The content of a successful answer, read as JSON.
    ///
    /// # Errors
    /// As [`Response::text`], and content that does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.text()?)
            .map_err(|error| Error::Failed(format!("not-as-expected: {error}")))
    }
}
