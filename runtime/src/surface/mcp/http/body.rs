//! An answer's body, with the place that its request takes: an answer that is still being sent counts, and a
//! stream ends when its token is good no more.

use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A body that holds a place.
pub(super) struct Held {
    body: BoxBody<Bytes, Infallible>,
    revoked: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

impl Held {
    pub(super) fn new(
        body: BoxBody<Bytes, Infallible>,
        place: OwnedSemaphorePermit,
        revoked: CancellationToken,
    ) -> Self {
        Self { body, revoked: Box::pin(revoked.cancelled_owned()), _place: place }
    }

    pub(super) fn boxed(self) -> BoxBody<Bytes, Infallible> {
        BodyExt::boxed(self)
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.revoked.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
