//! What std would have brought along: an allocator, an end for panics, and the door through which the host passes lists.
#![expect(unsafe_code, reason = "the allocator and the canonical ABI speak in raw pointers")]

use alloc::alloc::{alloc, realloc};
use core::alloc::Layout;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A panic is a trap, and the host replaces the instance.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// `realloc` of the canonical ABI: where the host puts the strings and lists that it passes. wit-bindgen exports it with std alone.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if new_len == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let Ok(layout) = Layout::from_size_align(if old_len == 0 { new_len } else { old_len }, align) else {
        core::arch::wasm32::unreachable()
    };
    // SAFETY: the layout is not empty; `old` came from here with `old_len` and `align`, as the canonical ABI promises.
    let new = unsafe { if old_len == 0 { alloc(layout) } else { realloc(old, layout, new_len) } };
    if new.is_null() { core::arch::wasm32::unreachable() } else { new }
}
