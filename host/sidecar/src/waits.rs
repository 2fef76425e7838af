//! Whether an answer will have to be waited for, told by the last one about the same subject.

use std::cell::Cell;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};

use placet::while_waiting;
use tokio::task::block_in_place;

/// Of the subjects that fall on each place, the one that was asked about last. A wrong guess costs a change of threads, and no more.
static WAITED: [AtomicBool; 256] = [const { AtomicBool::new(false) }; 256];

thread_local! {
    /// Did the question wait that this thread has?
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// What is known of a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits(&'static AtomicBool);

impl Waits {
    pub(crate) fn of(subject: &str) -> Self {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(subject);
        #[expect(clippy::indexing_slicing, reason = "the remainder by the length")]
        Self(&WAITED[hash as usize % WAITED.len()])
    }

    /// Did the last one wait?
    pub(crate) fn expected(self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Asks, and notes whether that waited. The other work of an async thread goes on elsewhere meanwhile.
    pub(crate) fn noted<T>(self, ask: impl FnOnce() -> T) -> T {
        WAITING.set(false);
        let answer = while_waiting(
            |wait| {
                WAITING.set(true);
                block_in_place(wait);
            },
            ask,
        );
        self.0.store(WAITING.get(), Ordering::Relaxed);
        answer
    }
}
