//! One session over a pair of streams, a message a line.

use crate::{BoxFuture, Handler, handler::Served, hello::Brief};
use rmcp::{ServiceExt, service::ServerInitializeError, transport::async_rw::AsyncRwTransport};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// The longest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 16 << 20;

/// Where messages come from.
pub type Read = Box<dyn AsyncRead + Send + Unpin>;
/// Where they go.
pub type Write = Box<dyn AsyncWrite + Send + Unpin>;

/// Serves until the client goes away, or until told to stop.
///
/// # Errors
/// A client that does not speak the protocol.
#[inline(never)]
pub fn serve(
    handler: Arc<dyn Handler>,
    read: Read,
    write: Write,
    stop: BoxFuture<'_, ()>,
) -> BoxFuture<'_, Result<(), String>> {
    Box::pin(serve_until(handler, read, write, stop))
}

async fn serve_until(
    handler: Arc<dyn Handler>,
    read: Read,
    write: Write,
    mut stop: BoxFuture<'_, ()>,
) -> Result<(), String> {
    let transport = Brief(AsyncRwTransport::new(read, write).with_max_line_length(MAX_MESSAGE));
    let running = tokio::select! {
        running = Served(handler).serve(transport) => running,
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
