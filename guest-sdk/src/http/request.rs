//! What a tool asks for: an endpoint, a path, and what goes with them. Nothing here is encoded or checked; the host
//! does both, and refuses with a code.

use serde::Serialize;

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request without its method and its body. `("status", "incidents")` is one, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) endpoint: String,
    pub(super) path: String,
    pub(super) query: Vec<Pair>,
    pub(super) headers: Vec<Pair>,
}

impl Request {
    /// A path below an endpoint.
    #[must_use]
    pub fn to(endpoint: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds a name and a value to the query. The host encodes both.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push(Pair { name: name.into(), value: value.into() });
        self
    }

    /// Adds a header, in lower case: one that the endpoint allows.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Pair { name: name.into(), value: value.into() });
        self
    }
}

impl<E: Into<String>, P: Into<String>> From<(E, P)> for Request {
    fn from((endpoint, path): (E, P)) -> Self {
        Self::to(endpoint, path)
    }
}

/// What is sent. It is text, because people may have to read it before it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// `application/json`, for example.
    pub content_type: String,
    /// All of it.
    pub text: String,
}

impl Body {
    /// A value as JSON.
    ///
    /// # Errors
    /// A value that JSON cannot write.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(value)?;
        Ok(Self { content_type: "application/json".to_owned(), text })
    }
}
