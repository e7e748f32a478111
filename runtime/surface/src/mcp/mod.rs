//! The agents' surface: MCP. It holds [`interlock::desk::Asker`]s and nothing else of a host, so that no method,
//! tool or resource here has a way to what people alone may do.

mod agent;
mod answer;
pub mod bridge;
pub mod http;
mod progress;
mod resources;
mod schema;
mod server;
mod stdio;
mod tasks;
mod tools;
mod words;

pub use stdio::{serve as serve_stdio, serve_over};
