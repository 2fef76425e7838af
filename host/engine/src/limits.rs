//! What a policy may cost, each number with its reason. Nothing here can be raised by a policy, a license or a configuration.

use std::time::Duration;

/// How often the clock that interrupts a policy ticks. Ten times a second costs nothing and still ends a loop soon enough.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// What one call of the policy may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Ticks inside the policy; time in the host's counters is not charged.
    pub(crate) ticks: u64,
    /// Calls into each of clock, files and counters.
    pub(crate) host_calls: u32,
}

/// A decision. It takes microseconds; a second leaves room for a machine that is thrashing. It asks the host some ten times, and eight
/// times as often where other callers are quicker again and again; each charge waits for the disk, and the caller with it: 1,000 of
/// them are seconds on a slow one.
pub(crate) const DECISION: Budget = Budget { ticks: 10, host_calls: 1_000 };

/// What is used of every limit, or who holds a seat: a question or two for each limit and account of 256 documents.
pub(crate) const REPORT: Budget = Budget { ticks: 10, host_calls: 10_000 };

/// `load`, `inspect` and `verify`. 256 documents of 1 MiB with an RSA signature each take about two seconds, and are asked for a few times
/// each.
pub(crate) const LOAD: Budget = Budget { ticks: 100, host_calls: 10_000 };

/// Linear memory of one instance, in bytes. The default policy starts below 1 MiB; parsing a license of 1 MiB takes about
/// twenty times its size, and a page of room is left.
pub(crate) const MEMORY: usize = 64 << 20;

/// Entries of an instance's tables. The default policy has a few hundred.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Core instances, memories and tables that one component may be made of: `wasm-component-ld` makes four of each at most.
pub(crate) const PARTS: usize = 16;

/// Stack of a policy's calls, in bytes. A quarter of the 2 MiB that a Rust thread has by default, so that any thread may ask.
pub(crate) const STACK: usize = 512 << 10;

/// Bytes that a policy may hand to the host in one call or answer. A status over 256 documents is far smaller; a verified
/// payload has 1 MiB at most.
pub(crate) const ANSWER: usize = 16 << 20;

/// Bytes of one function. The largest of the default policy has 22 KB. A compiler's time grows with the square: half a second for
/// this, a minute for ten times as much.
pub(crate) const FUNCTION: u64 = 64 << 10;

/// Bytes of all functions. The default policy has 415 KB; the worst that fits takes some seconds to compile.
pub(crate) const CODE: u64 = 2 << 20;

/// Local variables of one function. The default policy needs 66; a loop around many of them costs time and memory by their number.
pub(crate) const LOCALS: u32 = 250;

/// Parameters and results of one function or block. The canonical ABI passes 17 at most; a block of three bytes can pass them all.
pub(crate) const SIGNATURE: usize = 40;
