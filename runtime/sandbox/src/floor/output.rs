//! Standard output and error of a plugin: kept up to a bound, then counted. A flood never blocks the
//! plugin, never grows the host, and never reaches a terminal from here.

use crate::report::Captured;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi_io::{
    bytes::Bytes,
    poll::Pollable,
    streams::{OutputStream, StreamResult},
};

/// How much a plugin may write in one call; it may write again at once.
const CHUNK: usize = 64 << 10;

/// One captured stream. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct CapturedStream {
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    bytes: Vec<u8>,
    cap: usize,
    dropped: u64,
}

impl CapturedStream {
    /// Keeps at most `cap` bytes.
    pub(crate) fn new(cap: u64) -> Self {
        let cap = usize::try_from(cap).unwrap_or(usize::MAX);
        Self { kept: Arc::new(Mutex::new(Kept { bytes: Vec::new(), cap, dropped: 0 })) }
    }

    fn take(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = kept.cap.saturating_sub(kept.bytes.len());
        let (keep, drop) = bytes.split_at(room.min(bytes.len()));
        kept.bytes.extend_from_slice(keep);
        kept.dropped = kept.dropped.saturating_add(drop.len() as u64);
    }

    /// What was written so far.
    pub(crate) fn captured(&self) -> Captured {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Captured {
            text: String::from_utf8_lossy(&kept.bytes).into_owned(),
            dropped_bytes: kept.dropped,
        }
    }
}

impl IsTerminal for CapturedStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for CapturedStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for CapturedStream {
    async fn ready(&mut self) {
        // A loop of writes and polls must let the run's timeout have its turn.
        tokio::task::yield_now().await;
    }
}

impl OutputStream for CapturedStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for CapturedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_truncated_and_counted() {
        let stream = CapturedStream::new(5);
        stream.take(b"abc");
        stream.take(b"defg");
        stream.take(b"h");
        assert_eq!(stream.captured(), Captured { text: "abcde".into(), dropped_bytes: 3 });
    }
}
