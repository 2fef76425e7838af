//! The default Placet policy: the only code that knows both the interface in `wit/` and the rules.
//!
//! `no_std`, so that the component imports the three interfaces of our own package and nothing of WASI. On any target but wasm
//! this crate is empty; what proves it goes through the component.
#![cfg_attr(target_family = "wasm", no_std)]
#![cfg(target_family = "wasm")]

extern crate alloc;

mod bindings;
mod enforcement;
mod host;
mod licensing;
mod loaded;
mod runtime;
mod verification;

/// The component's exports.
struct Component;
