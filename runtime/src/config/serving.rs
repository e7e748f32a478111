//! How agents are served over HTTP: `[serve]`. What is left out is the narrowest: loopback only, no browser,
//! and limits that one agent cannot use up for the others.

use super::{Reader, people, raw::RawServe};
use crate::HostError;
use std::net::{Ipv4Addr, SocketAddr};

/// How agents are served over HTTP.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Where agents connect.
    pub listen: SocketAddr,
    /// The names, or `name:port`, that a request may be for, besides loopback.
    pub hosts: Vec<String>,
    /// The web origins that may ask; a browser elsewhere is refused.
    pub origins: Vec<String>,
    /// The most requests of one principal in `rate_seconds`.
    pub rate: u64,
    /// The window of `rate`.
    pub rate_seconds: u64,
    /// The most requests of one principal at the same time.
    pub concurrent: u32,
    /// Where a monitoring system reads numbers; nowhere, if nothing is said.
    pub metrics: Option<SocketAddr>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7420)),
            hosts: Vec::new(),
            origins: Vec::new(),
            rate: 6_000,
            rate_seconds: 60,
            concurrent: 32,
            metrics: None,
        }
    }
}

/// Checks what was typed.
///
/// # Errors
/// The first thing that means nothing.
pub(super) fn check(reader: &Reader<'_>, raw: &RawServe) -> Result<Serving, HostError> {
    let mut serving = Serving::default();
    if let Some(at) = &raw.listen {
        serving.listen = at
            .get_ref()
            .parse()
            .map_err(|_| reader.error(at, "an address to listen on is such as `127.0.0.1:7420`"))?;
    }
    for at in &raw.hosts {
        let host = at.get_ref();
        if host.is_empty() || host.contains(['/', '*', ' ']) {
            return Err(reader.error(at, "a host is a name, or `name:port`, without a scheme"));
        }
        serving.hosts.push(host.clone());
    }
    for at in &raw.origins {
        let origin = at.get_ref();
        if !origin.starts_with("https://") && !origin.starts_with("http://") {
            return Err(reader
                .error(at, "an origin has a scheme, such as `https://console.example.com:443`"));
        }
        serving.origins.push(origin.clone());
    }
    if let Some(at) = &raw.rate {
        serving.rate = at.get_ref().count;
        serving.rate_seconds = people::seconds(reader, &at.get_ref().per)?;
        if serving.rate == 0 {
            return Err(reader.error(at, "a rate of 0 serves nobody"));
        }
    }
    if let Some(at) = &raw.concurrent {
        serving.concurrent = *at.get_ref();
        if serving.concurrent == 0 {
            return Err(reader.error(at, "0 at the same time serves nobody"));
        }
    }
    if let Some(at) = &raw.metrics {
        let address: SocketAddr = at
            .get_ref()
            .parse()
            .map_err(|_| reader.error(at, "an address to listen on is such as `127.0.0.1:7421`"))?;
        // Two listeners on one address would be one, and agents would read what is not for them.
        if address == serving.listen && address.port() != 0 {
            return Err(
                reader.error(at, "numbers are not on the agents' listener; name another port")
            );
        }
        serving.metrics = Some(address);
    }
    Ok(serving)
}
