//! The body of a request, as long as it is owed: who sends it slowly is known for that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::places::Guest;

/// Bytes of a body that may be left unread.
const LITTLE: u64 = 4_096;

/// A body, and who sends it.
#[derive(Debug)]
pub(crate) struct Owed {
    body: Incoming,
    guest: Arc<Guest>,
    /// Was it seen that a piece is missing?
    is_owed: bool,
    /// Was it read to its end?
    is_whole: bool,
}

impl Owed {
    pub(crate) fn new(body: Incoming, guest: Arc<Guest>) -> Self {
        Self { body, guest, is_owed: false, is_whole: false }
    }
}

impl Body for Owed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Pending if !this.is_owed => {
                this.is_owed = true;
                this.guest.owes();
            }
            Poll::Pending => {}
            Poll::Ready(Some(Ok(_))) if !this.body.is_end_stream() => this.is_owed = false,
            Poll::Ready(last) => {
                this.is_whole = !matches!(last, Some(Err(_)));
                this.guest.owes_nothing();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        // So little mostly came with the head, and is passed over.
        let is_little = self.size_hint().upper().is_some_and(|left| left <= LITTLE);
        self.guest.is_let_go(self.is_whole || is_little);
    }
}
