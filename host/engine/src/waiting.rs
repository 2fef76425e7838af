//! Waiting on a thread that has other work, as those of an async runtime have.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

thread_local! {
    static AROUND: Cell<Option<Around>> = const { Cell::new(None) };
}

/// Runs a wait, which is its argument, so that the other work of the thread goes on elsewhere.
pub type Around = fn(&mut dyn FnMut());

/// How long a thread pauses whose work goes on elsewhere: long enough for another thread to take it.
const PAUSE: Duration = Duration::from_millis(1);

/// Asks on a thread that has other work. Nearly every decision is computed at once; where `ask` has to wait, for the disk or for another
/// caller, it waits within `around`. A policy that computes for longer than a tenth of a second pauses within it, once, so that the work can
/// be taken away for good.
///
/// ```
/// let answer = placet::while_waiting(|wait| wait(), || "what `Placet` answers");
/// ```
///
/// On the threads of tokio `around` is `|wait| tokio::task::block_in_place(wait)`, which costs nothing where nothing waits. What may take
/// long by its nature, such as installing a policy, belongs on a thread of its own.
pub fn while_waiting<T>(around: Around, ask: impl FnOnce() -> T) -> T {
    let _restored = Restored(AROUND.replace(Some(around)));
    ask()
}

/// Waits.
pub(crate) fn wait<T>(wait: impl FnOnce() -> T) -> T {
    let Some(around) = AROUND.get() else { return wait() };
    let (mut wait, mut answer) = (Some(wait), None);
    let mut once = || {
        if let Some(wait) = wait.take() {
            answer = Some(wait());
        }
    };
    around(&mut once);
    // Whatever `around` is.
    once();
    #[expect(clippy::unreachable, reason = "it was waited, here or in `around`")]
    answer.unwrap_or_else(|| unreachable!())
}

/// Tells that this thread will compute for a while.
pub(crate) fn give_way() {
    if AROUND.get().is_some() {
        wait(|| thread::sleep(PAUSE));
    }
}

struct Restored(Option<Around>);

impl Drop for Restored {
    fn drop(&mut self) {
        AROUND.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static WAITS: Cell<u32> = const { Cell::new(0) };
    }

    fn counted(wait: &mut dyn FnMut()) {
        WAITS.set(WAITS.get() + 1);
        wait();
    }

    #[test]
    fn what_waits_does_so_once_within_what_is_around_and_without_it_as_ever() {
        assert_eq!(wait(|| 1), 1);
        assert_eq!((while_waiting(counted, || wait(|| 2)), WAITS.get()), (2, 1));
        while_waiting(counted, give_way);
        assert_eq!((while_waiting(|_| {}, || wait(|| 3)), WAITS.get()), (3, 2));
        give_way();
        assert_eq!((wait(|| 4), WAITS.get()), (4, 2));
    }
}
