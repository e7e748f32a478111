//! The built-in capability `interlock:http@0.1.0`: requests to endpoints that the operator of the host named.
//!
//! A plugin says an endpoint and a path below it. Where that is, what may be asked there and with which credential
//! is the operator's configuration; the credential is never here. On the developer's machine the same functions meet
//! [`crate::testing::Fake`].
//!
//! ```
//! use interlock_guest::http::{Body, Request, fetch, send};
//! use interlock_guest::testing::Fake;
//!
//! let fake = Fake::new().answers("status", "incidents", 200, r#"[{"id": "7"}]"#).install();
//! let open = fetch::get(Request::to("status", "incidents").query("state", "open")).unwrap();
//! assert!(open.is_success());
//! send::post(("status", "incidents/7/updates"), Body::json(&"mended").unwrap()).unwrap();
//! assert_eq!(fake.effects(), [r#"post(status, incidents, 7, updates, "mended")"#]);
//! ```

#[cfg(target_family = "wasm")]
mod convert;
pub mod fetch;
pub mod remove;
mod request;
mod response;
pub mod send;

pub use request::{Body, Pair, Request};
pub use response::{Content, Error, Response};

/// From the types of the other side, the host's or the fake's (which are already ours).
fn ours<T, U, E>(answer: Result<T, E>) -> Result<U, Error>
where
    U: From<T>,
    Error: From<E>,
{
    Ok(answer?.into())
}

/// To the types of the other side.
fn theirs<U: From<Pair>>(pairs: Vec<Pair>) -> Vec<U> {
    pairs.into_iter().map(U::from).collect()
}

fn sent<U: From<Body>>(body: Option<Body>) -> Option<U> {
    body.map(U::from)
}
