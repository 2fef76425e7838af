//! What std would have brought along, with doors that can be made to trap.
#![expect(unsafe_code, reason = "the allocator and the canonical ABI speak in raw pointers")]

use alloc::alloc::{alloc, realloc};
use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::Ordering;

use talc::wasm::WasmDynamicTalc;

use crate::misbehave::{TRAP_AT_ALLOCATION, TRAP_AT_RELEASE, TRAPPING_LENGTH};

struct Allocator(WasmDynamicTalc);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(talc::wasm::new_wasm_dynamic_allocator());

// SAFETY: talc, or a trap.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if TRAP_AT_RELEASE.load(Ordering::Relaxed) && layout.size() == TRAPPING_LENGTH {
            core::arch::wasm32::unreachable();
        }
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(ptr, layout) }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if TRAP_AT_ALLOCATION.load(Ordering::Relaxed) {
        core::arch::wasm32::unreachable();
    }
    if new_len == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let Ok(layout) = Layout::from_size_align(if old_len == 0 { new_len } else { old_len }, align) else {
        core::arch::wasm32::unreachable()
    };
    // SAFETY: the layout is not empty; `old` came from here, as the canonical ABI promises.
    let new = unsafe { if old_len == 0 { alloc(layout) } else { realloc(old, layout, new_len) } };
    if new.is_null() { core::arch::wasm32::unreachable() } else { new }
}
