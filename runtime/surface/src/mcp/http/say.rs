//! Answers that are not the protocol's: a code and a sentence as JSON, and nothing of the host.

use super::Answer;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

/// A value.
pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string())).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal.
pub(super) fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, &json!({"code": code, "message": message}))
}

/// Nobody that is known here.
pub(super) fn unauthorized() -> Answer {
    let mut response = refused(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "a bearer token of this host is needed; it may be unknown, over or revoked",
    );
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Too much of one principal.
pub(super) fn too_many(code: &str, message: &str, seconds: u64) -> Answer {
    let mut response = refused(StatusCode::TOO_MANY_REQUESTS, code, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
