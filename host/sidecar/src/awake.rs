//! A future that wakes itself is polled again at once.
//!
//! Reading a body wakes the connection that it belongs to, each time. A runtime with several threads takes that for new work and wakes another
//! thread, which then takes the connection over: for each request, at the cost of several decisions.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;

/// So often in a row; then others are let in.
const AGAIN: u32 = 4;

/// A future, with the waker that it is polled with.
#[derive(Debug)]
pub(crate) struct Awake<F> {
    future: F,
    own: Arc<Own>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Own {
    is_polled: AtomicBool,
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Own {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        if !self.is_polled.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

impl<F> Awake<F> {
    pub(crate) fn new(future: F) -> Self {
        let own = Arc::new(Own::default());
        Self { future, waker: own.clone().into(), own }
    }

    pub(crate) fn future(&mut self) -> &mut F {
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Awake<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, own, waker } = self.get_mut();
        own.task.register(cx.waker());
        own.is_polled.store(true, Ordering::SeqCst);
        let mut polled = Poll::Pending;
        for _ in 0..AGAIN {
            // Whatever woke it is seen by this poll.
            own.is_woken.swap(false, Ordering::SeqCst);
            polled = Pin::new(&mut *future).poll(&mut Context::from_waker(waker));
            if polled.is_ready() || !own.is_woken.load(Ordering::SeqCst) {
                break;
            }
        }
        own.is_polled.store(false, Ordering::SeqCst);
        // Also by another thread, right before that.
        if polled.is_pending() && own.is_woken.load(Ordering::SeqCst) {
            own.task.wake();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU32);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_wakes_itself_is_polled_again_and_the_task_is_woken_by_others_or_when_it_never_ends() {
        let task = Arc::new(Counted::default());
        let waker = Waker::from(task.clone());
        let (mut polls, mut kept) = (0, None);
        let mut once = Awake::new(poll_fn(|cx| {
            polls += 1;
            kept = Some(cx.waker().clone());
            if polls == 1 {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        }));
        assert!(Pin::new(&mut once).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(once);
        assert_eq!((polls, task.0.load(Ordering::Relaxed)), (2, 0));
        kept.unwrap().wake();
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        let mut always = Awake::new(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        assert!(Pin::new(&mut always).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.0.load(Ordering::Relaxed), 2);
    }
}
