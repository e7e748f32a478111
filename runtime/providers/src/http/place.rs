//! Where an endpoint is: scheme, host, port and base path, read from its URL once, by rules that leave nothing to
//! read differently. The same bytes of a host go to the resolver, into TLS and into the `host` header, so that there
//! is no spelling that one of them takes for something else: no user, no NUL, no `%`, no trailing dot, no second
//! notation of an address, no letters that are not ASCII.

use super::path::{is_segment_of_path, segments};
use std::{fmt, net::IpAddr};

/// A host as it was parsed: the only form in which one exists here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// A name of the domain name system, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// The host.
    pub host: HostName,
    /// The port.
    pub port: u16,
    /// The path that every request begins with, as segments.
    pub base: Vec<String>,
}

/// What is wrong with a URL: a code that never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPlace {
    /// Neither `https://` nor `http://`, in lower case.
    Scheme,
    /// A character that no URL of ours has.
    Character,
    /// A user or a password.
    User,
    /// No host, or one that is not a name in lower case.
    Host,
    /// An address in another notation than its own, or with a scope.
    Address,
    /// A port that is none.
    Port,
    /// A query or a fragment.
    Query,
    /// A base path with a segment that is empty, `.`, `..` or encoded.
    Path,
}

impl BadPlace {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Character => "character",
            Self::User => "user",
            Self::Host => "host",
            Self::Address => "address",
            Self::Port => "port",
            Self::Query => "query",
            Self::Path => "path",
        }
    }

    /// What to write.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Scheme => "a URL begins with `https://` or `http://`",
            Self::Character => "a URL has visible ASCII characters, and no `%`, `\\` or quotes",
            Self::User => "a URL has no user; use `credential`",
            Self::Host => {
                "a host is a name in lower case, of letters, digits and `-` between dots, whose last part begins with a letter"
            }
            Self::Address => {
                "an address is in its own notation, such as `192.0.2.7` or `[2001:db8::7]`"
            }
            Self::Port => "a port is a number from 1 to 65535",
            Self::Query => "a URL has no query and no fragment",
            Self::Path => {
                "a base path has plain segments: letters, digits and `._~@:+,=-`, none of them empty, `.` or `..`"
            }
        }
    }
}

/// Whether a text is a part of a name: letters, digits and inner `-`.
fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| plain(b) || b == b'-')
        && text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
}

impl HostName {
    /// Reads a host, a bracketed IPv6 address included.
    ///
    /// # Errors
    /// What it is not.
    pub fn parse(text: &str) -> Result<Self, BadPlace> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(BadPlace::Address)?;
            let address: std::net::Ipv6Addr = inner.parse().map_err(|_| BadPlace::Address)?;
            let canonical = address.to_string() == inner;
            return canonical.then_some(Self::Address(address.into())).ok_or(BadPlace::Address);
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        // What ends in a number is an address to every resolver, in notations that only some of them know.
        if last.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
            let address: std::net::Ipv4Addr = text.parse().map_err(|_| BadPlace::Address)?;
            let canonical = address.to_string() == text;
            return canonical.then_some(Self::Address(address.into())).ok_or(BadPlace::Address);
        }
        if text.len() <= 253 && text.split('.').all(is_label) {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(BadPlace::Host)
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl Place {
    /// Reads a URL.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(url: &str) -> Result<Self, BadPlace> {
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(BadPlace::Scheme),
        };
        let odd = |b: u8| !b.is_ascii_graphic() || b"%\\\"'<>^`{|}".contains(&b);
        if rest.bytes().any(odd) {
            return Err(BadPlace::Character);
        }
        if rest.contains(['?', '#']) {
            return Err(BadPlace::Query);
        }
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
        if authority.contains('@') {
            return Err(BadPlace::User);
        }
        let (host, port) = split_port(authority)?;
        let base = match path {
            None | Some("") => Vec::new(),
            Some(path) => segments(path.strip_suffix('/').unwrap_or(path)).ok_or(BadPlace::Path)?,
        };
        debug_assert!(base.iter().all(|segment| is_segment_of_path(segment)));
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host: HostName::parse(host)?, port, base })
    }

    /// Host and port as a request names them: the port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == if self.tls { 443 } else { 80 } {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), BadPlace> {
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority.get(after_host..).and_then(|rest| rest.find(':')) else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at_checked(after_host + colon).ok_or(BadPlace::Host)?;
    let digits = port.strip_prefix(':').unwrap_or_default();
    let number = digits.parse::<u16>().ok().filter(|n| *n > 0 && n.to_string() == digits);
    number.map(|number| (host, Some(number))).ok_or(BadPlace::Port)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())?;
        self.base.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}
