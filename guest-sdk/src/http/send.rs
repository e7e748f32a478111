//! Changing. Class `change`. What the server acknowledges has no other result: a plan is made of what is known
//! before, and what a server will answer is not. Give what is made a name of your own (PUT), or look for it later.
//!
//! Every function fails with [`Error::Denied`] where the host or the endpoint refuses and with [`Error::Conflict`]
//! where the world moved; in both nothing was sent. [`Error::Failed`] begins with `status-404` and the like where
//! the server refused.

use super::{Body, Error, Request, ours, sent, theirs};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::http::send as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::send as host;

/// The interface's full name, for `#[tool(uses(send))]`.
pub const INTERFACE: &str = "interlock:http/send@0.1.0";

/// A POST request.
///
/// # Errors
/// As the module says.
pub fn post(request: impl Into<Request>, body: impl Into<Option<Body>>) -> Result<(), Error> {
    let Request { endpoint, path, query, headers } = request.into();
    let body = sent(body.into());
    ours(host::post(&endpoint, &path, &theirs(query), &theirs(headers), body.as_ref()))
}

/// A PUT request.
///
/// # Errors
/// As the module says.
pub fn put(request: impl Into<Request>, body: impl Into<Option<Body>>) -> Result<(), Error> {
    let Request { endpoint, path, query, headers } = request.into();
    let body = sent(body.into());
    ours(host::put(&endpoint, &path, &theirs(query), &theirs(headers), body.as_ref()))
}

/// A PATCH request.
///
/// # Errors
/// As the module says.
pub fn patch(request: impl Into<Request>, body: impl Into<Option<Body>>) -> Result<(), Error> {
    let Request { endpoint, path, query, headers } = request.into();
    let body = sent(body.into());
    ours(host::patch(&endpoint, &path, &theirs(query), &theirs(headers), body.as_ref()))
}
