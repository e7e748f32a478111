//! The place that a request takes, held by all that goes on for it: its call, which a client that hangs up in
//! a session does not end, and its answer while that is being sent. A stream ends when its token is good no more.

use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A place of a principal, given back when the last that holds it is dropped. One goes with the request into its
/// handler, which holds all that came with the request until it has ended; the body alone would give the
/// place back as soon as nobody listens.
#[derive(Clone)]
pub(super) struct Place {
    _one: Arc<OwnedSemaphorePermit>,
}

impl Place {
    pub(super) fn of(one: OwnedSemaphorePermit) -> Self {
        Self { _one: Arc::new(one) }
    }
}

/// A body that holds a place.
pub(super) struct Held {
    body: BoxBody<Bytes, Infallible>,
    revoked: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl Held {
    pub(super) fn new(
        body: BoxBody<Bytes, Infallible>,
        place: Place,
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
