//! MCP on standard input and output, for one principal: the process is the session. Nothing but the protocol
//! is ever written to standard output; a stray line there ends the connection of most clients.

use super::{agent::Agent, server::AgentServer};
use interlock::{BoxFuture, desk::Asker};
use interlock_protocol::streams::{self, Read, Write};
use std::sync::Arc;

/// How much a client may leave unread before a write waits, in bytes: more than a list of a hundred tools has. No memory
/// until it is written to; but all pipes of a user share 64 MiB of such promises (`pipe-user-pages-soft`, pipe(7)), so it is
/// not the megabyte that anybody may ask for.
const UNREAD: usize = 256 << 10;

/// Serves until the client goes away, or until told to stop.
///
/// # Errors
/// A client that does not speak the protocol.
pub fn serve(asker: Asker, stop: BoxFuture<'_, ()>) -> BoxFuture<'_, Result<(), String>> {
    // Not tokio's own: each of its reads and writes goes through another thread.
    let (read, write) = rmcp::transport::stdio_pipes();
    // Where it is no pipe, or the system wants it smaller, writes wait more often.
    let _ = rustix::pipe::fcntl_setpipe_size(std::io::stdout(), UNREAD);
    serve_over(asker, Box::new(read), Box::new(write), stop)
}

/// Serves one client over any pair of streams, as [`serve`] does over its own.
///
/// # Errors
/// A client that does not speak the protocol.
#[inline(never)]
pub fn serve_over(
    asker: Asker,
    read: Read,
    write: Write,
    stop: BoxFuture<'_, ()>,
) -> BoxFuture<'_, Result<(), String>> {
    Box::pin(async move {
        let server = AgentServer::of(Agent::open(asker).await);
        streams::serve(Arc::new(server), read, write, stop).await
    })
}
