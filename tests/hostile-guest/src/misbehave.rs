//! What a policy must not do.
#![expect(unsafe_code, clippy::panic, reason = "to leave what safe code can do is what this is for")]

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::bindings::placet::policy::{clock, counters};

/// The next request for memory traps.
pub(crate) static TRAP_AT_ALLOCATION: AtomicBool = AtomicBool::new(false);
/// The release of [`TRAPPING_LENGTH`] bytes traps.
pub(crate) static TRAP_AT_RELEASE: AtomicBool = AtomicBool::new(false);

/// Nothing else here is so long.
pub(crate) const TRAPPING_LENGTH: usize = 1_013;

static COUNT: AtomicU64 = AtomicU64::new(0);
static NUMBER: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run_forever() {
    loop {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

/// Uses the stack of calls alone.
#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack ends it")]
pub(crate) fn call_deeply(depth: u64) -> u64 {
    COUNT.fetch_add(depth, Ordering::Relaxed);
    let deeper = call_deeply(depth + 1);
    COUNT.fetch_add(deeper, Ordering::Relaxed);
    deeper ^ depth
}

/// Uses the stack in linear memory.
#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack ends it")]
pub(crate) fn fill_stack(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    let deeper = fill_stack(depth + 1);
    black_box(frame).iter().fold(deeper, |sum, value| sum ^ value)
}

/// As many pages as there are to be had; answers how many that were.
pub(crate) fn grow_memory() -> usize {
    while core::arch::wasm32::memory_grow::<0>(1) != usize::MAX {}
    core::arch::wasm32::memory_size::<0>()
}

pub(crate) fn allocate_without_end() {
    loop {
        black_box(vec![1_u8; 1 << 20].leak());
    }
}

pub(crate) fn panic() -> ! {
    panic!("a policy that panics")
}

pub(crate) fn read_beyond_memory() -> u8 {
    // SAFETY: none; the sandbox must stop it.
    unsafe { core::ptr::without_provenance::<u8>(black_box(usize::MAX - 16)).read_volatile() }
}

pub(crate) fn divide_by_zero() -> u32 {
    black_box(1_u32) / black_box(0_u32)
}

pub(crate) fn not_utf8() -> String {
    // SAFETY: none; the host must refuse it.
    unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xc0, 0xaf]) }
}

/// Claims to be so long, wherever it ends.
pub(crate) fn text_of(length: usize) -> String {
    // SAFETY: none; the host must refuse it.
    unsafe { String::from_raw_parts(core::ptr::without_provenance_mut(1_024), length, length) }
}

pub(crate) fn alias(text: &mut str) -> String {
    // SAFETY: none; it is never released, for the host must refuse it before.
    unsafe { String::from_raw_parts(text.as_mut_ptr(), text.len(), text.len()) }
}

pub(crate) fn ask_the_clock(times: u32) {
    for _ in 0..times {
        COUNT.fetch_add(clock::now(), Ordering::Relaxed);
    }
}

pub(crate) fn read_a_counter() {
    COUNT.fetch_add(u64::from(counters::read(&["own/counted".to_string()]).is_ok()), Ordering::Relaxed);
}

/// Another one each time.
pub(crate) fn number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// The same megabytes, handed over again and again.
pub(crate) fn recall_large_key(times: u32) {
    let key = ManuallyDrop::new("k".repeat(15 << 20));
    for _ in 0..times {
        COUNT.fetch_add(u64::from(counters::recall(&key).is_ok()), Ordering::Relaxed);
    }
}

pub(crate) fn add_many_entries() {
    let entry = |number: usize| counters::Entry { counter: number.to_string(), amount: 1, ceiling: u64::MAX, slack: 0 };
    let entries: Vec<_> = (0..100_000).map(entry).collect();
    COUNT.fetch_add(u64::from(counters::add(&entries, &[], None).is_ok()), Ordering::Relaxed);
}

pub(crate) fn count_and_trap() {
    let entry = counters::Entry { counter: "own/counted".to_string(), amount: 1, ceiling: u64::MAX, slack: 0 };
    drop(counters::add(&[entry], &[], None));
    core::arch::wasm32::unreachable();
}

pub(crate) fn trap_at_next_allocation() {
    TRAP_AT_ALLOCATION.store(true, Ordering::Relaxed);
}

/// The host reads it, and then asks for its release.
pub(crate) fn text_that_traps_when_released() -> String {
    TRAP_AT_RELEASE.store(true, Ordering::Relaxed);
    "r".repeat(TRAPPING_LENGTH)
}
