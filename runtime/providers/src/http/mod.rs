//! The capability `interlock:http@0.1.0`: requests to endpoints that the operator named. A plugin says an endpoint
//! and a path below it; where that is, what may be asked there and with which credential is configuration, so
//! neither a plugin nor an agent can name a host.
//!
//! What stops what: a URL has one reading (`place.rs`, `path.rs`); a request is held to the endpoint's methods,
//! paths, queries and headers before anything is sent, and what frames a request or names who asks is nobody's to set
//! (`request.rs`, `header.rs`); a name is resolved once, each address of the answer is judged, and the
//! connection goes to the very address that was judged (`connect.rs`, `address.rs`); nothing follows redirects,
//! asks the environment for proxies, decompresses or is used twice (`exchange.rs`); answers are bounded while they
//! come, and secrets are taken out of them (`answer.rs`); what an effect would do is said without sending it
//! (`effect.rs`), and the same wish, approved twice, happens once (`counter.rs`, or the server's own ETag).

mod address;
mod answer;
mod catalogue;
mod connect;
mod counter;
mod effect;
mod endpoint;
mod exchange;
mod header;
mod path;
mod place;
mod provider;
mod request;
mod trouble;

pub use address::{Kind, Private, Range};
pub use catalogue::{PROVIDER, catalogue};
pub use connect::{Resolver, SystemResolver};
pub use endpoint::{
    BadEndpoint, Credential, Endpoint, EndpointSettings, MAX_REQUEST, MAX_RESPONSE, Revisions,
};
pub use header::{Named, named};
pub use place::{BadPlace, HostName, Place};
pub use provider::HttpProvider;
