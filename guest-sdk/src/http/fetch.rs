//! Looking. Class `read`: nothing here changes anything, as far as the server keeps to what a GET is.
//!
//! Both functions fail with [`Error::Denied`] where the host or the endpoint refuses, and with [`Error::Failed`]
//! where there is no answer. An answer of any status is an answer.

use super::{Error, Request, Response, ours, theirs};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::http::fetch as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::fetch as host;

/// The interface's full name, for `#[tool(uses(fetch))]`.
pub const INTERFACE: &str = "interlock:http/fetch@0.1.0";

/// Gets what is there.
///
/// # Errors
/// As the module says.
pub fn get(request: impl Into<Request>) -> Result<Response, Error> {
    let Request { endpoint, path, query, headers } = request.into();
    ours(host::get(&endpoint, &path, &theirs(query), &theirs(headers)))
}

/// The same without its content.
///
/// # Errors
/// As the module says.
pub fn head(request: impl Into<Request>) -> Result<Response, Error> {
    let Request { endpoint, path, query, headers } = request.into();
    ours(host::head(&endpoint, &path, &theirs(query), &theirs(headers)))
}
