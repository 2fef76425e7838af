//! A policy that passes its self-test, is adopted, and then misbehaves: in `check` by the name of the feature, in `load` and
//! `verify` by the setting `misbehave` of its manifest.
#![cfg_attr(target_family = "wasm", no_std)]
#![cfg(target_family = "wasm")]

extern crate alloc;

mod bindings;
mod enforcement;
mod licensing;
mod misbehave;
mod runtime;

/// The component's exports.
struct Component;
