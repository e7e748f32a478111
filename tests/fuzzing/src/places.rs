//! Where requests go: URLs of endpoints and of a bridge, hosts, addresses, paths below an endpoint.

use crate::{bytes::Bytes, must};
use interlock::providers::http::{
    Endpoint, EndpointSettings, HostName, Kind, Named, Place, Private, named,
};
use interlock_surface::mcp::bridge::Bridge;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A URL has one reading or none; an address that is not public is refused in whatever clothes; a path that is allowed
/// has nothing to decode and nothing that climbs.
pub(crate) fn http_places(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    address(IpAddr::V4(Ipv4Addr::from_bits(bytes.u64() as u32)));
    address(IpAddr::V6(Ipv6Addr::from_bits(
        u128::from(bytes.u64()) << 64 | u128::from(bytes.u64()),
    )));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, path) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(place) = Place::parse(url) {
        let written = place.to_string();
        assert_eq!(Place::parse(&written).as_ref(), Ok(&place), "{url} is read as {written}");
        host(&place.host, url);
        assert!(place.port > 0);
        // A second reading: scheme, authority up to the first slash, port after the last colon outside of brackets.
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        assert_eq!(scheme, if place.tls { "https" } else { "http" });
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.strip_suffix(&format!(":{}", place.port)).unwrap_or(authority);
        assert_eq!(place.host.to_string(), host, "{url}");
        let clean = |c: char| c.is_ascii_graphic() && !"?#%\\".contains(c);
        assert!(url.chars().all(clean) && !authority.contains('@'), "{url}");
        assert!(place.base.iter().all(|segment| is_segment(segment)), "{url}");
    }
    let settings = EndpointSettings {
        paths: vec!["a/{id}/c".into(), "open/{rest...}".into()],
        ..EndpointSettings::at(url)
    };
    if let Ok(endpoint) = Endpoint::new(settings) {
        if let Ok(Place { host: HostName::Address(address), .. }) = Place::parse(url) {
            assert_eq!(Kind::of(address), Kind::Public, "{url}");
        }
        let parts: Vec<&str> = path.split('/').collect();
        let fits = match parts.as_slice() {
            ["a", id, "c"] => is_segment(id),
            ["open", rest @ ..] => !rest.is_empty() && rest.iter().all(|part| is_segment(part)),
            _ => false,
        };
        assert_eq!(endpoint.allows_path(path), fits && path.len() <= 1024, "{path:?}");
    }
    if named(text) == Named::Open {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(text.bytes().all(plain));
        let framing = [
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "te",
            "authorization",
            "cookie",
        ];
        assert!(!framing.contains(&text), "{text}");
        assert!(
            !["proxy-", "if-", "x-forwarded", "sec-"].iter().any(|family| text.starts_with(family)),
            "{text}"
        );
    }
}

fn is_segment(text: &str) -> bool {
    let length = (1..=128).contains(&text.len());
    length
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._~@:+,=-".contains(c))
        && text.chars().any(|c| c != '.')
}

fn host(host: &HostName, url: &str) {
    let HostName::Name(name) = host else { return };
    assert!(name.len() <= 253 && name.parse::<IpAddr>().is_err(), "{url}");
    for label in name.split('.') {
        let plain = label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let length = (1..=63).contains(&label.len());
        assert!(plain && length && !label.starts_with('-') && !label.ends_with('-'), "{url}");
    }
    assert!(
        !name.rsplit('.').next().unwrap_or_default().starts_with(|c: char| c.is_ascii_digit()),
        "{url}"
    );
}

/// Ranges that nobody may be sent to, apart from the code that knows them.
const INSIDE: &[(&str, u32)] = &[
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("198.18.0.0", 15),
    ("224.0.0.0", 4),
    ("240.0.0.0", 4),
];

fn address(address: IpAddr) {
    let inside = |v4: Ipv4Addr| {
        INSIDE.iter().any(|(first, length)| {
            let first: Ipv4Addr = must(first.parse(), "a range");
            (v4.to_bits() ^ first.to_bits()) >> (32 - length) == 0
        })
    };
    let public = Private::No.allows(address);
    assert_eq!(public, Kind::of(address) == Kind::Public);
    assert!(!public || Private::Own.allows(address));
    match address {
        IpAddr::V4(v4) => {
            assert!(!(public && inside(v4)), "{v4}");
            // In no clothes of an IPv6 address is it public.
            let (high, low) = (v4.to_bits() >> 16, v4.to_bits() & 0xffff);
            for text in [
                format!("::ffff:{v4}"),
                format!("::{v4}"),
                format!("64:ff9b::{v4}"),
                format!("2002:{high:x}:{low:x}::1"),
                format!("::ffff:0:{v4}"),
            ] {
                let dressed: IpAddr = must(text.parse(), &text);
                assert!(
                    !Private::Own.allows(dressed) || dressed == IpAddr::V6(Ipv6Addr::LOCALHOST),
                    "{text}"
                );
            }
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            assert!(!public || (0x2000..0x4000).contains(&first) && first != 0x2002, "{v6}");
        }
    }
}

/// The token leaves this machine for nobody: a URL that is taken has a loopback address in its own notation, or
/// `localhost`, and a port or none.
pub(crate) fn bridge_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if Bridge::to(text, "token".to_owned()).is_err() {
        return;
    }
    let rest = text.strip_prefix("http://");
    assert!(rest.is_some(), "{text:?} is not http");
    let authority = rest.unwrap_or_default().split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok_and(|n| n.to_string() == port) => host,
        _ => authority,
    };
    let v4 = host.parse::<Ipv4Addr>().is_ok_and(|v4| v4.is_loopback() && v4.to_string() == host);
    assert!(
        v4 || host == "localhost" || host == "[::1]",
        "the token would go to {host:?} of {text:?}"
    );
}
