//! The server's side of MCP. What speaks the protocol is rmcp's; here it is put behind pointers, so that it is compiled
//! once, for whatever answers: whoever serves gives a [`Handler`], and has it asked over [`streams`] or over
//! [`http`]. Nothing here knows what a tool, a principal or a host is.
#![forbid(unsafe_code)]

mod handler;
pub mod hello;
pub mod http;
pub mod streams;

pub use futures_core::future::BoxFuture;
pub use handler::Handler;
