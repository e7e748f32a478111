//! Headers that a plugin asks for. What frames a request, names who asks, says where it goes or changes what it does
//! is never a plugin's to set, whatever the configuration says; of the rest it sets what the endpoint lists.

use hyper::header::{HeaderName, HeaderValue};

/// The longest value of a header, in bytes.
const LONGEST: usize = 1024;

/// What a name of a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// No name of a header at all, or not in lower case.
    Bad,
    /// One that only the host sets.
    Forbidden,
    /// One that an endpoint may list.
    Open,
}

/// Set by the host, or by nobody: framing (request smuggling), hops, who asks, where to, and what another method or
/// path would be meant. A condition on a resource's state is the host's too: it is the revision of an effect.
const FORBIDDEN: &[&str] = &[
    "accept-charset",
    "accept-encoding",
    "authentication-info",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
    "true-client-ip",
    "cf-connecting-ip",
    "client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
];

/// Whole families of them.
const FORBIDDEN_FAMILIES: &[&str] =
    &["proxy-", "sec-", "if-", "access-control-", "x-forwarded", "x-amz-", "x-goog-", "x-ms-"];

/// What a name of a header is.
pub fn named(name: &str) -> Named {
    // One spelling: in lower case, and with `-` alone between letters and digits, because `_` becomes `-` in some
    // servers.
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Named::Bad;
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.ends_with('-') {
        return Named::Bad;
    }
    let family = FORBIDDEN_FAMILIES.iter().any(|family| name.starts_with(family));
    if family || FORBIDDEN.contains(&name) { Named::Forbidden } else { Named::Open }
}

/// A value that a plugin chose: visible ASCII and inner spaces, so that no line ends in it.
pub(super) fn value(text: &str) -> Option<HeaderValue> {
    let visible = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let trimmed = text.trim_ascii() == text && !text.is_empty() && text.len() <= LONGEST;
    if visible && trimmed { HeaderValue::from_str(text).ok() } else { None }
}

/// The name for a request.
pub(super) fn name(text: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(text.as_bytes()).ok()
}
