//! One request, made of a call and held to its endpoint: what is not listed there is refused before anything is
//! looked up, resolved or sent. Values of a query are encoded here and nowhere else; a body is text.

use super::{
    endpoint::Endpoint,
    header::{self, Named, named},
    path::segments,
};
use crate::ProviderFault;
use hyper::{
    Method,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};
use interlock_authority::catalogue::ResolvedCall;
use serde_json::Value;

/// The longest path with its query, in bytes, as they are sent: longer ones cannot be written as a request at all.
const MAX_TARGET: usize = 65_534;

/// A request that its endpoint allows.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query, as they are sent.
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<(HeaderValue, Bytes)>,
    /// The bytes that the plugin chose, but for the body.
    pub(super) chosen: u64,
}

pub(super) fn denied<T>(
    rule: &'static str,
    problem: impl Into<String>,
) -> Result<T, ProviderFault> {
    Err(ProviderFault::Denied { rule, problem: problem.into() })
}

/// The method of a function.
pub(super) fn method(call: &ResolvedCall) -> Option<Method> {
    Some(match (call.interface().interface(), call.function()) {
        ("fetch", "get") => Method::GET,
        ("fetch", "head") => Method::HEAD,
        ("send", "post") => Method::POST,
        ("send", "put") => Method::PUT,
        ("send", "patch") => Method::PATCH,
        ("remove", "delete") => Method::DELETE,
        _ => return None,
    })
}

impl Request {
    /// The request of a call.
    ///
    /// # Errors
    /// What the endpoint does not allow.
    pub(super) fn of(
        endpoint: &Endpoint,
        method: Method,
        call: &ResolvedCall,
    ) -> Result<Self, ProviderFault> {
        let name = call.text("endpoint").unwrap_or_default();
        if !endpoint.allows_method(&method) {
            return denied(
                "method-not-allowed",
                format!("the endpoint `{name}` takes no {method}"),
            );
        }
        let text = call.text("path").unwrap_or_default();
        let Some(path) = segments(text) else {
            return denied(
                "bad-path",
                "a path has segments of letters, digits and `._~@:+,=-`, none of them empty, `.` or `..`",
            );
        };
        if !endpoint.fits(&path) {
            let problem = format!("the endpoint `{name}` does not allow the path `{text}`");
            return denied("path-not-allowed", problem);
        }
        let mut chosen = text.len() as u64;
        let mut target = String::new();
        for segment in endpoint.place.base.iter().chain(&path) {
            target.push('/');
            target.push_str(segment);
        }
        let pairs = pairs(call, "query");
        chosen += pairs.iter().map(|(n, v)| (n.len() + v.len()) as u64).sum::<u64>();
        query(endpoint, &pairs, &mut target)?;
        if target.len() > MAX_TARGET {
            let problem =
                format!("a path with its query has at most {MAX_TARGET} bytes, as they are sent");
            return denied("target-too-long", problem);
        }
        let pairs = self::pairs(call, "headers");
        chosen += pairs.iter().map(|(n, v)| (n.len() + v.len()) as u64).sum::<u64>();
        let headers = headers(endpoint, &pairs)?;
        let body = body(endpoint, call)?;
        Ok(Self { method, target, headers, body, chosen })
    }
}

/// A list of pairs among the arguments. The host's WIT makes sure of its shape.
fn pairs<'c>(call: &'c ResolvedCall, name: &str) -> Vec<(&'c str, &'c str)> {
    let text = |pair: &'c Value, key| pair.get(key).and_then(Value::as_str).unwrap_or_default();
    let list = call.arguments().get(name).and_then(Value::as_array);
    list.into_iter().flatten().map(|pair| (text(pair, "name"), text(pair, "value"))).collect()
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(b.into()),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
}

fn query(
    endpoint: &Endpoint,
    pairs: &[(&str, &str)],
    target: &mut String,
) -> Result<(), ProviderFault> {
    for (at, (name, value)) in pairs.iter().enumerate() {
        let shown = name.chars().take(60).flat_map(char::escape_default).collect::<String>();
        let Some(most) = endpoint.query.get(*name) else {
            return denied("query-not-allowed", format!("the endpoint allows no query `{shown}`"));
        };
        if value.len() as u64 > *most {
            let problem = format!("the query `{shown}` may have {most} bytes");
            return denied("query-too-long", problem);
        }
        if value.chars().any(char::is_control) {
            return denied("bad-query", format!("the query `{shown}` has a control character"));
        }
        // Which of two a server takes is known to that server.
        if pairs.iter().take(at).any(|(earlier, _)| earlier == name) {
            return denied("query-repeated", format!("the query `{shown}` is there twice"));
        }
        target.push(if at == 0 { '?' } else { '&' });
        encode(name, target);
        target.push('=');
        encode(value, target);
    }
    Ok(())
}

fn headers(
    endpoint: &Endpoint,
    pairs: &[(&str, &str)],
) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderFault> {
    let mut all: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, text) in pairs {
        let shown: String = name.chars().take(60).flat_map(char::escape_default).collect();
        // In any case: who writes `Authorization` is told what it is, and not how it is spelled.
        match named(&name.to_ascii_lowercase()) {
            Named::Forbidden => {
                let problem =
                    format!("the header `{shown}` is set by the host alone, or by nobody");
                return denied("header-forbidden", problem);
            }
            Named::Open if endpoint.headers.contains(*name) => {}
            Named::Open => {
                let problem = format!("the endpoint does not allow the header `{shown}`");
                return denied("header-not-allowed", problem);
            }
            Named::Bad => {
                let problem = format!("`{shown}` is no name of a header in lower case");
                return denied("bad-header", problem);
            }
        }
        let (Some(name), Some(value)) = (header::name(name), header::value(text)) else {
            let problem = format!(
                "the value of `{shown}` is not visible ASCII, is empty, or has more than 1024 bytes"
            );
            return denied("bad-header", problem);
        };
        if all.iter().any(|(earlier, _)| *earlier == name) {
            return denied("header-repeated", format!("the header `{shown}` is there twice"));
        }
        all.push((name, value));
    }
    Ok(all)
}

fn body(
    endpoint: &Endpoint,
    call: &ResolvedCall,
) -> Result<Option<(HeaderValue, Bytes)>, ProviderFault> {
    let Some(Value::Object(body)) = call.arguments().get("body") else { return Ok(None) };
    let text = |key| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let (content_type, text) = (text("content-type"), text("text"));
    let typed = endpoint.content_types.contains(content_type).then(|| header::value(content_type));
    let Some(Some(content_type)) = typed else {
        let shown: String = content_type.chars().take(60).flat_map(char::escape_default).collect();
        let problem = format!("the endpoint takes no body of the type `{shown}`");
        return denied("content-type-not-allowed", problem);
    };
    if text.len() as u64 > endpoint.request {
        let problem = format!("a body for the endpoint may have {} bytes", endpoint.request);
        return denied("body-too-large", problem);
    }
    Ok(Some((content_type, Bytes::copy_from_slice(text.as_bytes()))))
}
