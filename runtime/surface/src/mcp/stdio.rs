//! MCP on standard input and output, for one principal: the process is the session. Nothing but the protocol
//! is ever written to standard output; a stray line there ends the connection of most clients.

use super::{agent::Agent, hello::Brief, server::AgentServer};
use interlock::{BoxFuture, desk::Asker};
use rmcp::{ServiceExt, service::ServerInitializeError, transport::async_rw::AsyncRwTransport};
use tokio::io::{AsyncRead, AsyncWrite};

/// How much a client may leave unread before a write waits, in bytes: more than a list of a hundred tools has. No memory
/// until it is written to; but all pipes of a user share 64 MiB of such promises (`pipe-user-pages-soft`, pipe(7)), so it is
/// not the megabyte that anybody may ask for.
const UNREAD: usize = 256 << 10;
/// The longest message that is read.
const MAX_MESSAGE: usize = 16 << 20;

/// Serves until the client goes away, or until told to stop.
///
/// # Errors
/// A client that does not speak the protocol.
pub fn serve<'a>(
    asker: Asker,
    stop: impl Future<Output = ()> + Send + 'a,
) -> BoxFuture<'a, Result<(), String>> {
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
pub fn serve_over<'a>(
    asker: Asker,
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    stop: impl Future<Output = ()> + Send + 'a,
) -> BoxFuture<'a, Result<(), String>> {
    boxed(asker, read, write, Box::pin(stop))
}

/// Not generic, and therefore compiled here.
#[inline(never)]
fn boxed(
    asker: Asker,
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    stop: BoxFuture<'_, ()>,
) -> BoxFuture<'_, Result<(), String>> {
    Box::pin(serve_streams(asker, read, write, stop))
}

async fn serve_streams(
    asker: Asker,
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    mut stop: BoxFuture<'_, ()>,
) -> Result<(), String> {
    let server = AgentServer::of(Agent::open(asker).await);
    let transport = Brief(AsyncRwTransport::new(read, write).with_max_line_length(MAX_MESSAGE));
    let running = tokio::select! {
        running = server.serve(transport) => running,
        () = &mut stop => return Ok(()),
    };
    let running = match running {
        Ok(running) => running,
        // A client that came and went.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let connection = running.cancellation_token();
    tokio::select! {
        ended = running.waiting() => ended.map(|_| ()).map_err(|e| e.to_string()),
        () = stop => {
            connection.cancel();
            Ok(())
        }
    }
}
