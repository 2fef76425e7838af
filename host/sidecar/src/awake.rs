//! A future that wakes itself is polled again at once.
//!
//! Reading a body wakes the connection that it belongs to, each time. A runtime with several threads takes that for new work and wakes another
//! thread, which then takes the connection over: for each request, at the cost of several decisions.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// So often in a row; then others are let in.
const AGAIN: u32 = 4;

/// A future, with the waker that it is polled with.
#[derive(Debug)]
pub(crate) struct Awake<F> {
    future: F,
    own: Arc<Own>,
    waker: Waker,
    /// The task's, as the waker has it.
    task: Option<Waker>,
}

#[derive(Debug, Default)]
struct Own {
    /// [`POLLED`] and [`WOKEN`].
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

/// It is polled right now, and whoever wakes it is seen when that is done.
const POLLED: u8 = 1;
/// It was woken since it was polled last.
const WOKEN: u8 = 2;

impl Wake for Own {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Who finds it woken already leaves it to whoever woke it.
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) == 0
            && let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner)
        {
            task.wake_by_ref();
        }
    }
}

impl<F> Awake<F> {
    pub(crate) fn new(future: F) -> Self {
        let own = Arc::new(Own::default());
        Self { future, waker: own.clone().into(), own, task: None }
    }

    pub(crate) fn future(&mut self) -> &mut F {
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Awake<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, own, waker, task } = self.get_mut();
        if task.as_ref().is_none_or(|task| !task.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
            own.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
        }
        for _ in 0..AGAIN {
            // Whatever woke it is seen by this poll.
            own.state.swap(POLLED, Ordering::AcqRel);
            let polled = Pin::new(&mut *future).poll(&mut Context::from_waker(waker));
            if polled.is_ready() || own.state.compare_exchange(POLLED, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return polled;
            }
        }
        // What a waker has written before is seen by the next poll, which reads this.
        own.state.swap(WOKEN, Ordering::AcqRel);
        cx.waker().wake_by_ref();
        Poll::Pending
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

    #[tokio::test]
    async fn no_wake_of_another_thread_is_lost() {
        const WAKES: u32 = 20_000;
        #[derive(Default)]
        struct Between {
            given: AtomicU32,
            taken: AtomicU32,
            waker: Mutex<Option<Waker>>,
        }
        let between = Arc::new(Between::default());
        let giver = std::thread::spawn({
            let between = between.clone();
            move || {
                for number in 1..=WAKES {
                    // Mostly while what it took before is still being polled.
                    while between.taken.load(Ordering::SeqCst) < number - 1 {
                        std::thread::yield_now();
                    }
                    between.given.store(number, Ordering::SeqCst);
                    between.waker.lock().unwrap().iter().for_each(Waker::wake_by_ref);
                }
            }
        });
        let all = Awake::new(poll_fn(move |cx| {
            *between.waker.lock().unwrap() = Some(cx.waker().clone());
            let given = between.given.load(Ordering::SeqCst);
            between.taken.store(given, Ordering::SeqCst);
            if given == WAKES { Poll::Ready(()) } else { Poll::Pending }
        }));
        tokio::time::timeout(std::time::Duration::from_secs(30), all).await.unwrap();
        giver.join().unwrap();
    }
}
